"""What the evidence, people and governance files say of identities and credentials."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Fact, Table, history, table_of


class ClassificationRow(Fact, table=True):
    """What the evidence says of one identity, for as long as it says so. What a person decided is not in here.

    `inputs` is a digest of everything that was judged: while it is the same, so is the answer. It says nothing about a
    run and is renewed in place where other evidence led to the same answer. `digest` is one of the answer.
    """

    __tablename__ = "classifications"
    __table_args__ = history("classifications", "id")
    id: str
    inputs: bytes
    digest: bytes
    computed: str
    kind: str | None = None
    kind_reason: str | None = None
    score: int
    basis: str
    signals: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    ruleset: str


class DecisionRow(Table, table=True):
    """What a person decided about one Datadog id, and what the evidence said at that time. Only ever added to."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_identity", "org_id", "identity_id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    identity_id: str
    decided_at: datetime
    decided_by: str
    label: str
    kind: str | None = None
    owner: str | None = None
    purpose: str | None = None
    reason: str
    review_by: date | None = None
    computed: str
    score: int
    signals: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    ruleset: str


class GovernedRow(Fact, table=True):
    """What the files of the governance directory say of one identity or credential, for as long as they say so.

    With a decision (`label` is there) comes what the evidence said when it came into force.
    """

    __tablename__ = "governed"
    __table_args__ = history("governed", "id", "resource")
    id: str
    resource: str
    owner: str | None = None
    purpose: str | None = None
    label: str | None = None
    kind: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    review_by: date | None = None
    computed: str | None = None
    score: int | None = None
    signals: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    ruleset: str | None = None


classifications = table_of(ClassificationRow)
decisions = table_of(DecisionRow)
governed = table_of(GovernedRow)
