"""Why changes were made, as people told. An explanation is kept for good; the newest one stands beside its change."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from msgspec import Struct
from sqlalchemy import Engine, insert, select, update

from accesssync.audit.entry import Entry, Kind
from accesssync.store.audit import append
from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import changes, explanations

CHUNK = 2_000
"""Explanations of one transaction: each writes three rows."""


class Explanation(Struct, frozen=True, kw_only=True):
    """Why one change was made: the ticket it belongs to, and the reason in somebody's words."""

    change_id: str
    ticket: str
    reason: str

    @property
    def text(self) -> str:
        """What stands beside the change."""
        return f"{self.ticket}: {self.reason}"


class Explained(Struct, frozen=True):
    """A change that was explained: what it is, and whose."""

    org: str
    id: str
    kind: str
    subject_id: str
    subject: str


def find_changes(engine: Engine, org: str, org_id: int, ids: Sequence[str]) -> Iterator[Explained]:
    """Those of these changes that a published run of an organization recorded."""
    columns = changes.c.id, changes.c.kind, changes.c.subject_id, changes.c.subject
    with translated("the changes cannot be read"), engine.connect() as connection:
        for batch in batches(ids):
            query = select(*columns).where(changes.c.org_id == org_id, changes.c.id.in_(batch))
            for row in connection.execute(query):
                yield Explained(org, row[0], row[1], row[2], row[3])


def explain_changes(
    engine: Engine, org: str, org_id: int, told: Sequence[Explanation], *, at: datetime, by: str
) -> None:
    """Store explanations, each with an entry in the audit log, in small transactions."""
    for start in range(0, len(told), CHUNK):
        part = told[start : start + CHUNK]
        rows = [
            {
                "org_id": org_id,
                "change_id": one.change_id,
                "ticket": one.ticket,
                "reason": one.reason,
                "explained_by": by,
                "explained_at": at,
            }
            for one in part
        ]
        with translated("the explanation cannot be written"), writing(engine) as connection:
            connection.execute(insert(explanations), rows)
            for one in part:
                beside = update(changes).where(changes.c.org_id == org_id, changes.c.id == one.change_id)
                connection.execute(beside.values(explanation=one.text))
            # Last in the transaction: whoever appends next waits for its end.
            for one in part:
                append(connection, _entry(org, one, at, by))


def _entry(org: str, one: Explanation, at: datetime, by: str) -> Entry:
    return Entry(
        kind=Kind.CHANGE_EXPLAINED,
        at=at,
        actor=by,
        org=org,
        subject_id=one.change_id,
        facts={"ticket": one.ticket},
        personal={"reason": one.reason},
    )
