"""A week in one message: what changed, what to fix first, who and what came and went, and what could not be seen."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from accesssync.findings.severity import SEVERITIES, Severity
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.people import Personal, called
from accesssync.forward.telling import About, moment_text, told_body
from accesssync.model.visible import visible

NAMED = 10
"""Of those that came or went, and of the findings to fix first, so many are named."""

_NOUNS = {
    "identity": ("identity", "identities"),
    "credential": ("key or token", "keys and tokens"),
    "grant": ("role of somebody", "roles of people"),
    "role": ("role", "roles"),
    "role_permission": ("permission of a role", "permissions of roles"),
    "team": ("team", "teams"),
    "membership": ("team membership", "team memberships"),
    "mapping": ("SAML mapping", "SAML mappings"),
    "permission": ("permission", "permissions"),
}
_MARKUP = re.compile(r"([\\`*_{}\[\]()#+\-.!|~])")


class Named(Struct, frozen=True):
    """An identity or credential by its id, and what people call it."""

    kind: str
    id: str
    name: str


class Some(Struct, frozen=True):
    """The first of many."""

    first: tuple[Named, ...] = ()
    total: int = 0


class Pressing(Struct, frozen=True, kw_only=True):
    """An open finding to look at."""

    id: str
    check: str
    title: str
    severity: Severity
    kind: str
    subject_id: str
    subject: str
    opened_at: datetime


class Gap(Struct, frozen=True):
    """A resource that the last look did not prove, and why."""

    resource: str
    state: str
    reason: str | None


class Digest(Struct, frozen=True, kw_only=True):
    """What became of one organization in some time.

    `changes` counts those that the organization made itself, by kind, and `opened` the findings that opened by its own
    doing; like `open`, those that are open now, by severity.
    `proven_at` is when the last run ended that proved everything.
    """

    org: str
    since: datetime
    until: datetime
    runs: int
    proven_at: datetime | None
    changes: Mapping[str, int]
    came: Some
    went: Some
    opened: Mapping[str, int]
    resolved: int
    open: Mapping[str, int]
    first: tuple[Pressing, ...]
    gaps: tuple[Gap, ...]
    to_decide: int


def summary(one: Digest) -> str:
    """The whole in one line."""
    opened, waiting = sum(one.opened.values()), sum(one.open.values())
    worst = next((f" ({one.open[name]:,} {name})" for name in SEVERITIES if one.open.get(name)), "")
    return (
        f"{one.org}, {one.since:%Y-%m-%d} to {one.until:%Y-%m-%d}: {_many(sum(one.changes.values()), 'change')}, "
        f"{_many(opened, 'finding')} opened, {one.resolved:,} resolved, {waiting:,} open{worst}"
    )


def lines(one: Digest, personal: Personal) -> list[str]:
    """The digest as plain lines, strangers' text made visible. Empty ones stand between its parts."""
    found = [summary(one)]
    for title, told in parts(one, personal):
        found += ["", title, *(f"  {line}" for line in told)]
    return found


def markdown(one: Digest, personal: Personal) -> str:
    """The same in Markdown; nothing that strangers wrote is markup in it."""
    found = [f"# {plain(summary(one))}"]
    for title, told in parts(one, personal):
        found += ["", f"## {plain(title)}", "", *(f"- {plain(line)}" for line in told)]
    return "\n".join(found) + "\n"


def plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return _MARKUP.sub(r"\\\1", text).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def parts(one: Digest, personal: Personal) -> list[tuple[str, list[str]]]:
    """The parts of a digest that have something to say, each with a title and its lines."""
    every = [
        ("To fix first", [_pressing(each, one.until, personal) for each in one.first]),
        ("What changed", _changed(one.changes)),
        ("Who and what came", _some(one.came, personal)),
        ("Who and what went", _some(one.went, personal)),
        ("What could not be seen", _gaps(one)),
    ]
    return [(title, told) for title, told in every if told]


def _pressing(one: Pressing, now: datetime, personal: Personal) -> str:
    subject = visible(called(one.kind, one.subject_id, one.subject, personal))
    days = (now - one.opened_at).days
    since = f"open for {_many(days, 'day')}" if days > 0 else "opened today"
    return f"{one.id} {one.severity}: {one.title}: {subject} ({since})"


def _changed(counts: Mapping[str, int]) -> list[str]:
    nouns: dict[str, dict[str, int]] = {}
    for kind, count in counts.items():
        noun, _, verb = kind.rpartition(".")
        nouns.setdefault(noun, {})[verb] = count
    return [
        f"{_NOUNS.get(noun, (noun, noun))[1]}: "
        + ", ".join(f"{count:,} {verb}" for verb, count in sorted(verbs.items()))
        for noun, verbs in sorted(nouns.items())
    ]


def _some(some: Some, personal: Personal) -> list[str]:
    shown = [f"{visible(called(one.kind, one.id, one.name, personal))} ({one.kind})" for one in some.first]
    return [*shown, f"and {some.total - len(shown):,} more"] if some.total > len(shown) else shown


def _gaps(one: Digest) -> list[str]:
    found = [f"{gap.resource}: {gap.state}" + (f", {visible(gap.reason)}" if gap.reason else "") for gap in one.gaps]
    if not one.runs:
        found.append("no run was published in this time")
    if one.proven_at is None:
        found.append("no run has proven everything yet")
    elif one.proven_at < one.since:
        found.append(f"no run has proven everything since {one.proven_at:%Y-%m-%d %H:%M} UTC")
    if one.to_decide:
        found.append(f"{_many(one.to_decide, 'identity', 'identities')} of which somebody has to say what they are")
    return found


def _many(count: int, one: str, many: str | None = None) -> str:
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def document(one: Digest, personal: Personal) -> dict[str, Any]:
    """The digest as data."""
    return {
        "org": one.org,
        "since": moment_text(one.since),
        "until": moment_text(one.until),
        "runs": one.runs,
        "proven_at": moment_text(one.proven_at) if one.proven_at else None,
        "changes": dict(sorted(one.changes.items())),
        "came": _named(one.came, personal),
        "went": _named(one.went, personal),
        "findings": {"opened": dict(one.opened), "resolved": one.resolved, "open": dict(one.open)},
        "fix_first": [
            {
                "id": each.id,
                "check": each.check,
                "title": each.title,
                "severity": each.severity,
                "subject_id": each.subject_id,
                "subject": called(each.kind, each.subject_id, each.subject, personal),
                "opened_at": moment_text(each.opened_at),
                "command": f"accesssync findings show {each.id} --org {one.org}",
            }
            for each in one.first
        ],
        "gaps": [{"resource": gap.resource, "state": gap.state, "reason": gap.reason} for gap in one.gaps],
        "to_decide": one.to_decide,
    }


def _named(some: Some, personal: Personal) -> dict[str, Any]:
    told: Sequence[Named] = some.first
    named = [{"kind": one.kind, "id": one.id, "name": called(one.kind, one.id, one.name, personal)} for one in told]
    return {"total": some.total, "first": named}


def entry_of(one: Digest, about: About) -> Entry:
    """The digest as one entry of the alerts, which goes wherever they go. One a day is told once."""
    body = told_body(
        summary(one),
        "info",
        "digest",
        "digest",
        "success",
        lines=lines(one, about.personal),
        digest=document(one, about.personal),
        command=f"accesssync forward digest --org {one.org}",
    )
    return Entry(
        stream=Stream.ALERTS,
        org=one.org,
        dedup_id=f"digest.{one.since:%Y-%m-%d}.{one.until:%Y-%m-%d}",
        observed_at=one.until,
        body=body,
    )
