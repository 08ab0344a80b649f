"""What can be changed through the API, driven by Datadog's own client, and everything that Datadog says no to."""

import uuid
from collections.abc import Callable, Iterator
from datetime import timedelta
from importlib import import_module
from typing import Any, ClassVar

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v2.api.key_management_api import KeyManagementApi
from datadog_api_client.v2.api.org_authorized_clients_api import OrgAuthorizedClientsApi
from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.service_accounts_api import ServiceAccountsApi
from datadog_api_client.v2.api.users_api import UsersApi

from accesssync.sandbox import PROVISIONING_SCOPES, Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.sandbox.asking import Asker
from tests.sandbox.conftest import NOW

configure: Callable[..., Any] = Configuration
Api = Callable[[Any], Any]
STANDARD = "Datadog Standard Role"
USERS, ROLES, INVITATIONS = "/api/v2/users", "/api/v2/roles", "/api/v2/user_invitations"


def model(name: str, /, **fields: Any) -> Any:
    """A model of the client by its module: `user_create_request` holds UserCreateRequest."""
    words = "".join(part.capitalize() for part in name.split("_"))
    made: Callable[..., Any] = getattr(import_module(f"datadog_api_client.v2.model.{name}"), words)
    return made(**fields)


@pytest.fixture
def api(server: SandboxServer) -> Iterator[Api]:
    """Makes an API of the official client, with the provisioning key."""
    configuration = configure(host=server.url)
    configuration.api_key = {"apiKeyAuth": server.api_key, "appKeyAuth": server.provision_app_key}
    with ApiClient(configuration) as client:
        yield lambda made: made(client)
        client.rest_client.pool_manager.clear()


def creation(email: str = "Ada@Example.com", *roles: str, **attributes: Any) -> Any:
    return model(
        "user_create_request",
        data=model(
            "user_create_data",
            type=model("users_type", value="users"),
            attributes=model("user_create_attributes", email=email, **attributes),
            relationships=model(
                "user_relationships",
                roles=model("relationship_to_roles", data=[role_reference(each) for each in roles]),
            ),
        ),
    )


def role_reference(role_id: str) -> Any:
    return model("relationship_to_role_data", id=role_id, type=model("roles_type", value="roles"))


def user_reference(user_id: str) -> Any:
    kind = model("users_type", value="users")
    return model("relationship_to_user", data=model("relationship_to_user_data", id=user_id, type=kind))


def change(user_id: str, **attributes: Any) -> Any:
    return model(
        "user_update_request",
        data=model(
            "user_update_data",
            id=user_id,
            type=model("users_type", value="users"),
            attributes=model("user_update_attributes", **attributes),
        ),
    )


def invitation(*user_ids: str) -> Any:
    kind = model("user_invitations_type", value="user_invitations")
    return model(
        "user_invitations_request",
        data=[
            model(
                "user_invitation_data",
                type=kind,
                relationships=model("user_invitation_relationships", user=user_reference(each)),
            )
            for each in user_ids
        ],
    )


def refused(status: int, call: Callable[..., Any], *arguments: Any, **more: Any) -> Any:
    """The body of the refusal."""
    with pytest.raises(ApiException) as caught:
        call(*arguments, **more)
    assert caught.value.status == status
    return caught.value.body


