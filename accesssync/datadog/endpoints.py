"""The official client's endpoint objects. Importing and building one costs, so each is made when first used, once."""

from functools import cached_property
from typing import TYPE_CHECKING

from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.users_api import UsersApi

from accesssync.datadog.client import Client

if TYPE_CHECKING:
    from datadog_api_client.v1.api.authentication_api import AuthenticationApi
    from datadog_api_client.v1.api.dashboards_api import DashboardsApi
    from datadog_api_client.v1.api.events_api import EventsApi
    from datadog_api_client.v1.api.logs_pipelines_api import LogsPipelinesApi
    from datadog_api_client.v1.api.monitors_api import MonitorsApi
    from datadog_api_client.v2.api.audit_api import AuditApi
    from datadog_api_client.v2.api.authn_mappings_api import AuthNMappingsApi
    from datadog_api_client.v2.api.key_management_api import KeyManagementApi
    from datadog_api_client.v2.api.logs_api import LogsApi
    from datadog_api_client.v2.api.metrics_api import MetricsApi
    from datadog_api_client.v2.api.org_authorized_clients_api import OrgAuthorizedClientsApi
    from datadog_api_client.v2.api.security_monitoring_api import SecurityMonitoringApi
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

    @cached_property
    def logs(self) -> "LogsApi":
        from datadog_api_client.v2.api.logs_api import LogsApi

        return LogsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def events(self) -> "EventsApi":
        from datadog_api_client.v1.api.events_api import EventsApi

        return EventsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def metrics(self) -> "MetricsApi":
        from datadog_api_client.v2.api.metrics_api import MetricsApi

        return MetricsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def dashboards(self) -> "DashboardsApi":
        from datadog_api_client.v1.api.dashboards_api import DashboardsApi

        return DashboardsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def pipelines(self) -> "LogsPipelinesApi":
        from datadog_api_client.v1.api.logs_pipelines_api import LogsPipelinesApi

        return LogsPipelinesApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def monitors(self) -> "MonitorsApi":
        from datadog_api_client.v1.api.monitors_api import MonitorsApi

        return MonitorsApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def detection_rules(self) -> "SecurityMonitoringApi":
        from datadog_api_client.v2.api.security_monitoring_api import SecurityMonitoringApi

        return SecurityMonitoringApi(self._client)  # type: ignore[no-untyped-call]

    @cached_property
    def audit(self) -> "AuditApi":
        from datadog_api_client.v2.api.audit_api import AuditApi

        return AuditApi(self._client)  # type: ignore[no-untyped-call]
