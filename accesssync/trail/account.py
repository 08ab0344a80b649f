"""What is known from the Audit Trail about a time: which changes it would have told of, and what nobody saw."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from msgspec import Struct

from accesssync.model.change import Change
from accesssync.model.trail import Reading, TrailState
from accesssync.trail.join import LATENESS, SKEW

KEPT_AT_LEAST = timedelta(days=3)
"""The shortest time for which an organization may have its Audit Trail kept: what is older may be gone."""


class Unseen(Struct, frozen=True, kw_only=True):
    """An event that gave access of which no run saw anything. `role_id`: the subject was put into that role."""

    id: str
    at: datetime
    action: str
    actor: str | None
    asset_type: str | None
    subject_id: str
    subject: str
    role_id: str | None = None


class Account:
    """What several readings together are good for.

    `joined` are the ids of the changes that some event accounts for, whether or not it names one actor.
    """

    def __init__(
        self, readings: Iterable[Reading], *, joined: Iterable[str] = (), unseen: Iterable[Unseen] = ()
    ) -> None:
        every = list(readings)
        self.last = every[-1] if every else None
        self.joined = frozenset(joined)
        self.unseen = tuple(unseen)
        self.kinds = frozenset(kind for one in every for kind in one.kinds)
        self._spans = _merged(every)

    def blind(self) -> str | None:
        """Why nothing can be concluded from an event that is not there; None where something can."""
        if self.last is None or self.last.state is TrailState.OFF:
            return "the Audit Trail is not read"
        if self.last.state is TrailState.DENIED:
            return f"the Audit Trail may not be read: {self.last.reason}"
        if not self._spans:
            return (
                f"the Audit Trail could not be read: {self.last.reason}" if self.last.reason else "nothing was read yet"
            )
        return None

    def covers(self, change: Change) -> bool:
        """Whether an event about a change would be here by now: the whole of its window was read, and late enough."""
        if change.observed_after is None:
            return False
        start, end = change.observed_after - SKEW, change.observed_before + SKEW
        return any(since <= start and end <= until for since, until in self._spans)


def _merged(readings: Iterable[Reading]) -> list[tuple[datetime, datetime]]:
    """The times of which everything that happened had arrived when it was read."""
    spans = sorted(
        (max(one.since, one.until - KEPT_AT_LEAST), one.until - LATENESS)
        for one in readings
        if one.since is not None and one.until is not None and one.since < one.until - LATENESS
    )
    merged: list[tuple[datetime, datetime]] = []
    for since, until in spans:
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], until))
        else:
            merged.append((since, until))
    return merged
