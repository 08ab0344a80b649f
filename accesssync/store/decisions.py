"""What people decided about identities. Rows are only ever added; the newest of an identity is the one that counts."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import Engine, func, insert, select

from accesssync.audit.entry import Entry
from accesssync.audit.entry import Kind as AuditKind
from accesssync.nhi.verdict import Decision, Kind, Signal
from accesssync.store.audit import append
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import decisions, orgs


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """Who decided what, when and why, and what the evidence said at that time.

    `declared`: a file of the governance directory says so; otherwise it was entered by command.
    """

    identity_id: str
    decided_at: datetime
    decided_by: str
    label: str
    kind: Kind | None
    owner: str | None
    purpose: str | None
    reason: str
    review_by: date | None
    computed: str
    score: int
    signals: tuple[Signal, ...]
    ruleset: str
    declared: bool = False

    @property
    def decision(self) -> Decision:
        """The part that overrides what is computed."""
        return Decision("human" if self.label == "human" else "nhi", self.kind)


_COLUMNS = tuple(name for name in DecisionRecord.__struct_fields__ if name != "declared")


def add_decisions(engine: Engine, records: Sequence[tuple[int, DecisionRecord]], actor: str) -> None:
    """Store decisions, each with the number of its organization, for good: all of them or none.

    `actor` is who gave the command, which need not be who decided.
    """
    rows = [
        {name: getattr(record, name) for name in _COLUMNS} | {"org_id": org_id, "signals": to_builtins(record.signals)}
        for org_id, record in records
    ]
    if not rows:
        return
    with translated("the decisions cannot be written"), writing(engine) as connection:
        connection.execute(insert(decisions), rows)
        # Last in the transaction: whoever appends next waits for its end.
        names = {row.id: row.name for row in connection.execute(select(orgs.c.id, orgs.c.name))}
        for org_id, record in records:
            append(connection, _entry(names[org_id], record, actor))


def _entry(org: str, record: DecisionRecord, actor: str) -> Entry:
    return Entry(
        kind=AuditKind.IDENTITY_DECIDED,
        at=record.decided_at,
        actor=actor,
        org=org,
        subject_id=record.identity_id,
        facts={
            "label": record.label,
            "kind": record.kind,
            "computed": record.computed,
            "score": record.score,
            "ruleset": record.ruleset,
            "review_by": record.review_by.isoformat() if record.review_by else None,
        },
        personal={
            "decided_by": record.decided_by,
            "owner": record.owner,
            "purpose": record.purpose,
            "reason": record.reason,
        },
    )


def latest_decisions(
    engine: Engine, org_id: int, until: datetime | None = None, ids: list[str] | None = None
) -> dict[str, DecisionRecord]:
    """The decision that counts for each identity, by its id; with `until`, that counted at that time."""
    newest = select(func.max(decisions.c.id)).where(decisions.c.org_id == org_id)
    if until is not None:
        newest = newest.where(decisions.c.decided_at <= until)
    if ids is not None:
        newest = newest.where(decisions.c.identity_id.in_(ids))
    query = select(decisions).where(decisions.c.id.in_(newest.group_by(decisions.c.identity_id)))
    with translated("the decisions cannot be read"), engine.connect() as connection:
        return {row["identity_id"]: _record(row) for row in connection.execute(query).mappings()}


def decisions_of(engine: Engine, org_id: int, identity_id: str) -> list[DecisionRecord]:
    """Every decision about one identity, oldest first."""
    query = select(decisions).where(decisions.c.org_id == org_id, decisions.c.identity_id == identity_id)
    with translated("the decisions cannot be read"), engine.connect() as connection:
        return [_record(row) for row in connection.execute(query.order_by(decisions.c.id)).mappings()]


def _record(row: Any) -> DecisionRecord:
    values = {name: row[name] for name in _COLUMNS}
    values["signals"] = tuple(Signal(**one) for one in row["signals"])
    return DecisionRecord(**values)
