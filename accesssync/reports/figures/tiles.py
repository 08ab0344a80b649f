"""The numbers that a reader looks for first, each with what changed and the table that has its rows."""

from collections.abc import Mapping
from datetime import datetime

from accesssync.reports.columns import Table
from accesssync.reports.figures.findings import PRESSING, open_by_severity, told_open
from accesssync.reports.figures.population import Population, is_active, sort_of
from accesssync.reports.figures.shape import Tile, percent

NONE_BEFORE = "no earlier count"


class Before:
    """What changed since the time that the report compares its figures with."""

    def __init__(self, previous: Table | None) -> None:
        rows = previous.rows("figure", "change", "since_at") if previous is not None else ()
        self._told = {
            name: (change, since)
            for name, change, since in rows
            if isinstance(change, int) and isinstance(since, datetime)
        }

    def tell(self, name: str) -> tuple[int | None, str]:
        """By how much a figure changed, and since when; or why nobody knows."""
        found = self._told.get(name)
        return (found[0], f"since {found[1]:%Y-%m-%d}") if found else (None, NONE_BEFORE)


def tiles(tables: Mapping[str, Table], population: Population) -> tuple[Tile, ...]:
    """The tiles of the page."""
    before = Before(tables.get("previous"))
    return (
        _sort(population, before, "people", "Active people", good=None),
        _sort(population, before, "machines", "Active machines", good=None),
        _sort(population, before, "people", "Privileged people", privileged=True, good=False),
        _sort(population, before, "machines", "Privileged machines", privileged=True, good=False),
        _rows(tables, "dormant", "Dormant", "not seen for longer than the policy allows"),
        _rows(tables, "external", "External", "of a domain that is not the organization's own"),
        _pressing(tables, before),
        _factor(population),
    )


def _sort(
    population: Population, before: Before, sort: str, label: str, *, good: bool | None, privileged: bool = False
) -> Tile:
    counts = population.privileged if privileged else population.active
    change, since = before.tell(f"privileged_{sort}" if privileged else sort)
    if privileged:
        note = f"{percent(counts[sort], population.active[sort])} of the active {sort}"
    else:
        note = f"and {population.pending[sort]:,} invited, {population.disabled[sort]:,} disabled"
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


def _pressing(tables: Mapping[str, Table], before: Before) -> Tile:
    findings = tables.get("findings")
    value, note = None, ""
    change, since = before.tell("open_critical_high")
    if findings is not None:
        counts = open_by_severity(findings)
        value = sum(counts[one] for one in PRESSING)
        note = told_open(findings)
    return Tile(
        label="Open critical and high",
        value=value,
        note=note,
        change=change if findings is not None else None,
        since=since,
        table="findings",
        good=False,
    )


def _factor(population: Population) -> Tile:
    people = population.active["people"]
    known = people - population.factor[None]
    without = population.factor[False]
    return Tile(
        label="Without a second factor",
        value=without if known else None,
        note=f"of {known:,} people of whom it is known; of {people - known:,} it is not",
        change=None,
        since=f"unknown for {percent(people - known, people)}" if population.known else NONE_BEFORE,
        table="identities",
        good=False,
    )
