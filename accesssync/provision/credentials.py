"""Credentials: what may be done to them, and what this room needs from whoever does it."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct
from pydantic import SecretStr

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.provision.gateway import Caller, Outcome
from accesssync.provision.guards import Limits, Spent, answers_to, removal_limit
from accesssync.provision.plan import Refusal

CHANGES = (
    Operation.CREATE_APPLICATION_KEY,
    Operation.UPDATE_APPLICATION_KEY,
    Operation.REVOKE_APPLICATION_KEY,
    Operation.REVOKE_API_KEY,
    Operation.REVOKE_ACCESS_TOKEN,
    Operation.REVOKE_OAUTH_AUTHORIZATION,
)
"""Everything that is done to credentials."""

TOKENS = frozenset({CredentialType.PERSONAL_ACCESS_TOKEN.value, CredentialType.SERVICE_ACCESS_TOKEN.value})


class Issued(Struct, frozen=True, kw_only=True):
    """A new application key. Its secret is told this once; it shows itself to nobody who does not ask for it."""

    id: str
    secret: SecretStr


class CredentialGateway(Protocol):
    """One organization whose credentials can be changed, under the same promises as `Gateway`."""

    def caller(self) -> Caller: ...
    def credential(self, kind: str, credential_id: str, *, account_id: str | None = None) -> Credential | None:
        """One credential as it is now; None where there is none. `account_id`: whose, of a service account's token."""

    def keys_of_account(self, account_id: str) -> list[Credential]:
        """Every application key of a service account as it is now."""

    def create_application_key(self, account_id: str, *, name: str, scopes: Sequence[str]) -> Outcome | Issued:
        """Make a scoped key for a service account. Never to be repeated: asked twice, Datadog makes two."""

    def update_application_key(self, key_id: str, *, scopes: Sequence[str]) -> Outcome: ...
    def revoke_application_key(self, key_id: str) -> Outcome: ...
    def revoke_api_key(self, key_id: str) -> Outcome: ...
    def revoke_access_token(self, token_id: str, *, account_id: str | None) -> Outcome: ...
    def revoke_oauth_authorization(self, client_id: str, user_id: str) -> Outcome: ...
    def close(self) -> None: ...


class Change(Struct, frozen=True, kw_only=True):
    """One thing that is to be done to a credential, or the making of one.

    `target` is None for a new one. `owner` is the user behind it, where one is known. `removal`: it takes something
    away from somebody. `privileged`: what it gives includes a privileged permission.
    """

    operation: Operation
    target: Credential | None = None
    owner: Identity | None = None
    removal: bool = False
    privileged: bool = False


def revoking(target: Credential) -> Operation | None:
    """The operation that ends a credential; None for a kind that nobody can end here."""
    if target.type in TOKENS:
        return Operation.REVOKE_ACCESS_TOKEN
    return {
        CredentialType.APPLICATION_KEY.value: Operation.REVOKE_APPLICATION_KEY,
        CredentialType.API_KEY.value: Operation.REVOKE_API_KEY,
        CredentialType.OAUTH_CLIENT.value: Operation.REVOKE_OAUTH_AUTHORIZATION,
    }.get(target.type)


def guard_change(
    change: Change, caller: Caller, ours: Mapping[str, str], limits: Limits, spent: Spent, *, enabled: int
) -> list[Refusal]:
    """What stands against one change. `ours` are the ends of our own keys, with what each is; `enabled` is how many
    user records are enabled, by which the day's budget is measured."""
    refusals = [*_ours(change, caller, ours), *_protected(change, limits)]
    most = removal_limit(enabled, limits)
    if change.removal and spent.removals + 1 > most:
        message = f"it would be removal {spent.removals + 1:,} within 24 hours; the limit is {most:,}"
        refusals.append(Refusal(rule="removal_budget", message=message, guard=True))
    if change.privileged and spent.privileged + 1 > limits.privileged:
        count = f"{spent.privileged + 1:,} within 24 hours; the limit is {limits.privileged:,}"
        message = f"it would be privileged change {count}"
        refusals.append(Refusal(rule="privileged_budget", message=message, guard=True))
    return refusals


def _ours(change: Change, caller: Caller, ours: Mapping[str, str]) -> list[Refusal]:
    target = change.target
    if target is None or target.type not in (CredentialType.APPLICATION_KEY, CredentialType.API_KEY):
        return []
    if target.id == caller.key_id:
        return [Refusal(rule="own_key", message="it is the provisioning key itself", guard=True)]
    what = ours.get(target.last4 or "")
    # No listing shows more of a key than its end: what ends alike is taken for the same.
    if what is not None:
        return [Refusal(rule="own_key", message=f"it ends like {what} that accesssync itself uses", guard=True)]
    return []


def _protected(change: Change, limits: Limits) -> list[Refusal]:
    owner = change.owner
    if owner is None or not change.removal:
        return []
    if not answers_to(limits.protected, email=owner.email, subject=owner.subject, subject_id=owner.id):
        return []
    return [Refusal(rule="protected", message=f"{owner.subject} is protected by the settings", guard=True)]
