"""What to fix first, with the command of ours and the place in Datadog for each."""

from collections.abc import Mapping, Set
from urllib.parse import quote

from msgspec import Struct

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.check import command_of
from accesssync.findings.separation import controls
from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell
from accesssync.reports.figures.findings import OPEN, Instance, Kind
from accesssync.reports.page.places import address
from accesssync.reports.page.told import clean, pairs

_PAIRS = 4
_KNOWN = frozenset({"own_domains", "own_domains_inferred", "status", "basis", "last_used_state"})
"""Evidence that the panel and the table have, and that tells nobody what to do."""


class Step(Struct, frozen=True, kw_only=True):
    """One finding: who, why, and the command."""

    subject: str
    link: str | None
    """The id of an identity that has a panel, for an address."""
    finding_id: str
    owner: str | None
    age_days: int | None
    evidence: tuple[tuple[str, str], ...]
    command: str
    address: str | None
    """Its own page in Datadog, where it has one."""


class Remedy(Struct, frozen=True, kw_only=True):
    """What to do about findings of one kind."""

    check: str
    title: str
    severity: str
    count: int
    remediation: str
    controls: str
    place: str | None
    address: str | None
    instances: tuple[Step, ...]


def remedies(kinds: tuple[Kind, ...], site: str, known: Set[Cell]) -> tuple[Remedy, ...]:
    """Findings to fix first as they are shown. `known` are the ids of identities that have a panel."""
    return tuple(_remedy(one, site, known) for one in kinds)


def _remedy(kind: Kind, site: str, known: Set[Cell]) -> Remedy:
    check = BY_ID.get(kind.check)
    place = check.remedy.place if check else ""
    where = address(site, place)
    return Remedy(
        check=kind.check,
        title=kind.title,
        severity=kind.severity,
        count=kind.count,
        remediation=_sentence(kind.remediation or (check.remedy.text if check else "")),
        controls=", ".join(check.controls) if check else "",
        place=place if where else None,
        address=where,
        instances=tuple(_step(one, kind.check, site, place, where, known) for one in kind.instances),
    )


def _step(one: Instance, check_id: str, site: str, place: str, where: str | None, known: Set[Cell]) -> Step:
    check = BY_ID.get(check_id)
    own = address(site, place, one.subject_kind, one.subject_id)
    command = command_of(check, one.subject_id, one.subject, one.evidence) if check else ""
    return Step(
        subject=one.subject,
        link=quote(clean(one.subject_id), safe="") if one.subject_id in known else None,
        finding_id=one.finding_id,
        owner=one.owner,
        age_days=one.age_days,
        evidence=tuple(pairs({name: value for name, value in one.evidence.items() if name not in _KNOWN})[:_PAIRS]),
        command=clean(command) if len(command) <= 300 else "",
        address=own if own != where else None,
    )


def _sentence(words: str) -> str:
    words = clean(words, 600)
    return words[:1].upper() + words[1:] + ("" if words.endswith(".") or not words else ".")


class Evidence(Struct, frozen=True):
    """A group of controls with the findings that are open about it."""

    name: str
    title: str
    open: int
    ids: tuple[str, ...]


def by_control(findings: Table | None) -> tuple[Evidence, ...]:
    """Open findings by group of controls. One finding may be evidence for several."""
    known = controls()
    counts: dict[str, int] = dict.fromkeys(known.groups, 0)
    if findings is not None:
        for check_id, status in findings.rows("check_id", "status"):
            check = BY_ID.get(str(check_id)) if status in OPEN else None
            for group in check.controls if check else ():
                counts[group] += 1
    return tuple(
        Evidence(name, group.title, counts[name], _ids(group.references(known.frameworks), known.frameworks))
        for name, group in known.groups.items()
    )


def _ids(references: list[tuple[str, tuple[str, ...]]], frameworks: Mapping[str, str]) -> tuple[str, ...]:
    found = dict(references)
    return tuple(", ".join(found.get(title, ())) for title in frameworks.values())
