"""What Datadog's Audit Trail told: the events that account for changes, and those of which nobody saw anything."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, convert, to_builtins
from sqlalchemy import Engine, bindparam, delete, func, or_, select, update
from sqlalchemy import Table as SqlTable

from accesssync.model.change import Change
from accesssync.model.trail import Reading, TrailEvent, TrailState
from accesssync.store.bulk import batches, insert_rows
from accesssync.store.changes import read_changes
from accesssync.store.engine import translated
from accesssync.store.lease import Lease, writing
from accesssync.store.tables import changes, credentials, grants, identities, runs, trail_events

CHUNK = 4_000
"""Events of one transaction: each may take the place of another."""

_COLUMNS = (
    "org_id", "id", "run_id", "at", "action", "actor", "key", "asset_type", "asset_id", "asset_name", "change_ids",
    "unseen", "subject_id", "subject", "role_id",
)  # fmt: skip


class Kept(Struct, frozen=True, kw_only=True):
    """One event with what came of it: the changes it accounts for, or what it gave that nobody saw."""

    event: TrailEvent
    change_ids: tuple[str, ...] = ()
    subject_id: str | None = None
    subject: str | None = None
    role_id: str | None = None


class KeptEvent(Struct, frozen=True, kw_only=True):
    """One event as it is kept."""

    id: str
    at: datetime
    action: str
    actor: str | None
    key: str | None
    asset_type: str | None
    asset_id: str | None
    asset_name: str | None
    change_ids: list[str]
    unseen: bool
    subject_id: str | None
    subject: str | None
    role_id: str | None


def write_events(engine: Engine, lease: Lease, run_id: int, kept: Sequence[Kept]) -> None:
    """Keep events, each in the place of what was said of it before."""
    for start in range(0, len(kept), CHUNK):
        part = kept[start : start + CHUNK]
        rows = [_row(lease.org_id, run_id, one) for one in part]
        with translated("the Audit Trail's events cannot be written"), writing(engine, lease) as connection:
            for batch in batches([one.event.id for one in part]):
                mine = trail_events.c.org_id == lease.org_id, trail_events.c.id.in_(batch)
                connection.execute(delete(trail_events).where(*mine))
            insert_rows(connection, trail_events, _COLUMNS, rows)


def _row(org_id: int, run_id: int, one: Kept) -> tuple[Any, ...]:
    event = one.event
    return (
        org_id, event.id, run_id, event.at, event.action, event.actor, event.key, event.asset_type, event.asset_id,
        event.asset_name, one.change_ids, not one.change_ids, one.subject_id, one.subject, one.role_id,
    )  # fmt: skip


def changes_since(engine: Engine, org: str, org_id: int, since: datetime, until_run: int) -> Iterator[Change]:
    """The organization's own changes of runs up to this one whose windows ended at or after a time, oldest first."""
    recent = select(runs.c.id).where(
        runs.c.org_id == org_id,
        runs.c.undone.is_(False),
        or_(runs.c.finished_at.is_(None), runs.c.finished_at >= since),
    )
    query = (
        select(changes)
        .where(
            changes.c.org_id == org_id,
            changes.c.run_id.in_(recent),
            changes.c.run_id <= until_run,
            changes.c.observed_before >= since,
            changes.c.cause == "org",
        )
        .order_by(changes.c.run_id, changes.c.seq)
    )
    with translated("the changes cannot be read"), engine.connect() as connection:
        yield from read_changes(connection, query, org)


def name_actors(engine: Engine, lease: Lease, actors: Mapping[str, str]) -> None:
    """Say who made changes that nobody was named for so far."""
    beside = (
        update(changes)
        .where(changes.c.org_id == lease.org_id, changes.c.id == bindparam("change"), changes.c.actor.is_(None))
        .values(actor=bindparam("by"))
    )
    rows = [{"change": change, "by": by} for change, by in actors.items()]
    for start in range(0, len(rows), CHUNK):
        with translated("the changes cannot be written"), writing(engine, lease) as connection:
            connection.execute(beside, rows[start : start + CHUNK])


