"""Apply a plan: check everything again, keep every intent, carry it out, and say what became of each action."""

from collections.abc import Callable, Sequence
from datetime import datetime
from threading import Lock

from msgspec import Struct

from accesssync.audit.entry import Entry, Kind
from accesssync.errors import AccessSyncError, AuthenticationError, RefusedError
from accesssync.jobs.forward.tell import keep_told, telling_of, told_plan
from accesssync.jobs.provision.carry_out import Carried, Carrier, Task
from accesssync.jobs.provision.plan_file import Ready
from accesssync.jobs.provision.result import Result
from accesssync.jobs.provision.seen import organization
from accesssync.jobs.provision.terms import Doors, ask_reader, policy_of, same_organization, terms_of
from accesssync.jobs.provision.write import Means, planned
from accesssync.model.when import as_text
from accesssync.provision.assemble import judge
from accesssync.provision.gateway import Caller, Gateway
from accesssync.provision.organization import Organization
from accesssync.provision.plan import Refusal
from accesssync.settings import OrgSettings, Settings
from accesssync.store import plans, runs
from accesssync.store.engine import Database
from accesssync.store.intents import OPEN, add_intents, list_intents
from accesssync.store.lease import Lease, leased

DECIDED = frozenset({"ambiguous", "look_alike"})
"""Rules that spoke when the plan was decided; the others are asked again."""


class World(Struct, frozen=True, kw_only=True):
    """Time, and who is told how far it is."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    on_done: Callable[[int, int], None]


class Applied(Struct, frozen=True, kw_only=True):
    """What became of a plan. `error` ended it early; the results tell how far it came."""

    digest: str
    org: str
    results: tuple[Result, ...]
    error: AccessSyncError | None = None


def require_current(engine: Database, settings: Settings, ready: Ready, now: datetime) -> None:
    """RefusedError where a plan was applied before, is too old, or lacks an approval."""
    plan, digest = ready.plan, ready.digest
    stored = plans.find_plan(engine, digest)
    if stored is not None and stored.applied_at is not None:
        raise RefusedError(
            f"the plan {digest[:12]} was applied on {as_text(stored.applied_at)}",
            org=plan.org,
            remedy="plan again, or see: accesssync provision status",
        )
    if now >= plan.expires_at:
        raise RefusedError(
            f"the plan {digest[:12]} expired at {as_text(plan.expires_at)}",
            org=plan.org,
            remedy="plan again: accesssync provision plan",
        )
    if plan.approval is None:
        return
    given = [one for one in plans.approvals_of(engine, digest) if one.approver != plan.author]
    if settings.approvers:
        given = [one for one in given if one.verified and one.approver in settings.approvers]
    if not given:
        raise RefusedError(
            f"the plan {digest[:12]} needs the approval of somebody else than {plan.author}: {plan.approval}",
            org=plan.org,
            remedy="have somebody run: accesssync provision approve PLAN",
        )


def apply(engine: Database, settings: Settings, ready: Ready, doors: Doors, world: World, *, by: str) -> Applied:
    """Carry out a plan. Raises where it may not begin; from then on an error is part of the answer."""
    require_current(engine, settings, ready, world.clock())
    if ready.org.provision_app_key is None:
        raise RefusedError(
            "no provisioning key is set, so nothing can be written",
            org=ready.org.name,
            remedy=f"set {ready.org.variable('PROVISION_APP_KEY')}",
        )
    gateway = doors.gateway(ready.org)
    try:
        caller = gateway.caller()
        reader = ask_reader(doors, ready.org)
        name, org_id = ready.org.name, ready.record.id
        with leased(engine, name, org_id, wait=False, sleep=world.sleep, holder=by) as lease:
            require_finished(engine, ready.record)
            org = organization(engine, ready.record)
            used = check(engine, settings, ready, org, caller, reader, world.clock())
            tasks = _begin(engine, lease, ready, used, by, world.clock())
            means = means_of(engine, settings, ready.org, lease, gateway, org, ready.digest, world)
            return carry(means, tasks, ready, width=settings.concurrency, on_done=world.on_done)
    finally:
        gateway.close()


def require_finished(engine: Database, record: runs.OrgRecord) -> None:
    """RefusedError where a process ended in the middle of a write: what it left is settled first."""
    left = [one for one in list_intents(engine, record.id, states=OPEN) if one.plan is not None]
    if left:
        raise RefusedError(
            f"an earlier plan was interrupted in {len(left):,} writes, such as {left[0].operation} {left[0].subject}",
            org=record.name,
            remedy="finish it: accesssync provision resume",
        )


def check(
    engine: Database,
    settings: Settings,
    ready: Ready,
    org: Organization,
    caller: Caller,
    reader: str | None,
    now: datetime,
) -> list[int]:
    """Ask every guard and policy again, now; gives the overrides that are needed. Raises where something is refused."""
    plan = ready.plan
    same_organization(ready.org, caller, plan.datadog_id)
    if plan.caller_id is not None and caller.user_id != plan.caller_id:
        raise RefusedError(
            f"the provisioning key is {caller.subject}'s, and the plan was made with {plan.caller}'s",
            org=plan.org,
            remedy="plan again: accesssync provision plan",
        )
    terms = terms_of(engine, settings, ready.org, ready.record.id, now, caller=caller, reader=reader)
    judged = judge(plan.actions, org, terms)
    standing = [*(one for one in plan.refusals if one.rule in DECIDED), *judged.refusals]
    given = [one for one in plans.overrides_of(engine, ready.digest) if one.used_at is None and now < one.expires_at]
    passed = {rule for one in given for rule in one.rules}
    refused = [one for one in standing if not (one.waivable and one.rule in passed)]
    if refused:
        telling = telling_of(settings, ready.org)
        keep_told(
            engine,
            ready.record.id,
            told_plan(telling, ready.digest, [one.rule for one in refused if one.guard], now),
            now,
        )
        raise refusal(plan.org, refused, ready.digest)
    rules = {one.rule for one in standing}
    return [one.id for one in given if rules & set(one.rules)]


def refusal(org: str, refused: Sequence[Refusal], digest: str) -> AccessSyncError:
    """The error that a set of refusals is: of the key's scopes where only they stand against a plan."""
    # What nobody can pass is told first: there an override is of no use.
    first = min(refused, key=lambda one: (not one.guard, one.waivable))
    more = f" (and {len(refused) - 1} more)" if len(refused) > 1 else ""
    message = f"{first.rule}: {first.message}{more}"
    if all(one.rule == "missing_scope" for one in refused):
        return AuthenticationError(message, org=org, remedy="give the key these scopes, and its owner the permissions")
    remedy = "change the access file: this cannot be overridden" if first.guard else "see: accesssync provision plan"
    if first.waivable:
        remedy = f'if this is meant: accesssync provision override {digest[:12]} --reason "..."'
    elif first.rule == "operation_not_allowed":
        remedy = "name them in the settings if they are meant to be sent"
    elif first.rule == "unscoped_key":
        remedy = "give it the scopes it needs and no other; docs/provisioning.md lists them"
    return RefusedError(message, org=org, remedy=remedy)


