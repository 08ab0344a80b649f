"""Every endpoint of the look-alike is one that the official client knows, and its models understand every answer."""

import re
import warnings
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datadog_api_client import ApiClient, Configuration
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
from datadog_api_client.v2.api.organizations_api import OrganizationsApi
from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.security_monitoring_api import SecurityMonitoringApi
from datadog_api_client.v2.api.service_accounts_api import ServiceAccountsApi
from datadog_api_client.v2.api.teams_api import TeamsApi
from datadog_api_client.v2.api.users_api import UsersApi

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox.resources import ENDPOINTS

APIS: tuple[Callable[[ApiClient], Any], ...] = (
    AuthenticationApi,
    AuthNMappingsApi,
    KeyManagementApi,
    OrgAuthorizedClientsApi,
    OrganizationsApi,
    RolesApi,
    ServiceAccountsApi,
    TeamsApi,
    UsersApi,
    AuditApi,
    DashboardsApi,
    EventsApi,
    LogsApi,
    LogsPipelinesApi,
    MetricsApi,
    MonitorsApi,
    SecurityMonitoringApi,
)
PARAMETER = re.compile(r"\{\w+\}")
FOUND_ELSEWHERE = {
    "/api/v2/user_invitations/{}",
    "/api/v1/dashboard/{}",
    "/api/v1/logs/config/pipelines/{}",
    "/api/v1/monitor/{}",
}
"""What has to be made before it can be read: the tests of writes do both."""
READ = [one for one in ENDPOINTS if one.method == "GET" and PARAMETER.sub("{}", one.path) not in FOUND_ELSEWHERE]
configure: Callable[..., Any] = Configuration


@pytest.fixture
def operations(server: SandboxServer) -> Iterator[dict[tuple[str, str], Callable[..., Any]]]:
    """The client's operations by method and path, pointed at the look-alike."""
    configuration = configure(host=server.url)
    configuration.api_key = {"apiKeyAuth": server.api_key, "appKeyAuth": server.app_key}
    configuration.unstable_operations["validate"] = True
    with ApiClient(configuration) as client:
        found: dict[tuple[str, str], Callable[..., Any]] = {}
        for api in (make(client) for make in APIS):
            for name, endpoint in vars(api).items():
                if name.endswith("_endpoint"):
                    path = PARAMETER.sub("{}", endpoint.settings["endpoint_path"])
                    operation = getattr(api, endpoint.settings["operation_id"])
                    found[endpoint.settings["http_method"], path] = operation
        yield found
        client.rest_client.pool_manager.clear()


def values(organization: Organization, path: str) -> list[str]:
    """One that is there for every parameter of a path."""
    account = next(one.id for one in organization.users.values() if one.service_account)
    person = next(one.id for one in organization.users.values() if not one.service_account)
    reader = next(iter(organization.app_keys.values()))
    of_account = "service_accounts" in path
    known = {
        "user_id": person,
        "account_id": account,
        "role_id": next(iter(organization.roles)),
        "team_id": next(iter(organization.teams)),
        "mapping_id": next(iter(organization.mappings)),
        "client_id": next(iter(organization.oauth_clients)),
        "rule_id": next(iter(organization.published.rules)),
    }
    if "{token_id}" in path:
        owner = account if of_account else person
        known["token_id"] = organization.add_token(owner, ["dashboards_read"]).id
    if "{key_id}" in path:
        owner = account if of_account else reader.owner_id
        own = organization.add_application_key(owner).id
        known["key_id"] = next(iter(organization.api_keys)) if "/api_keys/" in path else own
    return [known[name.strip("{}")] for name in PARAMETER.findall(path)]


@pytest.mark.parametrize("endpoint", ENDPOINTS, ids=lambda one: f"{one.method} {one.path}")
def test_the_client_knows_it(endpoint: Any, operations: dict[tuple[str, str], Callable[..., Any]]) -> None:
    assert (endpoint.method, PARAMETER.sub("{}", endpoint.path)) in operations


@pytest.mark.parametrize("endpoint", READ, ids=lambda one: one.path)
def test_the_clients_models_understand_what_it_answers(
    endpoint: Any, operations: dict[tuple[str, str], Callable[..., Any]], organization: Organization
) -> None:
    read = operations["GET", PARAMETER.sub("{}", endpoint.path)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an operation that the client calls unstable
        answer = read(*values(organization, endpoint.path))
    if isinstance(answer, list):  # not wrapped in anything
        assert all(each._unparsed is False for each in answer)
        return
    assert answer._unparsed is False
    data = answer.get("data", [])
    for each in data if isinstance(data, list) else [data]:
        parsed = each.get_oneof_instance() if hasattr(each, "get_oneof_instance") else each
        assert parsed._unparsed is False
