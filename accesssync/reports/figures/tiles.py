"""The numbers that a reader looks for first, each with what changed and the table that has its rows."""

from collections.abc import Mapping

from accesssync.reports.columns import Table
from accesssync.reports.figures.findings import PRESSING, open_by_severity, opened_since, told_open
from accesssync.reports.figures.population import Population, is_active, sort_of
from accesssync.reports.figures.shape import Tile, percent
from accesssync.reports.figures.trend import points

NONE_BEFORE = "no earlier report"
_PLACES = {"privileged_people": 0, "privileged_machines": 1, "people": 2, "machines": 3}


class Course:
    """What changed since the first point of the trend."""

    def __init__(self, trend: Table | None) -> None:
        self._points = points(trend)
        self.start = self._points[0][0] if len(self._points) > 1 else None

    def tell(self, name: str) -> tuple[int | None, str]:
        """The difference of a column between its ends, and since when; or why there is none."""
        if self.start is None:
            return None, NONE_BEFORE
        first, last = (one[1][_PLACES[name]] for one in (self._points[0], self._points[-1]))
        if not isinstance(first, int) or not isinstance(last, int):
            return None, NONE_BEFORE
        return last - first, f"since {self.start:%Y-%m-%d}"


def tiles(tables: Mapping[str, Table], population: Population) -> tuple[Tile, ...]:
    """The tiles of the page."""
    course = Course(tables.get("trend"))
    return (
        _sort(population, course, "people", "Active people", good=None),
        _sort(population, course, "machines", "Active machines", good=None),
        _sort(population, course, "people", "Privileged people", privileged=True, good=False),
        _sort(population, course, "machines", "Privileged machines", privileged=True, good=False),
        _rows(tables, "dormant", "Dormant", "not seen for longer than the policy allows"),
        _rows(tables, "external", "External", "of a domain that is not the organization's own"),
        _pressing(tables, course),
        _factor(population),
    )


def _sort(
    population: Population, course: Course, sort: str, label: str, *, good: bool | None, privileged: bool = False
) -> Tile:
    counts = population.privileged if privileged else population.active
    change, since = course.tell(f"privileged_{sort}" if privileged else sort)
    if privileged:
        note = f"{percent(counts[sort], population.active[sort])} of the active {sort}"
    else:
        further = ((population.pending, "invited"), (population.disabled, "disabled"))
        note = "and " + (", ".join(f"{count[sort]:,} {word}" for count, word in further if count[sort]) or "no others")
        if sort == "people" and population.active["undecided"]:
            note += f"; of {population.active['undecided']:,} more it is not decided"
    return Tile(
        label=label,
        value=counts[sort] if population.known else None,
        note=note,
        change=change if population.known else None,
        since=since,
        table="privileged" if privileged else "identities",
        good=good,
    )


def _rows(tables: Mapping[str, Table], name: str, label: str, note: str) -> Tile:
    table = tables.get(name)
    if table is not None and "type" in table:
        sorts = [sort_of(kind) for kind in table.of("type")]
        note = f"{sorts.count('people'):,} people, {len(sorts) - sorts.count('people'):,} others"
        if name == "external" and "status" in table:
            active = sum(is_active(status, None) for status in table.of("status"))
            note = f"{active:,} of them active"
    value = table.length if table is not None else None
    if table is None:
        note = "not in this report"
    return Tile(label=label, value=value, note=note, change=None, since=NONE_BEFORE, table=name, good=False)


def _pressing(tables: Mapping[str, Table], course: Course) -> Tile:
    findings = tables.get("findings")
    value, note, since = None, "", NONE_BEFORE
    if findings is not None:
        counts = open_by_severity(findings)
        value = sum(counts[one] for one in PRESSING)
        note = told_open(findings)
        if course.start is not None:
            opened = opened_since(findings, course.start)
            since = f"{opened:,} of them opened since {course.start:%Y-%m-%d}"
    return Tile(
        label="Open critical and high", value=value, note=note, change=None, since=since, table="findings", good=False
    )


def _factor(population: Population) -> Tile:
    people = population.active["people"]
    known = people - population.factor[None]
    without = population.factor[False]
    return Tile(
        label="Without a second factor",
        value=without if known else None,
        note=f"of {known:,} active people of whom it is known" if known else f"of any of {people:,} active people",
        change=None,
        since=f"unknown for {percent(people - known, people)}" if people else NONE_BEFORE,
        table="identities",
        good=False,
    )
