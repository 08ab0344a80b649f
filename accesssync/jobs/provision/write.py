"""One action: read its subject again, keep the intent, send it, and find out what came of it."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from threading import Lock

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from accesssync.errors import AccessSyncError, AuthenticationError, DeniedError
from accesssync.jobs.provision.result import Became, Result
from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.provision.gateway import Confirmed, Gateway, Outcome, Rejected, Unknown
from accesssync.provision.organization import Organization
from accesssync.provision.plan import Action
from accesssync.provision.policy import Policy
from accesssync.provision.settle import TRIES, Look, look, made, may_repeat, moved, take_over
from accesssync.store.engine import Database
from accesssync.store.intents import IntentState, NewIntent, Step, add_intents, advance
from accesssync.store.invitations import Mail
from accesssync.store.lease import Lease

CREATES = (Operation.CREATE_USER, Operation.CREATE_SERVICE_ACCOUNT)


class Means(Struct, frozen=True, kw_only=True):
    """What every write of one organization shares. `lock` lets one thread at a time write to the database."""

    engine: Database
    lease: Lease
    gateway: Gateway
    org: Organization
    policy: Policy
    least_admins: int
    plan: str
    clock: Callable[[], datetime]
    lock: Lock

    def note(self, *steps: Step) -> None:
        """Move intents on, in one transaction."""
        with self.lock:
            advance(self.engine, self.lease, steps, self.clock())


class Writer:
    """The actions of one subject, one after the other, in one thread.

    What is known of a write that is done is kept in the transaction that begins the next one, so that a new user
    costs three transactions. `close` keeps what is left; it has to be called, whatever happened.
    """

    def __init__(self, means: Means, subject_id: str | None = None) -> None:
        self._means = means
        self._gateway = means.gateway
        self._waiting: list[Step] = []
        self._fresh: Identity | None = None
        self.subject_id = subject_id
        self.extra: list[Result] = []

    def close(self) -> None:
        """Keep what is known and was not kept yet."""
        steps, self._waiting = self._waiting, []
        if steps:
            self._means.note(*steps)

    def do(self, action: Action, key: int) -> Result:
        """Carry out one action whose intent is planned."""
        action = self._named(action)
        try:
            obstacle = self._obstacle(action)
        except (AuthenticationError, DeniedError) as error:
            return self._result(action, Became.FAILED, f"cannot be read again: {error.message}", denied=True)
        except AccessSyncError as error:
            return self._result(action, Became.FAILED, f"cannot be read again: {error.message}")
        if obstacle is not None:
            return self._passed_over(action, key, obstacle)
        if action.operation is Operation.SEND_INVITATION and self._fresh is not None and self._fresh.status == "Active":
            return self._passed_over(action, key, "is active already and needs no invitation", refused=False)
        return self._send(action, key, 1)

    def recover(self, action: Action, key: int, sends: int) -> Result | None:
        """Find out what came of a write that nobody knows of; None where it was not done and may be done again."""
        action = self._named(action)
        try:
            seen, identity = self._look(action)
        except AccessSyncError as error:
            return self._unknown(action, key, f"reading back failed: {error.message}")
        if seen is Look.DONE:
            return self._done(action, key, identity, f"found done after {_times(sends)} without an answer")
        if seen is Look.NOT_DONE and may_repeat(action.operation):
            return None
        return self._unknown(action, key, "no answer told whether it was done, and reading back does not either")

    # Before

    def _named(self, action: Action) -> Action:
        """The action on the id that its subject got meanwhile."""
        return replace(action, subject_id=self.subject_id) if action.subject_id is None else action

    def _obstacle(self, action: Action) -> str | None:
        """Why it must not be done after all."""
        if action.operation is Operation.CREATE_SERVICE_ACCOUNT:
            found = made(action, self._gateway.find_users(action.email or ""))[0]
            return None if found is Look.NOT_DONE else "is there already"
        if action.subject_id is None or action.expected is None:
            return None
        self._fresh = self._gateway.user(action.subject_id)
        return moved(action, self._fresh) or self._last_admin(action)

    def _last_admin(self, action: Action) -> str | None:
        """Whether too few who administer would be left, by asking for them one by one until there are enough."""
        org, target = self._means.org, self._fresh
        if not (action.removal and action.privileged) or target is None or not org.administers(target):
            return None
        left = 0
        for one in sorted(org.admins - {target.id}):
            identity = self._gateway.user(one)
            left += identity is not None and org.administers(identity)
            if left >= self._means.least_admins:
                return None
        return f"would leave {left} who administer, {self._means.least_admins} is the least"

    # The write itself

    def _send(self, action: Action, key: int, attempt: int) -> Result:
        steps, self._waiting = self._waiting, []
        self._means.note(*steps, Step(key=key, state=IntentState.SENT, subject_id=action.subject_id))
        outcome = send(self._gateway, action)
        if isinstance(outcome, Confirmed):
            return self._confirmed(action, key, outcome)
        if isinstance(outcome, Rejected):
            return self._rejected(action, key, outcome, attempt)
        return self._lost(action, key, outcome, attempt)

    def _confirmed(self, action: Action, key: int, outcome: Confirmed) -> Result:
        mail = None
        if action.operation is Operation.SEND_INVITATION:
            mail = _mail(action, outcome.id, outcome.expires_at)
        elif action.operation in CREATES:
            self.subject_id = outcome.id
        withdrawn = action.subject_id if action.operation is Operation.DELETE_INVITATION else None
        step = Step(key=key, state=IntentState.CONFIRMED, made_id=outcome.id, mail=mail, settled=withdrawn)
        if action.operation in CREATES:
            self._waiting.append(step)
        else:
            self._means.note(step)
        return self._result(action, Became.SUCCEEDED)

    def _rejected(self, action: Action, key: int, outcome: Rejected, attempt: int) -> Result:
        if outcome.status == 409 and action.operation is Operation.CREATE_USER:
            return self._taken(action, key, attempt)
        if outcome.status == 404 and action.operation is Operation.DISABLE_USER:
            # Datadog says the same of a user who is disabled already and of one who was never there.
            with suppress(AccessSyncError):
                seen, identity = self._look(action)
                if seen is Look.DONE:
                    return self._done(action, key, identity, "was disabled already")
        self._means.note(Step(key=key, state=IntentState.REJECTED, status=outcome.status, detail=outcome.message[:500]))
        denied = outcome.status in (401, 403)
        return self._result(action, Became.FAILED, outcome.message, denied=denied, status=outcome.status)

    def _lost(self, action: Action, key: int, outcome: Unknown, attempt: int) -> Result:
        """No answer told. Read back before anything else."""
        try:
            seen, identity = self._look(action)
        except AccessSyncError as error:
            return self._unknown(action, key, f"{outcome.message}; reading back failed: {error.message}")
        if seen is Look.DONE:
            return self._done(action, key, identity, f"no answer came ({outcome.message}); found done")
        if seen is Look.UNSURE or not may_repeat(action.operation):
            return self._unknown(action, key, outcome.message)
        if attempt < TRIES:
            return self._send(action, key, attempt + 1)
        detail = f"sent {_times(attempt)}, and reading back says that it was not done: {outcome.message}"
        self._means.note(Step(key=key, state=IntentState.RECONCILED, done=False, detail=detail[:500]))
        return self._result(action, Became.FAILED, detail)

    def _look(self, action: Action) -> tuple[Look, Identity | None]:
        if action.operation in CREATES:
            return made(action, self._gateway.find_users(action.email or ""))
        if action.subject_id is None:
            return Look.NOT_DONE, None
        found = self._gateway.user(action.subject_id)
        return look(action, found), found

    # What came of it

    def _done(self, action: Action, key: int, identity: Identity | None, detail: str) -> Result:
        made_id = identity.id if identity is not None and action.operation in CREATES else None
        mail = _mail(action, None, None) if action.operation is Operation.SEND_INVITATION else None
        self._means.note(
            Step(key=key, state=IntentState.RECONCILED, done=True, detail=detail[:500], made_id=made_id, mail=mail)
        )
        if made_id is not None:
            self.subject_id, self._fresh = made_id, identity
        return self._result(action, Became.SUCCEEDED, detail)

    def _unknown(self, action: Action, key: int, detail: str) -> Result:
        mail = None
        if action.operation is Operation.SEND_INVITATION and action.subject_id is not None:
            mail = Mail(user_id=action.subject_id, email=action.email or "", certain=False)
        self._means.note(Step(key=key, state=IntentState.UNKNOWN, detail=detail[:500], mail=mail))
        return self._result(action, Became.UNKNOWN, detail)

    def _taken(self, action: Action, key: int, attempt: int) -> Result:
        """The address is somebody's: ours from an attempt before, or a user that came meanwhile."""
        try:
            found = self._gateway.find_users(action.email or "")
        except AccessSyncError as error:
            return self._unknown(action, key, f"the address is taken, and whose it is cannot be read: {error.message}")
        taken = take_over(action, found, may_enable=Operation.ENABLE_USER in self._means.policy.allowed)
        privileged = self._means.org.privileged
        beyond = set(taken.identity.role_ids) - set(action.role_ids) if taken.identity else set()
        refused = taken.refused
        if taken.identity is not None and taken.identity.disabled and beyond & privileged:
            refused = "the address is a disabled user's who would have privileged access again"
        if taken.identity is None or refused is not None:
            detail = refused or "the address is taken"
            self._means.note(Step(key=key, state=IntentState.REJECTED, status=409, detail=detail))
            return self._result(action, Became.SKIPPED, detail, refused=True)
        detail = "made by the request before" if attempt > 1 else "was there already, and is taken over as it is"
        result = self._done(action, key, taken.identity, detail)
        return self._completed(action, taken.identity) or result

    def _completed(self, action: Action, identity: Identity) -> Result | None:
        """Give a user that was taken over what the create would have given; a Result only where that fails."""
        steps: list[tuple[Operation, tuple[str, ...]]] = []
        if identity.disabled:
            steps.append((Operation.ENABLE_USER, ()))
        missing = sorted(set(action.role_ids) - set(identity.role_ids))
        steps += [(Operation.GRANT_ROLE, (role_id,)) for role_id in missing]
        for operation, role_ids in steps:
            extra = replace(
                action, operation=operation, subject_id=identity.id, role_ids=role_ids, name=None, title=None
            )
            result = self._send(extra, self._add(extra), 1)
            if result.outcome is not Became.SUCCEEDED:
                return replace(result, operation=action.operation)
            self.extra.append(result)
        if identity.disabled:
            # Whoever came before and is let in again needs no invitation.
            with suppress(AccessSyncError):
                self._fresh = self._gateway.user(identity.id) or identity
        return None

    def _add(self, action: Action) -> int:
        means = self._means
        with means.lock:
            return add_intents(means.engine, means.lease, means.plan, [planned(action)], means.clock())[0]

    def _passed_over(self, action: Action, key: int, detail: str, *, refused: bool = True) -> Result:
        self._waiting.append(
            Step(key=key, state=IntentState.SKIPPED, detail=detail, subject_id=action.subject_id, done=not refused)
        )
        return self._result(action, Became.SKIPPED, detail, refused=refused)

    def _result(
        self,
        action: Action,
        outcome: Became,
        detail: str = "",
        *,
        refused: bool = False,
        denied: bool = False,
        status: int | None = None,
    ) -> Result:
        return Result(
            number=action.number,
            operation=action.operation,
            subject=action.subject,
            outcome=outcome,
            detail=detail,
            refused=refused,
            denied=denied,
            status=status,
            subject_id=self.subject_id or action.subject_id,
        )


