"""Checks that hold what was seen against Datadog's own account of who did what."""

from collections.abc import Iterator

from accesssync.findings.check import Check, Given, Hit, Remedy, SubjectKind, UncoveredError, days
from accesssync.findings.checks.identities import window
from accesssync.findings.checks.privilege import POWER
from accesssync.findings.picture import MANAGED, Picture, moment_text
from accesssync.findings.severity import Severity
from accesssync.model.change import Change
from accesssync.trail.account import Account, Unseen

_PLACE = "Security > Audit Trail"
_TOLD_OF = frozenset({"role", "user"})
"""Where Datadog has told of one of these, it records what happens to roles."""


def _unaccounted(picture: Picture, given: Given) -> Iterator[Hit]:
    account = _account(picture)
    if account.kinds.isdisjoint(_TOLD_OF):
        raise UncoveredError("Datadog's Audit Trail has told of no change of a role or user yet: perhaps it keeps none")
    for kind in ("grant.added", "role_permission.added"):
        for change in picture.changed(kind, given["days"]):
            if change.actor is not None or change.id in account.joined or not account.covers(change):
                continue
            found = _grant(picture, change) if kind == "grant.added" else _widening(picture, change)
            if found is not None:
                yield found


def _grant(picture: Picture, change: Change) -> Hit | None:
    role_id = (change.fields.get("role_id") or (None, None))[1]
    if not isinstance(role_id, str) or any(one.role_id == role_id for one in picture.mappings):
        # A mapping gives its role at a login, by nobody's hand.
        return None
    carried = picture.access.carried(role_id) & picture.access.privileged
    one = picture.access.identities.get(change.subject_id)
    if not carried or one is None:
        return None
    role = picture.access.roles.get(role_id)
    evidence = {
        "change": change.id,
        "role": role.subject if role else role_id,
        "may": picture.names(carried, 8),
        **window(change),
    }
    return Hit("identity", one.id, one.subject, "high", evidence, change.id)


def _widening(picture: Picture, change: Change) -> Hit | None:
    role = picture.access.roles.get(change.subject_id)
    # Datadog keeps up its own roles itself.
    if role is None or role.name in MANAGED:
        return None
    name = picture.access.name(str((change.fields.get("permission_id") or (None, None))[1]))
    if not picture.access.pack((name,)) & picture.access.privileged:
        return None
    evidence = {"change": change.id, "permission": name, **window(change)}
    return Hit("role", role.id, role.subject, "high", evidence, change.id)


def _unseen(picture: Picture, given: Given) -> Iterator[Hit]:
    account = _account(picture)
    limit = picture.ago(given["days"])
    for one in account.unseen:
        if one.at >= limit:
            yield _came_and_went(picture, one)


def _came_and_went(picture: Picture, one: Unseen) -> Hit:
    evidence = {"event": one.id, "at": moment_text(one.at), "action": one.action, "actor": one.actor}
    if one.role_id is None:
        sort = (one.asset_type or "record").replace("_", " ")
        kind: SubjectKind = "identity" if sort in {"user", "service account"} else "credential"
        return Hit(kind, one.subject_id, one.subject, "medium", {**evidence, "what": sort}, one.id)
    role = picture.access.roles.get(one.role_id)
    carried = picture.access.carried(one.role_id) & picture.access.privileged
    severity: Severity = "high" if carried else "medium"
    named = {"role": role.subject if role else one.role_id, "may": picture.names(carried, 8)}
    return Hit("identity", one.subject_id, one.subject, severity, {**evidence, **named}, one.id)


def _account(picture: Picture) -> Account:
    account = picture.account
    if account is None:
        raise UncoveredError("the Audit Trail is not read")
    blind = account.blind()
    if blind is not None:
        raise UncoveredError(blind)
    return account


TRAIL = (
    Check(
        id="AS-TRAIL-01",
        title="Privileged change that the Audit Trail does not tell of",
        severity="high",
        when="always",
        logic=(
            "in the last `days` a role with a permission of T0 or T1 was given to somebody, or such a permission to a "
            "role, by nobody that accesssync knows, and Datadog's Audit Trail, read for the whole of the change's "
            "window and an hour beyond, has no event that accounts for it"
        ),
        needs=POWER,
        parameters=(days("days", 30, "how far back changes are looked at"),),
        remedy=Remedy(
            "ask who made it; look whether the Audit Trail keeps events of access management, and for how long",
            "accesssync changes --subject {subject}",
            _PLACE,
        ),
        controls=("G-LOG", "G-PRIV"),
        caveats=(
            "needs audit_logs_read and a Datadog plan with Audit Trail, else it is not evaluated",
            "roles that a SAML mapping gives, and what Datadog changes in its own roles, are left out",
            "an explanation closes it: accesssync changes explain",
        ),
        same="the change",
        find=_unaccounted,
    ),
    Check(
        id="AS-TRAIL-02",
        title="Access that came and went between two runs",
        severity="medium",
        when="high where the role carries a permission of T0 or T1",
        logic=(
            "in the last `days` Datadog's Audit Trail tells of a user, key or token that was made, or of somebody who "
            "was put into a role, of which no run has seen anything, though a proven look began after it"
        ),
        needs=(),
        parameters=(days("days", 30, "how far back events are looked at"),),
        remedy=Remedy(
            "ask its actor what it was for; run more often if such things happen",
            "accesssync changes --subject {subject}",
            _PLACE,
        ),
        controls=("G-LOG", "G-JOINER"),
        caveats=(
            "needs audit_logs_read and a Datadog plan with Audit Trail, else it is not evaluated",
            "who is put into a role is known only where the event says so",
        ),
        same="the event",
        find=_unseen,
    ),
)
