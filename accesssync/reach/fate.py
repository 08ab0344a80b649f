"""What becomes of a credential when somebody leaves or a key is taken away, and how soon that would hurt."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import StrEnum

from msgspec import UNSET, Struct

from accesssync.model.credential import Credential, CredentialType
from accesssync.reach.access import Access
from accesssync.reach.credential import Scoping, credential_reach

RECENT = timedelta(days=30)
"""A credential used within this time is in use."""


class UseState(StrEnum):
    """What is known of the last use of a credential."""

    SEEN = "seen"
    NEVER = "never"
    NONE_IN_90_DAYS = "none_in_90_days"
    """An API key: Datadog looks back no further."""
    UNKNOWN = "unknown"


class Use(Struct, frozen=True):
    """When a credential was last used. `in_use` is None where nobody knows."""

    state: UseState
    at: datetime | None
    in_use: bool | None


class Urgency(StrEnum):
    """What to do about a credential, and when: in this order."""

    NOW = "now"
    """Used within 30 days: something stops."""
    CHECK = "check"
    """Nobody knows whether it is used."""
    LATER = "later"
    """Used, but not lately."""
    NONE = "none"
    """Never used, or not in 90 days."""


class Fate(Struct, frozen=True, kw_only=True):
    """One credential and what becomes of it, in words (`why`). `does` is what it can do until then."""

    id: str
    type: str
    name: str | None
    last4: str | None
    owner_id: str | None
    scoping: Scoping
    use: Use
    urgency: Urgency
    why: str
    does: tuple[str, ...]
    privileged: tuple[str, ...]


def last_use(credential: Credential, at: datetime) -> Use:
    """When a credential was last used, seen from `at`."""
    if credential.last_used_at is UNSET or "last_used_at" in credential.malformed:
        return Use(UseState.UNKNOWN, None, None)
    if credential.last_used_at is None:
        is_api_key = credential.type == CredentialType.API_KEY
        return Use(UseState.NONE_IN_90_DAYS if is_api_key else UseState.NEVER, None, False)
    return Use(UseState.SEEN, credential.last_used_at, credential.last_used_at >= at - RECENT)


def urgency(use: Use) -> Urgency:
    """How soon somebody has to act before a credential ends."""
    if use.in_use is None:
        return Urgency.CHECK
    if use.in_use:
        return Urgency.NOW
    return Urgency.LATER if use.state is UseState.SEEN else Urgency.NONE


def fate(access: Access, credential: Credential, why: str) -> Fate:
    """A credential with what becomes of it."""
    reach = credential_reach(access, credential)
    use = last_use(credential, access.at)
    return Fate(
        id=credential.id,
        type=credential.type,
        name=credential.name,
        last4=credential.last4,
        owner_id=credential.owner_id,
        scoping=reach.scoping,
        use=use,
        urgency=urgency(use),
        why=why,
        does=reach.effective or reach.abilities,
        privileged=reach.privileged,
    )


def by_urgency(fates: Iterable[Fate]) -> tuple[Fate, ...]:
    """The most pressing first, and of those the one used last first."""
    order = list(Urgency)

    def key(one: Fate) -> tuple[int, float, str, str]:
        used = one.use.at.timestamp() if one.use.at is not None else 0.0
        return order.index(one.urgency), -used, (one.name or "").casefold(), one.id

    return tuple(sorted(fates, key=key))
