"""Tell what has to be done so that an organization becomes what a file says. No order yet, and no permission."""

from collections.abc import Iterator
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from accesssync.model.identity import Identity
from accesssync.model.look_alike import look_alikes
from accesssync.model.operation import Operation
from accesssync.provision.desired import Desired, Mode, Unwanted, Wanted, fold
from accesssync.provision.organization import Organization, is_disabled, with_roles
from accesssync.provision.plan import Action, Expected, Refusal, State

ADD, TAKE, DISABLE, PRIVILEGED = range(4)
"""The phases: what gives, what takes a role, what disables, and last whatever takes from the privileged."""

_KNOWN_STATUS = frozenset({"Active", "Pending", "Disabled", None})


class Decided(Struct, frozen=True):
    """What is to be done, what must not, and what a reader should know."""

    actions: tuple[Action, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]


def decide(desired: Desired, org: Organization, now: datetime) -> Decided:
    """Every action that is needed, each subject's in its order, and all of them in theirs. Nothing for what is so."""
    deciding = _Deciding(desired, org, now)
    for wanted in (*desired.users, *desired.service_accounts):
        deciding.want(wanted)
    for unwanted in desired.absent:
        deciding.dismiss(unwanted)
    deciding.tell_alike()
    ordered = sorted(deciding.actions, key=lambda one: (one.phase, one.subject, one.chain, one.number))
    numbered = tuple(replace(one, number=number) for number, one in enumerate(ordered, start=1))
    return Decided(numbered, tuple(deciding.refusals), tuple(deciding.warnings))


class _Deciding:
    def __init__(self, desired: Desired, org: Organization, now: datetime) -> None:
        self.desired = desired
        self.org = org
        self.now = now
        self.actions: list[Action] = []
        self.refusals: list[Refusal] = []
        self.warnings: list[str] = []
        self._new: list[Wanted] = []

    def want(self, wanted: Wanted) -> None:
        found = self._accounts(wanted) if wanted.service_account else self._people(wanted.email)
        problem = self._unclear(wanted.subject, wanted.service_account, found)
        if problem:
            self._refuse(wanted.where, problem)
        elif wanted.expired(self.now):
            self._end(found, f"{wanted.where}: expired on {wanted.expires}")
        elif found:
            self._change(wanted, found[0])
        else:
            self._create(wanted)

    def dismiss(self, unwanted: Unwanted) -> None:
        found = self._people(unwanted.email) or self.org.by_address.get(fold(unwanted.email), ())
        problem = self._unclear(unwanted.email, False, found)
        if problem:
            self._refuse(unwanted.where, problem)
        else:
            self._end(found, f"{unwanted.where}: absent")

    def tell_alike(self) -> None:
        """Refuse to create an address that a reader takes for another one."""
        known: list[tuple[str, str | None]] = [
            (f"1 {one.id}", one.email) for one in self.org.users.values() if not one.service_account
        ]
        new: list[tuple[str, str | None]] = [
            (f"0 {number}", wanted.email) for number, wanted in enumerate(self._new) if not wanted.service_account
        ]
        alike = look_alikes(known + new) if new else {}
        for key, _ in new:
            for other in alike.get(key, ()):
                wanted, twin = self._new[int(key[2:])], other[2:]
                email = self.org.users[twin].email if other[0] == "1" else self._new[int(twin)].email
                if other[0] == "1" or int(twin) < int(key[2:]):
                    self.refusals.append(
                        Refusal(
                            rule="look_alike",
                            message=f"{wanted.where}: {wanted.email} looks like {email}, which is somebody else",
                            guard=True,
                            waivable=True,
                        )
                    )

    # Who is meant

    def _people(self, email: str) -> tuple[Identity, ...]:
        found = tuple(one for one in self.org.by_address.get(fold(email), ()) if not one.service_account)
        if found:
            return found
        other = self.org.by_handle.get(fold(email))
        return (other,) if other else ()

    def _accounts(self, wanted: Wanted) -> tuple[Identity, ...]:
        # The address is only a contact: several service accounts and a person may share it.
        mine = self.org.by_address.get(fold(wanted.email), ())
        return tuple(one for one in mine if one.service_account and one.name == wanted.name)

    def _unclear(self, subject: str, account: bool, found: tuple[Identity, ...]) -> str | None:
        if len(found) > 1:
            ids = ", ".join(sorted(one.id for one in found))
            return f"{len(found)} user records answer to {subject}, and nobody knows which is meant: {ids}"
        for one in found:
            if not account and one.email and fold(one.email) != fold(subject):
                return f"{subject} is the handle of {one.email}; write that address"
            if one.status not in _KNOWN_STATUS:
                return f"{subject} has the status {one.status!r}, which nothing is known of"
        return None

    def _refuse(self, where: str, problem: str) -> None:
        self.refusals.append(Refusal(rule="ambiguous", message=f"{where}: {problem}", guard=True))

    # What is to be done

    def _create(self, wanted: Wanted) -> None:
        self._new.append(wanted)
        account = wanted.service_account
        roles = self.org.role_names(wanted.role_ids)
        chain = f"new {'service account' if account else 'user'} {fold(wanted.email)}"
        chain += f" {wanted.name}" if account else ""
        after: State = {"email": wanted.email, "name": wanted.name, "title": wanted.title, "roles": roles}
        after["status"] = "Active" if account else "Pending"
        if wanted.owner:
            after["owner"] = wanted.owner
        if not roles:
            self.warnings.append(f"{wanted.where}: {wanted.subject} gets no role from the file; Datadog may give one")
        new = Action(
            number=len(self.actions),
            operation=Operation.CREATE_SERVICE_ACCOUNT if account else Operation.CREATE_USER,
            subject=wanted.subject,
            subject_id=None,
            chain=chain,
            phase=ADD,
            before=None,
            after=after,
            expected=None,
            role_ids=wanted.role_ids,
            email=wanted.email,
            name=wanted.name,
            title=wanted.title,
            service=account,
            privileged=not self.org.privileged.isdisjoint(wanted.role_ids),
            why=wanted.where,
        )
        self.actions.append(new)
        if not account and self.desired.invite:
            self._invite(new)

    def _invite(self, after: Action) -> None:
        invite = replace(
            after,
            number=len(self.actions),
            operation=Operation.SEND_INVITATION,
            before={"invited": False},
            after={"invited": True},
            role_ids=(),
            name=None,
            title=None,
            privileged=False,
        )
        self.actions.append(invite)

    def _change(self, wanted: Wanted, identity: Identity) -> None:
        chain = _Chain(self.org, identity, wanted.where)
        if is_disabled(identity):
            chain.enable()
        chain.rename(wanted.name if wanted.name != identity.name else None, wanted.title)
        for role_id in _by_name(self.org, set(wanted.role_ids) - set(identity.role_ids)):
            chain.grant(role_id)
        waiting = identity.status == "Pending" and identity.id in self.org.uninvited
        if waiting and self.desired.invite and not wanted.service_account:
            chain.invite()
        if self.desired.mode is Mode.AUTHORITATIVE:
            extra = set(identity.role_ids) - set(wanted.role_ids)
            # The privileged ones come last, also among one subject's.
            for privileged in (False, True):
                for role_id in _by_name(self.org, {one for one in extra if (one in self.org.privileged) is privileged}):
                    chain.revoke(role_id)
        self._take(chain)
        if identity.id in self.org.unsure:
            self.warnings.append(
                f"{wanted.subject}: nobody knows whether the invitation was sent; "
                f"accesssync provision invitations --resend {identity.id}"
            )

    def _end(self, found: tuple[Identity, ...], why: str) -> None:
        for identity in found:
            if not is_disabled(identity):
                chain = _Chain(self.org, identity, why)
                chain.disable()
                self._take(chain)

    def _take(self, chain: "_Chain") -> None:
        self.actions += [replace(one, number=len(self.actions) + n) for n, one in enumerate(chain.actions)]


