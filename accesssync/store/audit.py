"""The audit log as a table. An entry is written in the transaction of what it tells of: both are there, or neither."""

import secrets
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from operator import eq, ge, gt, le

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, func, insert, select, text

from accesssync.audit.entry import EMPTY, KEY_BYTES, Entry, Head, Sealed, seal
from accesssync.audit.verify import Anchor
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.outbox import Backlog
from accesssync.store.tables import audit, audit_exports, runs

APPEND_LOCK = 4_710_252
"""The PostgreSQL advisory lock of whoever appends. An arbitrary number of our own."""

_CHUNK = 1_000


def _random_key() -> bytes:
    return secrets.token_bytes(KEY_BYTES)


def append(connection: Connection, entry: Entry, new_key: Callable[[], bytes] = _random_key) -> Head:
    """Write an entry behind the newest one, within a transaction of `writing`; returns its number and hash.

    On PostgreSQL whoever appends next waits until this transaction ends, so an entry comes last in it, and no
    transaction that has one waits for a network.
    """
    if not connection.get_execution_options().get("accesssync_writes"):
        raise TypeError("an audit entry is written in a transaction of store.lease.writing")
    if connection.dialect.name == "postgresql":
        connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": APPEND_LOCK})
    sealed = seal(entry, _head(connection), new_key)
    values = {name: getattr(sealed, name) for name in Sealed.__struct_fields__}
    connection.execute(insert(audit).values(**values))
    return Head(sealed.seq, sealed.hash)


def _head(connection: Connection) -> Head:
    row = connection.execute(select(audit.c.seq, audit.c.hash).order_by(audit.c.seq.desc()).limit(1)).first()
    return EMPTY if row is None else Head(row.seq, row.hash)


class Selection(Struct, frozen=True, kw_only=True):
    """Which entries to read; None and () for all."""

    orgs: tuple[str, ...] = ()
    kind: str | None = None
    subject_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    after_seq: int | None = None
    upto_seq: int | None = None
    newest: int | None = None
    """Only so many of the newest; they come oldest first all the same."""


def read_log(engine: Engine, chosen: Selection = Selection()) -> Generator[Sealed, None, None]:  # noqa: B008 - it is frozen
    """Entries in the order of their numbers. Memory does not grow with the log."""
    query = select(audit).where(*_matching(chosen))
    if chosen.newest is not None:
        newest = select(audit.c.seq).where(*_matching(chosen)).order_by(audit.c.seq.desc()).limit(chosen.newest)
        query = query.where(audit.c.seq.in_(newest))
    query = query.order_by(audit.c.seq).execution_options(yield_per=_CHUNK)
    with translated("the audit log cannot be read"), engine.connect() as connection, connection.execute(query) as rows:
        for row in rows:
            yield Sealed(**{name: getattr(row, name) for name in Sealed.__struct_fields__})


def backlog(engine: Engine, org: str, after_seq: int, *, upto: int | None = None) -> Backlog:
    """How many entries of an organization, and of what concerns all, come after a place, and the time of the first."""
    chosen = Selection(orgs=(org,), after_seq=after_seq, upto_seq=upto)
    query = select(func.count(), func.min(audit.c.at)).where(*_matching(chosen))
    with translated("the audit log cannot be read"), engine.connect() as connection:
        row = connection.execute(query).one()
        return Backlog(int(row[0]), row[1])


def place_before(engine: Engine, at: datetime) -> int:
    """The number of the last entry from before a time; 0 where there is none."""
    first = select(func.min(audit.c.seq)).where(audit.c.at >= at)
    with translated("the audit log cannot be read"), engine.connect() as connection:
        found = connection.execute(first).scalar()
        if found is None:
            found = (connection.execute(select(func.max(audit.c.seq))).scalar() or 0) + 1
        return int(found) - 1


def place_of_surplus(engine: Engine, org: str, most: int) -> int:
    """The number of the newest entry that has at least `most` of this organization behind it; 0 where none has."""
    mine = _matching(Selection(orgs=(org,)))
    query = select(audit.c.seq).where(*mine).order_by(audit.c.seq.desc()).offset(most).limit(1)
    with translated("the audit log cannot be read"), engine.connect() as connection:
        return int(connection.execute(query).scalar() or 0)


def _matching(chosen: Selection) -> Iterator[ColumnElement[bool]]:
    # What belongs to no organization concerns all of them.
    if chosen.orgs:
        yield audit.c.org.in_(chosen.orgs) | audit.c.org.is_(None)
    if chosen.kind is not None:
        yield (audit.c.kind == chosen.kind) | audit.c.kind.startswith(f"{chosen.kind}.", autoescape=True)
    for column, compared, limit in (
        (audit.c.subject_id, eq, chosen.subject_id),
        (audit.c.at, ge, chosen.since),
        (audit.c.at, le, chosen.until),
        (audit.c.seq, gt, chosen.after_seq),
        (audit.c.seq, le, chosen.upto_seq),
    ):
        if limit is not None:
            yield compared(column, limit)


def read_anchors(engine: Engine) -> list[Anchor]:
    """What runs and exports noted of the log when they wrote their own entry.

    To be read before the log itself: what is appended in between is then in the log and not yet expected.
    """
    of_runs = select(runs.c.id, runs.c.audit_seq, runs.c.audit_hash).where(runs.c.audit_seq.is_not(None))
    of_exports = select(audit_exports.c.seq, audit_exports.c.hash, audit_exports.c.exported_at)
    with translated("the notes about the audit log cannot be read"), engine.connect() as connection:
        return [
            *(Anchor(seq=seq, hash=noted, source=f"run-{run}") for run, seq, noted in connection.execute(of_runs)),
            *(
                Anchor(seq=seq, hash=noted, source=f"the export of {at:%Y-%m-%d %H:%M}")
                for seq, noted, at in connection.execute(of_exports)
            ),
        ]


def runs_without_entry(engine: Engine) -> list[int]:
    """The runs that ended since runs have entries and that note none. There are none, unless somebody removed it."""
    first = select(func.min(runs.c.id)).where(runs.c.audit_seq.is_not(None)).scalar_subquery()
    query = select(runs.c.id).where(runs.c.id > first, runs.c.finished_at.is_not(None), runs.c.audit_seq.is_(None))
    with translated("the runs cannot be read"), engine.connect() as connection:
        return list(connection.execute(query.order_by(runs.c.id)).scalars())


def record_export(engine: Engine, entry: Entry) -> Head:
    """Note that the log was exported: an entry, and beside the log what its number and hash are."""
    with translated("the export cannot be recorded"), writing(engine) as connection:
        head = append(connection, entry)
        connection.execute(insert(audit_exports).values(exported_at=entry.at, seq=head.seq, hash=head.hash))
        return head


def record(engine: Engine, entry: Entry) -> Head:
    """Note something that has no row of its own."""
    with translated("the audit log cannot be written"), writing(engine) as connection:
        return append(connection, entry)


def entry_of_run(engine: Engine, run_id: int) -> int | None:
    """The number of the entry about a run; None where there is no such run, or it has none."""
    query = select(runs.c.audit_seq).where(runs.c.id == run_id)
    with translated("the runs cannot be read"), engine.connect() as connection:
        found: int | None = connection.execute(query).scalar()
        return found
