"""What this room needs from whoever makes, changes and ends credentials."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct
from pydantic import SecretStr

from accesssync.provision.gateway import Caller, Outcome


class Issued(Struct, frozen=True, kw_only=True):
    """A new application key. Its secret is told this once; it shows itself to nobody who does not ask for it."""

    id: str
    secret: SecretStr


class CredentialGateway(Protocol):
    """One organization whose credentials can be changed, under the same promises as `Gateway`."""

    def caller(self) -> Caller: ...
    def create_application_key(self, account_id: str, *, name: str, scopes: Sequence[str]) -> Outcome | Issued:
        """Make a scoped key for a service account. Never to be repeated: asked twice, Datadog makes two."""

    def update_application_key(self, key_id: str, *, scopes: Sequence[str]) -> Outcome: ...
    def revoke_application_key(self, key_id: str) -> Outcome: ...
    def revoke_api_key(self, key_id: str) -> Outcome: ...
    def revoke_access_token(self, token_id: str, *, account_id: str | None) -> Outcome: ...
    def revoke_oauth_authorization(self, client_id: str, user_id: str) -> Outcome: ...
    def close(self) -> None: ...