def ever_stored(engine: Engine, org_id: int, ids: Sequence[str]) -> set[str]:
    """Those of these ids, in lower case, that some identity or credential ever had, a run under way included."""
    found: set[str] = set()
    with translated("the identities cannot be read"), engine.connect() as connection:
        for table in (identities, credentials):
            for batch in batches(ids):
                query = select(table.c.id).where(table.c.org_id == org_id, table.c.id.in_(batch)).distinct()
                found.update(row.lower() for row in connection.execute(query).scalars())
    return found


def identities_called(engine: Engine, org_id: int, texts: Iterable[str]) -> dict[str, set[tuple[str, str]]]:
    """By id and by address in lower case, which identities were ever called so: their ids and what people call them."""
    one, wanted = identities.c, sorted(set(texts))
    found: dict[str, set[tuple[str, str]]] = {}
    with translated("the identities cannot be read"), engine.connect() as connection:
        for batch in batches(wanted):
            called = or_(one.id.in_(batch), func.lower(one.email).in_(batch))
            for row in connection.execute(select(one.id, one.email, one.name).where(one.org_id == org_id, called)):
                for text in (row[0], row[1]):
                    if text:
                        found.setdefault(text.lower(), set()).add((row[0], row[1] or row[2] or row[0]))
    return found


def held_since(
    engine: Engine, org_id: int, identity_ids: Sequence[str], since: datetime
) -> set[tuple[str, str]]:  # fmt: skip
    """The (identity, role) of grants that some look showed after a time."""
    ended, table = runs.alias("ended"), grants
    query = (
        select(table.c.identity_id, table.c.role_id)
        .outerjoin(ended, ended.c.id == table.c.to_run)
        .where(table.c.org_id == org_id)
        .where(or_(table.c.to_run.is_(None), ended.c.finished_at.is_(None), ended.c.finished_at >= since))
    )
    found: set[tuple[str, str]] = set()
    with translated("the grants cannot be read"), engine.connect() as connection:
        for batch in batches(identity_ids):
            for row in connection.execute(query.where(table.c.identity_id.in_(batch))):
                found.add((row[0], row[1]))
    return found


def list_events(engine: Engine, org_id: int, until_run: int, since: datetime) -> list[KeptEvent]:
    """The events that runs up to one kept, from a time on, oldest first."""
    table: SqlTable = trail_events
    query = (
        select(*(table.c[name] for name in KeptEvent.__struct_fields__))
        .where(table.c.org_id == org_id, table.c.run_id <= until_run, table.c.at >= since)
        .order_by(table.c.at, table.c.id)
    )
    with translated("the Audit Trail's events cannot be read"), engine.connect() as connection:
        return [KeptEvent(**row) for row in connection.execute(query).mappings()]


def readings(engine: Engine, org_id: int, until_run: int, since: datetime) -> list[Reading]:
    """What published runs up to one read of the Audit Trail, those that began after a time, oldest first."""
    query = (
        select(runs.c.audit_trail)
        .where(
            runs.c.org_id == org_id,
            runs.c.undone.is_(False),
            runs.c.id <= until_run,
            runs.c.started_at >= since,
            runs.c.audit_trail.is_not(None),
        )
        .order_by(runs.c.id)
    )
    with translated("the runs cannot be read"), engine.connect() as connection:
        return [reading_of(row) for row in connection.execute(query).scalars() if row]


def document_of(reading: Reading) -> dict[str, Any]:
    """A reading as a run keeps it."""
    found: dict[str, Any] = to_builtins(reading)
    return found


def reading_of(document: Mapping[str, Any]) -> Reading:
    """A reading as a run kept it."""
    try:
        return convert(document, Reading)
    except ValueError:
        return Reading(state=TrailState.FAILED, reason="what was kept of it cannot be read")
