"""What one look at Datadog means for one action: may it be done, was it done, may it be done again. Pure."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.provision.decide import expected
from accesssync.provision.desired import fold
from accesssync.provision.organization import is_disabled
from accesssync.provision.plan import Action

TRIES = 2
"""How often a write whose reply was lost is sent in all, where it may be sent again."""

ONCE = frozenset({Operation.SEND_INVITATION, Operation.CREATE_SERVICE_ACCOUNT})
"""Never sent again by itself: nothing stops a second mail, and a second account would be another one."""


class Look(StrEnum):
    """What reading a subject back says about one action on it."""

    DONE = "done"
    NOT_DONE = "not_done"
    UNSURE = "unsure"


class Takeover(Struct, frozen=True):
    """What to do about an address that turned out to be taken: go on with that user, or why not."""

    identity: Identity | None
    refused: str | None = None


def moved(action: Action, found: Identity | None) -> str | None:
    """How a subject differs from what the plan was made for; None where it does not."""
    wanted = action.expected
    if wanted is None:
        return None
    if found is None:
        return "is not there any more"
    now = expected(found)
    if now == wanted:
        return None
    if now.email != wanted.email:
        return "has another e-mail now"
    if now.disabled != wanted.disabled:
        return "was disabled meanwhile" if now.disabled else "was enabled meanwhile"
    return "has other roles now"


def look(action: Action, found: Identity | None) -> Look:
    """Whether an action on an existing subject was done, by what is there now."""
    if found is None:
        return Look.UNSURE
    roles, operation = set(action.role_ids), action.operation
    if operation is Operation.SEND_INVITATION:
        # Nothing shows that a mail was sent but somebody who came by it.
        return Look.DONE if found.status == "Active" else Look.UNSURE
    done = {
        Operation.GRANT_ROLE: roles <= set(found.role_ids),
        Operation.REVOKE_ROLE: roles.isdisjoint(found.role_ids),
        Operation.ENABLE_USER: not is_disabled(found),
        Operation.DISABLE_USER: is_disabled(found),
        Operation.UPDATE_USER: action.name in (None, found.name) and action.title in (None, found.title),
    }
    if operation not in done:
        return Look.UNSURE
    return Look.DONE if done[operation] else Look.NOT_DONE


def made(action: Action, found: Sequence[Identity]) -> tuple[Look, Identity | None]:
    """Whether the subject of a create is there, by a search for its address."""
    mine = exactly(action, found)
    if not mine:
        return Look.NOT_DONE, None
    return (Look.DONE, mine[0]) if len(mine) == 1 else (Look.UNSURE, None)


def exactly(action: Action, found: Sequence[Identity]) -> list[Identity]:
    """Those of a search that are what an action makes: the same address, and for service accounts the name too."""
    address = fold(action.email or "")
    mine = [one for one in found if one.email and fold(one.email) == address]
    if action.service:
        return [one for one in mine if one.service_account and one.name == action.name]
    return [one for one in mine if not one.service_account]


def take_over(action: Action, found: Sequence[Identity], *, may_enable: bool) -> Takeover:
    """What a 409 to a create means: the address is somebody's. Only one person, of exactly that address, will do."""
    mine = exactly(action, found)
    if not mine:
        return Takeover(None, "the address is taken, and nobody of exactly that address is found")
    if len(mine) > 1:
        ids = ", ".join(sorted(one.id for one in mine))
        return Takeover(None, f"the address is taken by several user records: {ids}")
    if is_disabled(mine[0]) and not may_enable:
        return Takeover(None, "the address is a disabled user's, and enable_user is not allowed")
    return Takeover(mine[0])


def may_repeat(operation: Operation) -> bool:
    """Whether a write may be sent again once a look says that it was not done."""
    return operation not in ONCE