class TestUsers:
    def test_a_user_is_made_with_all_roles_pending_and_without_an_e_mail(
        self, api: Api, organization: Organization
    ) -> None:
        roles = [organization.role(STANDARD).id, organization.add_role("Night Shift").id]
        made = api(UsersApi).create_user(creation("Ada@Example.com", *roles, name="Ada", title="Engineer"))
        assert made._unparsed is False
        user = organization.user("ada@example.com")
        assert made.data.id == user.id
        assert made.data.attributes.status == user.status == "Pending"
        assert made.data.attributes.handle == "ada@example.com"
        assert user.role_ids == tuple(roles)
        assert (user.name, user.title, user.service_account) == ("Ada", "Engineer", False)
        assert organization.invitations == {}

    def test_a_taken_address_is_a_conflict_whoever_has_it(self, api: Api, organization: Organization) -> None:
        known = next(one for one in organization.users.values() if one.status == "Active" and not one.service_account)
        refused(409, api(UsersApi).create_user, creation(known.email.upper()))
        organization.disable(known.id)
        refused(409, api(UsersApi).create_user, creation(known.email))
        assert known.disabled

    @pytest.mark.parametrize("email", ["", "nobody", "@example.com", "a b@example.com"])
    def test_what_is_no_address_is_refused(self, api: Api, email: str) -> None:
        refused(400, api(UsersApi).create_user, creation(email))

    def test_an_unknown_role_is_refused_and_nobody_made(self, api: Api, organization: Organization) -> None:
        before = len(organization.users)
        refused(404, api(UsersApi).create_user, creation("ada@example.com", str(uuid.uuid4())))
        assert len(organization.users) == before

    def test_a_change_touches_what_it_names_and_tells_no_roles(self, api: Api, organization: Organization) -> None:
        user = next(one for one in organization.users.values() if one.status == "Active" and one.role_ids)
        roles = user.role_ids
        told = api(UsersApi).update_user(user.id, change(user.id, title="Lead", roles=["x"]))
        assert told._unparsed is False
        assert told.data.attributes.title == user.title == "Lead"
        assert "roles" not in told.data.relationships
        assert user.role_ids == roles
        body = refused(422, api(UsersApi).update_user, user.id, change(str(uuid.uuid4()), title="x"))
        assert "do not match" in str(body)
        stranger = str(uuid.uuid4())
        refused(404, api(UsersApi).update_user, stranger, change(stranger, title="x"))

    def test_disabling_works_once_and_enabling_brings_back_what_was(self, api: Api, organization: Organization) -> None:
        user = next(one for one in organization.users.values() if one.status == "Active" and one.role_ids)
        roles = user.role_ids
        assert api(UsersApi).disable_user(user.id) is None
        assert user.disabled
        refused(404, api(UsersApi).disable_user, user.id)
        refused(404, api(UsersApi).disable_user, str(uuid.uuid4()))
        told = api(UsersApi).update_user(user.id, change(user.id, disabled=False))
        assert told.data.attributes.status == "Active"
        assert user.role_ids == roles

    def test_a_disabled_owner_takes_the_keys_along(self, ask: Asker, organization: Organization) -> None:
        owner = organization.add_user("robot@example.com", service_account=True)
        key = organization.add_application_key(owner.id)
        mine = {**ask.headers, "DD-APPLICATION-KEY": key.secret}
        assert ask.get("/api/v2/current_user", headers=mine).status == 200
        assert ask.send("DELETE", f"{USERS}/{owner.id}", headers=ask.headers).status == 204
        assert ask.get("/api/v2/current_user", headers=mine).status == 401


