"""When a job is due: `every N(s|m|h|d)`, five fields of cron in UTC, or `off`. Read and checked; pure.

A field of cron becomes the set of values it stands for, so that whoever reckons with it needs to know neither ranges
nor steps nor on which day a week begins. Weekdays are counted from Sunday as cron does: 0 and 7 are both Sunday.
"""

import re

from msgspec import Struct

WEEKDAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
MOST_DAYS = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
LONGEST_SECONDS = 366 * 86400
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_EVERY = re.compile(r"every (\d{1,8})\s?([smhd])")
_PART = re.compile(r"(\*|[0-9a-z]{1,3})(?:-([0-9a-z]{1,3}))?(?:/(\d{1,3}))?")


class Cron(Struct, frozen=True, kw_only=True):
    """Five fields of cron. Weekdays from 0, Sunday, to 6.

    `either`: both the day of the month and the weekday are restricted, and a day that fits one of them will do. A field
    that begins with `*` restricts nothing in this sense, `*/2` included: so it is in the cron that most systems have.
    """

    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either: bool


class Schedule(Struct, frozen=True):
    """When a job is due: every so many seconds since it last began, or by the clock. `text` is how it was written."""

    text: str
    seconds: int | None = None
    cron: Cron | None = None

    @property
    def off(self) -> bool:
        """Whether the job never runs by itself."""
        return self.seconds is None and self.cron is None


def parse_schedule(text: str) -> Schedule:
    """Read a schedule; ValueError says, in words that follow the setting's name, what is wrong with it."""
    words = " ".join(text.lower().split())
    if words == "off":
        return Schedule(words)
    if words.startswith("every"):
        return Schedule(words, seconds=_interval(words))
    fields = words.split(" ")
    if len(fields) != 5:
        raise ValueError("must be every N followed by s, m, h or d, five fields of cron, or off")
    days, weekdays = _field(fields[2], "day", 1, 31), _field(fields[4], "weekday", 0, 7, WEEKDAYS)
    cron = Cron(
        minutes=_field(fields[0], "minute", 0, 59),
        hours=_field(fields[1], "hour", 0, 23),
        days=days,
        months=_field(fields[3], "month", 1, 12, MONTHS, first=1),
        weekdays=frozenset(day % 7 for day in weekdays),
        either=not fields[2].startswith("*") and not fields[4].startswith("*"),
    )
    if not cron.either and all(min(cron.days) > MOST_DAYS[month - 1] for month in cron.months):
        raise ValueError("names a date that never comes")
    return Schedule(words, cron=cron)


def _interval(words: str) -> int:
    match = _EVERY.fullmatch(words)
    if match is None:
        raise ValueError("must be every N followed by s, m, h or d: every 60m")
    seconds = int(match[1]) * _UNITS[match[2]]
    if not 1 <= seconds <= LONGEST_SECONDS:
        raise ValueError("must be at least every 1s and at most every 366d")
    return seconds


def _field(text: str, what: str, low: int, high: int, names: tuple[str, ...] = (), *, first: int = 0) -> frozenset[int]:
    found: set[int] = set()
    for part in text.split(","):
        match = _PART.fullmatch(part)
        if match is None:
            raise ValueError(f"has a {what} that cannot be understood")
        start, end, step = match[1], match[2], int(match[3] or 1)
        if step < 1:
            raise ValueError(f"has a {what} with a step of 0")
        if start == "*":
            if end is not None:
                raise ValueError(f"has a {what} that cannot be understood")
            # Seven is another name for Sunday, not an eighth day to count steps over.
            found.update(range(low, (6 if what == "weekday" else high) + 1, step))
            continue
        begin = _value(start, what, low, high, names, first)
        if end is None and match[3] is not None:
            raise ValueError(f"has a {what} with a step but no range: write {start}-{high}/{step}")
        last = begin if end is None else _value(end, what, low, high, names, first)
        if end in names and last < begin and what == "weekday" and last == 0:
            last = 7
        if last < begin:
            raise ValueError(f"has a {what} range that runs backwards")
        found.update(range(begin, last + 1, step))
    return frozenset(found)


def _value(text: str, what: str, low: int, high: int, names: tuple[str, ...], first: int) -> int:
    if text in names:
        return names.index(text) + first
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise ValueError(f"has a {what} that is not from {low} to {high}")
    return int(text)
