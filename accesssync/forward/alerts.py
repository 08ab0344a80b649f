"""The stream of alerts: what became of findings, and the changes that matter.

Only what the organization itself did is told. A baseline, and what shows because more can be seen or because rules or
a policy changed, alerts nobody.
"""

from collections.abc import Mapping
from datetime import datetime
from shlex import quote
from typing import Any, Literal

from msgspec import Struct

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.severity import Severity
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.links import page_of
from accesssync.forward.people import Person, called, told, usr
from accesssync.forward.telling import About, moment_text, told_body
from accesssync.model.change import Cause, Change

Event = Literal["opened", "reopened", "resolved"]


class FindingNews(Struct, frozen=True, kw_only=True):
    """What became of one finding. `person` is who it is about, or who owns the key that it is about.

    `times` counts how often it opened again. `type` is that of a credential.
    """

    event: Event
    cause: Cause
    at: datetime
    run_id: int
    id: str
    check: str
    severity: Severity
    kind: str
    subject_id: str
    subject: str
    evidence: Mapping[str, Any]
    times: int = 0
    type: str | None = None
    person: Person | None = None
    why: str | None = None


class Weights(Struct, frozen=True):
    """What makes a role or a permission weigh much in this organization: by role, the control-plane permissions that
    it carries; by permission, its tier, for those that make a holder privileged."""

    admin_roles: Mapping[str, tuple[str, ...]]
    privileged: Mapping[str, str]


class Involved(Struct, frozen=True):
    """Who a change is about: the identity, or the owner of a key; and whether they hold an admin role.

    `type` is that of the key.
    """

    person: Person | None = None
    admin: bool = False
    type: str | None = None


def of_finding(news: FindingNews, about: About) -> Entry | None:
    """The alert about a finding; None where nobody is to be alerted."""
    if news.cause is not Cause.ORG:
        return None
    check = BY_ID.get(news.check)
    title = check.title if check else news.check
    subject = called(news.kind, news.subject_id, news.subject, about.personal)
    severity: Severity = news.severity if news.event != "resolved" else "info"
    finding = {
        "id": news.id,
        "check": news.check,
        "title": title,
        "severity": news.severity,
        "subject_kind": news.kind,
        "subject_id": news.subject_id,
        "subject": subject,
        "evidence": told(news.evidence, about.personal),
        "reopened": news.times,
        "why": news.why,
        "remedy": check.remedy.text if check else None,
    }
    body = told_body(
        f"{news.id} {news.event}: {title}: {subject}",
        severity,
        f"finding.{news.event}",
        "finding",
        "resolved" if news.event == "resolved" else "open",
        **usr(news.person, about.personal),
        finding={name: value for name, value in finding.items() if value is not None},
        run=f"run-{news.run_id}",
        link=page_of(about.site, news.type or news.kind, news.subject_id),
        command=f"accesssync findings show {news.id} --org {about.org}",
    )
    return Entry(
        stream=Stream.ALERTS,
        org=about.org,
        dedup_id=f"{news.id}.{news.event}.{news.times}",
        observed_at=news.at,
        body=body,
        severity=severity,
    )


class _News(Struct, frozen=True):
    """What a change amounts to."""

    name: str
    severity: Severity
    text: str
    kind: str
    more: Mapping[str, Any] = {}


def of_change(change: Change, weights: Weights, involved: Involved, about: About) -> Entry | None:
    """The alert about a change; None where it matters to nobody, or is not the organization's doing."""
    if change.cause is not Cause.ORG or change.baseline:
        return None
    news = _judged(change, weights, involved)
    if news is None:
        return None
    subject = called(news.kind, change.subject_id, change.subject, about.personal)
    observed = {
        "id": change.id,
        "kind": change.kind,
        "cause": change.cause.value,
        "subject_id": change.subject_id,
        "subject": subject,
        "observed_after": moment_text(change.observed_after) if change.observed_after else None,
        "observed_before": moment_text(change.observed_before),
        "fields": told({name: list(pair) for name, pair in change.fields.items()}, about.personal),
        "actor": change.actor if "actor" in about.personal else None,
        "explanation": change.explanation if "text" in about.personal else None,
        "explained": change.explanation is not None,
    }
    page = involved.type or _field(change, "type") if news.kind == "credential" else news.kind
    body = told_body(
        f"{subject} {news.text}",
        news.severity,
        news.name,
        "change",
        "success",
        **usr(involved.person, about.personal),
        change={name: value for name, value in observed.items() if value is not None},
        **news.more,
        run=f"run-{change.run_id}",
        link=page_of(about.site, str(page or news.kind), change.subject_id),
        command=f"{_command(change, news.kind)} --org {about.org}",
    )
    return Entry(
        stream=Stream.ALERTS,
        org=about.org,
        dedup_id=change.id,
        observed_at=change.observed_before,
        body=body,
        severity=news.severity,
    )


