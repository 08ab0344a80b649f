"""What the operator and the key permit, apart from how much of it: operations, scopes, and what SAML would undo."""

from collections.abc import Iterable, Mapping
from typing import Literal

from msgspec import Struct

from accesssync.model.operation import NEEDS, Operation
from accesssync.provision.gateway import Caller
from accesssync.provision.organization import Organization
from accesssync.provision.plan import Action, Refusal
from accesssync.reach.who import scope_names

READS_BACK = "user_access_read"
"""What the provisioning key needs besides: each subject is read again before its write and after a lost reply."""

SamlConflict = Literal["warn", "refuse"]
ApprovalRule = Literal["never", "privileged", "removals", "always"]


class Policy(Struct, frozen=True, kw_only=True):
    """What the settings say about one organization. `variable` names the setting of the allowed operations."""

    allowed: frozenset[Operation] = frozenset()
    unscoped_key: bool = False
    saml_conflict: SamlConflict = "warn"
    approval: ApprovalRule = "never"
    variable: str = "ACCESSSYNC_ALLOWED_OPERATIONS"


def operations_of(action: Action) -> tuple[Operation, ...]:
    """What has to be allowed for an action: whoever makes a user with roles also grants them."""
    if action.operation is Operation.CREATE_USER and action.role_ids:
        return (Operation.CREATE_USER, Operation.GRANT_ROLE)
    return (action.operation,)


def needed(actions: Iterable[Action]) -> list[Operation]:
    """Every operation that a plan consists of, in a fixed order."""
    found = {operation for action in actions for operation in operations_of(action)}
    return [one for one in Operation if one in found]


def permit(actions: tuple[Action, ...], policy: Policy, caller: Caller | None, *, has_key: bool) -> list[Refusal]:
    """What is not permitted, a refusal each. `caller` is None where nobody could be asked."""
    refusals = []
    missing = [one for one in needed(actions) if one not in policy.allowed]
    if missing:
        counted = ", ".join(f"{one} ({sum(one in operations_of(a) for a in actions):,})" for one in missing)
        message = f"{policy.variable} does not name {counted}"
        refusals.append(Refusal(rule="operation_not_allowed", message=message))
    if actions and not has_key:
        refusals.append(Refusal(rule="no_provisioning_key", message="no provisioning key is set, so nothing is sent"))
    if actions and caller is not None:
        refusals += scopes(needed(actions), policy, caller)
    return refusals


def scopes(operations: Iterable[Operation], policy: Policy, caller: Caller) -> list[Refusal]:
    """Whether a key may be used at all, and whether it carries what these operations need."""
    if not caller.scopes_known and not policy.unscoped_key:
        message = f"it cannot be learned what the provisioning key of {caller.subject} is scoped to"
        return [Refusal(rule="unscoped_key", message=message)]
    if caller.scopes_known and caller.scopes is None and not policy.unscoped_key:
        message = (
            f"the provisioning key of {caller.subject} is not scoped: whoever has it may do all that its owner may"
        )
        return [Refusal(rule="unscoped_key", message=message)]
    chosen = list(operations)
    refusals = []
    if chosen and not _carries(caller, READS_BACK):
        message = f"reading back needs {READS_BACK}, which the provisioning key of {caller.subject} lacks"
        refusals.append(Refusal(rule="missing_scope", message=message))
    for operation in chosen:
        lacking = [one for one in NEEDS[operation] if not _carries(caller, one)]
        if lacking:
            message = f"{operation} needs {', '.join(lacking)}, which the provisioning key of {caller.subject} lacks"
            refusals.append(Refusal(rule="missing_scope", message=message))
    return refusals


def _carries(caller: Caller, permission: str) -> bool:
    scoped = not caller.scopes_known or caller.scopes is None or permission in caller.scopes
    # Some names are scopes of keys and stand in no role: nobody can be asked whether the owner has them.
    held = caller.permissions is None or permission in caller.permissions or permission in scope_names()
    return scoped and held


def undone_by_saml(actions: Iterable[Action], org: Organization, policy: Policy) -> tuple[list[Refusal], list[str]]:
    """Grants that end at the next login, and takings that it reverts, because SAML mappings give roles here.

    Datadog sets the roles of whoever logs in with SAML to what the mappings give, where there are any.
    """
    if not org.mapped:
        return [], []
    given, taken = [], []
    for one in actions:
        if one.service or not one.role_ids:
            continue
        if one.removal and org.mapped & set(one.role_ids):
            taken.append(one.subject)
        elif not one.removal and not set(one.role_ids) <= org.mapped:
            given.append(one.subject)
    texts = [
        text.format(who=_some(who))
        for text, who in (
            ("SAML mappings set roles at login and give none of these: what is granted to {who} may end there", given),
            ("SAML mappings give these roles again at login: what is taken from {who} may come back", taken),
        )
        if who
    ]
    if policy.saml_conflict == "refuse":
        return [Refusal(rule="saml_mapping", message=text) for text in texts], []
    return [], texts


def approval_needed(actions: Iterable[Action], policy: Policy) -> str | None:
    """Why somebody else has to approve, or None."""
    found = list(actions)
    reasons: Mapping[ApprovalRule, str | None] = {
        "never": None,
        "privileged": "it changes privileged access" if any(one.privileged for one in found) else None,
        "removals": "it takes access away" if any(one.removal for one in found) else None,
        "always": "the settings ask for it always" if found else None,
    }
    return reasons[policy.approval]


def _some(names: list[str]) -> str:
    unique = list(dict.fromkeys(names))
    return ", ".join(unique[:3]) + (f" and {len(unique) - 3:,} more" if len(unique) > 3 else "")
