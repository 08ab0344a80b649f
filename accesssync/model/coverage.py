"""How much of each resource one run has seen, and how that is known."""

from enum import StrEnum

from msgspec import Struct


class Resource(StrEnum):
    """A thing that Datadog lists, by the name the contract gives it."""

    USERS = "users"
    ROLES = "roles"
    PERMISSIONS = "permissions"
    APPLICATION_KEYS = "application_keys"
    API_KEYS = "api_keys"
    ACCESS_TOKENS = "access_tokens"
    OAUTH_CLIENTS = "oauth_clients"
    TEAMS = "teams"
    TEAM_MEMBERSHIPS = "team_memberships"
    AUTHN_MAPPINGS = "authn_mappings"


class CoverageState(StrEnum):
    """What one run may say about one resource."""

    COMPLETE = "complete"
    """Every record was seen, proven by the total that Datadog gives or by the list being unpaged."""
    INCOMPLETE = "incomplete"
    """Some records were seen. What was not seen may still exist."""
    DENIED = "denied"
    """The keys may not read it."""
    FAILED = "failed"
    """Nothing of it could be read."""
    SKIPPED = "skipped"
    """The settings say not to read it."""


class Coverage(Struct, frozen=True, kw_only=True):
    """The outcome of one listing.

    `received` and `expected` count records; `expected` is None where the API gives no total.
    `passes` counts how often the whole listing was read. `degraded` counts records of which some
    attribute could not be understood.
    """

    state: CoverageState
    received: int = 0
    expected: int | None = None
    passes: int = 0
    reason: str | None = None
    degraded: int = 0

    @property
    def proven(self) -> bool:
        """Whether absence from this listing means anything."""
        return self.state is CoverageState.COMPLETE
