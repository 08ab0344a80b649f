"""What became of plans: what is done, open and unknown."""

from collections import Counter
from datetime import datetime

from msgspec import json

from accesssync.jobs.inventory import Document
from accesssync.jobs.provision.invitations import invitations
from accesssync.jobs.provision.resume import unfinished
from accesssync.model.when import as_text
from accesssync.provision.guards import BUDGET
from accesssync.settings import OrgSettings
from accesssync.store import plans, runs
from accesssync.store.engine import Database
from accesssync.store.intents import Intent, IntentState, list_intents, spent_since

SHOWN = 10


def status(engine: Database, org: OrgSettings, now: datetime) -> Document:
    """One organization's newest plans, its unknown writes, its invitations and what the last 24 hours used."""
    record = runs.find_org(engine, org.name)
    if record is None:
        return {"org": org.name, "plans": [], "unfinished": [], "unknown": [], "invitations": {}, "spent": None}
    intents = list_intents(engine, record.id)
    spent = spent_since(engine, record.id, now - BUDGET)
    doubtful = [one for one in intents if one.state in (IntentState.UNKNOWN, IntentState.SENT, IntentState.INTENT)]
    return {
        "org": org.name,
        "plans": [_plan(engine, one, intents, now) for one in plans.list_plans(engine, record.id, limit=SHOWN)],
        "unfinished": unfinished(engine, org),
        "unknown": [_write(one) for one in doubtful],
        "invitations": dict(Counter(one["state"] for one in invitations(engine, record, now))),
        "spent": {
            "hours": int(BUDGET.total_seconds() // 3600),
            "removals": spent.removals,
            "privileged": spent.privileged,
        },
    }


def _plan(engine: Database, plan: plans.PlanRecord, intents: list[Intent], now: datetime) -> Document:
    mine = [one for one in intents if one.plan == plan.digest]
    return {
        "digest": plan.digest,
        "author": plan.author,
        "created_at": as_text(plan.created_at),
        "expires_at": as_text(plan.expires_at),
        "expired": now >= plan.expires_at,
        "applied_at": as_text(plan.applied_at) if plan.applied_at else None,
        "applied_by": plan.applied_by,
        "approvals": [
            {"approver": one.approver, "at": as_text(one.approved_at), "verified": one.verified}
            for one in plans.approvals_of(engine, plan.digest)
        ],
        "overrides": [
            {"by": one.given_by, "rules": list(one.rules), "reason": one.reason, "used": one.used_at is not None}
            for one in plans.overrides_of(engine, plan.digest)
        ],
        "planned": len(json.decode(plan.document)["actions"]),
        "actions": dict(Counter(one.state for one in mine)),
    }


def _write(one: Intent) -> Document:
    return {
        "operation": one.operation,
        "subject": one.subject,
        "subject_id": one.subject_id,
        "plan": one.plan,
        "state": one.state,
        "sent_at": as_text(one.sent_at) if one.sent_at else None,
        "detail": one.detail,
    }
