"""The turns that a schedule has in a stretch of time, and which of them were kept.

By the clock, a turn is the time from one tick to the next, and is kept where something began in it. At an interval,
it is the time between two runs that tells: whoever comes twice as late as agreed has missed one turn.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from statistics import median

from msgspec import Struct

from accesssync.model.schedule import Cron, Schedule

SLACK = 1.5
"""By how much longer than agreed the time between two runs may be before a turn counts as missed."""


PATIENCE = timedelta(minutes=10)
"""A turn that began so shortly before the end of the period may still be kept: it is neither kept nor missed."""


class Gap(Struct, frozen=True, kw_only=True):
    """A stretch of time with turns in it that nobody kept."""

    start: datetime
    end: datetime
    missed: int

    @property
    def hours(self) -> float:
        """How long it was."""
        return hours_between(self.start, self.end)


class Kept(Struct, frozen=True, kw_only=True):
    """How many turns there were and how many were missed; the gaps, oldest first."""

    turns: int
    missed: int
    gaps: tuple[Gap, ...]

    @property
    def kept(self) -> int:
        """How many were kept."""
        return self.turns - self.missed


def hours_between(start: datetime, end: datetime) -> float:
    """Hours from one time to another."""
    return round((end - start).total_seconds() / 3600, 2)


def kept(schedule: Schedule, start: datetime, end: datetime, begun: Sequence[datetime]) -> Kept | None:
    """Which turns of a schedule were kept from `start` to `end` by runs that began at these times, oldest first.

    None for a schedule that is off: nothing was agreed.
    """
    inside = [one for one in begun if start <= one <= end]
    if schedule.seconds is not None:
        return _interval(timedelta(seconds=schedule.seconds), start, end, inside)
    if schedule.cron is not None:
        return _clock(list(ticks(schedule.cron, start, end)), end, inside)
    return None


def _interval(every: timedelta, start: datetime, end: datetime, begun: list[datetime]) -> Kept:
    edges = [start, *begun, end]
    gaps = []
    for earlier, later in pairwise(edges):
        if later - earlier >= every * SLACK:
            missed = max(1, round((later - earlier) / every) - 1)
            gaps.append(Gap(start=earlier, end=later, missed=missed))
    missed = sum(gap.missed for gap in gaps)
    return Kept(turns=len(begun) + missed, missed=missed, gaps=tuple(gaps))


def _clock(found: list[datetime], end: datetime, begun: list[datetime]) -> Kept:
    gaps: list[Gap] = []
    following, missed, waiting = 0, 0, 0
    for tick, later in zip(found, [*found[1:], end], strict=True):
        while following < len(begun) and begun[following] < tick:
            following += 1
        if following < len(begun) and (begun[following] < later or later == end):
            continue
        if later == end and end - tick < PATIENCE:
            waiting = 1
            continue
        missed += 1
        last = gaps[-1] if gaps and gaps[-1].end == tick else None
        if last is not None:
            gaps.pop()
        gaps.append(Gap(start=last.start if last else tick, end=later, missed=(last.missed if last else 0) + 1))
    return Kept(turns=len(found) - waiting, missed=missed, gaps=tuple(gaps))


def ticks(cron: Cron, start: datetime, end: datetime) -> Iterator[datetime]:
    """The times of a clock's schedule from `start` up to, not including, `end`; in UTC."""
    day = start.date()
    hours, minutes = sorted(cron.hours), sorted(cron.minutes)
    while day <= end.date():
        if _fits(cron, day):
            for hour in hours:
                for minute in minutes:
                    at = datetime.combine(day, time(hour, minute), UTC)
                    if start <= at < end:
                        yield at
        day += timedelta(days=1)


def _fits(cron: Cron, day: date) -> bool:
    if day.month not in cron.months:
        return False
    by_day, by_weekday = day.day in cron.days, day.isoweekday() % 7 in cron.weekdays
    return by_day or by_weekday if cron.either else by_day and by_weekday


def observed(begun: Sequence[datetime]) -> Schedule | None:
    """The interval at which runs came by themselves, as their median to the minute; None for fewer than three."""
    between = [(later - earlier).total_seconds() for earlier, later in pairwise(begun)]
    if len(between) < 2:
        return None
    minutes = max(1, round(median(between) / 60))
    return Schedule(f"every {minutes}m", seconds=minutes * 60)
