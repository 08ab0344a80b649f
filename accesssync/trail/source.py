"""What this room needs from whoever talks to Datadog."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from accesssync.model.trail import TrailEvent


class TrailPage(Struct, frozen=True):
    """One answer: its events, how many others made no sense, and the cursor to the next; None at the end."""

    events: list[TrailEvent]
    unreadable: int = 0
    after: str | None = None


class TrailSource(Protocol):
    """Who can be asked for events."""

    def audit_events(self, since: datetime, until: datetime, cursor: str | None, within: float) -> TrailPage:
        """The events of a time, the newest first, a page at a time: in so many seconds or not at all.

        Raises DeniedError, or whatever else of ours says why not.
        """
        ...