def planned(action: Action) -> NewIntent:
    """The intent of an action."""
    return NewIntent(
        operation=action.operation,
        subject=action.subject,
        subject_id=action.subject_id,
        chain=action.chain,
        number=action.number,
        action=msgspec.to_builtins(action),
        removal=action.removal,
        privileged=action.privileged,
    )


def send(gateway: Gateway, action: Action) -> Outcome:
    """Hand an action to Datadog, once."""
    user_id, roles = action.subject_id or "", action.role_ids
    email, name, title = action.email or "", action.name, action.title
    sends: dict[Operation, Callable[[], Outcome]] = {
        Operation.CREATE_USER: lambda: gateway.create_user(email=email, name=name, title=title, role_ids=roles),
        Operation.CREATE_SERVICE_ACCOUNT: lambda: gateway.create_service_account(
            email=email, name=name or "", title=title, role_ids=roles
        ),
        Operation.UPDATE_USER: lambda: gateway.update_user(user_id, name=name, title=title),
        Operation.ENABLE_USER: lambda: gateway.enable_user(user_id),
        Operation.DISABLE_USER: lambda: gateway.disable_user(user_id),
        Operation.GRANT_ROLE: lambda: gateway.grant_role(user_id, roles[0]),
        Operation.REVOKE_ROLE: lambda: gateway.revoke_role(user_id, roles[0]),
        Operation.SEND_INVITATION: lambda: gateway.send_invitation(user_id),
        Operation.DELETE_INVITATION: lambda: gateway.delete_invitation(user_id),
    }
    return sends[action.operation]()


def _mail(action: Action, invitation_id: str | None, expires_at: datetime | None) -> Mail:
    return Mail(
        user_id=action.subject_id or "",
        email=action.email or "",
        invitation_id=invitation_id,
        expires_at=expires_at,
    )


def _times(count: int) -> str:
    return "once" if count <= 1 else f"{count} times"
