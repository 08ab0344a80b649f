"""What the worker has done and seen."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field

from accesssync.store.tables.declare import Table, table_of


class JobStateRow(Table, table=True):
    """What last became of one job of the worker for one organization, and when it is due again.

    `org` is empty for jobs that concern no single one; a name and no number, since an organization that was never
    read has none. `tick_at` is the due time whose turn was taken last.
    """

    __tablename__ = "job_states"
    __table_args__ = (Index("ix_job_states_changed", "changed_at"),)
    job: str = Field(primary_key=True)
    org: str = Field(primary_key=True)
    next_at: datetime
    tick_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: str | None = None
    failures: int = 0
    deferrals: int = 0
    error: str | None = None
    changed_at: datetime


class SightingRow(Table, table=True):
    """Something the watch saw that the published run does not know. A hint, never a fact."""

    __tablename__ = "sightings"
    org_id: int = Field(primary_key=True, foreign_key="orgs.id")
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    seen_at: datetime
    text: str


job_states = table_of(JobStateRow)
sightings = table_of(SightingRow)
