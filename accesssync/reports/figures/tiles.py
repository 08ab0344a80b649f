"""The numbers that a reader looks for first, each with what changed and the table that has its rows."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime

from accesssync.reports.columns import Table
from accesssync.reports.figures.findings import PRESSING, open_by_severity, opened_since, told_open
from accesssync.reports.figures.population import Population, is_active, is_person, people
from accesssync.reports.figures.shape import Tile, percent
from accesssync.reports.figures.trend import COUNTED, points

NONE_BEFORE = "no earlier count"
_WHY = {"30 days": " (30 days)", "beginning": " (the first run)"}


class Earlier:
    """What figures were before: as the dataset `previous` says it, else as the ends of the trend do."""

    def __init__(self, tables: Mapping[str, Table]) -> None:
        self._told: dict[str, tuple[int, str]] = {}
        self.since: datetime | None = None
        previous = tables.get("previous")
        if previous is not None:
            for name, change, at, why in previous.rows("figure", "change", "since_at", "since"):
                if isinstance(at, datetime) and isinstance(change, int):
                    self.since = at
                    self._told[str(name)] = change, f"since {at:%Y-%m-%d}{_WHY.get(str(why), '')}"
            return
        course = points(tables.get("trend"))
        if len(course) > 1:
            self.since = course[0][0]
            for place, name in enumerate(COUNTED):
                first, last = course[0][1][place], course[-1][1][place]
                if isinstance(first, int) and isinstance(last, int):
                    self._told[name] = last - first, f"since {self.since:%Y-%m-%d}"

    def tell(self, name: str) -> tuple[int | None, str]:
        """By how much a figure grew and since when, or why nobody knows."""
        return self._told.get(name, (None, NONE_BEFORE))


def tiles(tables: Mapping[str, Table], population: Population) -> tuple[Tile, ...]:
    """The tiles of the page."""
    earlier = Earlier(tables)
    return (
        _sort(population, earlier, "people", "People with access", good=None),
        _sort(population, earlier, "machines", "Machines with access", good=None),
        _sort(population, earlier, "people", "Privileged people", privileged=True, good=False),
        _sort(population, earlier, "machines", "Privileged machines", privileged=True, good=False),
        _rows(tables, "dormant", "Dormant", "not seen for longer than the policy allows"),
        _rows(tables, "external", "External", "of a domain that is not the organization's own"),
        _pressing(tables, earlier),
        _factor(population),
    )


def _sort(
    population: Population, earlier: Earlier, sort: str, label: str, *, good: bool | None, privileged: bool = False
) -> Tile:
    counts = population.privileged if privileged else population.access
    of = people if sort == "people" else _machines
    change, since = earlier.tell(f"privileged_{sort}" if privileged else sort)
    if privileged:
        note = f"{percent(of(counts), of(population.access))} of the {sort} with access"
    else:
        told = (
            f"{of(population.pending):,} of them invited" if of(population.pending) else "",
            f"{counts['undecided']:,} to be decided" if sort == "people" and counts["undecided"] else "",
            f"{of(population.disabled):,} more disabled",
        )
        note = ", ".join(one for one in told if one)
    return Tile(
        label=label,
        value=of(counts) if population.known else None,
        note=note if population.known else "not in this report",
        change=change if population.known else None,
        since=since,
        table="privileged" if privileged else "identities",
        good=good,
    )


def _machines(counts: Counter[str]) -> int:
    return counts["machines"]


def _rows(tables: Mapping[str, Table], name: str, label: str, note: str) -> Tile:
    table = tables.get(name)
    if table is not None and "type" in table:
        persons = sum(map(is_person, table.of("type")))
        note = f"{persons:,} people, {table.kept - persons:,} machines"
        if name == "external" and "status" in table:
            active = sum(is_active(status, None) for status in table.of("status"))
            note = f"{active:,} of them active"
    value = table.length if table is not None else None
    if table is None:
        note = "not in this report"
    return Tile(label=label, value=value, note=note, change=None, since=NONE_BEFORE, table=name, good=False)


def _pressing(tables: Mapping[str, Table], earlier: Earlier) -> Tile:
    findings = tables.get("findings")
    value, note = None, "not in this report"
    change, since = earlier.tell("open_critical_high")
    if findings is not None:
        counts = open_by_severity(findings)
        value = sum(counts[one] for one in PRESSING)
        note = told_open(findings)
        if change is None and earlier.since is not None:
            since = f"{opened_since(findings, earlier.since):,} of them opened since {earlier.since:%Y-%m-%d}"
    return Tile(
        label="Open critical and high",
        value=value,
        note=note,
        change=change if value is not None else None,
        since=since,
        table="findings",
        good=False,
    )


def _factor(population: Population) -> Tile:
    active = people(population.active)
    known = active - population.factor[None]
    without = population.factor[False]
    return Tile(
        label="Without a second factor",
        value=without if known else None,
        note=f"of {known:,} active people of whom it is known" if known else f"of any of {active:,} active people",
        change=None,
        since=f"unknown for {percent(active - known, active)}" if active else NONE_BEFORE,
        table="identities",
        good=False,
    )
