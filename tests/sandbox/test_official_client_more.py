"""Datadog's own client must find nothing odd in keys, tokens, clients, teams, mappings and organizations."""

import datetime
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import NotFoundException
from datadog_api_client.v2.api.authn_mappings_api import AuthNMappingsApi
from datadog_api_client.v2.api.key_management_api import KeyManagementApi
from datadog_api_client.v2.api.org_authorized_clients_api import OrgAuthorizedClientsApi
from datadog_api_client.v2.api.organizations_api import OrganizationsApi
from datadog_api_client.v2.api.service_accounts_api import ServiceAccountsApi
from datadog_api_client.v2.api.teams_api import TeamsApi
from datadog_api_client.v2.api.users_api import UsersApi
from datadog_api_client.v2.model.authn_mapping_resource_type import AuthNMappingResourceType
from datadog_api_client.v2.model.personal_access_tokens_include_query_parameter_item import (
    PersonalAccessTokensIncludeQueryParameterItem,
)

from accesssync.sandbox import Organization, SandboxServer

# The constructors of the client carry no types.
configure: Callable[..., Any] = Configuration
Api = Callable[[Any], Any]
including: Callable[[str], Any] = PersonalAccessTokensIncludeQueryParameterItem
leading_to: Callable[[str], Any] = AuthNMappingResourceType


@pytest.fixture
def api(server: SandboxServer) -> Iterator[Api]:
    """Makes an API of the official client, pointed at the look-alike."""
    configuration = configure(host=server.url)
    configuration.api_key = {"apiKeyAuth": server.api_key, "appKeyAuth": server.app_key}
    with ApiClient(configuration) as client:
        yield lambda made: made(client)
        client.rest_client.pool_manager.clear()


def _all_parsed(answer: Any, more_attributes: frozenset[str] | set[str] = frozenset()) -> None:
    assert answer._unparsed is False
    data = answer.data if isinstance(answer.data, list) else [answer.data]
    records = [*data, *(answer.get("included") or [])]
    assert records
    for each in records:
        parsed = each.get_oneof_instance() if hasattr(each, "get_oneof_instance") else each
        assert parsed._unparsed is False, parsed
        # Nothing is sent that the model has no place for, but for the method of login of users.
        attributes = parsed.get("attributes")
        unknown = set(attributes._data_store) - set(attributes.attribute_map) if attributes else set()
        assert unknown <= more_attributes | {"allowed_login_methods"}, unknown


def test_application_keys(api: Api, organization: Organization) -> None:
    organization.leak_key("sandbox minimal")
    keys = api(KeyManagementApi)
    answer = keys.list_application_keys(page_size=100, include="owned_by")
    _all_parsed(answer)
    assert len(answer.data) == answer.meta.page.total_filtered_count == len(organization.app_keys)
    assert answer.meta.max_allowed_per_user == 1000
    by_id = {each.id: each for each in answer.data}
    for key in organization.app_keys.values():
        shown = by_id[key.id]
        assert shown.attributes.last4 == key.secret[-4:]
        assert shown.relationships.owned_by.data.id == key.owner_id
        assert shown.attributes.scopes == (None if key.scopes is None else list(key.scopes))
    assert {str(each.type) for each in answer.included} == {"users", "roles"}
    one = keys.get_application_key(organization.minimal_key_id, include="owned_by")
    _all_parsed(one)
    assert isinstance(one.data.attributes.created_at, datetime.datetime)
    assert "key" not in one.data.attributes
    leaks = keys.list_application_keys(include="leak_information").included
    assert [each.attributes.leak_source for each in leaks].count("GitHub") >= 1
    with pytest.raises(NotFoundException):
        keys.get_application_key("none")


def test_own_application_keys(api: Api, organization: Organization) -> None:
    answer = api(KeyManagementApi).list_current_user_application_keys()
    _all_parsed(answer)
    owner = next(iter(organization.app_keys.values())).owner_id
    assert {each.id for each in answer.data} == {
        each.id for each in organization.app_keys.values() if each.owner_id == owner
    }
    assert not any("owned_by" in each.relationships for each in answer.data)
    _all_parsed(api(KeyManagementApi).get_current_user_application_key(organization.minimal_key_id))


def test_what_service_accounts_have(api: Api, organization: Organization) -> None:
    account = next(each for each in organization.users.values() if each.service_account)
    token = organization.add_token(account.id, ["dashboards_read"])
    accounts = api(ServiceAccountsApi)
    keys = accounts.list_service_account_application_keys(account.id)
    _all_parsed(keys)
    assert not any("owned_by" in each.relationships for each in keys.data)
    _all_parsed(accounts.get_service_account_application_key(account.id, keys.data[0].id))
    tokens = accounts.list_service_account_access_tokens(account.id)
    _all_parsed(tokens)
    assert {str(each.relationships.owned_by.data.type) for each in tokens.data} == {"service_account"}
    one = accounts.get_service_account_access_token(account.id, token.id)
    _all_parsed(one)
    assert one.data.attributes.expires_at is None
    with pytest.raises(NotFoundException):
        accounts.list_service_account_application_keys(next(iter(organization.users)))


