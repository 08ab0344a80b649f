"""Carry out one change of a credential: judge it, keep it, send it once, and find out what came of it."""

from collections.abc import Callable, Mapping

from msgspec import Struct
from pydantic import SecretStr

from accesssync.errors import (
    AccessSyncError,
    AuthenticationError,
    PartialError,
    RefusedError,
    UnknownOutcomeError,
)
from accesssync.jobs.provision.key_desk import Desk, enabled, view
from accesssync.jobs.provision.terms import limits_of, policy_of, same_organization
from accesssync.model.operation import Operation
from accesssync.provision.credentials import CHANGES, Change, CredentialGateway, Issued, guard_change
from accesssync.provision.gateway import Caller, Confirmed, Outcome, Rejected
from accesssync.provision.guards import BUDGET, Spent
from accesssync.provision.plan import Refusal
from accesssync.provision.policy import scopes
from accesssync.settings import OrgSettings
from accesssync.store.intents import (
    OPEN,
    IntentState,
    NewIntent,
    Step,
    add_intents,
    advance,
    list_intents,
    spent_since,
)
from accesssync.store.lease import Lease, leased

_NOT_FOUND = 404

URGENT = (
    "if it cannot wait, do it in Datadog (Organization Settings), or have whoever answers for the settings give the "
    "command once with ACCESSSYNC_APPROVAL=never"
)
"""What to do where only an approval is missing, and nobody can give one for a single change."""


class Done(Struct, frozen=True, kw_only=True):
    """What came of a change. `secret` is there once, where a key was made."""

    operation: Operation
    org: str
    subject: str
    credential_id: str
    secret: SecretStr | None = None


class Wanted(Struct, frozen=True, kw_only=True):
    """One change and how it is sent. `action` is what is kept of it, in plain values and without secrets.

    `ready` is asked right before, and raises where it must not be sent. `done` reads back whether it was done, `made`
    which credential was made; where both are None, only an answer can tell. `gone_is_done`: a 404 is what was wanted.
    """

    change: Change
    subject: str
    subject_id: str
    action: Mapping[str, object]
    write: Callable[[CredentialGateway], Outcome | Issued]
    ready: Callable[[CredentialGateway], None] | None = None
    done: Callable[[CredentialGateway], bool] | None = None
    made: Callable[[CredentialGateway], str | None] | None = None
    gone_is_done: bool = False


def carry_out(desk: Desk, wanted: Wanted) -> Done:
    """Do it, or raise: RefusedError before anything is kept, and afterwards what came of it, which is kept as well."""
    record = view(desk).org
    gateway = desk.open(desk.org)
    try:
        caller = gateway.caller()
        same_organization(desk.org, caller, record.datadog_id)
        with leased(desk.engine, desk.org.name, record.id, wait=False, sleep=desk.sleep, holder=desk.by) as lease:
            _judge(desk, wanted.change, caller, record.id)
            _settle_interrupted(desk, lease)
            if wanted.ready is not None:
                wanted.ready(gateway)
            [key] = add_intents(desk.engine, lease, None, [_intent(desk, wanted)], desk.clock())
            note = _Noting(desk, lease, key)
            note(IntentState.SENT)
            outcome = wanted.write(gateway)
            credential_id = _settle(desk, note, outcome, gateway, wanted)
    finally:
        gateway.close()
    return Done(
        operation=wanted.change.operation,
        org=desk.org.name,
        subject=wanted.subject,
        credential_id=credential_id,
        secret=outcome.secret if isinstance(outcome, Issued) else None,
    )


def _intent(desk: Desk, wanted: Wanted) -> NewIntent:
    kept = {**wanted.action, "reason": desk.reason}
    return NewIntent(
        operation=wanted.change.operation,
        subject=wanted.subject,
        subject_id=wanted.subject_id,
        chain=f"credential {wanted.subject_id}",
        action={name: value for name, value in kept.items() if value is not None},
        removal=wanted.change.removal,
        privileged=wanted.change.privileged,
    )


def _settle_interrupted(desk: Desk, lease: Lease) -> None:
    """What an earlier process did not live to see the answer of is unknown, and is not sent again."""
    left = list_intents(desk.engine, lease.org_id, states=OPEN, operations=tuple(CHANGES))
    detail = "interrupted before an answer came"
    steps = [Step(key=one.key, state=IntentState.UNKNOWN, detail=detail) for one in left if one.plan is None]
    if steps:
        advance(desk.engine, lease, steps, desk.clock())


