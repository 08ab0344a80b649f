"""Datadog as provisioning needs it, in plain Python, with everything that goes wrong set by the test."""

from collections import Counter
from collections.abc import Callable
from datetime import datetime, timedelta
from threading import RLock

from msgspec.structs import replace

from accesssync.errors import TransportError
from accesssync.model.identity import Identity
from accesssync.provision.gateway import Caller, Confirmed, Outcome, Rejected, Unknown
from tests.builders import NOW

Fault = str | Rejected | None
"""`before` and `after`: the reply is lost before or after the write was done. A Rejected is the answer."""


class FakeDatadog:
    """An organization that can be written. `log` has every write that was sent, `mails` who got how many.

    `fault(operation, subject)` says what goes wrong with a write; `deaf` makes reads fail; `at(operation, subject)` is
    called before each write.
    """

    def __init__(self, users: dict[str, Identity], *, owner: str = "caller") -> None:
        self.users = users
        self.log: list[tuple[str, str]] = []
        self.mails: Counter[str] = Counter()
        self.created: Counter[str] = Counter()
        self.fault: Callable[[str, str], Fault] = lambda _operation, _subject: None
        self.at: Callable[[str, str], object] = lambda _operation, _subject: None
        self.deaf = False
        self.owner = owner
        self.scopes: frozenset[str] | None = frozenset(
            {"user_access_read", "user_access_invite", "user_access_manage", "service_account_write"}
        )
        self.scopes_known = True
        self.closed = 0
        self._lock = RLock()

    # Reads

    def caller(self) -> Caller:
        return Caller(
            user_id=self.owner,
            subject=f"{self.owner}@example.com",
            org_id=None,
            key_id="key",
            scopes=self.scopes,
            scopes_known=self.scopes_known,
        )

    def user(self, user_id: str) -> Identity | None:
        self._hear()
        with self._lock:
            return self.users.get(user_id)

    def find_users(self, text: str) -> list[Identity]:
        self._hear()
        with self._lock:
            return [one for one in self.users.values() if text.lower() in (one.email or "").lower()]

    def invitation_expiry(self, invitation_id: str) -> datetime | None:
        return NOW + timedelta(days=2) if invitation_id.startswith("mail-") else None

    def _hear(self) -> None:
        if self.deaf:
            raise TransportError("no answer came")

    # Writes

    def create_user(self, *, email: str, name: str | None, title: str | None, role_ids: tuple[str, ...]) -> Outcome:
        def write() -> Outcome:
            if any(
                (one.email or "").lower() == email.lower() for one in self.users.values() if not one.service_account
            ):
                return Rejected(status=409, message="user already exists")
            return self._make(email, name, title, role_ids, service=False)

        return self._send("create_user", email, write)

    def create_service_account(self, *, email: str, name: str, title: str | None, role_ids: tuple[str, ...]) -> Outcome:
        return self._send(
            "create_service_account", name, lambda: self._make(email, name, title, role_ids, service=True)
        )

    def _make(
        self, email: str, name: str | None, title: str | None, role_ids: tuple[str, ...], *, service: bool
    ) -> Outcome:
        made = Identity(
            id=f"made-{len(self.users):04}",
            email=email.lower(),
            handle=email.lower(),
            name=name,
            title=title,
            status="Active" if service else "Pending",
            disabled=False,
            verified=service,
            service_account=service,
            role_ids=tuple(sorted(role_ids)),
        )
        self.users[made.id] = made
        self.created[name if service and name else email.lower()] += 1
        return Confirmed(id=made.id)

    def update_user(self, user_id: str, *, name: str | None = None, title: str | None = None) -> Outcome:
        def change(one: Identity) -> Identity:
            return replace(one, name=name or one.name, title=one.title if title is None else title)

        return self._change("update_user", user_id, change)

    def enable_user(self, user_id: str) -> Outcome:
        return self._change("enable_user", user_id, lambda one: replace(one, disabled=False, status="Active"))

    def disable_user(self, user_id: str) -> Outcome:
        def write() -> Outcome:
            one = self.users.get(user_id)
            if one is None or one.disabled:
                return Rejected(status=404, message="not found")
            self.users[user_id] = replace(one, disabled=True, status="Disabled")
            return Confirmed()

        return self._send("disable_user", self._called(user_id), write)

    def grant_role(self, user_id: str, role_id: str) -> Outcome:
        def change(one: Identity) -> Identity:
            return replace(one, role_ids=tuple(sorted({*one.role_ids, role_id})))

        return self._change("grant_role", user_id, change)

    def revoke_role(self, user_id: str, role_id: str) -> Outcome:
        def change(one: Identity) -> Identity:
            return replace(one, role_ids=tuple(each for each in one.role_ids if each != role_id))

        return self._change("revoke_role", user_id, change)

    def send_invitation(self, user_id: str) -> Outcome:
        def write() -> Outcome:
            if user_id not in self.users:
                return Rejected(status=404, message="not found")
            self.mails[self.users[user_id].email or ""] += 1
            return Confirmed(id=f"mail-{sum(self.mails.values())}", expires_at=NOW + timedelta(days=2))

        return self._send("send_invitation", self._called(user_id), write)

    def delete_invitation(self, user_id: str) -> Outcome:
        return self._send("delete_invitation", self._called(user_id), Confirmed)

    def close(self) -> None:
        self.closed += 1

    def _change(self, operation: str, user_id: str, change: Callable[[Identity], Identity]) -> Outcome:
        def write() -> Outcome:
            if user_id not in self.users:
                return Rejected(status=404, message="not found")
            self.users[user_id] = change(self.users[user_id])
            return Confirmed()

        return self._send(operation, self._called(user_id), write)

    def _called(self, user_id: str) -> str:
        one = self.users.get(user_id)
        return one.subject if one else user_id

    def _send(self, operation: str, subject: str, write: Callable[[], Outcome]) -> Outcome:
        with self._lock:
            self.at(operation, subject)
            self.log.append((operation, subject))
            fault = self.fault(operation, subject)
            if isinstance(fault, Rejected):
                return fault
            if fault == "before":
                return Unknown(message="no answer came")
            outcome = write()
            return Unknown(message="no answer came") if fault == "after" else outcome

    # What tests ask

    def sent(self, operation: str) -> list[str]:
        """The subjects of every write of that kind, in order."""
        return [subject for one, subject in self.log if one == operation]

    def by_email(self, email: str) -> Identity:
        """The one user of that address; fails where there is none or more."""
        [found] = [one for one in self.users.values() if one.email == email and not one.service_account]
        return found
