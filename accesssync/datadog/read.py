"""One organization, readable: the listings the snapshot asks for, over the official client's endpoints."""

from collections.abc import Callable
from datetime import datetime
from random import Random
from time import time
from typing import Any

from pydantic import SecretStr

from accesssync.datadog.account import decode_account
from accesssync.datadog.budget import Budget, RateLimit
from accesssync.datadog.calls import Calls
from accesssync.datadog.client import Client
from accesssync.datadog.connect import connect
from accesssync.datadog.credentials import API_KEYS, APPLICATION_KEYS, OAUTH_CLIENTS, TOKENS
from accesssync.datadog.endpoints import Endpoints
from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import only_reading
from accesssync.datadog.shape import PERMISSIONS, ROLES, USERS
from accesssync.datadog.teams import MAPPINGS, TEAMS, memberships_of
from accesssync.datadog.trail import QUERY, decode_events
from accesssync.datadog.transport import Call, Event, Transport
from accesssync.errors import AuthenticationError
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping, Membership, Team
from accesssync.snapshot.source import Account, Listing
from accesssync.trail.source import TrailPage

_READ_ACCESS = "user_access_read"
_READ_APPLICATION_KEYS = "org_app_keys_read"
_READ_API_KEYS = "api_keys_read"
_READ_OAUTH_CLIENTS = "org_authorized_apps_read"
_READ_TEAMS = "teams_read"
READ_AUDIT_TRAIL = "audit_logs_read"
EVENTS_AT_ONCE = 1000
"""The most that the Audit Trail gives in one answer."""

_LISTED_BY = {
    Resource.USERS: "list_users",
    Resource.ROLES: "list_roles",
    Resource.PERMISSIONS: "list_permissions",
    Resource.APPLICATION_KEYS: "list_application_keys",
    Resource.API_KEYS: "list_api_keys",
    Resource.ACCESS_TOKENS: "list_personal_access_tokens",
    Resource.OAUTH_CLIENTS: "list_org_authorized_clients",
    Resource.TEAMS: "list_teams",
    Resource.TEAM_MEMBERSHIPS: "get_team_memberships",
    Resource.AUTHN_MAPPINGS: "list_authn_mappings",
}


