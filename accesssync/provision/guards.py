"""The guards: what a plan may take away before somebody has to say that it is meant.

A share alone has a hole: a fifth of five people is one, and of five hundred a hundred. So there is a share, an absolute
number, and a rule of its own for small organizations; and all of it counts what was done in the last 24 hours,
because what a day's worth of small plans takes away is gone as well.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.provision.desired import fold
from accesssync.provision.organization import Organization, is_disabled, with_roles
from accesssync.provision.plan import Action, Gauge, Refusal

BUDGET = timedelta(hours=24)
SMALL = 10
"""Below so many enabled user records a plan may take one thing away, and no share is computed."""
SHOWN = 10


class Limits(Struct, frozen=True, kw_only=True):
    """What the operator allows. `removal_share` is in percent of the enabled user records.

    `required_admins` and `protected` are addresses, names of service accounts or ids.
    """

    removal_share: int = 20
    removals: int = 25
    privileged: int = 5
    min_admins: int = 2
    required_admins: frozenset[str] = frozenset()
    protected: frozenset[str] = frozenset()


class Spent(Struct, frozen=True, kw_only=True):
    """What was done, or may have been, in the last 24 hours."""

    removals: int = 0
    privileged: int = 0


def guard(
    actions: Sequence[Action],
    org: Organization,
    limits: Limits,
    spent: Spent,
    ours: Mapping[str, str],
    *,
    caller_known: bool,
) -> tuple[list[Refusal], list[Gauge]]:
    """What the guards say to a whole plan, and how close it comes to each.

    `ours` are the ids of the users behind our own keys, with what they are. `caller_known` is False where there is a
    provisioning key and it could not be learned whose it is.
    """
    after = outcome(actions, org)
    refusals = [*_unproven(actions, org), *_ours(actions, ours), *_protected(actions, limits)]
    if not caller_known and any(one.removal and one.privileged for one in actions):
        message = "it is not known whose the provisioning key is, so nothing is taken from the privileged"
        refusals.append(Refusal(rule="unknown_caller", message=message, guard=True))
    gauges = []
    for rule, check in _BUDGETS.items():
        gauge, refusal = check(actions, org, limits, spent)
        gauges.append(replace(gauge, rule=rule))
        refusals += refusal
    gauge, refusal = _admins(actions, org, after, limits)
    gauges.append(gauge)
    return refusals + refusal, gauges


def removal_limit(enabled: int, limits: Limits) -> int:
    """How much may be taken away in 24 hours where so many user records are enabled."""
    if enabled < SMALL:
        return min(1, limits.removals)
    return min(limits.removals, enabled * limits.removal_share // 100)


def outcome(actions: Iterable[Action], org: Organization) -> Organization:
    """The organization after all of a plan. Whom the plan makes cannot act before they come, so they are left out."""
    users: dict[str, Identity] = dict(org.users)
    for one in actions:
        if one.subject_id in users:
            users[one.subject_id] = changed(users[one.subject_id], one)
    return org.with_users(users)


def changed(identity: Identity, action: Action) -> Identity:
    """An identity after one action on it."""
    if action.operation is Operation.GRANT_ROLE:
        return with_roles(identity, add=action.role_ids)
    if action.operation is Operation.REVOKE_ROLE:
        return with_roles(identity, drop=action.role_ids)
    if action.operation is Operation.DISABLE_USER:
        return replace(identity, disabled=True, status="Disabled")
    if action.operation is Operation.ENABLE_USER:
        return replace(identity, disabled=False, status="Active" if identity.verified is not False else "Pending")
    if action.operation is Operation.UPDATE_USER:
        name = identity.name if action.name is None else action.name
        return replace(identity, name=name, title=identity.title if action.title is None else action.title)
    return identity


def answers_to(names: frozenset[str], *, email: str | None, subject: str, subject_id: str | None) -> bool:
    """Whether a list of addresses, names and ids means somebody."""
    known = {fold(one) for one in names}
    return bool(known & {fold(email or ""), fold(subject), subject_id or ""} - {""})


def _unproven(actions: Sequence[Action], org: Organization) -> list[Refusal]:
    removals = [one for one in actions if one.removal]
    if not removals or not org.unproven:
        return []
    return [
        Refusal(
            rule="unproven_listing",
            message=f"run-{org.run_id} did not prove {', '.join(org.unproven)} complete, so nothing is taken from "
            f"anybody; {_whom(removals)}; sync again until it does",
            guard=True,
        )
    ]


def _ours(actions: Sequence[Action], ours: Mapping[str, str]) -> list[Refusal]:
    return [
        Refusal(
            rule="self",
            message=f"{one.why}: {_verb(one)} {one.subject} would cut off {ours[one.subject_id or '']}",
            guard=True,
        )
        for one in actions
        if one.removal and one.subject_id in ours
    ]


def _protected(actions: Sequence[Action], limits: Limits) -> list[Refusal]:
    return [
        Refusal(rule="protected", message=f"{one.why}: {one.subject} is protected by the settings", guard=True)
        for one in actions
        if one.removal and answers_to(limits.protected, email=one.email, subject=one.subject, subject_id=one.subject_id)
    ]


def _removals(
    actions: Sequence[Action], org: Organization, limits: Limits, spent: Spent
) -> tuple[Gauge, list[Refusal]]:
    taken = [one for one in actions if one.removal]
    limit = removal_limit(org.enabled, limits)
    gauge = Gauge(rule="", planned=len(taken), spent=spent.removals, limit=limit, of=org.enabled)
    if not taken or len(taken) + spent.removals <= limit:
        return gauge, []
    share = f"{100 * len(taken) / max(1, org.enabled):.0f} % of {org.enabled:,}"
    rule = f"1 below {SMALL}" if org.enabled < SMALL else f"{limits.removal_share} % and {limits.removals}"
    message = (
        f"{len(taken):,} disabled or stripped of a role ({share}) after {spent.removals:,} in the last 24 h; "
        f"{limit:,} is the most ({rule}): {_whom(taken)}"
    )
    return gauge, [Refusal(rule="removals", message=message, guard=True, waivable=True)]


def _privileged(
    actions: Sequence[Action], org: Organization, limits: Limits, spent: Spent
) -> tuple[Gauge, list[Refusal]]:
    touched = [one for one in actions if one.privileged]
    gauge = Gauge(
        rule="",
        planned=len(touched),
        spent=spent.privileged,
        limit=limits.privileged,
        of=sum(org.is_privileged(one) and not is_disabled(one) for one in org.users.values()),
    )
    if not touched or len(touched) + spent.privileged <= limits.privileged:
        return gauge, []
    message = (
        f"{len(touched):,} changes of privileged access after {spent.privileged:,} in the last 24 h; "
        f"{limits.privileged:,} is the most: {_whom(touched)}"
    )
    return gauge, [Refusal(rule="privileged_changes", message=message, guard=True, waivable=True)]


_Check = Callable[[Sequence[Action], Organization, Limits, Spent], tuple[Gauge, list[Refusal]]]
_BUDGETS: Mapping[str, _Check] = {"removals": _removals, "privileged_changes": _privileged}


def _admins(
    actions: Sequence[Action], org: Organization, after: Organization, limits: Limits
) -> tuple[Gauge, list[Refusal]]:
    least = max(1, limits.min_admins)
    lost = org.admins - after.admins
    gauge = Gauge(rule="min_admins", planned=len(after.admins), spent=0, limit=least, of=len(org.admins), least=True)
    refusals = []
    if lost and len(after.admins) < least:
        names = ", ".join(sorted(org.users[one].subject for one in lost)[:SHOWN])
        message = (
            f"of {len(org.admins)} who administer {len(after.admins)} would be left, {least} is the least: {names}"
        )
        refusals.append(Refusal(rule="min_admins", message=message, guard=True))
    for one in actions:
        identity = org.users.get(one.subject_id or "")
        if identity is None or one.subject_id not in lost or not one.removal:
            continue
        if answers_to(limits.required_admins, email=identity.email, subject=one.subject, subject_id=one.subject_id):
            message = f"{one.why}: {one.subject} has to stay an admin by the settings"
            refusals.append(Refusal(rule="required_admin", message=message, guard=True))
    return gauge, refusals


def _whom(actions: Sequence[Action]) -> str:
    names = list(dict.fromkeys(one.subject for one in actions))
    more = f" and {len(names) - SHOWN:,} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _verb(action: Action) -> str:
    return "disabling" if action.operation is Operation.DISABLE_USER else "taking a role from"