class TestInvitations:
    @pytest.fixture
    def ada(self, organization: Organization) -> str:
        return organization.add_user("ada@example.com", status="Pending").id

    def test_each_request_sends_a_mail_of_its_own_that_lives_two_days(
        self, api: Api, organization: Organization, ada: str
    ) -> None:
        users = api(UsersApi)
        first, second = (users.send_invitations(invitation(ada)) for _ in range(2))
        assert first._unparsed is False
        assert first.data[0].id != second.data[0].id
        assert len(organization.invitations) == 2
        told = users.get_invitation(first.data[0].id)
        assert told._unparsed is False
        assert told.data.attributes.expires_at == NOW + timedelta(days=2)
        refused(404, users.get_invitation, str(uuid.uuid4()))

    def test_who_is_a_member_or_unknown_cannot_be_invited(self, api: Api, organization: Organization, ada: str) -> None:
        users, active = api(UsersApi), organization.add_user("bob@example.com")
        refused(400, users.send_invitations, invitation(active.id))
        refused(400, users.send_invitations, invitation(ada, str(uuid.uuid4())))
        organization.disable(ada)
        refused(400, users.send_invitations, invitation(ada))
        assert organization.invitations == {}

    def test_accepting_makes_the_user_active_and_nothing_else_shows_it(
        self, api: Api, organization: Organization, ada: str
    ) -> None:
        sent = api(UsersApi).send_invitations(invitation(ada)).data[0]
        with pytest.raises(LookupError):
            organization.accept_invitation(ada, at=NOW + timedelta(days=3))
        organization.accept_invitation(ada, at=NOW + timedelta(days=1))
        assert api(UsersApi).get_user(ada).data.attributes.status == "Active"
        assert api(UsersApi).get_invitation(sent.id).data.id == sent.id
        with pytest.raises(LookupError):
            organization.accept_invitation(ada)

    def test_taken_back_it_lets_nobody_in(self, api: Api, organization: Organization, ada: str) -> None:
        sent = api(UsersApi).send_invitations(invitation(ada)).data[0]
        api(UsersApi).delete_user_invitations(uuid.UUID(ada))
        refused(404, api(UsersApi).get_invitation, sent.id)
        with pytest.raises(LookupError):
            organization.accept_invitation(ada)


class TestRoles:
    def test_one_user_at_a_time_comes_and_goes(self, api: Api, organization: Organization) -> None:
        user, role = organization.add_user("ada@example.com"), organization.add_role("Night Shift")
        roles = api(RolesApi)
        for _ in range(2):
            told = roles.add_user_to_role(role.id, user_reference(user.id))
            assert told._unparsed is False
            assert [one.id for one in told.data] == [user.id]
        assert list(user.role_ids) == [role.id]
        told = roles.remove_user_from_role(role.id, user_reference(user.id))
        assert told.data == []
        assert list(user.role_ids) == []
        refused(404, roles.remove_user_from_role, role.id, user_reference(user.id))
        refused(404, roles.add_user_to_role, str(uuid.uuid4()), user_reference(user.id))
        refused(404, roles.add_user_to_role, role.id, user_reference(str(uuid.uuid4())))


def key_request(kind: str, **fields: Any) -> Any:
    """`kind` is create or update."""
    named = model("application_keys_type", value="application_keys")
    key_id = {"id": fields.pop("id")} if "id" in fields else {}
    attributes = model(f"application_key_{kind}_attributes", **fields)
    data = model(f"application_key_{kind}_data", type=named, attributes=attributes, **key_id)
    return model(f"application_key_{kind}_request", data=data)


