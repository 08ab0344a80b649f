"""Every write: durable before it is sent, and what is known of it afterwards.

Each change of an intent and its entry in the audit log are one transaction: where the log cannot be written, nothing
is sent.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct, to_builtins
from sqlalchemy import ColumnElement, Connection, Engine, exists, func, insert, or_, select, update

from accesssync.audit.entry import Entry, Kind
from accesssync.model.operation import Operation
from accesssync.store.audit import append
from accesssync.store.engine import translated
from accesssync.store.invitations import OPEN as STILL_OPEN
from accesssync.store.invitations import Mail, note_mail, settle_mail
from accesssync.store.lease import Lease, writing
from accesssync.store.tables import identities, intents, invitations


class IntentState(StrEnum):
    """How far one write has come."""

    PLANNED = "planned"
    INTENT = "intent"
    """About to be done: its subject is being read again. Nothing was sent."""
    SENT = "sent"
    """May have been sent. Whoever finds this after a crash has to read back."""
    CONFIRMED = "confirmed"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """No answer told whether it was done, and reading back did not either."""
    RECONCILED = "reconciled"
    """No answer told, and reading back did; `done` says what."""
    SKIPPED = "skipped"
    """Not done, because its subject was moved by somebody else."""


OPEN = (IntentState.INTENT, IntentState.SENT)
"""What only a process that ended in the middle leaves behind."""

_MAKES = frozenset({Operation.CREATE_USER.value, Operation.CREATE_SERVICE_ACCOUNT.value})
_TOLD = {
    IntentState.SENT: Kind.WRITE_INTENDED,
    IntentState.CONFIRMED: Kind.WRITE_CONFIRMED,
    IntentState.REJECTED: Kind.WRITE_REJECTED,
    IntentState.UNKNOWN: Kind.WRITE_UNKNOWN,
    IntentState.RECONCILED: Kind.WRITE_RECONCILED,
}


class Intent(Struct, frozen=True, kw_only=True):
    """One write as the store knows it."""

    key: int
    plan: str | None
    number: int
    operation: str
    subject: str
    subject_id: str | None
    chain: str
    action: dict[str, Any]
    removal: bool
    privileged: bool
    actor: str
    state: str
    done: bool | None
    detail: str | None
    sends: int
    status: int | None
    made_id: str | None
    planned_at: datetime
    sent_at: datetime | None
    ended_at: datetime | None

    @property
    def effective(self) -> bool:
        """Whether it is certain that it was done."""
        return self.state == IntentState.CONFIRMED or (self.state == IntentState.RECONCILED and bool(self.done))


class NewIntent(Struct, frozen=True, kw_only=True):
    """A write that is to come. `action` is what it consists of, in plain values and without secrets."""

    operation: Operation
    subject: str
    subject_id: str | None
    chain: str
    number: int = 1
    action: Mapping[str, Any] = {}
    removal: bool = False
    privileged: bool = False


class Step(Struct, frozen=True, kw_only=True):
    """What becomes of one intent. None leaves a field as it was; `mail` is noted with it."""

    key: int
    state: IntentState
    detail: str | None = None
    done: bool | None = None
    status: int | None = None
    subject_id: str | None = None
    made_id: str | None = None
    mail: Mail | None = None
    settled: str | None = None
    """The id of a user whose invitations are over: accepted, or withdrawn."""


class Spending(Struct, frozen=True):
    """What was taken away, and what of privileged access was changed, since some time."""

    removals: int
    privileged: int


def add_intents(
    engine: Engine,
    lease: Lease,
    plan: str | None,
    new: Sequence[NewIntent],
    now: datetime,
    *,
    also: Callable[[Connection], None] | None = None,
    entry: Entry | None = None,
) -> list[int]:
    """Store writes that are planned, in their order, and give their keys. `also` is done in the same transaction."""
    with translated("the intents cannot be written"), writing(engine, lease) as connection:
        if also is not None:
            also(connection)
        rows = [
            {
                "org_id": lease.org_id,
                "plan": plan,
                "number": one.number,
                "operation": one.operation.value,
                "subject": one.subject,
                "subject_id": one.subject_id,
                "chain": one.chain,
                "action": to_builtins(one.action),
                "removal": one.removal,
                "privileged": one.privileged,
                "actor": lease.holder,
                "state": IntentState.PLANNED.value,
                "sends": 0,
                "planned_at": now,
            }
            for one in new
        ]
        query = insert(intents).returning(intents.c.key, sort_by_parameter_order=True)
        keys = [int(key) for key in connection.execute(query, rows).scalars()] if rows else []
        if entry is not None:
            append(connection, entry)
        return keys


def advance(engine: Engine, lease: Lease, steps: Iterable[Step], now: datetime) -> None:
    """Move intents on, with what the audit log says of each, in one transaction."""
    with translated("the intent cannot be written"), writing(engine, lease) as connection:
        told = [entry for step in steps if (entry := _advance(connection, lease, step, now)) is not None]
        # Last, because whoever else appends waits from here on.
        for entry in told:
            append(connection, entry)


def _advance(connection: Connection, lease: Lease, step: Step, now: datetime) -> Entry | None:
    given = ("detail", "done", "status", "subject_id", "made_id")
    values: dict[str, Any] = {name: getattr(step, name) for name in given if getattr(step, name) is not None}
    values["state"] = step.state.value
    if step.state is IntentState.SENT:
        values |= {"sends": intents.c.sends + 1, "sent_at": now}
    elif step.state not in (IntentState.INTENT, IntentState.PLANNED):
        values["ended_at"] = now
    mine = (intents.c.key == step.key, intents.c.org_id == lease.org_id)
    row = connection.execute(update(intents).where(*mine).values(**values).returning(intents)).one()
    if step.made_id is not None and row.plan is not None and row.operation in _MAKES:
        chain = (intents.c.org_id == lease.org_id, intents.c.plan == row.plan, intents.c.chain == row.chain)
        connection.execute(
            update(intents).where(*chain, intents.c.subject_id.is_(None)).values(subject_id=step.made_id)
        )
    if step.mail is not None and step.mail.certain:
        # Whatever was unsure about mails to the same person is settled by one that was sent for certain.
        doubtful = (
            intents.c.org_id == lease.org_id,
            intents.c.subject_id == step.mail.user_id,
            intents.c.operation == Operation.SEND_INVITATION.value,
            intents.c.state == IntentState.UNKNOWN.value,
        )
        settled = {"state": IntentState.RECONCILED.value, "done": False, "detail": "sent once more later"}
        connection.execute(update(intents).where(*doubtful).values(**settled, ended_at=now))
    if step.mail is not None:
        note_mail(connection, lease.org_id, step.mail, now)
    if step.settled is not None:
        settle_mail(connection, lease.org_id, step.settled, "withdrawn", now)
    kind = _TOLD.get(step.state)
    if kind is None:
        return None
    facts = {"plan": row.plan, "number": row.number, "operation": row.operation, "sends": row.sends}
    facts |= {"status": row.status, "made_id": row.made_id, "done": row.done}
    facts |= {name: list(row.action[name]) for name in ("role_ids", "scopes") if row.action.get(name)}
    facts |= {name: row.action[name] for name in ("credential", "replaces") if row.action.get(name)}
    return Entry(
        kind=kind,
        at=now,
        actor=lease.holder,
        org=lease.org,
        subject_id=row.subject_id or row.made_id,
        facts={name: value for name, value in facts.items() if value is not None},
        personal={"subject": row.subject, "reason": row.action.get("reason")},
    )


def settle_accepted(engine: Engine, lease: Lease, now: datetime) -> int:
    """Close the invitations of everybody whom the run under way shows as active; gives how many.

    Whoever is active has come, so that a mail of which nobody knew was sent after all, or was not needed.
    """

    def active(user: ColumnElement[str]) -> ColumnElement[bool]:
        # Asked for each of the few who were invited: a list of everybody who is active would be made first.
        return exists().where(
            identities.c.org_id == lease.org_id,
            identities.c.id == user,
            identities.c.to_run.is_(None),
            identities.c.status == "Active",
        )

    mails = (
        invitations.c.org_id == lease.org_id,
        invitations.c.state.in_(STILL_OPEN),
        active(invitations.c.user_id),
    )
    doubtful = (
        intents.c.org_id == lease.org_id,
        intents.c.operation == Operation.SEND_INVITATION.value,
        intents.c.state == IntentState.UNKNOWN.value,
        active(intents.c.subject_id),
    )
    with translated("the invitations cannot be read"), engine.connect() as connection:
        keys = list(connection.execute(select(intents.c.key).where(*doubtful)).scalars())
        if not keys and connection.execute(select(invitations.c.key).where(*mails).limit(1)).first() is None:
            return 0
    detail = "the invited person has come"
    advance(
        engine,
        lease,
        [Step(key=key, state=IntentState.RECONCILED, done=True, detail=detail) for key in keys],
        now,
    )
    with translated("the invitations cannot be updated"), writing(engine, lease) as connection:
        return connection.execute(update(invitations).where(*mails).values(state="accepted", settled_at=now)).rowcount


def list_intents(
    engine: Engine,
    org_id: int,
    *,
    plan: str | None = None,
    states: Sequence[IntentState] = (),
    operations: Sequence[Operation] = (),
) -> list[Intent]:
    """Writes of an organization in the order in which they were planned."""
    query = select(intents).where(intents.c.org_id == org_id)
    if plan is not None:
        query = query.where(intents.c.plan == plan)
    if states:
        query = query.where(intents.c.state.in_([one.value for one in states]))
    if operations:
        query = query.where(intents.c.operation.in_([one.value for one in operations]))
    with translated("the intents cannot be read"), engine.connect() as connection:
        return [_intent(row) for row in connection.execute(query.order_by(intents.c.key))]


def effective_since(engine: Engine, org_id: int, since: datetime) -> list[Intent]:
    """Writes that are certain to have been done and were sent after a time, oldest first."""
    query = select(intents).where(intents.c.org_id == org_id, intents.c.sent_at >= since, _effective())
    with translated("the intents cannot be read"), engine.connect() as connection:
        return [_intent(row) for row in connection.execute(query.order_by(intents.c.sent_at, intents.c.key))]


def spent_since(engine: Engine, org_id: int, since: datetime) -> Spending:
    """What was taken away since a time, or may have been."""
    maybe = intents.c.state.in_([IntentState.SENT.value, IntentState.UNKNOWN.value])
    query = select(intents.c.removal, intents.c.privileged, func.count()).where(
        intents.c.org_id == org_id, intents.c.sent_at >= since, or_(_effective(), maybe)
    )
    removals = privileged = 0
    with translated("the intents cannot be read"), engine.connect() as connection:
        for removal, of_privileged, count in connection.execute(
            query.group_by(intents.c.removal, intents.c.privileged)
        ):
            removals += count if removal else 0
            privileged += count if of_privileged else 0
    return Spending(removals, privileged)


def _effective() -> ColumnElement[bool]:
    reconciled = (intents.c.state == IntentState.RECONCILED.value) & intents.c.done.is_(True)
    return or_(intents.c.state == IntentState.CONFIRMED.value, reconciled)


def _intent(row: Any) -> Intent:
    return Intent(**{name: getattr(row, name) for name in Intent.__struct_fields__})
