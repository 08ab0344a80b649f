"""The shapes that figures come in. Each can be told as a table, for those who would rather read or cannot see it."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

Twin = tuple[tuple[str, ...], tuple[tuple[object, ...], ...]]
"""A heading per column, and rows."""


class Series(Struct, frozen=True):
    """One of several things that are counted side by side. `key` names it for colours, `values` has one per group."""

    key: str
    label: str
    values: tuple[int, ...]


class Groups(Struct, frozen=True, kw_only=True):
    """Counts by group and series: columns that stand on each other, or bars of shares."""

    title: str
    says: str
    """The one sentence that a reader should take away."""
    about: str
    """How it is counted."""
    groups: tuple[str, ...]
    series: tuple[Series, ...]
    first: str
    """What a group is, as the heading of the table's first column."""
    apart: tuple[str, ...] = ()
    """Groups that belong on no scale, such as "unknown"; they come last."""
    adds: bool = True
    """Whether the series of a group make a sum that means something."""

    def totals(self) -> tuple[int, ...]:
        """What each group adds up to."""
        return tuple(sum(one.values[place] for one in self.series) for place in range(len(self.groups)))

    def twin(self) -> Twin:
        """The same as a table."""
        several = self.adds and len(self.series) > 1
        heading = (self.first, *(one.label for one in self.series), *(("Total",) if several else ()))
        rows = [
            (group, *(one.values[place] for one in self.series), *((total,) if several else ()))
            for place, (group, total) in enumerate(zip(self.groups, self.totals(), strict=True))
        ]
        return heading, tuple(rows)


class Course(Struct, frozen=True, kw_only=True):
    """Values over time. `at` and the values of each series have the same length, the oldest first."""

    title: str
    says: str
    about: str
    at: tuple[datetime, ...]
    series: tuple[Series, ...]

    def twin(self) -> Twin:
        """The same as a table."""
        heading = ("Run finished (UTC)", *(one.label for one in self.series))
        rows = [
            (f"{when:%Y-%m-%d %H:%M}", *(one.values[place] for one in self.series))
            for place, when in enumerate(self.at)
        ]
        return heading, tuple(rows)


class Grid(Struct, frozen=True, kw_only=True):
    """Counts by two things: a heat map."""

    title: str
    says: str
    about: str
    rows: tuple[tuple[str, str], ...]
    """What each row is, and a word on its size."""
    columns: tuple[tuple[str, str], ...]
    """A short name of each column and what it means."""
    values: tuple[tuple[int, ...], ...]
    left_out: int = 0
    """Rows that are only in the table of roles."""

    def twin(self) -> Twin:
        """The same as a table."""
        heading = ("Role", "Active holders", *(short for short, _ in self.columns))
        rows = [(name, size, *values) for (name, size), values in zip(self.rows, self.values, strict=True)]
        return heading, tuple(rows)


class Tile(Struct, frozen=True, kw_only=True):
    """One number that a reader looks for first. `value` None: the report does not have it."""

    label: str
    value: int | None
    note: str
    change: int | None
    since: str
    """What the change refers to, or why there is none."""
    table: str
    """The dataset that has the rows behind it."""
    good: bool | None = None
    """Whether fewer would be better (False), more (True), or neither."""


def percent(part: int, whole: int) -> str:
    """A share for people: never 0 % of something, never 100 % of less than all."""
    if not whole:
        return "none"
    share = round(100 * part / whole)
    if part and not share:
        return "under 1 %"
    return "over 99 %" if part < whole and share == 100 else f"{share} %"


def counted(number: int, one: str, many: str) -> str:
    """`1 key`, `1,204 keys`."""
    return f"{number:,} {one if number == 1 else many}"


def bucket(days: int | None, edges: Sequence[int]) -> int:
    """The place of an age among buckets that end with these days, the last one open; -1 where it is not known."""
    if days is None:
        return -1
    for place, edge in enumerate(edges):
        if days <= edge:
            return place
    return len(edges)


def spans(edges: Sequence[int]) -> tuple[str, ...]:
    """The names of such buckets: `0-30`, `31-90`, `over 90`."""
    starts = (0, *(edge + 1 for edge in edges[:-1]))
    return (*(f"{start}\u2013{edge}" for start, edge in zip(starts, edges, strict=True)), f"over {edges[-1]}")