def may_matter(change: Change) -> bool:
    """Whether a change could make an alert, told without knowing anything else: a quick look at each of many."""
    return change.cause is Cause.ORG and not change.baseline and change.kind in _JUDGES


def _judged(change: Change, weights: Weights, involved: Involved) -> _News | None:
    judge = _JUDGES.get(change.kind)
    return judge(change, weights, involved) if judge else None


def _granted(change: Change, weights: Weights, _involved: Involved) -> _News | None:
    carried = weights.admin_roles.get(str(_field(change, "role_id")))
    if not carried:
        return None
    role = _field(change, "role")
    more = {"role": {"id": _field(change, "role_id"), "name": role, "gives": list(carried)}}
    return _News("admin.granted", "critical", f"was given {role}, which carries {', '.join(carried)}", "identity", more)


def _widened(change: Change, weights: Weights, _involved: Involved) -> _News | None:
    tier = weights.privileged.get(str(_field(change, "permission_id")))
    if tier is None:
        return None
    severity: Severity = "critical" if tier == "T0" else "high"
    permission = _field(change, "permission")
    more = {"permission": {"id": _field(change, "permission_id"), "name": permission, "tier": tier}}
    return _News("role.privileged", severity, f"now carries {permission}", "role", more)


_SCOPABLE = frozenset({"application_key", "personal_access_token", "service_access_token"})


def _unscoped(change: Change, _weights: Weights, involved: Involved) -> _News | None:
    """A key without scopes does whatever its owner may; one whose scopes Datadog did not say is not told of."""
    fields = change.fields
    if change.kind == "credential.added":
        plain = "scopes" not in fields and _field(change, "scopes_known") is True
        if not plain or _field(change, "type") not in _SCOPABLE:
            return None
        text = "was made without scopes"
    elif "scopes" in fields and fields["scopes"][1] is None and "scopes_known" not in fields:
        text = "lost its scopes"
    else:
        return None
    owner = {"owner": {"id": involved.person.id if involved.person else None, "admin": involved.admin}}
    whose = " and acts for an admin" if involved.admin else ""
    return _News("key.unscoped", "critical" if involved.admin else "high", text + whose, "credential", owner)


def _switched(change: Change, _weights: Weights, _involved: Involved) -> _News | None:
    after = change.fields.get("disabled", (None, None))[1]
    if after is False and change.fields["disabled"][0] is True:
        return _News("identity.enabled", "high", "was disabled and may log in again", "identity")
    if after is True:
        return _News("identity.disabled", "low", "was disabled", "identity")
    return None


def _gone(_change: Change, _weights: Weights, _involved: Involved) -> _News:
    return _News("identity.removed", "medium", "is not in the organization any more", "identity")


_JUDGES = {
    "grant.added": _granted,
    "role_permission.added": _widened,
    "credential.added": _unscoped,
    "credential.updated": _unscoped,
    "identity.updated": _switched,
    "identity.removed": _gone,
}


class Verdict(Struct, frozen=True, kw_only=True):
    """An identity that a run takes for something else than before, because of what the organization did.

    `before` None: it is new.
    """

    person: Person
    before: str | None
    now: Literal["nhi", "review"]
    kind: str | None
    basis: str
    score: int
    run_id: int
    at: datetime
    subject: str


def of_verdict(one: Verdict, about: About) -> Entry:
    """The alert about an identity that is found not to be a person, or of which somebody has to say what it is."""
    found = one.now == "nhi"
    subject = called("identity", one.person.id, one.subject, about.personal)
    severity: Severity = "low" if found else "info"
    how = f"{one.basis}, {one.kind}" if one.kind else one.basis
    text = f"is not a person ({how})" if found else "may or may not be a person: somebody has to decide"
    body = told_body(
        f"{subject} {text}",
        severity,
        "nhi.discovered" if found else "nhi.to_decide",
        "classification",
        "success",
        **usr(one.person, about.personal),
        classification={
            "label": one.now,
            "before": one.before or "none",
            "kind": one.kind or "none",
            "basis": one.basis,
            "score": one.score,
        },
        run=f"run-{one.run_id}",
        link=page_of(about.site, "identity", one.person.id),
        command=f"accesssync nhi show {one.person.id} --org {about.org}",
    )
    return Entry(
        stream=Stream.ALERTS,
        org=about.org,
        dedup_id=f"{one.person.id}.{one.now}.run-{one.run_id}",
        observed_at=one.at,
        body=body,
        severity=severity,
    )


def _command(change: Change, kind: str) -> str:
    """What shows more about a change."""
    if kind == "identity":
        return f"accesssync timeline {quote(change.subject_id)}"
    if kind == "credential":
        return f"accesssync credential show {quote(change.subject_id)}"
    return f"accesssync who-can {quote(str(_field(change, 'permission')))}"


def _field(change: Change, name: str) -> Any:
    """What a field is after the change."""
    return change.fields.get(name, (None, None))[1]