def _begin(engine: Database, lease: Lease, ready: Ready, used: Sequence[int], by: str, now: datetime) -> list[Task]:
    """Take the plan up and store every intent of it, in one transaction."""
    actions = ready.plan.actions
    entry = Entry(
        kind=Kind.PLAN_APPLIED,
        at=now,
        actor=by,
        org=ready.org.name,
        facts={"plan": ready.digest, "actions": len(actions), "removals": ready.plan.removals, "overrides": len(used)},
    )
    keys = add_intents(
        engine,
        lease,
        ready.digest,
        [planned(one) for one in actions],
        now,
        also=lambda connection: plans.take_up(connection, lease, ready.digest, used, by=by, now=now),
        entry=entry,
    )
    return [Task(action, key) for action, key in zip(actions, keys, strict=True)]


def means_of(
    engine: Database,
    settings: Settings,
    org_settings: OrgSettings,
    lease: Lease,
    gateway: Gateway,
    org: Organization,
    digest: str,
    world: World,
) -> Means:
    """What the writes of one organization share."""
    return Means(
        engine=engine,
        lease=lease,
        gateway=gateway,
        org=org,
        policy=policy_of(settings, org_settings),
        least_admins=max(1, settings.min_admins),
        plan=digest,
        clock=world.clock,
        lock=Lock(),
    )


def carry(
    means: Means, tasks: Sequence[Task], ready: Ready, *, width: int, on_done: Callable[[int, int], None]
) -> Applied:
    """Carry out tasks and answer with what became of them, an error that ended it included."""
    carrier = Carrier(means, tasks, width=width, on_done=on_done)
    error: AccessSyncError | None = None
    try:
        carrier.run()
    except AccessSyncError as failure:
        failure.org = failure.org or ready.org.name
        error = failure
    return applied(ready, carrier.carried, error)


def applied(ready: Ready, carried: Carried, error: AccessSyncError | None) -> Applied:
    """The answer of a plan that was carried out as far as it went."""
    return Applied(digest=ready.digest, org=ready.org.name, results=tuple(carried.all()), error=error)