class TestServiceAccounts:
    def service_account(self, *roles: str) -> Any:
        return model(
            "service_account_create_request",
            data=model(
                "service_account_create_data",
                type=model("users_type", value="users"),
                attributes=model(
                    "service_account_create_attributes", email="ops@example.com", name="ci", service_account=True
                ),
                relationships=model(
                    "user_relationships",
                    roles=model("relationship_to_roles", data=[role_reference(each) for each in roles]),
                ),
            ),
        )

    def test_it_is_active_at_once_and_asking_twice_makes_two(self, api: Api, organization: Organization) -> None:
        role = organization.role(STANDARD).id
        one, other = (api(ServiceAccountsApi).create_service_account(self.service_account(role)) for _ in range(2))
        assert one._unparsed is False
        assert one.data.id != other.data.id
        attributes = one.data.attributes
        assert (attributes.status, attributes.verified, attributes.service_account) == ("Active", True, True)
        assert attributes.handle == one.data.id
        assert organization.users[one.data.id].role_ids == (role,)

    def test_the_secret_of_its_key_is_told_once(self, api: Api, ask: Asker, organization: Organization) -> None:
        account = organization.add_user("ops@example.com", service_account=True).id
        accounts = api(ServiceAccountsApi)
        request = key_request("create", name="deploy", scopes=["dashboards_read"])
        made = accounts.create_service_account_application_key(account, request)
        assert made._unparsed is False
        secret, key_id = made.data.attributes.key, made.data.id
        assert secret.startswith("ddapp_")
        assert secret[-4:] == made.data.attributes.last4
        again = accounts.get_service_account_application_key(account, key_id)
        assert "key" not in again.data.attributes
        assert secret not in str(accounts.list_service_account_application_keys(account))
        assert ask.get("/api/v2/current_user", headers={**ask.headers, "DD-APPLICATION-KEY": secret}).status == 200

        told = accounts.update_service_account_application_key(
            account, key_id, key_request("update", id=key_id, scopes=["monitors_read"])
        )
        assert told.data.attributes.scopes == ["monitors_read"]
        assert told.data.attributes.name == "deploy"
        refused(
            422, accounts.update_service_account_application_key, account, key_id,
            key_request("update", id=str(uuid.uuid4()), name="x"),
        )  # fmt: skip
        other = organization.add_user("other@example.com", service_account=True).id
        refused(404, accounts.delete_service_account_application_key, other, key_id)
        assert accounts.delete_service_account_application_key(account, key_id) is None
        refused(404, accounts.delete_service_account_application_key, account, key_id)
        assert ask.get("/api/v2/current_user", headers={**ask.headers, "DD-APPLICATION-KEY": secret}).status == 401

    def test_a_person_has_no_keys_there(self, api: Api, organization: Organization) -> None:
        person = organization.add_user("ada@example.com").id
        create = api(ServiceAccountsApi).create_service_account_application_key
        refused(404, create, person, key_request("create", name="x"))


class TestRevoking:
    """Keys, tokens and authorizations of anybody."""

    def test_an_application_key(self, api: Api, organization: Organization) -> None:
        key = organization.add_application_key(organization.add_user("ada@example.com").id, ["dashboards_read"])
        keys = api(KeyManagementApi)
        told = keys.update_application_key(key.id, key_request("update", id=key.id, scopes=[]))
        assert told.data.attributes.scopes == []
        assert key.scopes == ()
        keys.delete_application_key(key.id)
        refused(404, keys.delete_application_key, key.id)

    def test_an_api_key(self, api: Api, organization: Organization) -> None:
        key = organization.add_api_key("old")
        api(KeyManagementApi).delete_api_key(key.id)
        assert key.id not in organization.api_keys
        refused(404, api(KeyManagementApi).delete_api_key, key.id)

    def test_tokens(self, api: Api, organization: Organization) -> None:
        person = organization.add_user("ada@example.com").id
        robot = organization.add_user("ops@example.com", service_account=True).id
        personal, service = organization.add_token(person, ["dashboards_read"]), organization.add_token(robot, [])
        refused(404, api(KeyManagementApi).revoke_personal_access_token, service.id)
        api(KeyManagementApi).revoke_personal_access_token(personal.id)
        api(ServiceAccountsApi).revoke_service_account_access_token(robot, service.id)
        refused(404, api(ServiceAccountsApi).revoke_service_account_access_token, robot, service.id)
        assert not {personal.id, service.id} & organization.tokens.keys()

    def test_an_authorization(self, api: Api, organization: Organization) -> None:
        person, client = organization.add_user("ada@example.com"), organization.add_oauth_client("Vendor")
        other = organization.add_user("bob@example.com")
        allowed, left = (organization.authorize(client.id, each.id) for each in (person, other))
        clients = api(OrgAuthorizedClientsApi)
        clients.delete_org_authorized_client_all_user_authorizations(client.id, person.id)
        assert [allowed.disabled, left.disabled] == [True, False]
        refused(404, clients.delete_org_authorized_client_all_user_authorizations, client.id, person.id)
        clients.delete_org_authorized_client_user_authorization(client.id, left.id)
        assert [one.disabled for one in client.authorizations.values()] == [True, True]
        refused(404, clients.delete_org_authorized_client_user_authorization, client.id, left.id)


