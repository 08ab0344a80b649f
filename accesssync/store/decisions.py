"""What people decided about identities. Rows are only ever added; the newest of an identity is the one that counts."""

from datetime import date, datetime
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import Engine, func, insert, select

from accesssync.nhi.verdict import Decision, Kind, Signal
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import decisions


class DecisionRecord(Struct, frozen=True, kw_only=True):
    """Who decided what, when and why, and what the evidence said at that time."""

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

    @property
    def decision(self) -> Decision:
        """The part that overrides what is computed."""
        return Decision("human" if self.label == "human" else "nhi", self.kind)


def add_decision(engine: Engine, org_id: int, record: DecisionRecord) -> None:
    """Store a decision, for good."""
    values = {name: getattr(record, name) for name in record.__struct_fields__}
    values["signals"] = to_builtins(record.signals)
    with translated("the decision cannot be written"), writing(engine) as connection:
        connection.execute(insert(decisions).values(org_id=org_id, **values))


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
    values = {name: row[name] for name in DecisionRecord.__struct_fields__}
    values["signals"] = tuple(Signal(**one) for one in row["signals"])
    return DecisionRecord(**values)
