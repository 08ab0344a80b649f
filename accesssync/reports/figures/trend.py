"""How it came to be: privileged identities over time, and who joined and left."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell
from accesssync.reports.figures.shape import Course, Groups, Series, counted

SHOWN = 200
"""Points of a line at most; of more, evenly spaced ones are drawn, the first and the last among them."""


COUNTED = ("privileged_people", "privileged_machines", "people", "machines")
"""What a trend counts at each run, besides who came and went."""


def points(trend: Table | None) -> list[tuple[datetime, tuple[Cell, ...]]]:
    """The rows of the trend by time, with the columns that figures use."""
    if trend is None:
        return []
    found = [
        (at, tuple(cells)) for at, *cells in trend.rows("at", *COUNTED, "joined", "left") if isinstance(at, datetime)
    ]
    return sorted(found, key=lambda one: one[0])


def privileged_over_time(trend: Table | None) -> Course | None:
    """Privileged people and machines at each run."""
    found = points(trend)
    if not found:
        return None
    shown = _thinned(found)
    first, last = found[0], found[-1]
    people, machines = _number(last[1][0]), _number(last[1][1])
    now = f"{counted(people, 'person', 'people')} and {counted(machines, 'machine', 'machines')} are privileged"
    if len(found) > 1:
        before = f"{_number(first[1][0]):,} and {_number(first[1][1]):,}"
        says = f"{now}; on {first[0]:%Y-%m-%d} it was {before}."
    else:
        says = f"{now}. One run is a point and no line: later reports show a course."
    return Course(
        title="Privileged identities over time",
        says=says,
        about="Identities with access, invited ones included, that held a permission of tier T0 or T1, at proven runs.",
        at=tuple(at for at, _ in shown),
        series=(
            Series("people", "people", tuple(_number(cells[0]) for _, cells in shown)),
            Series("machines", "machines", tuple(_number(cells[1]) for _, cells in shown)),
        ),
    )


def joined_and_left(trend: Table | None) -> Groups | None:
    """Identities that came and went, by day, week or month as the time that is covered asks for."""
    found = points(trend)
    if not found:
        return None
    name, start = _period(found[-1][0] - found[0][0])
    buckets: dict[datetime, list[int]] = {}
    at = start(found[0][0])
    while at <= found[-1][0]:
        buckets[at] = [0, 0]
        at = _next(at, start)
    for when, cells in found:
        bucket = buckets[start(when)]
        bucket[0] += _number(cells[4])
        bucket[1] += _number(cells[5])
    joined, left = (sum(one[place] for one in buckets.values()) for place in (0, 1))
    return Groups(
        title="Joined and left",
        says=f"{joined:,} joined and {left:,} left since {found[0][0]:%Y-%m-%d}.",
        about=f"Identities that came or were enabled, and that went or were disabled, by {name}. At the first run "
        "nobody knows who came before.",
        first=name.capitalize(),
        adds=False,
        groups=tuple(f"{at:%Y-%m}" if name == "month" else f"{at:%Y-%m-%d}" for at in buckets),
        series=(
            Series("joined", "joined", tuple(one[0] for one in buckets.values())),
            Series("left", "left", tuple(one[1] for one in buckets.values())),
        ),
    )


Start = Callable[[datetime], datetime]


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)


def _week(at: datetime) -> datetime:
    return _day(at - timedelta(days=at.weekday()))


def _month(at: datetime) -> datetime:
    return _day(at).replace(day=1)


def _period(length: timedelta) -> tuple[str, Start]:
    if length <= timedelta(days=31):
        return "day", _day
    return ("week", _week) if length <= timedelta(weeks=26) else ("month", _month)


def _next(at: datetime, start: Start) -> datetime:
    later = at
    while start(later) == at:
        later += timedelta(days=1)
    return start(later)


def _thinned(found: Sequence[tuple[datetime, tuple[Cell, ...]]]) -> list[tuple[datetime, tuple[Cell, ...]]]:
    if len(found) <= SHOWN:
        return list(found)
    places = sorted({round(number * (len(found) - 1) / (SHOWN - 1)) for number in range(SHOWN)})
    return [found[place] for place in places]


def _number(cell: Cell) -> int:
    return int(cell) if isinstance(cell, int | float) else 0