class DatadogSource:
    """Reads one organization. Every method may be called from several threads at once.

    Only what the Source protocol says is raised, and nothing that is raised or shown carries a key.
    """

    def __init__(self, *, org: str, client: Client, transport: Transport, budget: Budget) -> None:
        self._org = org
        self._client = client
        self._transport = transport
        self._budget = budget
        self._api = Endpoints(client)

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._budget.requests

    @property
    def rate_limited(self) -> int:
        """Answers so far that said that the rate limit is used up."""
        return self._transport.limited

    @property
    def rate_limit_left(self) -> float | None:
        """The smallest part, 0 to 1, that was left of any rate limit so far; None where Datadog told none."""
        return self._budget.lowest_fraction

    def rate_limit_of(self, resource: Resource) -> tuple[str, RateLimit] | None:
        """The limit that listing this resource counts against, with its name; None before any answer told it."""
        return self._budget.rate_limit_of(_LISTED_BY[resource])

    @property
    def server_time_skew(self) -> float | None:
        """Seconds by which our clock is ahead of Datadog's, to about a second; None before any answer told."""
        return self._transport.server_time_skew

    def close(self) -> None:
        """Close the connections. The source must not be used afterwards."""
        self._client.close()

    def account(self) -> Account:
        """Whose keys these are. Raises AuthenticationError where Datadog accepts them not at all."""
        send = self._api.users.get_current_user
        call = Call(operation="get_current_user", resource="account", permission=None, send=send)
        return self._transport.read(call, decode_account)

    def accepts_api_key(self) -> bool:
        """Whether the API key is valid, asked without the application key. Raises UpstreamError where nobody says."""
        send = self._api.authentication.validate
        try:
            self._transport.read(Call(operation="validate", resource="api key", permission=None, send=send), bytes)
        except AuthenticationError:
            return False
        return True

    # No sort parameter where the default order is by something that is unique, or nearly so: a record can only slip
    # between two pages among ties or while something changes. Elsewhere by the time of creation, which never
    # changes and puts what is new at the end.

    def users(self) -> Listing[Identity]:
        """Every user record: people and service accounts, disabled ones included."""
        api, calls = self._api.users, self._calls(Resource.USERS, _READ_ACCESS)
        return Listing(
            calls.resource,
            calls.permission,
            calls.fetch("list_users", USERS, lambda number, size: api.list_users(page_size=size, page_number=number)),
            calls.get("get_user", USERS, api.get_user),
            may_be_empty=False,
        )

    def roles(self) -> Listing[Role]:
        """Every role, with the permissions it carries."""
        api, calls = self._api.roles, self._calls(Resource.ROLES, _READ_ACCESS)
        return Listing(
            calls.resource,
            calls.permission,
            calls.fetch("list_roles", ROLES, lambda number, size: api.list_roles(page_size=size, page_number=number)),
            calls.get("get_role", ROLES, api.get_role),
            may_be_empty=False,
        )

    def permissions(self) -> Listing[Permission]:
        """Every permission there is, in one answer."""
        api, calls = self._api.roles, self._calls(Resource.PERMISSIONS, _READ_ACCESS)
        fetch = calls.fetch("list_permissions", PERMISSIONS, lambda _number, _size: api.list_permissions())
        return Listing(calls.resource, calls.permission, fetch, paged=False, may_be_empty=False)

    def application_keys(self, owned_by: str | None = None) -> Listing[Credential]:
        """Every application key, those of service accounts included; with `owned_by`, of this user at least."""
        from datadog_api_client.v2.model.application_keys_sort import ApplicationKeysSort

        api, calls = self._api.keys, self._calls(Resource.APPLICATION_KEYS, _READ_APPLICATION_KEYS)
        include = "owned_by"

        def send(number: int, size: int) -> object:
            more: dict[str, Any] = {} if owned_by is None else {"filter_owned_by": owned_by}
            sort = ApplicationKeysSort.CREATED_AT_ASCENDING
            return api.list_application_keys(page_size=size, page_number=number, sort=sort, include=include, **more)

        return Listing(
            calls.resource,
            calls.permission,
            calls.fetch("list_application_keys", APPLICATION_KEYS, send),
            calls.get(
                "get_application_key",
                APPLICATION_KEYS,
                lambda identifier: api.get_application_key(identifier, include=include),
            ),
        )

    def api_keys(self) -> Listing[Credential]:
        """Every API key."""
        from datadog_api_client.v2.model.api_keys_sort import APIKeysSort

        api, calls = self._api.keys, self._calls(Resource.API_KEYS, _READ_API_KEYS)
        include = "created_by,modified_by"

        def send(number: int, size: int) -> object:
            sort = APIKeysSort.CREATED_AT_ASCENDING
            return api.list_api_keys(page_size=size, page_number=number, sort=sort, include=include)

        return Listing(
            calls.resource,
            calls.permission,
            calls.fetch("list_api_keys", API_KEYS, send),
            calls.get("get_api_key", API_KEYS, lambda identifier: api.get_api_key(identifier, include=include)),
        )

    def access_tokens(self) -> Listing[Credential]:
        """Every access token of people and of service accounts.

        There is a call for one token by its id, but it is documented for those of people only: its 404 proves nothing.
        """
        from datadog_api_client.v2.model.personal_access_tokens_include_query_parameter_item import (
            PersonalAccessTokensIncludeQueryParameterItem as Include,
        )
        from datadog_api_client.v2.model.personal_access_tokens_sort import PersonalAccessTokensSort

        api, calls = self._api.keys, self._calls(Resource.ACCESS_TOKENS, _READ_APPLICATION_KEYS)
        include = [Include.LEAK_INFORMATION]

        def send(number: int, size: int) -> object:
            sort = PersonalAccessTokensSort.CREATED_AT_ASCENDING
            return api.list_personal_access_tokens(page_size=size, page_number=number, sort=sort, include=include)

        return Listing(calls.resource, calls.permission, calls.fetch("list_personal_access_tokens", TOKENS, send))

    def oauth_clients(self) -> Listing[Credential]:
        """Every OAuth client that the organization has authorized, with the users it may act for."""
        api, calls = self._api.oauth_clients, self._calls(Resource.OAUTH_CLIENTS, _READ_OAUTH_CLIENTS)
        include = "oauth2_client,user_authorized_clients.user"

        def send(number: int, size: int) -> object:
            return api.list_org_authorized_clients(page_size=size, page_number=number, include=include)

        return Listing(
            calls.resource,
            calls.permission,
            calls.fetch("list_org_authorized_clients", OAUTH_CLIENTS, send),
            calls.get(
                "get_org_authorized_client",
                OAUTH_CLIENTS,
                lambda identifier: api.get_org_authorized_client(identifier, include=include),
            ),
        )

    def credential(self, kind: str) -> Callable[[str], Credential | None] | None:
        """What reads one credential of a type by its id; None for a type of which a 404 proves nothing."""
        if kind == CredentialType.PERSONAL_ACCESS_TOKEN:
            calls = self._calls(Resource.ACCESS_TOKENS, _READ_APPLICATION_KEYS)
            return calls.get("get_personal_access_token", TOKENS, self._api.keys.get_personal_access_token)
        listings: dict[str, Callable[[], Listing[Credential]]] = {
            CredentialType.APPLICATION_KEY: self.application_keys,
            CredentialType.API_KEY: self.api_keys,
            CredentialType.OAUTH_CLIENT: self.oauth_clients,
        }
        return listings[kind]().get if kind in listings else None

    def teams(self) -> Listing[Team]:
        """Every team."""
        api, calls = self._api.teams, self._calls(Resource.TEAMS, _READ_TEAMS)
        return Listing(
            calls.resource,
            calls.permission,
            calls.fetch("list_teams", TEAMS, lambda number, size: api.list_teams(page_size=size, page_number=number)),
            calls.get("get_team", TEAMS, api.get_team),
        )

    def team_memberships(self, team_id: str) -> Listing[Membership]:
        """The members of one team."""
        api, calls = self._api.teams, self._calls(Resource.TEAM_MEMBERSHIPS, _READ_TEAMS)

        def send(number: int, size: int) -> object:
            calls.check_addressable(team_id)
            return api.get_team_memberships(team_id, page_size=size, page_number=number)

        fetch = calls.fetch("get_team_memberships", memberships_of(team_id), send)
        return Listing(calls.resource, calls.permission, fetch)

    def authn_mappings(self) -> list[Listing[Mapping]]:
        """The mappings that give a role, and those that give a team."""
        from datadog_api_client.v2.model.authn_mapping_resource_type import AuthNMappingResourceType
        from datadog_api_client.v2.model.authn_mappings_sort import AuthNMappingsSort

        api, calls = self._api.mappings, self._calls(Resource.AUTHN_MAPPINGS, _READ_ACCESS)

        def listing(given: AuthNMappingResourceType) -> Listing[Mapping]:
            def send(number: int, size: int) -> object:
                sort = AuthNMappingsSort.CREATED_AT_ASCENDING
                return api.list_authn_mappings(page_size=size, page_number=number, sort=sort, resource_type=given)

            return Listing(
                calls.resource,
                calls.permission,
                calls.fetch("list_authn_mappings", MAPPINGS, send),
                calls.get("get_authn_mapping", MAPPINGS, api.get_authn_mapping),
            )

        return [listing(AuthNMappingResourceType.ROLE), listing(AuthNMappingResourceType.TEAM)]

    def audit_events(self, since: datetime, until: datetime, cursor: str | None, within: float) -> TrailPage:
        """A page of the Audit Trail's events about access, the newest first, in so many seconds or not at all."""
        from datadog_api_client.v2.model.audit_logs_sort import AuditLogsSort

        api = self._api.audit

        def send() -> object:
            more: dict[str, Any] = {} if cursor is None else {"page_cursor": cursor}
            return api.list_audit_logs(
                filter_query=QUERY,
                filter_from=since,
                filter_to=until,
                sort=AuditLogsSort.TIMESTAMP_DESCENDING,
                page_limit=EVENTS_AT_ONCE,
                **more,
            )

        call = Call(
            operation="list_audit_logs",
            resource="audit trail",
            permission=READ_AUDIT_TRAIL,
            send=send,
            within=within,
        )
        return self._transport.read(call, decode_events)

    # What the watch asks for: as little as shows who and what is new.

    def role_holders(self, role_id: str) -> Listing[Identity]:
        """The users that hold one role."""
        api, calls = self._api.roles, self._calls(Resource.USERS, _READ_ACCESS)

        def send(number: int, size: int) -> object:
            calls.check_addressable(role_id)
            return api.list_role_users(role_id, page_size=size, page_number=number)

        return Listing(calls.resource, calls.permission, calls.fetch("list_role_users", USERS, send))

    def keys_made_since(self, since: datetime) -> list[Listing[Credential]]:
        """The application keys and the API keys that were made at or after a time."""
        api, start = self._api.keys, since.isoformat()
        app, own = (
            self._calls(Resource.APPLICATION_KEYS, _READ_APPLICATION_KEYS),
            self._calls(Resource.API_KEYS, _READ_API_KEYS),
        )

        def send_app(number: int, size: int) -> object:
            return api.list_application_keys(
                page_size=size, page_number=number, filter_created_at_start=start, include="owned_by"
            )

        def send_own(number: int, size: int) -> object:
            return api.list_api_keys(
                page_size=size, page_number=number, filter_created_at_start=start, include="created_by,modified_by"
            )

        return [
            Listing(app.resource, app.permission, app.fetch("list_application_keys", APPLICATION_KEYS, send_app)),
            Listing(own.resource, own.permission, own.fetch("list_api_keys", API_KEYS, send_own)),
        ]

    def _calls(self, resource: Resource, permission: str) -> Calls:
        return Calls(org=self._org, transport=self._transport, resource=resource, permission=permission)


def open_source(
    *,
    org: str,
    site: str,
    api_key: SecretStr,
    app_key: SecretStr,
    api_url: str | None = None,
    allow_other_host: bool = False,
    concurrency: int = 8,
    limits: Limits | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    now: Callable[[], float] = time,
    rng: Random,
    on_event: Callable[[Event], None],
    on_answer: Callable[[int], None] = lambda _status: None,
) -> DatadogSource:
    """Prepare to read one organization; nothing is sent yet, and `limits.run` begins to count.

    `clock` is monotonic, `now` tells seconds since 1970. `sleep` may raise to stop the work; what it raises comes
    through unchanged. `on_event` hears of every wait, `on_answer` the status of every answer. Raises
    ConfigurationError for a host the rules forbid or unsendable keys.
    """
    connected = connect(
        org=org,
        site=site,
        api_key=api_key,
        app_key=app_key,
        api_url=api_url,
        allow_other_host=allow_other_host,
        concurrency=concurrency,
        limits=limits or Limits(),
        permit=only_reading,
        sleep=sleep,
        clock=clock,
        now=now,
        rng=rng,
        on_event=on_event,
        on_answer=on_answer,
    )
    return DatadogSource(org=org, client=connected.client, transport=connected.transport, budget=connected.budget)
