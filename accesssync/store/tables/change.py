"""What changed, why, and who was active when."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, text
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Table, table_of


class ChangeRow(Table, table=True):
    """One change, as the run that saw it recorded it. Those of a baseline are derived, not stored."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("ix_changes_run", "org_id", "run_id"),
        Index("ix_changes_subject", "org_id", "subject_id"),
    )
    id: str = Field(primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    run_id: int = Field(sa_type=BigInteger, foreign_key="runs.id")
    seq: int
    observed_after: datetime | None = None
    observed_before: datetime
    kind: str
    cause: str
    subject_id: str
    subject: str
    fields: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    actor: str | None = None
    explanation: str | None = None


class ExplanationRow(Table, table=True):
    """Why a change was made, as somebody told. Only ever added to; the newest stands beside the change."""

    __tablename__ = "explanations"
    __table_args__ = (Index("ix_explanations_change", "org_id", "change_id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    change_id: str
    ticket: str
    reason: str
    explained_by: str
    explained_at: datetime


class TrailEventRow(Table, table=True):
    """An event of Datadog's Audit Trail that accounts for a change, or of which no run saw anything.

    `subject_id` and `role_id` are of the latter: what there was, and in which role.
    """

    __tablename__ = "trail_events"
    __table_args__ = (Index("ix_trail_events_at", "org_id", "at"),)
    org_id: int = Field(primary_key=True, foreign_key="orgs.id")
    id: str = Field(primary_key=True)
    run_id: int = Field(sa_type=BigInteger)
    at: datetime
    action: str
    actor: str | None = None
    key: str | None = None
    asset_type: str | None = None
    asset_id: str | None = None
    asset_name: str | None = None
    change_ids: list[str] = Field(sa_column=Column(JSON, nullable=False))
    unseen: bool
    subject_id: str | None = None
    subject: str | None = None
    role_id: str | None = None


class ActivityRow(Table, table=True):
    """A time at which a subject was active, as known on a UTC day and until another day's row replaces it.

    `value` is null where Datadog said "never". An observed login is true whether or not the run that saw it
    was published, so these rows carry the run for reference only.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index(
            "ix_activity_current",
            "org_id",
            "subject_kind",
            "field",
            sqlite_where=text("until_day IS NULL"),
            postgresql_where=text("until_day IS NULL"),
        ),
        {"sqlite_with_rowid": False},
    )
    org_id: int = Field(primary_key=True)
    subject_kind: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    until_day: date | None = None
    value: datetime | None = None
    run_id: int = Field(sa_type=BigInteger)


changes = table_of(ChangeRow)
explanations = table_of(ExplanationRow)
trail_events = table_of(TrailEventRow)
activity = table_of(ActivityRow)
