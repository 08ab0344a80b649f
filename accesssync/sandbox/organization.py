"""An invented organization that tests and the demonstration can change while it is being served."""

from collections.abc import Iterable
from datetime import datetime

from accesssync.sandbox.clientbook import ClientBook
from accesssync.sandbox.directory import UnknownRecordError, random_uuid, wall_clock
from accesssync.sandbox.invitations import InvitationBook
from accesssync.sandbox.keyring import KeyRing
from accesssync.sandbox.records import Status, Truth, User
from accesssync.sandbox.rolebook import RoleBook
from accesssync.sandbox.teambook import TeamBook

__all__ = ["Organization", "UnknownRecordError", "random_uuid", "wall_clock"]


class Organization(RoleBook, KeyRing, TeamBook, ClientBook, InvitationBook):
    """Users, roles, permissions, keys, tokens, teams, SAML mappings and OAuth clients, with named mutations.

    Mutations may be called from any thread while a server is serving: `lock` is held by each of them
    and by the server while it builds an answer. Users are named by id or e-mail, everything else by id
    or name. `at` is the time of the change; without it `clock` is asked.
    """

    def add_user(
        self,
        email: str,
        *,
        name: str | None = None,
        title: str | None = None,
        status: Status = "Active",
        roles: Iterable[str] = (),
        service_account: bool = False,
        last_login_at: datetime | None = None,
        truth: Truth | None = None,
        user_id: str | None = None,
        at: datetime | None = None,
    ) -> User:
        """A new user, created at `at`; the e-mail of a service account does not become its handle."""
        with self.lock:
            known_as = user_id or random_uuid(self.rng)
            now = at or self.clock()
            if truth is None:
                truth = Truth("nhi", "service_account") if service_account else Truth("human")
            user = User(
                id=known_as,
                email=email,
                handle=known_as if service_account else email.lower(),
                name=name,
                title=title,
                created_at=now,
                modified_at=now,
                last_login_at=last_login_at,
                status=status,
                verified=service_account or status != "Pending",
                service_account=service_account,
                mfa_enabled=False,
                role_ids=tuple(self.role(each).id for each in roles),
                truth=truth,
            )
            self.place_user(user)
            self._tell("created", "user", user, "added the user", at=now)
            return user

    def remove_user(self, user: str) -> None:
        """The user vanishes: from lists, by id, from every role, team and OAuth client; keys and tokens stay."""
        with self.lock:
            gone = self.user(user)
            self._tell("deleted", "user", gone, "removed the user")
            self._leave_teams(gone.id)
            self._withdraw_everywhere(gone.id)
            del self.users[gone.id]
            self._count(gone.role_ids, -1)
            self.rendered.forget_user(gone.id)
            self._selections.clear()

    def rename(self, user: str, name: str | None, *, at: datetime | None = None) -> None:
        """Change the display name."""
        with self.lock:
            changed = self.user(user)
            before, changed.name = changed.name, name
            self._touched(user, at)
            self._changed_user(changed, "name", before, name, at)

    def set_title(self, user: str, title: str | None, *, at: datetime | None = None) -> None:
        """Change the job title."""
        with self.lock:
            changed = self.user(user)
            before, changed.title = changed.title, title
            self._touched(user, at)
            self._changed_user(changed, "title", before, title, at)

    def change_email(self, user: str, email: str, *, at: datetime | None = None) -> None:
        """Change the e-mail; the handle stays what it was."""
        with self.lock:
            changed = self.user(user)
            before, changed.email = changed.email, email
            self._touched(changed.id, at)
            self._changed_user(changed, "email", before, email, at)

    def disable(self, user: str, *, at: datetime | None = None) -> None:
        """Switch the account off; its roles stay."""
        with self.lock:
            disabled = self.user(user)
            before, disabled.status = disabled.disabled, "Disabled"
            self._touched(user, at)
            self._changed_user(disabled, "disabled", before, True, at)

    def enable(self, user: str, *, at: datetime | None = None) -> None:
        """Switch the account on."""
        with self.lock:
            enabled = self.user(user)
            before, enabled.status = enabled.disabled, "Active" if enabled.verified else "Pending"
            self._touched(user, at)
            self._changed_user(enabled, "disabled", before, False, at)

    def touch_login(self, user: str, at: datetime) -> None:
        """The user logged in at `at`; nothing else about the account changes."""
        with self.lock:
            seen = self.user(user)
            seen.last_login_at = at
            self.rendered.forget_user(seen.id)

    def grant_role(self, user: str, role: str) -> None:
        """Give the user a role. As far as is known this leaves the user's `modified_at` alone."""
        with self.lock:
            found, granted = self.user(user), self.role(role).id
            if granted not in found.role_ids:
                self._set_roles(found, (*found.role_ids, granted))
                self._tell_members(granted, found, joined=True)

    def revoke_role(self, user: str, role: str) -> None:
        """Take a role from the user."""
        with self.lock:
            found, revoked = self.user(user), self.role(role).id
            if revoked in found.role_ids:
                self._set_roles(found, tuple(each for each in found.role_ids if each != revoked))
                self._tell_members(revoked, found, joined=False)

    def _changed_user(self, user: User, field: str, before: object, after: object, at: datetime | None) -> None:
        self._tell("modified", "user", user, "modified the user", at=at, before={field: before}, after={field: after})

    def _tell_members(self, role_id: str, user: User, *, joined: bool) -> None:
        member = {"users": [{"id": user.id, "email": user.email}]}
        none: dict[str, object] = {"users": []}
        did = f"added the user {user.email} to the role" if joined else f"removed the user {user.email} from the role"
        before, after = (none, member) if joined else (member, none)
        self._tell("modified", "role", self.role(role_id), did, before=before, after=after)

    def _touched(self, user: str, at: datetime | None) -> None:
        changed = self.user(user)
        changed.modified_at = at or self.clock()
        self.rendered.forget_user(changed.id)
        self._selections.clear()
