"""A credential: a secret that acts for somebody. Never the secret itself."""

from datetime import datetime
from enum import StrEnum

from msgspec import UNSET, Struct, UnsetType

from accesssync.model.coverage import Resource


class CredentialType(StrEnum):
    """The kinds of credential, as the contract names them."""

    APPLICATION_KEY = "application_key"
    API_KEY = "api_key"
    PERSONAL_ACCESS_TOKEN = "personal_access_token"  # noqa: S105 - the name of a kind
    SERVICE_ACCESS_TOKEN = "service_access_token"  # noqa: S105
    OAUTH_CLIENT = "oauth_client"


class Credential(Struct, frozen=True, kw_only=True, gc=False):
    """The facts of one credential as one listing showed them.

    `type` is a CredentialType where it is known, else whatever Datadog called it. `owner_id` is who it acts as:
    None for API keys, which act for the organization, and for OAuth clients, which act for `user_ids`. `created_by_id`
    is who made an API key.
    `scopes` is None where nothing narrows it: unscoped, everything the owner may do; an empty tuple is scoped
    to nothing. Where `scopes_known` is False Datadog did not say, and `scopes` means nothing. Those of an OAuth
    client are all that any of its users allowed it. `last4` is the last four characters or, for tokens, the public
    portion. `leaked` is None where Datadog does not say. `last_used_at` is activity: None is "never" (for an API
    key: not within 90 days), UNSET "not said".
    """

    id: str
    type: str
    name: str | None = None
    owner_id: str | None = None
    created_by_id: str | None = None
    scopes: tuple[str, ...] | None = None
    scopes_known: bool = True
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last4: str | None = None
    disabled: bool | None = None
    leaked: bool | None = None
    category: str | None = None
    user_ids: tuple[str, ...] = ()
    last_used_at: datetime | UnsetType | None = UNSET
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What a person calls it: its name and the end of it."""
        return f"{self.name or self.id} ..{self.last4}" if self.last4 else self.name or self.id


def resource_of(kind: str) -> Resource:
    """The resource that lists credentials of a type; of one that is not known, the one that lists tokens."""
    return _RESOURCES.get(kind, Resource.ACCESS_TOKENS)


_RESOURCES: dict[str, Resource] = {
    CredentialType.APPLICATION_KEY: Resource.APPLICATION_KEYS,
    CredentialType.API_KEY: Resource.API_KEYS,
    CredentialType.OAUTH_CLIENT: Resource.OAUTH_CLIENTS,
}
