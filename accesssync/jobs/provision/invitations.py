"""Invitations as they live: sent, accepted, expired, sent again, or given up."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from accesssync.errors import RefusedError, UsageError
from accesssync.jobs.inventory import Document
from accesssync.jobs.provision.apply import Applied, World, means_of
from accesssync.jobs.provision.carry_out import Carrier, Task
from accesssync.jobs.provision.plan import Planned, plan_of
from accesssync.jobs.provision.resume import permit_rest, settle_loose
from accesssync.jobs.provision.seen import organization
from accesssync.jobs.provision.terms import Doors
from accesssync.jobs.provision.write import planned
from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.model.when import as_text
from accesssync.provision.decide import ADD, DISABLE, PRIVILEGED, Decided, expected
from accesssync.provision.organization import Organization, is_disabled
from accesssync.provision.plan import Action
from accesssync.settings import OrgSettings, Settings
from accesssync.store import runs
from accesssync.store.engine import Database
from accesssync.store.intents import add_intents
from accesssync.store.invitations import Invitation, list_invitations
from accesssync.store.lease import leased

MOST_MAILS = 3
"""Mails that one person gets within `WITHIN`, the first included; whoever ignores three wants no fourth."""

WITHIN = timedelta(days=30)
LIFETIME = timedelta(days=2)
"""How long an invitation lives where Datadog did not say: its own default."""


def state_of(mail: Invitation, now: datetime) -> str:
    """How an invitation stands now."""
    if mail.state in ("sent", "unknown") and now >= (mail.expires_at or mail.sent_at + LIFETIME):
        return "expired" if mail.state == "sent" else "unknown"
    return mail.state


def latest(engine: Database, org_id: int) -> dict[str, Invitation]:
    """The newest mail of everybody who ever got one from here."""
    return {one.user_id: one for one in list_invitations(engine, org_id)}


def invitations(engine: Database, record: runs.OrgRecord, now: datetime) -> list[Document]:
    """Every invitation that was sent from here, or may have been, oldest first."""
    mails = list_invitations(engine, record.id)
    counts = Counter(one.user_id for one in mails)
    return [
        {
            "org": record.name,
            "user_id": one.user_id,
            "email": one.email,
            "invitation_id": one.invitation_id,
            "state": state_of(one, now),
            "sent_at": as_text(one.sent_at),
            "expires_at": as_text(one.expires_at) if one.expires_at else None,
            "settled_at": as_text(one.settled_at) if one.settled_at else None,
            "mails": counts[one.user_id],
        }
        for one in mails
    ]


def expired(engine: Database, record: runs.OrgRecord, now: datetime) -> list[Invitation]:
    """Whose last invitation has ended without being used."""
    return [one for one in latest(engine, record.id).values() if state_of(one, now) == "expired"]


def chosen(engine: Database, record: runs.OrgRecord, wanted: str) -> Invitation:
    """The newest mail that an id of a user or an invitation, or an address, means."""
    for one in reversed(list_invitations(engine, record.id)):
        if wanted in (one.user_id, one.invitation_id) or wanted.lower() == one.email.lower():
            return latest(engine, record.id)[one.user_id]
    raise UsageError(
        f"no invitation was sent to {wanted!r} from here",
        org=record.name,
        remedy="accesssync provision invitations lists them",
    )


def send_again(
    engine: Database,
    settings: Settings,
    org: OrgSettings,
    record: runs.OrgRecord,
    mails: Sequence[Invitation],
    doors: Doors,
    world: World,
    *,
    by: str,
) -> Applied:
    """Send each of these people one more mail, unless they came meanwhile or got enough of them."""
    now = world.clock()
    sent = Counter(one.user_id for one in list_invitations(engine, record.id) if one.sent_at > now - WITHIN)
    within = [one for one in mails if sent[one.user_id] < MOST_MAILS]
    if mails and not within:
        raise RefusedError(
            f"{mails[0].email} got {sent[mails[0].user_id]} mails in {WITHIN.days} days; {MOST_MAILS} is the most",
            org=org.name,
            remedy="ask them, or clean up: accesssync provision invitations --clean-up",
        )
    if org.provision_app_key is None:
        raise RefusedError("no provisioning key is set, so nothing can be sent", org=org.name)
    gateway = doors.gateway(org)
    try:
        caller = gateway.caller()
        with leased(engine, org.name, record.id, wait=False, sleep=world.sleep, holder=by) as lease:
            seen = organization(engine, record)
            means = means_of(engine, settings, org, lease, gateway, seen, "", world)
            settle_loose(engine, lease, world.clock())
            found = [(one, gateway.user(one.user_id)) for one in within]
            actions = [
                _invite(number, identity, mail)
                for number, (mail, identity) in enumerate(found, start=1)
                if identity is not None and identity.status == "Pending" and not is_disabled(identity)
            ]
            permit_rest(settings, org, caller, actions)
            keys = add_intents(engine, lease, None, [planned(one) for one in actions], world.clock())
            tasks = [Task(action, key) for action, key in zip(actions, keys, strict=True)]
            carrier = Carrier(means, tasks, width=settings.concurrency, on_done=world.on_done)
            return Applied(digest="", org=org.name, results=tuple(carrier.run().all()))
    finally:
        gateway.close()


def clean_up(
    engine: Database,
    settings: Settings,
    org: OrgSettings,
    record: runs.OrgRecord,
    older: timedelta,
    doors: Doors,
    *,
    author: str,
    now: datetime,
) -> Planned:
    """A plan that disables whoever was invited from here that long ago and never came. It is applied like any other."""
    found = organization(engine, record)
    never = [
        found.users[one.user_id]
        for one in latest(engine, record.id).values()
        if one.user_id in found.users
        and state_of(one, now) in ("expired", "unknown")
        and one.sent_at <= now - older
        and found.users[one.user_id].status == "Pending"
        and not is_disabled(found.users[one.user_id])
    ]
    actions: list[Action] = []
    for one in sorted(never, key=lambda each: each.subject):
        actions += _give_up(found, one, len(actions) + 1, older)
    ordered = sorted(actions, key=lambda one: (one.phase, one.number))
    numbered = tuple(replace(one, number=number) for number, one in enumerate(ordered, start=1))
    decided = Decided(numbered, (), ())
    source = f"invitations never accepted in {older.days} days"
    return plan_of(engine, settings, org, record, decided, found, doors, source=source, author=author, now=now)


def _invite(number: int, identity: Identity, mail: Invitation) -> Action:
    return Action(
        number=number,
        operation=Operation.SEND_INVITATION,
        subject=identity.subject,
        subject_id=identity.id,
        chain=identity.id,
        phase=ADD,
        before={"invited": True, "state": mail.state},
        after={"invited": True},
        expected=expected(identity),
        email=identity.email,
    )


def _give_up(org: Organization, identity: Identity, number: int, older: timedelta) -> list[Action]:
    privileged = org.is_privileged(identity)
    state = {"status": identity.status, "roles": org.role_names(identity.role_ids)}
    first = Action(
        number=number,
        operation=Operation.DELETE_INVITATION,
        subject=identity.subject,
        subject_id=identity.id,
        chain=identity.id,
        phase=ADD,
        before={"invited": True},
        after={"invited": False},
        expected=expected(identity),
        email=identity.email,
        why=f"invited more than {older.days} days ago",
    )
    last = replace(
        first,
        number=number + 1,
        operation=Operation.DISABLE_USER,
        phase=PRIVILEGED if privileged else DISABLE,
        before=state,
        after={**state, "status": "Disabled"},
        removal=True,
        privileged=privileged,
    )
    return [first, last]


def parse_age(text: str) -> timedelta:
    """`30d` and the like. UsageError for anything else."""
    number = text.removesuffix("d")
    if not (text.endswith("d") and number.isascii() and number.isdigit() and 0 < int(number) <= 3650):
        raise UsageError(f"--clean-up does not understand {text[:20]!r}", remedy="write days, such as 30d")
    return timedelta(days=int(number))
