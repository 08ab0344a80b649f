"""The official client's endpoint objects. Importing and building one costs, so each is made when first used, once."""

from functools import cached_property
from typing import TYPE_CHECKING

from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.users_api import UsersApi

from accesssync.datadog.client import Client

if TYPE_CHECKING:
    from datadog_api_client.v1.api.authentication_api import AuthenticationApi
    from datadog_api_client.v2.api.authn_mappings_api import AuthNMappingsApi
    from datadog_api_client.v2.api.key_management_api import KeyManagementApi
    from datadog_api_client.v2.api.org_authorized_clients_api import OrgAuthorizedClientsApi
    from datadog_api_client.v2.api.service_accounts_api import ServiceAccountsApi
    from datadog_api_client.v2.api.teams_api import TeamsApi


class Endpoints:
    """The parts of the API that are used, over one client."""

    def __init__(self, client: Client) -> None:
        self._client = client

    @cached_property
    def users(self) -> UsersApi:
        return UsersApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def roles(self) -> RolesApi:
        return RolesApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def authentication(self) -> "AuthenticationApi":
        from datadog_api_client.v1.api.authentication_api import AuthenticationApi

        return AuthenticationApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def keys(self) -> "KeyManagementApi":
        from datadog_api_client.v2.api.key_management_api import KeyManagementApi

        return KeyManagementApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def oauth_clients(self) -> "OrgAuthorizedClientsApi":
        from datadog_api_client.v2.api.org_authorized_clients_api import OrgAuthorizedClientsApi

        return OrgAuthorizedClientsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def service_accounts(self) -> "ServiceAccountsApi":
        from datadog_api_client.v2.api.service_accounts_api import ServiceAccountsApi

        return ServiceAccountsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def teams(self) -> "TeamsApi":
        from datadog_api_client.v2.api.teams_api import TeamsApi

        return TeamsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def mappings(self) -> "AuthNMappingsApi":
        from datadog_api_client.v2.api.authn_mappings_api import AuthNMappingsApi

        return AuthNMappingsApi(self._client)  # type: ignore[no-untyped-call]
