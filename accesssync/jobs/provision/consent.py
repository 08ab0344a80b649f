"""Approve a plan, or let it past the guards: what people say about a plan that was made."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path

from accesssync.errors import RefusedError, UsageError
from accesssync.jobs.provision.plan_file import Ready, read_file
from accesssync.provision import approval
from accesssync.settings import Settings
from accesssync.store import plans
from accesssync.store.engine import Database

LONGEST = timedelta(hours=24)
LARGEST_KEY = 65_536


def approve(
    engine: Database, settings: Settings, ready: Ready, *, by: str, key: Path | None, now: datetime
) -> plans.ApprovalRecord:
    """Record somebody's approval of a plan. RefusedError where they may not give it."""
    _still_open(engine, ready, now)
    given = approval.Approval(plan=ready.digest, org=ready.plan.org, approver=by)
    if key is not None:
        private = read_file(key, LARGEST_KEY, "key")
        given = approval.sign(private, ready.digest, ready.plan.org, by)
    if settings.approvers and key is None:
        raise UsageError("ACCESSSYNC_APPROVERS is set, so an approval has to be signed", remedy="give --key FILE")
    verified = approval.accept(given, ready.plan.author, settings.approvers)
    record = plans.ApprovalRecord(
        plan=ready.digest, approver=by, approved_at=now, signature=given.signature, verified=verified
    )
    plans.add_approval(engine, ready.plan.org, record)
    return record


def override(
    engine: Database,
    ready: Ready,
    rules: Sequence[str],
    *,
    by: str,
    reason: str,
    valid: timedelta,
    now: datetime,
) -> list[str]:
    """Let a plan past the guards that refuse it, once. Gives the rules. RefusedError where there is nothing to pass."""
    _still_open(engine, ready, now)
    if not timedelta() < valid <= LONGEST:
        raise UsageError(f"an override is good for at most {LONGEST // timedelta(hours=1)} hours")
    standing = {one.rule: one.waivable for one in ready.plan.refusals if one.guard}
    firm = sorted(rule for rule, waivable in standing.items() if not waivable)
    if firm:
        raise RefusedError(
            f"{', '.join(firm)} cannot be overridden",
            org=ready.plan.org,
            remedy="change the access file so that it does not ask for it",
        )
    chosen = list(rules) or sorted(standing)
    unknown = [rule for rule in chosen if rule not in standing]
    if unknown or not chosen:
        what = f"no guard called {', '.join(unknown)} refuses this plan" if unknown else "no guard refuses this plan"
        raise RefusedError(what, org=ready.plan.org, remedy="it needs no override")
    plans.add_override(
        engine,
        ready.plan.org,
        plan=ready.digest,
        rules=chosen,
        given_by=by,
        reason=reason,
        given_at=now,
        expires_at=min(now + valid, ready.plan.expires_at),
    )
    return chosen


def _still_open(engine: Database, ready: Ready, now: datetime) -> None:
    stored = plans.find_plan(engine, ready.digest)
    if stored is not None and stored.applied_at is not None:
        raise RefusedError("the plan was applied already", org=ready.plan.org, remedy="plan again")
    if now >= ready.plan.expires_at:
        raise RefusedError("the plan has expired", org=ready.plan.org, remedy="plan again")