class _Chain:
    """The actions on one identity, each expecting what the one before left."""

    def __init__(self, org: Organization, identity: Identity, why: str) -> None:
        self.org = org
        self.identity = identity
        self.why = why
        self.privileged = org.is_privileged(identity)
        self.actions: list[Action] = []

    def enable(self) -> None:
        self._add(Operation.ENABLE_USER, ADD, replace(self.identity, disabled=False, status="Active"), self.privileged)

    def rename(self, name: str | None, title: str | None) -> None:
        title = title if title != self.identity.title else None
        if name is not None or title is not None:
            renamed = replace(
                self.identity, name=name or self.identity.name, title=self.identity.title if title is None else title
            )
            self._add(Operation.UPDATE_USER, ADD, renamed, False, name=name, title=title)

    def grant(self, role_id: str) -> None:
        privileged = role_id in self.org.privileged
        self._add(Operation.GRANT_ROLE, ADD, with_roles(self.identity, add=(role_id,)), privileged, role_ids=(role_id,))

    def invite(self) -> None:
        self._add(Operation.SEND_INVITATION, ADD, self.identity, False)

    def revoke(self, role_id: str) -> None:
        privileged = role_id in self.org.privileged
        phase = PRIVILEGED if privileged else TAKE
        left = with_roles(self.identity, drop=(role_id,))
        self._add(Operation.REVOKE_ROLE, phase, left, privileged, role_ids=(role_id,), removal=True)

    def disable(self) -> None:
        phase = PRIVILEGED if self.privileged else DISABLE
        ended = replace(self.identity, disabled=True, status="Disabled")
        self._add(Operation.DISABLE_USER, phase, ended, self.privileged, removal=True)

    def _add(
        self,
        operation: Operation,
        phase: int,
        after: Identity,
        privileged: bool,
        *,
        role_ids: tuple[str, ...] = (),
        removal: bool = False,
        name: str | None = None,
        title: str | None = None,
    ) -> None:
        before = self.identity
        invited = operation is Operation.SEND_INVITATION
        self.actions.append(
            Action(
                number=0,
                operation=operation,
                subject=before.subject,
                subject_id=before.id,
                chain=before.id,
                phase=phase,
                before={"invited": False} if invited else self._state(before),
                after={"invited": True} if invited else self._state(after),
                expected=expected(before),
                role_ids=role_ids,
                email=before.email,
                name=name,
                title=title,
                service=bool(before.service_account),
                removal=removal,
                privileged=privileged,
                why=self.why,
            )
        )
        self.identity = after

    def _state(self, identity: Identity) -> State:
        return {
            "name": identity.name,
            "title": identity.title,
            "status": identity.status,
            "roles": self.org.role_names(identity.role_ids),
        }


def expected(identity: Identity) -> Expected:
    """What has to be found again just before a write."""
    return Expected(
        email=fold(identity.email) if identity.email else None,
        disabled=is_disabled(identity),
        role_ids=tuple(sorted(identity.role_ids)),
    )


def _by_name(org: Organization, role_ids: set[str]) -> Iterator[str]:
    """Roles that the organization has, by name. One that it does not list can be neither given nor taken."""
    return iter(sorted((one for one in role_ids if one in org.roles), key=lambda one: (org.roles[one].name or "", one)))
