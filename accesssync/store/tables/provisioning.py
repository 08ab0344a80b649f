"""What was planned, approved and written to Datadog."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index
from sqlmodel import Field

from accesssync.store.tables.declare import BigKey, Table, table_of


class PlanRow(Table, table=True):
    """A provisioning plan that was made here. Its document never changes; `applied_at` is set when it is begun."""

    __tablename__ = "plans"
    __table_args__ = (Index("ix_plans_org", "org_id", "created_at"),)
    digest: str = Field(primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    author: str
    created_at: datetime
    expires_at: datetime
    document: str
    applied_at: datetime | None = None
    applied_by: str | None = None


class ApprovalRow(Table, table=True):
    """Somebody's approval of a plan; `verified` where a key of the settings signed it. Only ever added to."""

    __tablename__ = "approvals"
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    plan: str = Field(foreign_key="plans.digest", index=True)
    approver: str
    approved_at: datetime
    signature: str
    verified: bool


class OverrideRow(Table, table=True):
    """Permission to pass the guards, for one plan and once."""

    __tablename__ = "overrides"
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    plan: str = Field(foreign_key="plans.digest", index=True)
    rules: list[str] = Field(sa_column=Column(JSON, nullable=False))
    given_by: str
    reason: str
    given_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class IntentRow(Table, table=True):
    """One write: durable before it is sent, and what is known of it afterwards.

    `state` is planned, intent, sent, confirmed, rejected, unknown, reconciled or skipped; `done` says of a reconciled
    one what came of it. `sends` counts requests. `made_id` is the id of what it made. `plan` is null for a write that a
    person asked for by itself.
    """

    __tablename__ = "intents"
    __table_args__ = (
        Index("ix_intents_plan", "org_id", "plan"),
        Index("ix_intents_state", "org_id", "state"),
        Index("ix_intents_sent", "org_id", "sent_at"),
    )
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    plan: str | None = None
    number: int
    operation: str
    subject: str
    subject_id: str | None = None
    chain: str
    action: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    removal: bool
    privileged: bool
    actor: str
    state: str
    done: bool | None = None
    detail: str | None = None
    sends: int = 0
    status: int | None = None
    made_id: str | None = None
    planned_at: datetime
    sent_at: datetime | None = None
    ended_at: datetime | None = None


class InvitationRow(Table, table=True):
    """One mail that invites somebody, or may have. `state` is sent, unknown, accepted, superseded or withdrawn.

    `invitation_id` is Datadog's, null where no answer came: then nothing but its acceptance can show that it exists.
    """

    __tablename__ = "invitations"
    __table_args__ = (Index("ix_invitations_user", "org_id", "user_id"),)
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    user_id: str
    email: str
    invitation_id: str | None = None
    state: str
    sent_at: datetime
    expires_at: datetime | None = None
    settled_at: datetime | None = None


plans = table_of(PlanRow)
approvals = table_of(ApprovalRow)
overrides = table_of(OverrideRow)
intents = table_of(IntentRow)
invitations = table_of(InvitationRow)
