"""What waits to be published: entries written in the transaction of what caused them, and how far they got.

An entry of a run under way is written with that run's number, in the small transactions in which its changes are, and
is told once the run is published: the flip of one row makes all of them deliverable at once. Whatever undoes the run
deletes them. Entries of an evaluation are written in the transaction of the findings they are about.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, Select, and_, delete, func, or_, select, text, update
from sqlalchemy.dialects import postgresql, sqlite

from accesssync.errors import LockedError
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import deliveries, orgs, outbox

_LOCK = 4_710_253
"""Of PostgreSQL's advisory locks with two keys: this, and the organization. An arbitrary number of our own."""

CHUNK = 5_000
"""Entries deleted in one transaction."""

_AT_ONCE = 100
"""Rows fetched from the driver at a time: some of them may be large."""


class Queued(Struct, frozen=True, kw_only=True):
    """An entry to be kept. `severity` is a rank: the higher, the later it is dropped. `body` is JSON."""

    stream: str
    dedup_id: str
    severity: int
    observed_at: datetime
    body: str


class Waiting(Struct, frozen=True, kw_only=True):
    """An entry that waits, with its place in the stream."""

    seq: int
    dedup_id: str
    observed_at: datetime
    severity: int
    body: str


class Way(Struct, frozen=True):
    """One stream of one organization on its way to one destination."""

    org_id: int
    stream: str
    route: str


class Delivery(Struct, frozen=True, kw_only=True):
    """How far a way has come. Times are in UTC; `state` is new, ok, later or stopped."""

    org_id: int
    stream: str
    route: str
    after_seq: int
    delivered: int
    dead: int
    lost: int
    dropped: int
    state: str
    error: str | None
    failures: int
    tried_at: datetime | None
    delivered_at: datetime | None
    not_before: datetime | None


class Backlog(Struct, frozen=True):
    """How many entries wait, and since when the oldest of them."""

    waiting: int
    oldest: datetime | None


def queue(
    connection: Connection, org_id: int, entries: Sequence[Queued], now: datetime, *, run_id: int | None = None
) -> None:
    """Keep entries, in their order, within a transaction of `writing`; one that is kept already stays as it is.

    Before an audit entry, which comes last in its transaction. On PostgreSQL whoever queues next for the same
    organization waits until this transaction ends, so that nobody sees a later place before an earlier one.
    """
    if not entries:
        return
    if not connection.get_execution_options().get("accesssync_writes"):
        raise TypeError("an entry is queued in a transaction of store.lease.writing")
    on_postgresql = connection.dialect.name == "postgresql"
    if on_postgresql:
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock, :org)"), {"lock": _LOCK, "org": org_id})
    statement: Any = (postgresql if on_postgresql else sqlite).insert(outbox)
    fixed = {"org_id": org_id, "run_id": run_id, "queued_at": now}
    rows = [{**fixed, **{name: getattr(one, name) for name in Queued.__struct_fields__}} for one in entries]
    connection.execute(statement.on_conflict_do_nothing(), rows)


def forget_run(connection: Connection, org_id: int, run_id: int) -> None:
    """Delete what a run queued that will never be published."""
    connection.execute(delete(outbox).where(outbox.c.org_id == org_id, outbox.c.run_id == run_id))


def _told(org_id: int, stream: str) -> tuple[ColumnElement[bool], ...]:
    """What may be delivered: everything before the first entry of a run that is not published yet.

    What came after such an entry waits for it: the way only ever leads forward.
    """
    published = select(func.coalesce(orgs.c.published_run_id, 0)).where(orgs.c.id == org_id).scalar_subquery()
    mine = outbox.alias("under_way")
    first = (
        select(func.min(mine.c.seq))
        .where(mine.c.org_id == org_id, mine.c.stream == stream, mine.c.run_id > published)
        .scalar_subquery()
    )
    return (
        outbox.c.org_id == org_id,
        outbox.c.stream == stream,
        or_(first.is_(None), outbox.c.seq < first),
    )


