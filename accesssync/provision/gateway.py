"""What this room needs from whoever writes to Datadog and reads back what came of it."""

from datetime import datetime
from typing import Protocol

from msgspec import Struct

from accesssync.model.identity import Identity


class Confirmed(Struct, frozen=True, kw_only=True):
    """Datadog said that it is done. `id` names what was created: a user, a service account, an invitation."""

    id: str | None = None
    expires_at: datetime | None = None
    """When an invitation ends by itself; None elsewhere, and where Datadog did not say."""


class Rejected(Struct, frozen=True, kw_only=True):
    """It is certain that nothing was done.

    `status` is the answer's; None where no request was sent: no connection could be made. `message` is what
    Datadog said, bounded and without keys.
    """

    status: int | None
    message: str


class Unknown(Struct, frozen=True, kw_only=True):
    """The request may have been carried out or not: no answer came, or one that does not tell (any 5xx, say)."""

    message: str


Outcome = Confirmed | Rejected | Unknown


class Caller(Struct, frozen=True, kw_only=True):
    """Whose key the provisioning key is, and what it is scoped to.

    `key_id` is None where the key could not be found among those that Datadog lists. `scopes` is None where nothing
    narrows it; it means nothing where `scopes_known` is False. `permissions` are what the owner's roles
    carry, None where Datadog did not say.
    """

    user_id: str
    subject: str
    org_id: str | None
    key_id: str | None
    scopes: frozenset[str] | None
    scopes_known: bool
    permissions: frozenset[str] | None = None


class Gateway(Protocol):
    """One organization, writable. Every method may be called from several threads at once.

    A write is sent at most once per call, except where it is certain that it did not arrive or was not begun (429,
    no connection). It never raises for what Datadog answers: that is the outcome. RefusedError where the
    operation is not allowed: then nothing was sent. A read raises what reads raise (DeniedError,
    AuthenticationError, UpstreamError).
    """

    def caller(self) -> Caller:
        """Ask anew whose key it is, at every call: keys are replaced."""

    def user(self, user_id: str) -> Identity | None:
        """One user record as it is now; None where Datadog knows none (404)."""

    def find_users(self, text: str) -> list[Identity]:
        """Every user record that Datadog's own search finds for a text: a superset of the exact matches."""

    def invitation_expiry(self, invitation_id: str) -> datetime | None:
        """When an invitation ends; None where Datadog knows none of that id."""

    def create_user(self, *, email: str, name: str | None, title: str | None, role_ids: tuple[str, ...]) -> Outcome:
        """Add a user with all its roles; sends no e-mail. Rejected with 409 where the address is taken."""

    def update_user(self, user_id: str, *, name: str | None = None, title: str | None = None) -> Outcome:
        """Change name or title; None leaves as it is."""

    def enable_user(self, user_id: str) -> Outcome:
        """Let a disabled user in again."""

    def disable_user(self, user_id: str) -> Outcome:
        """Disable a user. A 404 is Rejected: only reading back tells whether it was disabled already or never there."""

    def grant_role(self, user_id: str, role_id: str) -> Outcome: ...

    def revoke_role(self, user_id: str, role_id: str) -> Outcome: ...

    def send_invitation(self, user_id: str) -> Outcome:
        """Send the e-mail that lets a user in; Confirmed names the invitation and its end."""

    def delete_invitation(self, user_id: str) -> Outcome:
        """Take back every open invitation of a user."""

    def create_service_account(
        self, *, email: str, name: str, title: str | None, role_ids: tuple[str, ...]
    ) -> Outcome: ...

    def close(self) -> None: ...