class TestWhoMay:
    """The key's scopes and its owner's permissions, both."""

    REQUESTS = (
        ("POST", USERS, "user_access_invite"),
        ("PATCH", f"{USERS}/x", "user_access_manage"),
        ("DELETE", f"{USERS}/x", "user_access_manage"),
        ("POST", INVITATIONS, "user_access_invite"),
        ("GET", f"{INVITATIONS}/x", "user_access_invite"),
        ("DELETE", f"{USERS}/x/invitations", "user_access_invite"),
        ("POST", f"{ROLES}/x/users", "user_access_manage"),
        ("DELETE", f"{ROLES}/x/users", "user_access_manage"),
        ("POST", "/api/v2/service_accounts", "service_account_write"),
        ("POST", "/api/v2/service_accounts/x/application_keys", "service_account_write"),
        ("DELETE", "/api/v2/service_accounts/x/application_keys/y", "service_account_write"),
        ("PATCH", "/api/v2/application_keys/x", "org_app_keys_write"),
        ("DELETE", "/api/v2/application_keys/x", "org_app_keys_write"),
        ("DELETE", "/api/v2/api_keys/x", "api_keys_delete"),
        ("DELETE", "/api/v2/personal_access_tokens/x", "org_app_keys_write"),
        ("DELETE", "/api/v2/org_authorized_clients/x/user_authorized_clients/y", "org_authorized_apps_write"),
    )

    @pytest.mark.parametrize(("method", "path", "permission"), REQUESTS)
    def test_a_missing_scope_is_a_403_before_anything_else_is_looked_at(
        self, ask: Asker, organization: Organization, method: str, path: str, permission: str
    ) -> None:
        others = {each for each in PROVISIONING_SCOPES if each != permission} - {"service_account_write"}
        owner = next(iter(organization.app_keys.values())).owner_id
        for scopes, expected in ((others, True), ({permission}, False)):
            key = organization.add_application_key(owner, scopes)
            answer = ask.send(method, path, headers={**ask.headers, "DD-APPLICATION-KEY": key.secret}, body={})
            assert (answer.status == 403) is expected, answer.body

    def test_one_who_only_invites_gives_no_role_that_he_does_not_hold(
        self, ask: Asker, organization: Organization
    ) -> None:
        held, other = organization.add_role("Held", ["user_access_invite"]), organization.add_role("Other")
        inviter = organization.add_user("inviter@example.com", roles=[held.id])
        key = organization.add_application_key(inviter.id)
        headers = {**ask.headers, "DD-APPLICATION-KEY": key.secret}

        def create(role: str) -> int:
            data = {
                "type": "users",
                "attributes": {"email": "ada@example.com"},
                "relationships": {"roles": {"data": [{"type": "roles", "id": role}]}},
            }
            return ask.send("POST", USERS, headers=headers, body={"data": data}).status

        assert create(other.id) == 403
        assert create(held.id) == 201

    def test_one_who_only_manages_service_accounts_leaves_people_alone(
        self, ask: Asker, organization: Organization
    ) -> None:
        owner = next(iter(organization.app_keys.values())).owner_id
        key = organization.add_application_key(owner, ["service_account_write"])
        headers = {**ask.headers, "DD-APPLICATION-KEY": key.secret}
        person, robot = organization.add_user("a@example.com"), organization.add_user("b@x.org", service_account=True)
        assert ask.send("DELETE", f"{USERS}/{person.id}", headers=headers).status == 403
        assert ask.send("DELETE", f"{USERS}/{robot.id}", headers=headers).status == 204


