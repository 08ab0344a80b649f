"""Organizations, their runs, and what each run may say."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Table, table_of


class Org(Table, table=True):
    """One configured organization."""

    __tablename__ = "orgs"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    site: str
    datadog_id: str | None = None
    datadog_name: str | None = None
    published_run_id: int | None = Field(default=None, sa_type=BigInteger)
    fencing_token: int = 0
    created_at: datetime


class Run(Table, table=True):
    """One attempt to observe an organization. `undone` runs have left no facts."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_org_finished", "org_id", "finished_at"), {"sqlite_autoincrement": True})
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    org_id: int = Field(foreign_key="orgs.id")
    started_at: datetime
    finished_at: datetime | None = None
    status: str
    baseline: bool = False
    complete: bool = False
    undone: bool = False
    requests: int = 0
    duration_seconds: float = 0.0
    rate_limit_left: float | None = None
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    added: int = 0
    updated: int = 0
    removed: int = 0
    error_code: str | None = None
    error: str | None = None
    program_version: str
    facts_version: int
    audit_seq: int | None = Field(default=None, sa_type=BigInteger)
    audit_hash: str | None = None
    rate_limited: int | None = None
    audit_trail: dict[str, Any] | None = Field(
        default=None, sa_column=Column(JSON(none_as_null=True), nullable=True)
    )  # fmt: skip


class CoverageRow(Table, table=True):
    """What one run may say about one resource. Runs that were undone keep theirs."""

    __tablename__ = "coverage"
    run_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    resource: str = Field(primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    state: str
    received: int
    expected: int | None = Field(default=None, sa_type=BigInteger)
    passes: int
    degraded: int
    reason: str | None = None
    started_at: datetime
    finished_at: datetime


class AbsenceRow(Table, table=True):
    """A record that a proven listing did not show, by the run that missed it."""

    __tablename__ = "absences"
    org_id: int = Field(primary_key=True, foreign_key="orgs.id")
    resource: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    run_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))


orgs = table_of(Org)
runs = table_of(Run)
coverages = table_of(CoverageRow)
absences = table_of(AbsenceRow)
