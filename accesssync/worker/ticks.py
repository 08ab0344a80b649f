"""Schedules as APScheduler's triggers, and the next time at which something is due."""

from datetime import UTC, datetime, timedelta
from random import Random
from typing import Protocol, cast

from apscheduler.triggers.combining import OrTrigger
from apscheduler.triggers.cron import CronTrigger

from accesssync.model.schedule import WEEKDAYS, Cron, Schedule

MOST_JITTER = 0.1
"""The largest part of the time between two ticks by which one is moved."""

LONGEST_JITTER = timedelta(minutes=5)


class Trigger(Protocol):
    """What APScheduler's triggers have in common."""

    def get_next_fire_time(self, previous_fire_time: datetime | None, now: datetime) -> datetime | None: ...


def cron_trigger(cron: Cron) -> Trigger:
    """The trigger of a schedule by the clock.

    Weekdays go by name: APScheduler counts them from Monday. And it wants all fields to fit, where cron is
    content with the day of the month or the weekday if both are restricted.
    """
    plain = {
        "minute": _listed(cron.minutes),
        "hour": _listed(cron.hours),
        "month": _listed(cron.months),
        "second": "0",
        "timezone": UTC,
    }
    days = _listed(cron.days)
    weekdays = ",".join(WEEKDAYS[each] for each in sorted(cron.weekdays))
    if cron.either:
        both = [CronTrigger(day=days, **plain), CronTrigger(day_of_week=weekdays, **plain)]
        return cast("Trigger", OrTrigger(both))
    return cast("Trigger", CronTrigger(day=days, day_of_week=weekdays, **plain))


def tick_after(schedule: Schedule, began: datetime) -> datetime:
    """The first tick after a time, exactly; for an interval, counted from that time. Not for schedules that are off."""
    if schedule.seconds is not None:
        return began + timedelta(seconds=schedule.seconds)
    if schedule.cron is None:
        raise ValueError("a schedule that is off has no ticks")
    found = cron_trigger(schedule.cron).get_next_fire_time(None, began + timedelta(microseconds=1))
    if found is None:
        raise ValueError(f"{schedule.text} never comes again")
    return found.astimezone(UTC)


def due_after(schedule: Schedule, began: datetime, rng: Random) -> datetime:
    """The next tick, moved by chance so that not everything begins at once.

    An interval may be a twentieth shorter or longer, so that it is right on average. A time of day is never
    early: it would come twice.
    """
    tick = tick_after(schedule, began)
    if schedule.seconds is not None:
        room = min(timedelta(seconds=schedule.seconds) * MOST_JITTER, LONGEST_JITTER)
        return tick + room * (rng.random() - 0.5)
    room = min((tick_after(schedule, tick) - tick) * MOST_JITTER, LONGEST_JITTER)
    return tick + room * rng.random()


def _listed(values: frozenset[int]) -> str:
    return ",".join(str(each) for each in sorted(values))
