"""Datadog's own client must find nothing odd in any answer."""

import datetime
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ForbiddenException, NotFoundException
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v2.api.key_management_api import KeyManagementApi
from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.users_api import UsersApi

from accesssync.sandbox import Organization, SandboxServer

# The constructors of the client carry no types.
configure: Callable[..., Any] = Configuration
users_api: Callable[[ApiClient], Any] = UsersApi
roles_api: Callable[[ApiClient], Any] = RolesApi
keys_api: Callable[[ApiClient], Any] = KeyManagementApi
authentication_api: Callable[[ApiClient], Any] = AuthenticationApi


@pytest.fixture
def client(server: SandboxServer) -> Iterator[ApiClient]:
    """The official client, pointed at the look-alike."""
    configuration = configure(host=server.url)
    configuration.api_key = {"apiKeyAuth": server.api_key, "appKeyAuth": server.app_key}
    configuration.unstable_operations["validate"] = True
    with ApiClient(configuration) as made:
        yield made
        made.rest_client.pool_manager.clear()


def test_users(client: ApiClient, organization: Organization) -> None:
    answer = users_api(client).list_users(page_size=100)
    assert answer._unparsed is False
    assert len(answer.data) == answer.meta.page.total_count == answer.meta.page.total_filtered_count == 60
    assert not any(each._unparsed for each in [*answer.data, *answer.included])
    kinds = {str(each.type) for each in answer.included}
    assert kinds == {"roles", "permissions"}
    known = organization.users[answer.data[0].id]
    attributes = answer.data[0].attributes
    assert attributes.email == known.email
    assert attributes.created_at == known.created_at
    assert [each.id for each in answer.data[0].relationships.roles.data] == list(known.role_ids)
    assert isinstance(attributes.modified_at, datetime.datetime)


def test_all_users_by_the_clients_own_pagination(client: ApiClient, organization: Organization) -> None:
    found = [each.id for each in users_api(client).list_users_with_pagination(page_size=7)]
    assert sorted(found) == sorted(organization.users)


def test_one_user_and_the_caller(client: ApiClient, organization: Organization) -> None:
    some = next(iter(organization.users.values()))
    one = users_api(client).get_user(some.id)
    assert one._unparsed is False
    assert one.data.attributes.handle == some.handle
    me = users_api(client).get_current_user()
    assert me._unparsed is False
    assert me.data.attributes.service_account is True
    assert {str(each.type) for each in me.included} == {"roles", "permissions", "orgs"}
    with pytest.raises(NotFoundException):
        users_api(client).get_user("00000000-0000-4000-8000-000000000000")


def test_roles(client: ApiClient, organization: Organization) -> None:
    api = roles_api(client)
    listed = api.list_roles(page_size=100)
    assert listed._unparsed is False
    assert [each.attributes.name for each in listed.data] == sorted(
        (each.name for each in organization.roles.values()), key=str.casefold
    )
    assert listed.meta.page.total_count == len(organization.roles)
    role = organization.role("Datadog Standard Role")
    one = api.get_role(role.id)
    assert one._unparsed is False
    assert one.data.attributes.user_count == organization.user_counts[role.id]
    assert len(one.data.relationships.permissions.data) == len(role.permission_ids)
    carried = api.list_role_permissions(role.id)
    assert carried._unparsed is False
    assert {each.id for each in carried.data} == set(role.permission_ids)
    members = api.list_role_users(role.id, page_size=100)
    assert members._unparsed is False
    assert len(members.data) == members.meta.page.total_count == organization.user_counts[role.id]


def test_permissions(client: ApiClient) -> None:
    answer = roles_api(client).list_permissions()
    assert answer._unparsed is False
    assert len(answer.data) == 300
    assert answer.data[0].attributes.name == "admin"
    assert answer.data[0].attributes.created.tzinfo is not None


def test_validation(client: ApiClient, organization: Organization) -> None:
    with pytest.warns(UserWarning, match="unstable"):
        v2 = keys_api(client).validate()
    assert v2._unparsed is False
    assert v2.data.attributes.api_key_id in organization.api_keys
    keys = keys_api(client).validate_api_key()
    assert keys._unparsed is False
    assert str(keys.status) == "ok"
    assert authentication_api(client).validate().valid is True


def test_a_wrong_key_is_forbidden(server: SandboxServer) -> None:
    configuration = configure(host=server.url)
    configuration.api_key = {"apiKeyAuth": "nope", "appKeyAuth": "nope"}
    with ApiClient(configuration) as client:
        with pytest.raises(ForbiddenException):
            users_api(client).list_users()
        client.rest_client.pool_manager.clear()
