"""What the files of the governance directory say of each identity and credential, kept as history."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct, convert
from sqlalchemy import ColumnElement, Engine, and_, bindparam, select, update

from accesssync.audit.entry import Entry, Kind
from accesssync.model.coverage import Resource
from accesssync.nhi.verdict import Classification, Signal
from accesssync.store.audit import append
from accesssync.store.bulk import Row, batches, insert_rows
from accesssync.store.classifications import classification_of
from accesssync.store.decisions import DecisionRecord
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment, held
from accesssync.store.lease import Lease, writing
from accesssync.store.tables import classifications, credentials, governed, identities

CHUNK = 4_000
"""Rows written, and as many ended, in one transaction."""

COLUMNS = (
    "org_id", "from_run", "id", "resource", "owner", "purpose", "label", "kind", "decided_at", "decided_by", "reason",
    "review_by", "computed", "score", "signals", "ruleset",
)  # fmt: skip

Subject = tuple[str, str]
"""The resource and the id."""


class Governed(Struct, frozen=True, kw_only=True):
    """What the files say of one identity (resource `users`) or credential. `decision` None: nothing was decided."""

    resource: str
    id: str
    owner: str | None = None
    purpose: str | None = None
    decision: DecisionRecord | None = None


class Named(Struct, frozen=True):
    """What a pattern may match of an identity or credential that holds now."""

    resource: str
    id: str
    texts: tuple[str | None, ...]


def everybody(engine: Engine, org_id: int) -> Iterator[Named]:
    """Every identity and credential that holds now, the writes of a run under way included, as they are read."""
    one, key = identities.c, credentials.c
    with translated("the identities cannot be read"), engine.connect() as connection:
        reading = connection.execution_options(yield_per=5_000)
        for row in reading.execute(select(one.id, one.email, one.handle).where(_current(identities, org_id))):
            yield Named(Resource.USERS.value, row[0], tuple(row))
        for row in reading.execute(select(key.resource, key.id, key.name).where(_current(credentials, org_id))):
            yield Named(row[0], row[1], (row[1], row[2]))


def evidence_of(engine: Engine, org_id: int, ids: Sequence[str]) -> dict[str, Classification]:
    """What the evidence says now of a few identities."""
    found: dict[str, Classification] = {}
    with translated("the classifications cannot be read"), engine.connect() as connection:
        for batch in batches(ids):
            where = _current(classifications, org_id), classifications.c.id.in_(batch)
            for row in connection.execute(select(classifications).where(*where)).mappings():
                found[row["id"]] = classification_of(row)
    return found


def governed_now(engine: Engine, org_id: int) -> dict[Subject, tuple[int, Governed]]:
    """Everything that holds now, the writes of a run under way included, with the key of its row."""
    with translated("what the files said cannot be read"), engine.connect() as connection:
        rows = connection.execute(select(governed).where(_current(governed, org_id))).mappings()
        return {(row["resource"], row["id"]): (row["key"], _governed(row)) for row in rows}


def governed_at(engine: Engine, moment: Moment) -> dict[Subject, Governed]:
    """Everything that held at a published run."""
    with translated("what the files said cannot be read"), engine.connect() as connection:
        rows = connection.execute(select(governed).where(held(governed, moment))).mappings()
        return {(row["resource"], row["id"]): _governed(row) for row in rows}


class Change(Struct, frozen=True, kw_only=True):
    """What a run writes: rows to begin, keys of rows to end, and what to say of it in the audit log."""

    new: Sequence[Governed]
    ended: Sequence[int]
    at: datetime
    facts: Mapping[str, Any]


def write_governed(engine: Engine, lease: Lease, run_id: int, change: Change) -> None:
    """Write what the files say anew with this run, with an entry in the audit log; nothing where nothing differs."""
    close = update(governed).where(governed.c.key == bindparam("row")).values(to_run=run_id)
    # What is ended goes first: a subject has one row that holds.
    pieces: list[tuple[Sequence[int], Sequence[Governed]]] = [
        (change.ended[at : at + CHUNK], ()) for at in range(0, len(change.ended), CHUNK)
    ]
    pieces += [((), change.new[at : at + CHUNK]) for at in range(0, len(change.new), CHUNK)]
    for number, (ended, new) in enumerate(pieces, start=1):
        with translated("what the files say cannot be written"), writing(engine, lease) as connection:
            if ended:
                connection.execute(close, [{"row": key} for key in ended])
            insert_rows(connection, governed, COLUMNS, [_row(lease.org_id, run_id, one) for one in new])
            if number == len(pieces):
                facts = {"run": run_id, **change.facts}
                kind = Kind.GOVERNANCE_APPLIED
                append(connection, Entry(kind=kind, at=change.at, actor=lease.holder, org=lease.org, facts=facts))


def _current(table: Any, org_id: int) -> ColumnElement[bool]:
    return and_(table.c.org_id == org_id, table.c.to_run.is_(None))


def _row(org_id: int, run_id: int, one: Governed) -> Row:
    told = one.decision
    head = (org_id, run_id, one.id, one.resource, one.owner, one.purpose)
    if told is None:
        return (*head, *(None,) * 10)
    return (
        *head, told.label, told.kind, told.decided_at, told.decided_by, told.reason, told.review_by, told.computed,
        told.score, told.signals, told.ruleset,
    )  # fmt: skip


def _governed(row: Mapping[Any, Any]) -> Governed:
    return Governed(
        resource=row["resource"],
        id=row["id"],
        owner=row["owner"],
        purpose=row["purpose"],
        decision=_decision(row) if row["label"] is not None else None,
    )


def _decision(row: Mapping[Any, Any]) -> DecisionRecord:
    return DecisionRecord(
        identity_id=row["id"],
        decided_at=row["decided_at"],
        decided_by=row["decided_by"],
        label=row["label"],
        kind=row["kind"],
        owner=row["owner"],
        purpose=row["purpose"],
        reason=row["reason"],
        review_by=row["review_by"],
        computed=row["computed"],
        score=row["score"],
        signals=convert(row["signals"], type=tuple[Signal, ...]),
        ruleset=row["ruleset"],
        declared=True,
    )
