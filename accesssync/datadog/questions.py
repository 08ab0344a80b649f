"""What every listing asks Datadog, in words for people who check us; `accesssync.datadog.read` is what asks."""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from accesssync.model.coverage import Resource

METHOD: Final = "GET"


class Question(Struct, frozen=True):
    """One listing: its path, the parameters beside number and size of the page, and whether it has pages."""

    path: str
    parameters: Mapping[str, str] = {}
    paged: bool = True


QUESTIONS: Final[Mapping[Resource, Question]] = {
    Resource.USERS: Question("/api/v2/users"),
    Resource.ROLES: Question("/api/v2/roles"),
    Resource.PERMISSIONS: Question("/api/v2/permissions", paged=False),
    Resource.APPLICATION_KEYS: Question("/api/v2/application_keys", {"sort": "created_at", "include": "owned_by"}),
    Resource.API_KEYS: Question("/api/v2/api_keys", {"sort": "created_at", "include": "created_by,modified_by"}),
    Resource.ACCESS_TOKENS: Question(
        "/api/v2/personal_access_tokens", {"sort": "created_at", "include": "leak_information"}
    ),
    Resource.OAUTH_CLIENTS: Question(
        "/api/v2/org_authorized_clients", {"include": "oauth2_client,user_authorized_clients.user"}
    ),
    Resource.TEAMS: Question("/api/v2/team"),
    Resource.TEAM_MEMBERSHIPS: Question("/api/v2/team/{team_id}/memberships"),
    Resource.AUTHN_MAPPINGS: Question(
        "/api/v2/authn_mappings", {"sort": "created_at", "resource_type": "role, then team"}
    ),
}
