"""Plans that were made here, who approved them, and who let one past the guards."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, insert, select, update

from accesssync.audit.entry import Entry, Kind
from accesssync.errors import RefusedError
from accesssync.store.audit import append
from accesssync.store.engine import translated
from accesssync.store.lease import Lease, writing
from accesssync.store.outbox import Queued, queue
from accesssync.store.tables import approvals, overrides, plans


class PlanRecord(Struct, frozen=True, kw_only=True):
    """A plan as the store knows it. `document` is its file, word for word."""

    digest: str
    org_id: int
    author: str
    created_at: datetime
    expires_at: datetime
    document: str
    applied_at: datetime | None
    applied_by: str | None


class ApprovalRecord(Struct, frozen=True, kw_only=True):
    """Who approved a plan."""

    plan: str
    approver: str
    approved_at: datetime
    signature: str
    verified: bool


class OverrideRecord(Struct, frozen=True, kw_only=True):
    """Who let a plan past which guards, why, and until when. Good for once."""

    id: int
    plan: str
    rules: tuple[str, ...]
    given_by: str
    reason: str
    given_at: datetime
    expires_at: datetime
    used_at: datetime | None


def add_plan(engine: Engine, org: str, record: PlanRecord, facts: dict[str, Any], told: Sequence[Queued] = ()) -> None:
    """Store a plan, for good. `facts` are what the audit log says of it, `told` what is published of it."""
    values = {name: getattr(record, name) for name in PlanRecord.__struct_fields__}
    entry = Entry(
        kind=Kind.PLAN_MADE, at=record.created_at, actor=record.author, org=org, facts={"plan": record.digest, **facts}
    )
    with translated("the plan cannot be recorded"), writing(engine) as connection:
        if connection.execute(select(plans.c.digest).where(plans.c.digest == record.digest)).first() is None:
            connection.execute(insert(plans).values(**values))
            queue(connection, record.org_id, told, record.created_at)
            append(connection, entry)


def find_plan(engine: Engine, digest: str) -> PlanRecord | None:
    """The plan of that digest; of one that begins so, where only one does."""
    query = select(plans).where(plans.c.digest.startswith(digest, autoescape=True)).limit(2)
    with translated("the plans cannot be read"), engine.connect() as connection:
        found = [_plan(row) for row in connection.execute(query)]
    return found[0] if len(found) == 1 else None


def list_plans(engine: Engine, org_id: int, *, limit: int = 20) -> list[PlanRecord]:
    """The newest plans of an organization, newest first."""
    query = select(plans).where(plans.c.org_id == org_id).order_by(plans.c.created_at.desc()).limit(limit)
    with translated("the plans cannot be read"), engine.connect() as connection:
        return [_plan(row) for row in connection.execute(query)]


def add_approval(engine: Engine, org: str, record: ApprovalRecord) -> None:
    """Store an approval, for good."""
    facts = {"plan": record.plan, "verified": record.verified}
    entry = Entry(kind=Kind.PLAN_APPROVED, at=record.approved_at, actor=record.approver, org=org, facts=facts)
    with translated("the approval cannot be recorded"), writing(engine) as connection:
        values = {name: getattr(record, name) for name in ApprovalRecord.__struct_fields__}
        connection.execute(insert(approvals).values(**values))
        append(connection, entry)


def approvals_of(engine: Engine, digest: str) -> list[ApprovalRecord]:
    """Every approval of a plan, oldest first."""
    query = select(approvals).where(approvals.c.plan == digest).order_by(approvals.c.id)
    with translated("the approvals cannot be read"), engine.connect() as connection:
        names = ApprovalRecord.__struct_fields__
        return [ApprovalRecord(**{name: getattr(row, name) for name in names}) for row in connection.execute(query)]


def add_override(
    engine: Engine,
    org: str,
    *,
    plan: str,
    rules: Sequence[str],
    given_by: str,
    reason: str,
    given_at: datetime,
    expires_at: datetime,
) -> None:
    """Store an override."""
    entry = Entry(
        kind=Kind.GUARD_OVERRIDDEN,
        at=given_at,
        actor=given_by,
        org=org,
        facts={"plan": plan, "rules": list(rules), "expires_at": expires_at.isoformat()},
        personal={"reason": reason},
    )
    with translated("the override cannot be recorded"), writing(engine) as connection:
        connection.execute(
            insert(overrides).values(
                plan=plan,
                rules=list(rules),
                given_by=given_by,
                reason=reason,
                given_at=given_at,
                expires_at=expires_at,
            )
        )
        append(connection, entry)


def overrides_of(engine: Engine, digest: str) -> list[OverrideRecord]:
    """Every override of a plan, oldest first, used and expired ones included."""
    query = select(overrides).where(overrides.c.plan == digest).order_by(overrides.c.id)
    with translated("the overrides cannot be read"), engine.connect() as connection:
        return [
            OverrideRecord(
                **{
                    **{name: getattr(row, name) for name in OverrideRecord.__struct_fields__},
                    "rules": tuple(row.rules),
                }
            )
            for row in connection.execute(query)
        ]


def take_up(connection: Connection, lease: Lease, digest: str, used: Sequence[int], *, by: str, now: datetime) -> None:
    """Begin a plan and use up its overrides, within a transaction. RefusedError where either was done before."""
    mine = update(plans).where(plans.c.digest == digest, plans.c.applied_at.is_(None))
    if connection.execute(mine.values(applied_at=now, applied_by=by)).rowcount != 1:
        raise RefusedError(
            f"the plan {digest[:12]} was applied before", org=lease.org, remedy="plan again, or see provision status"
        )
    for one in used:
        query = update(overrides).where(overrides.c.id == one, overrides.c.used_at.is_(None))
        if connection.execute(query.values(used_at=now)).rowcount != 1:
            raise RefusedError("the override was used before", org=lease.org, remedy="ask for another one")


def _plan(row: Any) -> PlanRecord:
    return PlanRecord(**{name: getattr(row, name) for name in PlanRecord.__struct_fields__})
