"""Read the Audit Trail of a time: bounded in pages and seconds, and never worth failing for."""

from collections.abc import Callable
from datetime import datetime

from msgspec import Struct

from accesssync.errors import AccessSyncError, DeniedError
from accesssync.model.trail import Reading, TrailEvent, TrailState
from accesssync.trail.source import TrailSource

PAGES = 20
"""Of one reading: what comes beyond the newest 20,000 events is left out, and said to be."""

SECONDS = 20.0
"""For all of one reading, waits included."""


class Told(Struct, frozen=True):
    """One reading and the events that it brought."""

    reading: Reading
    events: tuple[TrailEvent, ...] = ()


def read_trail(
    source: TrailSource, since: datetime, until: datetime, monotonic: Callable[[], float], *, pages: int = PAGES
) -> Told:
    """The events between two times. What cannot be had is said in the reading, and raised is only what stops all."""
    found: dict[str, TrailEvent] = {}
    began, cursor = monotonic(), None
    for _ in range(pages):
        left = SECONDS - (monotonic() - began)
        if left <= 0:
            return _cut(found, until, f"Datadog did not answer within {SECONDS:g} s")
        try:
            page = source.audit_events(since, until, cursor, left)
        except DeniedError as error:
            reading = Reading(state=TrailState.DENIED, reason=f"needs {error.permission}")
            return Told(reading)
        except AccessSyncError as error:
            return _cut(found, until, error.message)
        found.update((one.id, one) for one in page.events)
        if page.after is None or page.after == cursor:
            return _told(TrailState.READ, found, since, until)
        cursor = page.after
    return _cut(found, until, f"more than {pages} pages")


def _cut(found: dict[str, TrailEvent], until: datetime, reason: str) -> Told:
    """What a reading that broke off still covers: from its oldest event on, since the newest come first."""
    if not found:
        return Told(Reading(state=TrailState.FAILED, reason=reason))
    return _told(TrailState.PARTIAL, found, min(one.at for one in found.values()), until, reason)


def _told(
    state: TrailState, found: dict[str, TrailEvent], since: datetime, until: datetime, reason: str | None = None
) -> Told:
    events = tuple(sorted(found.values(), key=lambda one: (one.at, one.id)))
    kinds = tuple(sorted({one.asset_type for one in events if one.asset_type}))[:50]
    return Told(
        Reading(state=state, since=since, until=until, events=len(events), kinds=kinds, reason=reason), events
    )  # fmt: skip
