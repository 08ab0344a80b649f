"""Proof of operation: whether the organization was looked at as often as agreed, and what was proven each time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise

from msgspec import Struct

from accesssync.model.coverage import CoverageState
from accesssync.model.schedule import Schedule
from accesssync.reports.dataset import Cell, Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.history import Ran
from accesssync.reports.period.turns import Gap, Kept, hours_between, kept, observed

WHOLE = "organization"

COLUMNS = (
    ORG,
    Column("part", "text", f"{WHOLE} for all of it, else the resource that the row is about."),
    Column("period_start", "moment", "The beginning of the time that is told of."),
    Column("period_end", "moment", "The end of it."),
    Column("runs", "count", "Tries to read it."),
    Column("proven", "count", "Tries that proved the listing complete; for the organization, every listing."),
    Column("unproven", "count", "Tries that saw something and did not prove it complete, and removed nobody."),
    Column("denied", "count", "Tries that were refused by Datadog for want of a permission."),
    Column("failed", "count", "Tries that saw nothing."),
    Column("skipped", "count", "Tries that left it out because the settings say so."),
    Column("schedule", "text", "How often a run was due; empty where nothing was agreed and too little was observed."),
    Column("schedule_source", "text", "configured, as the settings say now, or observed from the runs themselves."),
    Column("turns", "count", "How often a run was due."),
    Column("kept", "count", "How often a run was due and saw something."),
    Column("missed", "count", "How often one was due and there was none."),
    Column("longest_gap_hours", "number", "The longest time without a proven look, in hours."),
    Column("longest_gap_start", "moment", "When that began: the last proven look before, or the beginning."),
    Column("longest_gap_end", "moment", "When that ended: the next proven look, or the end."),
)

GAPS = (
    ORG,
    Column("gap_start", "moment", "The last run before, or the turn that was missed first."),
    Column("gap_end", "moment", "The next run, or the end of the period."),
    Column("hours", "number", "How long it was."),
    Column("missed", "count", "How many turns of the schedule were missed in it."),
)


class Look(Struct, frozen=True, gc=False):
    """What came of one resource in one run."""

    run: int
    resource: str
    state: str
    ended: datetime


class Told(Struct, frozen=True, kw_only=True):
    """What is needed to prove operation: every try that began in the time, and what came of each resource."""

    org: str
    start: datetime
    end: datetime
    tries: Sequence[Ran]
    looks: Iterable[Look]
    configured: Schedule | None
    """The schedule of the settings, where a worker keeps it for this organization."""


class Operation(Struct, frozen=True, kw_only=True):
    """The proof, worked out."""

    told: Told
    schedule: Schedule | None
    source: str | None
    turns: Kept | None
    longest: Gap
    by_resource: Mapping[str, Mapping[str, int]]
    longest_by_resource: Mapping[str, Gap]


def operation(told: Told) -> Operation:
    """Work out what was kept. A run that was published kept its turn, whether or not everything in it was proven."""
    seen = [one.started_at for one in told.tries if one.published]
    schedule, source = told.configured, "configured"
    if schedule is None or schedule.off:
        schedule, source = observed(seen), "observed"
    counts: dict[str, dict[str, int]] = {}
    proofs: dict[str, list[datetime]] = {}
    for look in told.looks:
        mine = counts.setdefault(look.resource, {})
        mine[look.state] = mine.get(look.state, 0) + 1
        ends = proofs.setdefault(look.resource, [])
        if look.state == CoverageState.COMPLETE.value:
            ends.append(look.ended)
    proven = [one.finished_at for one in told.tries if one.published and one.proven and one.finished_at]
    return Operation(
        told=told,
        schedule=schedule,
        source=source if schedule is not None else None,
        turns=kept(schedule, told.start, told.end, seen) if schedule is not None else None,
        longest=_longest(told, proven),
        by_resource=counts,
        longest_by_resource={resource: _longest(told, ends) for resource, ends in proofs.items()},
    )


def _longest(told: Told, moments: Iterable[datetime]) -> Gap:
    """The longest time between two of these moments, the beginning and the end."""
    edges = [told.start, *sorted(one for one in moments if told.start <= one <= told.end), told.end]
    pairs = pairwise(edges)
    start, end = max(pairs, key=lambda pair: (pair[1] - pair[0], pair[0]))
    return Gap(start=start, end=end, missed=0)


def datasets(found: Operation) -> tuple[Dataset, Dataset]:
    """The proof as exports: the figures, and every gap in which turns were missed."""
    told = found.told

    def read() -> Iterator[Row]:
        yield _whole(found)
        for resource in sorted(found.by_resource):
            yield _resource(found, resource)

    def gaps() -> Iterator[Row]:
        for gap in found.turns.gaps if found.turns else ():
            yield told.org, gap.start, gap.end, gap.hours, gap.missed

    return (
        Dataset("operation", "Proof of operation", "organization, then resource", COLUMNS, read),
        Dataset(
            "operation_gaps", "Turns that were missed", "time in which a run was due and none was made", GAPS, gaps
        ),
    )


def _whole(found: Operation) -> Row:
    tries = found.told.tries
    published = [one for one in tries if one.published]
    proven = sum(one.proven for one in published)
    turns = found.turns
    return (
        found.told.org, WHOLE, found.told.start, found.told.end,
        len(tries), proven, len(published) - proven, 0, len(tries) - len(published), 0,
        found.schedule.text if found.schedule else None, found.source,
        turns.turns if turns else None, turns.kept if turns else None, turns.missed if turns else None,
        *_gap(found.longest),
    )  # fmt: skip


def _resource(found: Operation, resource: str) -> Row:
    counts = found.by_resource[resource]
    states = (CoverageState.COMPLETE, CoverageState.INCOMPLETE, CoverageState.DENIED, CoverageState.FAILED)
    return (
        found.told.org, resource, found.told.start, found.told.end,
        sum(counts.values()), *(counts.get(state.value, 0) for state in states),
        counts.get(CoverageState.SKIPPED.value, 0),
        None, None, None, None, None, *_gap(found.longest_by_resource[resource]),
    )  # fmt: skip


def _gap(gap: Gap) -> tuple[Cell, ...]:
    return hours_between(gap.start, gap.end), gap.start, gap.end
