"""Finish what was interrupted: read back whatever may have been sent, then do the rest."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from accesssync.errors import RefusedError
from accesssync.jobs.provision.apply import Applied, World, carry, means_of
from accesssync.jobs.provision.carry_out import Task, recovered
from accesssync.jobs.provision.plan_file import read
from accesssync.jobs.provision.result import Became, Result
from accesssync.jobs.provision.seen import action_of, organization
from accesssync.jobs.provision.terms import Doors, ask_reader, policy_of, same_organization
from accesssync.jobs.provision.write import Means
from accesssync.model.operation import Operation
from accesssync.provision.gateway import Caller
from accesssync.provision.plan import Action
from accesssync.provision.policy import needed, scopes
from accesssync.provision.settle import ONCE, Look, made
from accesssync.settings import OrgSettings, Settings
from accesssync.store import plans, runs
from accesssync.store.engine import Database
from accesssync.store.intents import OPEN, Intent, IntentState, Step, advance, list_intents
from accesssync.store.invitations import Mail
from accesssync.store.lease import Lease, leased

LAG = timedelta(minutes=10)
"""How long a write may take to show in a listing."""

NOT_SHOWN = "a complete listing that began later does not show it; plan again to make it"
MAYBE_SENT = frozenset({IntentState.SENT, IntentState.UNKNOWN})


def unfinished(engine: Database, org: OrgSettings) -> list[str]:
    """The digests of plans that were begun and of which something is left, oldest first."""
    record = runs.find_org(engine, org.name)
    if record is None:
        return []
    left = [one for one in list_intents(engine, record.id) if one.plan is not None and not _settled(one)]
    return list(dict.fromkeys(one.plan for one in left if one.plan is not None))


def resume(
    engine: Database, settings: Settings, org: OrgSettings, digest: str, doors: Doors, world: World, *, by: str
) -> Applied:
    """Finish one plan. Of a plan that has expired only subjects that were begun are finished."""
    stored = plans.find_plan(engine, digest)
    if stored is None:
        raise RefusedError(f"the plan {digest[:12]} is not in this database", org=org.name)
    ready = read(engine, settings, stored.document.encode(), f"the plan {digest[:12]}", [])
    gateway = doors.gateway(org)
    try:
        caller = gateway.caller()
        same_organization(org, caller, ready.plan.datadog_id)
        with leased(engine, org.name, ready.record.id, wait=False, sleep=world.sleep, holder=by) as lease:
            seen = organization(engine, ready.record)
            means = means_of(engine, settings, org, lease, gateway, seen, digest, world)
            intents = list_intents(engine, ready.record.id, plan=digest)
            settle_loose(engine, lease, world.clock())
            expired = world.clock() >= ready.plan.expires_at
            tasks = [_task(means, one, _begun(intents, one) or not expired) for one in intents]
            left = [task.action for task in tasks if task.result is None]
            permit_rest(settings, org, caller, left)
            _spare_ourselves(org, caller, ask_reader(doors, org), left)
            return carry(means, tasks, ready, width=settings.concurrency, on_done=world.on_done)
    finally:
        gateway.close()


def interrupted(engine: Database, org: OrgSettings, world: World, *, by: str) -> int:
    """Settle the writes of an organization that were interrupted and that no plan asked for; gives how many."""
    record = runs.find_org(engine, org.name)
    if record is None or not _loose(engine, record.id):
        return 0
    with leased(engine, org.name, record.id, wait=False, sleep=world.sleep, holder=by) as lease:
        return settle_loose(engine, lease, world.clock())


def settle_loose(engine: Database, lease: Lease, now: datetime) -> int:
    """Writes that no plan asked for and that were interrupted: nobody knows of them, and nobody repeats them."""
    steps = []
    for one in _loose(engine, lease.org_id):
        mail = None
        if one.operation == Operation.SEND_INVITATION and one.subject_id is not None:
            mail = Mail(user_id=one.subject_id, email=one.subject, certain=False)
        detail = "interrupted before an answer came"
        steps.append(Step(key=one.key, state=IntentState.UNKNOWN, detail=detail, mail=mail))
    advance(engine, lease, steps, now)
    return len(steps)


def _loose(engine: Database, org_id: int) -> list[Intent]:
    return [one for one in list_intents(engine, org_id, states=OPEN) if one.plan is None]


def _settled(intent: Intent) -> bool:
    """Whether nothing is left to do or to find out."""
    if intent.state == IntentState.UNKNOWN:
        # Only its acceptance, or somebody who sends it once more, can settle it.
        return intent.operation == Operation.SEND_INVITATION
    if intent.state == IntentState.SKIPPED:
        return True
    if intent.state == IntentState.RECONCILED and intent.operation in ONCE:
        return True
    return intent.effective or (intent.state == IntentState.REJECTED and intent.status == 409)


def _begun(intents: Sequence[Intent], one: Intent) -> bool:
    return any(other.chain == one.chain and other.sends for other in intents)


def _task(means: Means, intent: Intent, wanted: bool) -> Task:
    action = action_of(intent)
    if action is None:
        raise RefusedError(f"the intent {intent.key} is of no plan", org=means.org.name)
    if intent.state in MAYBE_SENT and intent.sends:
        if intent.state == IntentState.UNKNOWN and intent.operation == Operation.SEND_INVITATION:
            return Task(action, intent.key, _told(action, intent, Became.UNKNOWN))
        if _shown_absent(means, action, intent):
            means.note(Step(key=intent.key, state=IntentState.RECONCILED, done=False, detail=NOT_SHOWN))
            return Task(action, intent.key, replace(_told(action, intent, Became.FAILED), detail=NOT_SHOWN))
        return recovered(means, Task(action, intent.key), intent.sends, intent.subject_id)
    if _settled(intent):
        outcome = Became.SUCCEEDED if intent.effective else Became.SKIPPED
        return Task(action, intent.key, _told(action, intent, outcome))
    if not wanted:
        detail = "the plan expired before it was tried"
        means.note(Step(key=intent.key, state=IntentState.SKIPPED, detail=detail))
        left = _told(action, intent, Became.SKIPPED)
        return Task(action, intent.key, replace(left, detail=detail, refused=True))
    means.note(Step(key=intent.key, state=IntentState.PLANNED))
    return Task(action, intent.key)


def _spare_ourselves(org: OrgSettings, caller: Caller, reader: str | None, actions: Sequence[Action]) -> None:
    """RefusedError where what is left would cut off a key that we use now: keys may have changed since the plan."""
    for one in actions:
        if one.removal and one.subject_id in (caller.user_id, reader):
            raise RefusedError(
                f"self: {one.operation} {one.subject} would cut off a key that is in use",
                org=org.name,
                remedy="use the keys that the plan was made with, or plan again once it has expired",
            )


def _shown_absent(means: Means, action: Action, intent: Intent) -> bool:
    """Whether a complete listing that began long enough afterwards shows that a service account was not made.

    Only this ends the doubt about one: nothing keeps a second one from being made, so it is never sent again by itself.
    """
    if action.operation is not Operation.CREATE_SERVICE_ACCOUNT or intent.sent_at is None or means.org.unproven:
        return False
    late_enough = means.org.seen_at > intent.sent_at + LAG
    return late_enough and made(action, list(means.org.users.values()))[0] is Look.NOT_DONE


def _told(action: Action, intent: Intent, outcome: Became) -> Result:
    """What is known of an intent that needs nothing more."""
    return Result(
        number=action.number,
        operation=action.operation,
        subject=action.subject,
        outcome=outcome,
        detail=intent.detail or "",
        refused=outcome is Became.SKIPPED and not intent.done,
        subject_id=intent.made_id or intent.subject_id,
    )


def permit_rest(settings: Settings, org: OrgSettings, caller: Caller, actions: Sequence[Action]) -> None:
    """RefusedError where what is left is not permitted any more."""
    policy = policy_of(settings, org)
    operations = needed(actions)
    missing = [one for one in operations if one not in policy.allowed]
    if missing:
        raise RefusedError(
            f"{policy.variable} does not name {', '.join(missing)}",
            org=org.name,
            remedy="name them if they are meant to be sent",
        )
    refused = scopes(operations, policy, caller)
    if refused:
        raise RefusedError(refused[0].message, org=org.name, remedy="docs/provisioning.md lists the scopes")
