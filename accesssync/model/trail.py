"""What Datadog's own Audit Trail tells: who did what to which record, and when."""

from datetime import datetime
from enum import StrEnum

from msgspec import Struct


class TrailEvent(Struct, frozen=True, kw_only=True, gc=False):
    """One event. Everything that Datadog does not publish the form of may be missing.

    `actor` is who did it, as people call them: an address, or who it was where it was no user; None where nobody is
    named. `key` says by which key, where it was done with one. `asset_id` is the record that it was done to. `fields`
    are the parts of it that are told to differ, `gained` and `lost` the texts that only its new or only its old value
    has, `joined` those of the former that stand under the name of users or members, and `texts` all of both: in lower
    case, and no more than a few hundred.
    """

    id: str
    at: datetime
    action: str
    actor: str | None = None
    actor_id: str | None = None
    key: str | None = None
    asset_type: str | None = None
    asset_id: str | None = None
    asset_name: str | None = None
    fields: frozenset[str] = frozenset()
    gained: frozenset[str] = frozenset()
    joined: frozenset[str] = frozenset()
    lost: frozenset[str] = frozenset()
    texts: frozenset[str] = frozenset()

    @property
    def by(self) -> str | None:
        """Who did it and by which key, in one line."""
        return f"{self.actor} ({self.key})" if self.actor and self.key else self.actor


class TrailState(StrEnum):
    """How one reading of the Audit Trail ended."""

    READ = "read"
    """Everything between `since` and `until` that Datadog had by then."""
    PARTIAL = "partial"
    """The newest of it, from `since` on; what is older was too much."""
    DENIED = "denied"
    """The key may not read it."""
    FAILED = "failed"
    """It could not be read. Nothing depends on it."""
    OFF = "off"
    """The settings say not to read it, or there was nothing yet to compare with."""


class Reading(Struct, frozen=True, kw_only=True):
    """One reading of the Audit Trail: what it covers, and what came of it.

    `events` counts those about access, `joined` the changes that got an actor, `unseen` the events of which no run saw
    anything. `kinds` are the sorts of record that its events were about: what is never told of is perhaps not recorded.
    """

    state: TrailState
    since: datetime | None = None
    until: datetime | None = None
    events: int = 0
    joined: int = 0
    unseen: int = 0
    kinds: tuple[str, ...] = ()
    reason: str | None = None
