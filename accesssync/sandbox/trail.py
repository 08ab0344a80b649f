"""The Audit Trail of an invented organization: who changed what, newest last, in bounded memory."""

import base64
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

_EVENTS_KEPT = 100_000


@dataclass(frozen=True, slots=True)
class TrailEvent:
    """One event. `attributes` is the free form in which Datadog tells what happened; `number` counts all of them."""

    number: int
    at: datetime
    message: str
    attributes: Mapping[str, Any]

    @property
    def id(self) -> str:
        """An opaque text that grows with the number."""
        return "AQAAA" + base64.urlsafe_b64encode(self.number.to_bytes(12, "big")).decode()


class AuditTrail:
    """What was changed and by whom. The newest 100,000 events are kept."""

    def __init__(self) -> None:
        self._events: deque[TrailEvent] = deque(maxlen=_EVENTS_KEPT)
        self._numbers = count(1)

    def __iter__(self) -> Iterator[TrailEvent]:
        return iter(self._events)

    def __len__(self) -> int:
        return len(self._events)

    def clear(self) -> None:
        """Forget everything, as if it had passed out of retention."""
        self._events.clear()

    def forget(self, number: int) -> None:
        """Lose one event."""
        self._events = deque((each for each in self._events if each.number != number), maxlen=_EVENTS_KEPT)

    def add(
        self,
        at: datetime,
        *,
        name: str,
        action: str,
        message: str,
        org: str,
        by: Mapping[str, str] | None,
        asset: Mapping[str, Any],
    ) -> TrailEvent:
        """Remember what somebody did to something; without `by` it was Datadog itself.

        The parts that recordings show are as recorded (`evt`, `usr`, `action`, `org`, `auth_method`, `timestamp`), with
        the names and asset types of Datadog's list of audit events. How `asset` tells old and new values is not
        published, so nobody should rely on more than its type, id and name.
        """
        attributes: dict[str, Any] = {
            "status": "info",
            "timestamp": at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds"),
            "action": action,
            "org": {"uuid": org},
            "evt": {"name": name, "actor": {"type": "USER" if by else "SYSTEM"}},
            "asset": dict(asset),
        }
        if by:
            attributes |= {"usr": dict(by), "auth_method": "API_AND_APP_KEY"}
        event = TrailEvent(next(self._numbers), at, message, attributes)
        self._events.append(event)
        return event
