"""Delete what is older than it has to be: only what ended, and no run that anything kept still names.

What holds now is never deleted, whatever its age. Nor is an entry of the audit log, or what a person decided. Deleting
touches nothing that a run under way could: only what published runs ended before the cutoff.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Column, ColumnElement, Engine, delete, exists, func, or_, select, tuple_
from sqlalchemy import Table as SqlTable

from accesssync.model.coverage import CoverageState, Resource
from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.runs import HISTORY
from accesssync.store.tables import (
    activity,
    changes,
    coverages,
    evaluations,
    metadata,
    orgs,
    runs,
    sightings,
    trail_events,
)

CHUNK = 10_000
"""Rows deleted in one transaction at most: others want to write too."""

RUN_PARTS = (coverages, evaluations)
"""What is a part of a run and is deleted with it, rather than keeping it."""


class Cutoffs(Struct, frozen=True, kw_only=True):
    """Before which time each kind of row may go; None where it stays for ever."""

    history: datetime | None
    changes: datetime | None
    activity: date | None
    runs: datetime | None


def citations() -> list[Column[Any]]:
    """Every column that names a run: whatever is in one of them is kept."""
    return [
        column
        for table in metadata.sorted_tables
        if table not in RUN_PARTS
        for column in table.c
        if column.name == "run_id" or column.name.endswith(("_run", "_run_id"))
    ]


def retain(engine: Engine, cutoffs: Cutoffs, check: Callable[[], None]) -> dict[str, int]:
    """Delete in small transactions, `check` called before each; it may raise to stop. Rows deleted, by table."""
    deleted: Counter[str] = Counter()
    with translated("what is too old cannot be deleted"):
        for table, *conditions in _rules(cutoffs):
            deleted[table.name] += _sweep(engine, table, conditions, check)
        if cutoffs.runs is not None:
            for some in _pieces(_free_runs(engine, cutoffs.runs)):
                check()
                with writing(engine) as connection:
                    for part in batches(some):
                        for table in RUN_PARTS:
                            connection.execute(delete(table).where(table.c.run_id.in_(part)))
                        connection.execute(delete(runs).where(runs.c.id.in_(part)))
                deleted["runs"] += len(some)
    return {name: count for name, count in deleted.items() if count}


def _rules(cutoffs: Cutoffs) -> Iterator[tuple[Any, ...]]:
    """Tables, and what of them is too old."""
    if cutoffs.history is not None:
        for table in HISTORY:
            yield table, exists().where(runs.c.id == table.c.to_run, *_over(cutoffs.history))
        yield sightings, sightings.c.seen_at < cutoffs.history
    if cutoffs.changes is not None:
        yield changes, exists().where(runs.c.id == changes.c.run_id, *_over(cutoffs.changes))
        yield trail_events, trail_events.c.at < cutoffs.changes
    if cutoffs.activity is not None:
        yield activity, activity.c.until_day.is_not(None), activity.c.until_day <= cutoffs.activity


def _sweep(engine: Engine, table: SqlTable, conditions: list[Any], check: Callable[[], None]) -> int:
    keys = list(table.primary_key.columns)
    some = select(*keys).where(*conditions).limit(CHUNK)
    total = 0
    while True:
        check()
        with writing(engine) as connection:
            count = connection.execute(delete(table).where(tuple_(*keys).in_(some))).rowcount
        total += count
        if count < CHUNK:
            return total


def _over(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """A run that ended before a time and is published or undone: what a run under way ends is not over."""
    newest = select(orgs.c.published_run_id).where(orgs.c.id == runs.c.org_id).scalar_subquery()
    return runs.c.finished_at < before, runs.c.id <= newest


def _free_runs(engine: Engine, before: datetime) -> list[int]:
    """Runs that ended before a time, that nothing kept names, and whose proofs newer ones have replaced.

    Each column is read once, for the old runs only: asked run by run, a table without a fitting index would be read for
    each of them.
    """
    ended = func.coalesce(runs.c.finished_at, runs.c.started_at)
    over = or_(runs.c.finished_at.is_not(None), runs.c.undone.is_(True))
    with engine.connect() as connection:
        free = set(connection.execute(select(runs.c.id).where(ended < before, over)).scalars())
        if not free:
            return []
        newest = max(free)
        for column in citations():
            cited = select(column).where(column.is_not(None), column <= newest).distinct()
            free.difference_update(connection.execute(cited).scalars())
        # The newest proof of each resource is where the window of its next change begins.
        proofs = (
            select(func.max(coverages.c.run_id))
            .join(runs, runs.c.id == coverages.c.run_id)
            .where(coverages.c.state == CoverageState.COMPLETE.value, runs.c.undone.is_(False))
            .group_by(coverages.c.org_id, coverages.c.resource)
        )
        free.difference_update(connection.execute(proofs).scalars())
    return sorted(free)


def _pieces(ids: list[int]) -> Iterator[list[int]]:
    # Each run takes a row per resource with it, and what evaluating it came to.
    size = CHUNK // (2 * len(Resource))
    for start in range(0, len(ids), max(1, size)):
        yield ids[start : start + max(1, size)]