@pytest.mark.parametrize(
    "body",
    [None, [], {}, {"data": None}, {"data": []}, {"data": [1]}, {"data": {"type": "roles"}},
     {"data": {"type": "users", "attributes": []}}, {"data": {"type": "users", "attributes": {"email": 5}}},
     {"data": {"type": "users", "attributes": {"email": "a@b.org"},
               "relationships": {"roles": {"data": [{"id": 1}]}}}}],
)  # fmt: skip
@pytest.mark.parametrize("path", [USERS, INVITATIONS, "/api/v2/service_accounts"])
def test_a_body_that_makes_no_sense_is_a_400(ask: Asker, organization: Organization, path: str, body: object) -> None:
    before = len(organization.users)
    assert ask.send("POST", path, headers=ask.headers, body=body).status == 400
    assert len(organization.users) == before


class TestRecord:
    """Every request that may change something is remembered, with what became of it."""

    CREATE: ClassVar = {"data": {"type": "users", "attributes": {"email": "ada@example.com"}}}

    def create(self, ask: Asker) -> int:
        try:
            return ask.send("POST", USERS, headers=ask.headers, body=self.CREATE).status
        except ConnectionError:
            return 0

    def control(self, ask: Asker, method: str, what: str, body: object = None) -> Any:
        return ask.send(method, f"/_sandbox/{what}", headers={"X-Sandbox-Control": "sandbox"}, body=body).json

    def test_what_was_decided_and_what_was_answered(
        self, ask: Asker, server: SandboxServer, organization: Organization
    ) -> None:
        for effect in (f.Lost(), f.Status(503), f.RateLimited(), f.Reset()):
            server.faults.add(effect, method="POST")
            self.create(ask)
            server.faults.clear()
        self.create(ask)
        found = [(one.decided, one.answered, one.done) for one in server.writes]
        assert found == [
            (None, 0, False), (None, 503, False), (None, 429, False), (201, 0, True), (409, 409, False),
        ]  # fmt: skip
        assert {(one.method, one.path) for one in server.writes} == {("POST", USERS)}
        assert server.writes[0].body == self.CREATE
        assert server.writes[0].by == next(iter(organization.app_keys.values())).owner_id
        told = self.control(ask, "GET", "writes")
        assert [one["done"] for one in told] == [False, False, False, True, False]
        self.control(ask, "DELETE", "writes")
        assert server.writes == []

    def test_a_seeded_share_fails_before_and_a_share_after_it_was_done(
        self, ask: Asker, server: SandboxServer, organization: Organization
    ) -> None:
        self.control(
            ask, "POST", "faults",
            {"effect": "unreliable", "arguments": {"before": 0.3, "after": 0.3, "seed": 1}, "times": None},
        )  # fmt: skip
        for _ in range(120):
            for user in [one for one in organization.users.values() if one.email == "ada@example.com"]:
                organization.remove_user(user.id)
            self.create(ask)
        before = [one for one in server.writes if one.decided is None]
        after = [one for one in server.writes if one.decided == 201 and one.answered != 201]
        sound = [one for one in server.writes if one.decided == one.answered == 201]
        assert len(before) + len(after) + len(sound) == 120
        assert all(len(each) >= 20 for each in (before, after, sound))
        assert {0, 503} <= {one.answered for one in (*before, *after)}

    def test_it_can_be_accepted_from_outside(self, ask: Asker, organization: Organization) -> None:
        ada = organization.add_user("ada@example.com", status="Pending")
        organization.invite(ada.id)
        [sent] = self.control(ask, "GET", "invitations")
        assert sent["user_id"] == ada.id
        told = self.control(ask, "POST", "mutate", {"do": "accept_invitation", "arguments": {"user": ada.email}})
        assert "errors" not in told
        assert ada.status == "Active"


def test_writes_count_against_a_limit_of_their_own(ask: Asker) -> None:
    answer = ask.send("POST", USERS, headers=ask.headers, body={})
    assert answer.headers["x-ratelimit-name"] == "create_user"