def read_waiting(
    engine: Engine, org_id: int, stream: str, after_seq: int, *, most: int, most_bytes: int
) -> list[Waiting]:
    """The next entries of a stream: at most so many, and no more than it takes to reach so many bytes of bodies."""
    table = outbox.c
    query = (
        select(table.seq, table.dedup_id, table.observed_at, table.severity, table.body)
        .where(*_told(org_id, stream), table.seq > after_seq)
        .order_by(table.seq)
        .limit(most)
        .execution_options(yield_per=_AT_ONCE)
    )
    found: list[Waiting] = []
    size = 0
    with translated("the outbox cannot be read"), engine.connect() as connection, connection.execute(query) as rows:
        for row in rows:
            one = Waiting(seq=row[0], dedup_id=row[1], observed_at=row[2], severity=row[3], body=row[4])
            found.append(one)
            size += len(one.body)
            if size >= most_bytes:
                break
    return found


def backlog(engine: Engine, org_id: int, stream: str, after_seq: int) -> Backlog:
    """What of a stream waits behind a place, without what no published run has told."""
    query = select(func.count(), func.min(outbox.c.observed_at)).where(*_told(org_id, stream), outbox.c.seq > after_seq)
    with translated("the outbox cannot be read"), engine.connect() as connection:
        row = connection.execute(query).one()
        return Backlog(int(row[0]), row[1])


def ensure_delivery(engine: Engine, way: Way, start: int = 0) -> Delivery:
    """How far a way has come; of one that was never gone, its beginning behind `start`."""
    found = find_delivery(engine, way)
    if found is not None:
        return found
    with translated("the delivery cannot be recorded"), writing(engine) as connection:
        _begin(connection, way, start)
    found = find_delivery(engine, way)
    if found is None:
        raise LookupError(way)
    return found


def find_delivery(engine: Engine, way: Way) -> Delivery | None:
    """How far a way has come; None where nobody ever went it."""
    with translated("the deliveries cannot be read"), engine.connect() as connection:
        row = connection.execute(_of(select(deliveries), way)).first()
        return _delivery(row) if row else None


def list_deliveries(engine: Engine, org_id: int | None = None) -> list[Delivery]:
    """Every way, of one organization or of all, in a fixed order."""
    table = deliveries.c
    query = select(deliveries).order_by(table.org_id, table.stream, table.route)
    if org_id is not None:
        query = query.where(table.org_id == org_id)
    with translated("the deliveries cannot be read"), engine.connect() as connection:
        return [_delivery(row) for row in connection.execute(query)]


def settle(
    engine: Engine,
    way: Way,
    before: int,
    after: int,
    now: datetime,
    *,
    delivered: int = 0,
    dead: int = 0,
    lost: int = 0,
    dropped: int = 0,
) -> None:
    """Go on from one place to the next: everything up to `after` is settled, as counted.

    LockedError where the way is not where it was left: somebody else went on, and what was sent may come twice, with
    the same deduplication ids.
    """
    table = deliveries.c
    values: dict[str, Any] = {"after_seq": after, "tried_at": now}
    counts = {"delivered": delivered, "dead": dead, "lost": lost, "dropped": dropped}
    values |= {name: table[name] + count for name, count in counts.items() if count}
    if delivered:
        values |= {"delivered_at": now, "state": "ok", "error": None, "failures": 0, "not_before": None}
    with translated("the delivery cannot be recorded"), writing(engine) as connection:
        statement = update(deliveries).where(*_where(way), table.after_seq == before).values(**values)
        if connection.execute(statement).rowcount != 1:
            raise LockedError(
                f"another process delivers {way.stream} to {way.route}", remedy="what it sends carries the same ids"
            )


def note(
    engine: Engine, way: Way, state: str, error: str | None, now: datetime, *, not_before: datetime | None = None
) -> None:
    """Remember how the last try of a way ended, where it did not end well, or that nothing is in the way any more."""
    failures = deliveries.c.failures + 1 if error is not None else 0
    values = {"state": state, "error": error, "tried_at": now, "not_before": not_before, "failures": failures}
    with translated("the delivery cannot be recorded"), writing(engine) as connection:
        connection.execute(update(deliveries).where(*_where(way)).values(**values))