def test_api_keys(api: Api, organization: Organization) -> None:
    keys = api(KeyManagementApi)
    answer = keys.list_api_keys(page_size=100, include="created_by,modified_by")
    # Two attributes are sent that the model no longer has.
    _all_parsed(answer, {"used_in_last_24_hours", "last_used_date"})
    assert len(answer.data) == answer.meta.page.total_filtered_count == len(organization.api_keys)
    assert answer.meta.max_allowed == 200
    assert {str(each.type) for each in answer.included} == {"users"}
    one = keys.get_api_key(next(iter(organization.api_keys)))
    assert one._unparsed is False
    assert one.data.attributes.key == next(iter(organization.api_keys.values())).secret


def test_tokens_of_people_and_of_service_accounts(api: Api, organization: Organization) -> None:
    person = next(each for each in organization.users.values() if not each.service_account)
    token = organization.add_token(person.id, ["dashboards_read"], name="mine")
    organization.leak_key("mine")
    wanted = [including("leak_information")]
    answer = api(KeyManagementApi).list_personal_access_tokens(page_size=100, include=wanted)
    _all_parsed(answer)
    assert {str(each.type) for each in answer.data} == {"personal_access_tokens", "service_access_tokens"}
    assert {str(each.relationships.owned_by.data.type) for each in answer.data} == {"users", "service_account"}
    assert len(answer.data) == answer.meta.page.total_filtered_count == len(organization.tokens)
    assert len(answer.included) >= 1
    one = api(KeyManagementApi).get_personal_access_token(token.id)
    _all_parsed(one)
    assert one.data.relationships.leak_information.data.id
    assert one.data.attributes.expires_at == token.expires_at
    owned = api(KeyManagementApi).list_personal_access_tokens(filter_owned_by=[person.id, str(uuid.uuid4())])
    assert [each.id for each in owned.data] == [
        each.id for each in organization.tokens.values() if each.owner_id == person.id
    ]


def test_oauth_clients(api: Api, organization: Organization) -> None:
    clients = api(OrgAuthorizedClientsApi)
    found = list(clients.list_org_authorized_clients_with_pagination(page_size=3))
    assert {each.id for each in found} == organization.oauth_clients.keys()
    assert not any(each._unparsed for each in found)
    answer = clients.list_org_authorized_clients(
        page_size=100, include="oauth2_client,oauth2_client.app,user_authorized_clients.user"
    )
    assert answer._unparsed is False
    assert answer.meta.page.total_count == len(organization.oauth_clients)
    # The model has no room for what comes along.
    included = answer.included
    assert {each["type"] for each in included} == {"oauth2_clients", "apps", "user_authorized_clients", "users"}
    known = next(each for each in organization.oauth_clients.values() if each.name == "Slack")
    one = clients.get_org_authorized_client(known.id)
    assert one._unparsed is False
    assert one.data.attributes.user_count == len(known.authorizations)
    assert {each.id for each in one.data.relationships.user_authorized_clients.data} == {
        each.id for each in known.authorizations.values()
    }
    users = clients.list_org_authorized_client_user_authorizations(known.id, page_size=100)
    _all_parsed(users)
    assert {each.relationships.user.data.id for each in users.data} == known.authorizations.keys()
    assert {each.id for each in users.data[0].relationships.scopes.data} >= {"monitors_read"}


def test_teams(api: Api, organization: Organization) -> None:
    teams = api(TeamsApi)
    for number in range(12):
        organization.add_team(f"Extra {number}")
    found = list(teams.list_teams_with_pagination(page_size=5))
    assert {each.id for each in found} == organization.teams.keys()
    answer = teams.list_teams()
    _all_parsed(answer)
    assert answer.meta.pagination.total == len(organization.teams)
    team = max(organization.teams.values(), key=lambda each: len(each.members))
    _all_parsed(teams.get_team(team.id))
    members = teams.get_team_memberships(team.id, page_size=100)
    _all_parsed(members)
    assert {each.relationships.user.data.id for each in members.data} == team.members.keys()
    assert {each.id for each in members.included} == team.members.keys()
    user_id = next(iter(team.members))
    of_user = teams.get_user_memberships(user_id)
    assert of_user._unparsed is False
    assert team.id in {each.relationships.team.data.id for each in of_user.data}
    assert "meta" not in of_user


def test_saml_mappings(api: Api, organization: Organization) -> None:
    mappings = api(AuthNMappingsApi)
    seen: set[str] = set()
    for kind, included in (("role", "roles"), ("team", "team")):
        answer = mappings.list_authn_mappings(page_size=100, resource_type=leading_to(kind))
        _all_parsed(answer)
        assert len(answer.data) == answer.meta.page.total_count == answer.meta.page.total_filtered_count
        assert {str(each.type) for each in answer.included} == {included, "saml_assertion_attributes"}
        seen |= {each.id for each in answer.data}
        _all_parsed(mappings.get_authn_mapping(answer.data[0].id))
    assert seen == organization.mappings.keys()
    assert mappings.list_authn_mappings().meta.page.total_count < len(seen)


def test_organizations(api: Api, organization: Organization) -> None:
    answer = api(OrganizationsApi).list_orgs()
    _all_parsed(answer)
    assert str(answer.data.relationships.current_org.data.id) == organization.id
    assert answer.included[0].attributes.name == organization.name
    assert answer.included[0].attributes.public_id
    user = next(iter(organization.users.values()))
    of_user = api(UsersApi).list_user_organizations(user.id)
    assert of_user._unparsed is False
    assert [str(each.type) for each in of_user.included] == ["orgs"]
    permissions = api(UsersApi).list_user_permissions(user.id)
    _all_parsed(permissions)
    assert {each.attributes.name for each in permissions.data} == organization.permission_names(user)
