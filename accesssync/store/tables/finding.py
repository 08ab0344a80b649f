"""What is wrong, what was accepted, and how it was judged."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Table, table_of


class FindingRow(Table, table=True):
    """Something wrong, from the evaluation that first found it on. There is one row for each, however often it opens.

    `opened_run`, `seen_run` and `resolved_run` are the runs that showed it first, as it is told now, and no more.
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index("uq_findings_fingerprint", "org_id", "fingerprint", unique=True),
        Index("uq_findings_id", "org_id", "id", unique=True),
        Index("ix_findings_status", "org_id", "status"),
    )
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    id: str
    fingerprint: bytes
    check_id: str
    severity: str
    status: str
    cause: str
    subject_kind: str
    subject_id: str
    subject: str
    evidence: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    digest: bytes
    opened_at: datetime
    opened_run: int = Field(sa_type=BigInteger)
    seen_run: int = Field(sa_type=BigInteger)
    reopened: int = 0
    reopened_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_run: int | None = Field(default=None, sa_type=BigInteger)
    why: str | None = None
    waiver: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    waived_until: date | None = None


class FindingEventRow(Table, table=True):
    """What happened to a finding after it was opened. Only ever added to."""

    __tablename__ = "finding_events"
    __table_args__ = (Index("ix_finding_events_finding", "org_id", "finding_id"),)
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    finding_id: str
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime
    event: str
    cause: str | None = None
    actor: str | None = None
    detail: str | None = None


class WaiverRow(Table, table=True):
    """A risk that was accepted by command, until its last day or until it was taken back."""

    __tablename__ = "waivers"
    __table_args__ = (Index("ix_waivers_finding", "org_id", "finding_id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    finding_id: str
    owner: str
    reason: str
    approver: str
    expires: date
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None


class EvaluationRow(Table, table=True):
    """One evaluation of a published run: by which rules and policy, and what became of each check."""

    __tablename__ = "evaluations"
    __table_args__ = (Index("ix_evaluations_org", "org_id", "id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    run_id: int = Field(sa_type=BigInteger, foreign_key="runs.id")
    at: datetime
    ruleset: str
    policy_hash: str | None = None
    opened: int
    resolved: int
    open: int
    waived: int
    outcomes: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


findings = table_of(FindingRow)
finding_events = table_of(FindingEventRow)
waivers = table_of(WaiverRow)
evaluations = table_of(EvaluationRow)