def prune(engine: Engine, org_id: int, stream: str, routes: Sequence[str]) -> int:
    """Delete what every one of these routes has settled; how many that were. Nothing where a route is yet to begin."""
    table = deliveries.c
    query = select(func.min(table.after_seq), func.count()).where(
        table.org_id == org_id, table.stream == stream, table.route.in_(routes)
    )
    with translated("the outbox cannot be emptied"):
        with engine.connect() as connection:
            least, known = connection.execute(query).one()
        if not routes or known < len(routes) or not least:
            return 0
        return _delete(engine, (outbox.c.org_id == org_id, outbox.c.stream == stream, outbox.c.seq <= least))


def drop_old(engine: Engine, org_id: int, stream: str, routes: Sequence[str], before: datetime) -> int:
    """Delete what of a stream has waited since before a time, and count it on each route that had not settled it."""
    return _drop(engine, org_id, stream, routes, select(outbox.c.seq).where(outbox.c.queued_at < before))


def drop_surplus(engine: Engine, org_id: int, stream: str, routes: Sequence[str], most: int) -> int:
    """Delete the oldest of the least severe until no more than `most` entries of a stream are left; count likewise."""
    count = select(func.count()).where(outbox.c.org_id == org_id, outbox.c.stream == stream)
    with translated("the outbox cannot be counted"), engine.connect() as connection:
        surplus = int(connection.execute(count).scalar_one()) - most
    if surplus <= 0:
        return 0
    first = select(outbox.c.seq).order_by(outbox.c.severity, outbox.c.seq)
    return _drop(engine, org_id, stream, routes, first, surplus)


def _drop(
    engine: Engine, org_id: int, stream: str, routes: Sequence[str], which: Select[Any], most: int | None = None
) -> int:
    which = which.where(outbox.c.org_id == org_id, outbox.c.stream == stream)
    dropped = 0
    with translated("the outbox cannot be emptied"):
        while most is None or dropped < most:
            with writing(engine) as connection:
                some = which.limit(CHUNK if most is None else min(CHUNK, most - dropped)).subquery()
                statement = delete(outbox).where(outbox.c.seq.in_(select(some.c.seq))).returning(outbox.c.seq)
                gone = list(connection.execute(statement).scalars())
                for route in routes if gone else ():
                    _count_dropped(connection, Way(org_id, stream, route), gone)
            dropped += len(gone)
            if not gone:
                break
    return dropped


def _count_dropped(connection: Connection, way: Way, gone: Sequence[int]) -> None:
    _begin(connection, way, 0)
    after = connection.execute(_of(select(deliveries.c.after_seq), way)).scalar_one()
    missed = sum(seq > after for seq in gone)
    if missed:
        counted = deliveries.c.dropped + missed
        connection.execute(update(deliveries).where(*_where(way)).values(dropped=counted))


def _begin(connection: Connection, way: Way, start: int) -> None:
    """A row for a way that was never gone; one that is there stays as it is."""
    statement: Any = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(deliveries)
    fresh = {"after_seq": start, "delivered": 0, "dead": 0, "lost": 0, "dropped": 0, "state": "new", "failures": 0}
    connection.execute(statement.values(**_key(way), **fresh).on_conflict_do_nothing())


def _delete(engine: Engine, conditions: tuple[ColumnElement[bool], ...]) -> int:
    some = select(outbox.c.seq).where(and_(*conditions)).order_by(outbox.c.seq).limit(CHUNK)
    total = 0
    while True:
        with writing(engine) as connection:
            count = connection.execute(delete(outbox).where(outbox.c.seq.in_(some))).rowcount
        total += count
        if count < CHUNK:
            return total


def _key(way: Way) -> dict[str, Any]:
    return {"org_id": way.org_id, "stream": way.stream, "route": way.route}


def _where(way: Way) -> tuple[ColumnElement[bool], ...]:
    table = deliveries.c
    return table.org_id == way.org_id, table.stream == way.stream, table.route == way.route


def _of(query: Select[Any], way: Way) -> Select[Any]:
    return query.where(*_where(way))


def _delivery(row: Any) -> Delivery:
    return Delivery(**{name: getattr(row, name) for name in Delivery.__struct_fields__})
