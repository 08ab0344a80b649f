"""The changes that runs recorded."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, insert, select

from accesssync.model.change import Cause, Change
from accesssync.store.engine import translated
from accesssync.store.lease import Lease, writing
from accesssync.store.outbox import Queued, queue
from accesssync.store.tables import changes

CHUNK = 2_000


Tell = Callable[[Sequence[Change]], Sequence[Queued]]
"""What is to be published of some changes."""


def write_changes(
    engine: Engine, lease: Lease, run_id: int, found: Iterable[Change], now: datetime, tell: Tell | None = None
) -> None:
    """Store the changes of a run, in their order, and with them what is told of them."""
    waiting: list[Change] = []
    seq = 0
    for change in found:
        waiting.append(change)
        if len(waiting) >= CHUNK:
            seq = _insert(engine, lease, run_id, seq, waiting, now, tell)
            waiting = []
    if waiting:
        _insert(engine, lease, run_id, seq, waiting, now, tell)


def _insert(
    engine: Engine, lease: Lease, run_id: int, seq: int, some: list[Change], now: datetime, tell: Tell | None
) -> int:
    rows = [_row(lease.org_id, run_id, number, change) for number, change in enumerate(some, start=seq)]
    told = tell(some) if tell is not None else ()
    with translated("the changes cannot be written"), writing(engine, lease) as connection:
        connection.execute(insert(changes), rows)
        queue(connection, lease.org_id, told, now, run_id=run_id)
    return seq + len(some)


def _row(org_id: int, run_id: int, seq: int, change: Change) -> dict[str, Any]:
    return {
        "id": change.id,
        "org_id": org_id,
        "run_id": run_id,
        "seq": seq,
        "observed_after": change.observed_after,
        "observed_before": change.observed_before,
        "kind": change.kind,
        "cause": change.cause.value,
        "subject_id": change.subject_id,
        "subject": change.subject,
        "fields": {name: list(pair) for name, pair in change.fields.items()},
        "actor": change.actor,
        "explanation": change.explanation,
    }


def list_changes(
    engine: Engine,
    org: str,
    org_id: int,
    *,
    after_run: int = 0,
    until_run: int,
    subject_id: str | None = None,
) -> Iterator[Change]:
    """Changes of the runs after `after_run` up to `until_run`, oldest first."""
    query = (
        select(changes)
        .where(changes.c.org_id == org_id, changes.c.run_id > after_run, changes.c.run_id <= until_run)
        .order_by(changes.c.run_id, changes.c.seq)
    )
    if subject_id is not None:
        query = query.where(changes.c.subject_id == subject_id)
    with translated("the changes cannot be read"), engine.connect() as connection:
        yield from read_changes(connection, query, org)


def read_changes(connection: Connection, query: Any, org: str) -> Iterator[Change]:
    """The changes that a query selects."""
    for row in connection.execution_options(yield_per=2_000).execute(query):
        yield Change(
            id=row.id,
            org=org,
            run_id=row.run_id,
            observed_after=row.observed_after,
            observed_before=row.observed_before,
            kind=row.kind,
            cause=Cause(row.cause),
            subject_id=row.subject_id,
            subject=row.subject,
            fields={name: (pair[0], pair[1]) for name, pair in row.fields.items()},
            actor=row.actor,
            explanation=row.explanation,
        )