class _Noting(Struct, frozen=True):
    desk: Desk
    lease: Lease
    key: int

    def __call__(
        self,
        state: IntentState,
        *,
        detail: str | None = None,
        status: int | None = None,
        done: bool | None = None,
        made_id: str | None = None,
    ) -> None:
        step = Step(key=self.key, state=state, detail=detail, status=status, done=done, made_id=made_id)
        advance(self.desk.engine, self.lease, [step], self.desk.clock())


def _settle(desk: Desk, note: _Noting, outcome: Outcome | Issued, gateway: CredentialGateway, wanted: Wanted) -> str:
    """Keep what came of a write; raises unless it is done. Gives the id of the credential."""
    if isinstance(outcome, Issued):
        note(IntentState.CONFIRMED, made_id=outcome.id)
        return outcome.id
    if isinstance(outcome, Confirmed):
        note(IntentState.CONFIRMED)
    elif isinstance(outcome, Rejected) and wanted.gone_is_done and outcome.status == _NOT_FOUND:
        note(IntentState.RECONCILED, done=True, status=outcome.status, detail="it was gone already")
    elif isinstance(outcome, Rejected):
        note(IntentState.REJECTED, status=outcome.status, detail=outcome.message)
        raise _rejected(desk, outcome, wanted.subject)
    elif _shows_done(desk, note, gateway, wanted):
        note(IntentState.RECONCILED, done=True, detail="no answer came, and reading back shows it done")
    else:
        note(IntentState.UNKNOWN, detail=outcome.message)
        raise UnknownOutcomeError(
            f"nobody knows whether {wanted.change.operation} of {wanted.subject} was done: {outcome.message}",
            org=desk.org.name,
            remedy="wait some minutes, sync, and look at it before you try again",
        )
    return wanted.subject_id


def _shows_done(desk: Desk, note: _Noting, gateway: CredentialGateway, wanted: Wanted) -> bool:
    """Whether reading back shows it. False where it does not, or cannot be read: that proves nothing yet."""
    try:
        lost = wanted.made(gateway) if wanted.made is not None else None
        done = wanted.done(gateway) if wanted.done is not None else False
    except AccessSyncError:
        return False
    if lost is not None:
        note(IntentState.RECONCILED, done=True, made_id=lost, detail="made, and its secret was lost on the way")
        raise PartialError(
            f"{wanted.subject} was made, and its secret was lost on the way",
            org=desk.org.name,
            remedy=f"sync, end it with accesssync credential revoke {lost}, and make another",
        )
    return done


def _rejected(desk: Desk, outcome: Rejected, subject: str) -> AccessSyncError:
    message = f"{subject} was left as it is: {outcome.message}"
    if outcome.status in (401, 403):
        return AuthenticationError(message, org=desk.org.name, remedy="docs/provisioning.md lists the scopes")
    return PartialError(message, org=desk.org.name)


def _judge(desk: Desk, change: Change, caller: Caller, org_id: int) -> None:
    """RefusedError where settings, key, guards or the day's budget stand against a change."""
    policy = policy_of(desk.settings, desk.org)
    refusals: list[Refusal] = []
    if change.operation not in policy.allowed:
        message = f"{policy.variable} does not name {change.operation}"
        refusals.append(Refusal(rule="operation_not_allowed", message=message))
    refusals += scopes([change.operation], policy, caller)
    if (
        policy.approval == "always"
        or (policy.approval == "removals" and change.removal)
        or (policy.approval == "privileged" and change.privileged)
    ):
        refusals.append(Refusal(rule="approval", message="the settings ask for an approval, which only plans can get"))
    spent = spent_since(desk.engine, org_id, desk.clock() - BUDGET)
    refusals += guard_change(
        change,
        caller,
        _own_ends(desk.org),
        limits_of(desk.settings),
        Spent(removals=spent.removals, privileged=spent.privileged),
        enabled=enabled(desk),
    )
    if refusals:
        approval = all(one.rule == "approval" for one in refusals)
        raise RefusedError(
            "; ".join(one.message for one in refusals),
            org=desk.org.name,
            remedy=URGENT if approval else "docs/provisioning.md tells the rules",
        )


def _own_ends(org: OrgSettings) -> dict[str, str]:
    keys = {"the API key": org.api_key, "the read key": org.app_key, "the provisioning key": org.provision_app_key}
    return {key.get_secret_value()[-4:]: what for what, key in keys.items() if key is not None}
