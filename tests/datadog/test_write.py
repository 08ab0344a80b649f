"""Writing: what was done is said, what was not is said, and whatever is neither is never sent again."""

import socket
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest
from datadog_api_client.v2.api.key_management_api import KeyManagementApi
from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.users_api import UsersApi
from pydantic import SecretStr

from accesssync.datadog import bodies
from accesssync.datadog.limits import Limits
from accesssync.datadog.read import open_source
from accesssync.datadog.transport import Event
from accesssync.datadog.write import DatadogGateway, open_gateway
from accesssync.errors import AuthenticationError, DeniedError, RefusedError
from accesssync.model.operation import PROVISIONING, Operation
from accesssync.provision.credentials import Issued
from accesssync.provision.gateway import Confirmed, Outcome, Rejected, Unknown
from accesssync.sandbox import PROVISIONING_SCOPES, Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.datadog.loopback import API_KEY, APP_KEY, Answer, Clock, Server, http

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ALL = frozenset(PROVISIONING)
USERS = "/api/v2/users"
LIMITS = Limits(read=0.5, attempt=0.5, attempts=3, backoff=0.001, run=60)


@pytest.fixture
def organization() -> Organization:
    return generate(40, 3, NOW)


@pytest.fixture
def server(organization: Organization) -> Iterator[SandboxServer]:
    with SandboxServer(organization, activity_share=0.0, clock=lambda: NOW) as running:
        yield running


Open = Callable[..., DatadogGateway]


@pytest.fixture
def connect(server: SandboxServer) -> Iterator[Open]:
    opened: list[DatadogGateway] = []

    def start(
        allowed: frozenset[Operation] = ALL, *, app_key: str | None = None, read_key: str | None = ""
    ) -> DatadogGateway:
        both: dict[str, Any] = {
            "org": "acme", "site": "datadoghq.eu", "api_key": SecretStr(server.api_key), "api_url": server.url,
            "limits": LIMITS, "sleep": lambda _seconds: None, "clock": time.monotonic,
            "rng": Random(1), "on_event": lambda _event: None,  # noqa: S311
        }  # fmt: skip
        reader = None
        if read_key is not None:
            reader = open_source(**both, app_key=SecretStr(read_key or server.app_key))
        key = SecretStr(app_key or str(server.provision_app_key))
        opened.append(open_gateway(**both, app_key=key, reader=reader, allowed=allowed, setting="ALLOWED"))
        return opened[-1]

    yield start
    for gateway in opened:
        gateway.close()


@pytest.fixture
def gateway(connect: Open) -> DatadogGateway:
    return connect()


def made(outcome: object) -> str:
    assert isinstance(outcome, Confirmed)
    assert outcome.id
    return outcome.id


class TestOperations:
    """Each of them does at Datadog what its name says, with one request."""

    def test_people(self, gateway: DatadogGateway, organization: Organization, server: SandboxServer) -> None:
        roles = tuple(organization.add_role(name).id for name in ("One", "Two"))
        user_id = made(gateway.create_user(email="ada@example.com", name="Ada", title=None, role_ids=roles))
        user = organization.users[user_id]
        assert [user.email, user.name, user.role_ids] == ["ada@example.com", "Ada", roles]
        sent = gateway.send_invitation(user_id)
        assert isinstance(sent, Confirmed)
        assert sent.expires_at == NOW + timedelta(days=2)
        assert gateway.invitation_expiry(made(sent)) == sent.expires_at
        assert gateway.delete_invitation(user_id) == Confirmed()
        assert gateway.invitation_expiry(made(sent)) is None
        assert gateway.update_user(user_id, title="Engineer") == Confirmed()
        assert [user.name, user.title] == ["Ada", "Engineer"]
        assert gateway.revoke_role(user_id, roles[0]) == Confirmed()
        assert user.role_ids == roles[1:]
        assert gateway.grant_role(user_id, roles[0]) == Confirmed()
        assert set(user.role_ids) == set(roles)
        assert gateway.disable_user(user_id) == Confirmed()
        assert user.status == "Disabled"
        again = gateway.disable_user(user_id)
        assert isinstance(again, Rejected)
        assert again.status == 404
        assert gateway.enable_user(user_id) == Confirmed()
        assert organization.user("ada@example.com").status == "Pending"
        assert len(server.writes) == 9
        key = organization.provision_key
        assert key is not None
        assert {one.by for one in server.writes} == {key.owner_id}

    def test_credentials(self, gateway: DatadogGateway, organization: Organization) -> None:
        role = organization.add_role("One").id
        account = made(gateway.create_service_account(email="ops@example.com", name="ci", title=None, role_ids=(role,)))
        assert organization.users[account].role_ids == (role,)
        issued = gateway.create_application_key(account, name="deploy", scopes=["dashboards_read"])
        assert isinstance(issued, Issued)
        key = organization.app_keys[issued.id]
        assert issued.secret.get_secret_value() == key.secret
        assert key.secret not in repr(issued)
        assert (key.owner_id, key.scopes) == (account, ("dashboards_read",))
        assert gateway.update_application_key(key.id, scopes=["monitors_read"]) == Confirmed()
        assert list(key.scopes or ()) == ["monitors_read"]
        assert gateway.revoke_application_key(key.id) == Confirmed()
        assert key.id not in organization.app_keys
        spare = organization.add_api_key("spare")
        assert gateway.revoke_api_key(spare.id) == Confirmed()
        person = organization.add_user("ada@example.com")
        tokens = [organization.add_token(owner, []) for owner in (person.id, account)]
        assert gateway.revoke_access_token(tokens[0].id, account_id=None) == Confirmed()
        assert gateway.revoke_access_token(tokens[1].id, account_id=account) == Confirmed()
        client = organization.add_oauth_client("Vendor")
        allowed = organization.authorize(client.id, person.id)
        assert gateway.revoke_oauth_authorization(client.id, person.id) == Confirmed()
        assert allowed.disabled
        assert not {spare.id} & organization.api_keys.keys()
        assert not {one.id for one in tokens} & organization.tokens.keys()

    def test_people_are_found_by_a_part_of_their_address(
        self, gateway: DatadogGateway, organization: Organization
    ) -> None:
        wanted = {organization.add_user(f"twin{number}@match.example").id for number in range(130)}
        assert {one.id for one in gateway.find_users("@match.example")} == wanted
        assert gateway.find_users("nobody@match.example") == []
        found = gateway.user(min(wanted))
        assert found is not None
        assert found.id == min(wanted)
        assert gateway.user(str(uuid.uuid4())) is None


class TestCaller:
    """Whose the key is and what it is scoped to; unknown rather than guessed."""

    def test_a_scoped_key(self, gateway: DatadogGateway, organization: Organization) -> None:
        caller, key = gateway.caller(), organization.provision_key
        assert key is not None
        assert (caller.user_id, caller.key_id, caller.scopes_known) == (key.owner_id, key.id, True)
        assert caller.scopes == frozenset(PROVISIONING_SCOPES)
        assert caller.org_id == organization.id
        organization.rescope_key(key.id, ["user_access_read"])
        assert gateway.caller().scopes == frozenset({"user_access_read"})

    def test_only_its_owners_keys_are_listed(
        self, gateway: DatadogGateway, organization: Organization, server: SandboxServer
    ) -> None:
        busy = organization.add_user("busy@example.com")
        for number in range(250):
            organization.add_application_key(busy.id, ["dashboards_read"], name=f"key {number}")
        server.forget_requests()
        assert gateway.caller().scopes_known
        assert len([one for one in server.requests if one.path == "/api/v2/application_keys"]) == 1

    def test_an_unscoped_key(self, connect: Open, server: SandboxServer) -> None:
        caller = connect(app_key=server.app_key).caller()
        assert (caller.scopes, caller.scopes_known) == (None, True)

    def test_nobody_tells_without_a_read_key_or_its_permission(self, connect: Open, organization: Organization) -> None:
        assert connect(read_key=None).caller().scopes_known is False
        owner = next(iter(organization.app_keys.values())).owner_id
        poor = organization.add_application_key(owner, ["user_access_read"])
        assert connect(read_key=poor.secret).caller().scopes_known is False

    def test_two_keys_that_end_alike_are_not_told_apart(self, connect: Open, organization: Organization) -> None:
        key = organization.provision_key
        assert key is not None
        organization.add_application_key(key.owner_id, [], secret="0" * 36 + key.last4)
        caller = connect().caller()
        assert (caller.scopes_known, caller.key_id) == (False, None)

    def test_a_key_that_is_not_accepted(self, connect: Open) -> None:
        with pytest.raises(AuthenticationError):
            connect(app_key="0" * 40).caller()

    def test_reading_back_needs_its_permission(self, connect: Open, organization: Organization) -> None:
        owner = next(iter(organization.app_keys.values())).owner_id
        key = organization.add_application_key(owner, ["user_access_manage"])
        with pytest.raises(DeniedError):
            connect(app_key=key.secret).find_users("ada")


class TestPermit:
    """Nothing that is not allowed opens a connection, by whatever way it was called."""

    CALLS: tuple[tuple[Operation, Callable[[DatadogGateway], object]], ...] = (
        (Operation.CREATE_USER, lambda g: g.create_user(email="a@b.org", name=None, title=None, role_ids=())),
        (Operation.UPDATE_USER, lambda g: g.update_user("u", name="x")),
        (Operation.ENABLE_USER, lambda g: g.enable_user("u")),
        (Operation.DISABLE_USER, lambda g: g.disable_user("u")),
        (Operation.GRANT_ROLE, lambda g: g.grant_role("u", "r")),
        (Operation.REVOKE_ROLE, lambda g: g.revoke_role("u", "r")),
        (Operation.SEND_INVITATION, lambda g: g.send_invitation("u")),
        (Operation.DELETE_INVITATION, lambda g: g.delete_invitation(str(uuid.uuid4()))),
        (
            Operation.CREATE_SERVICE_ACCOUNT,
            lambda g: g.create_service_account(email="a@b.org", name="x", title=None, role_ids=()),
        ),
        (Operation.CREATE_APPLICATION_KEY, lambda g: g.create_application_key("u", name="x", scopes=[])),
        (Operation.UPDATE_APPLICATION_KEY, lambda g: g.update_application_key("k", scopes=[])),
        (Operation.REVOKE_APPLICATION_KEY, lambda g: g.revoke_application_key("k")),
        (Operation.REVOKE_API_KEY, lambda g: g.revoke_api_key("k")),
        (Operation.REVOKE_ACCESS_TOKEN, lambda g: g.revoke_access_token("t", account_id=None)),
        (Operation.REVOKE_ACCESS_TOKEN, lambda g: g.revoke_access_token("t", account_id="u")),
        (Operation.REVOKE_OAUTH_AUTHORIZATION, lambda g: g.revoke_oauth_authorization("c", "u")),
    )

    @pytest.fixture
    def no_socket(self, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
        opened: list[Any] = []

        def connect(_socket: socket.socket, address: Any) -> None:
            opened.append(address)
            raise ConnectionRefusedError

        monkeypatch.setattr(socket.socket, "connect", connect)
        return opened

    def test_every_operation_is_covered(self) -> None:
        assert {operation for operation, _ in self.CALLS} == ALL

    @pytest.mark.parametrize(("operation", "call"), CALLS)
    def test_an_operation_that_is_not_allowed(
        self, connect: Open, no_socket: list[Any], operation: Operation, call: Callable[[DatadogGateway], object]
    ) -> None:
        gateway = connect(ALL - {operation})
        with pytest.raises(RefusedError, match=operation) as caught:
            call(gateway)
        assert "ALLOWED" in str(caught.value.remedy)
        # The gateway's own check taken away, the one before the socket still holds.
        gateway._allowed = ALL
        with pytest.raises(RefusedError, match=operation):
            call(gateway)
        assert no_socket == []

    @pytest.mark.parametrize(("operation", "call"), CALLS)
    def test_an_operation_that_alone_is_allowed(
        self, connect: Open, no_socket: list[Any], operation: Operation, call: Callable[[DatadogGateway], object]
    ) -> None:
        assert isinstance(call(connect(frozenset({operation}))), Rejected)
        assert no_socket

    def test_a_user_with_a_role_is_a_grant_too(self, connect: Open, no_socket: list[Any]) -> None:
        gateway = connect(frozenset({Operation.CREATE_USER}))
        with pytest.raises(RefusedError, match="grant_role"):
            gateway.create_user(email="a@b.org", name=None, title=None, role_ids=("r",))
        assert no_socket == []

    def test_what_a_change_does_stands_in_its_body(self, connect: Open, no_socket: list[Any]) -> None:
        users = UsersApi(connect(frozenset({Operation.UPDATE_USER}))._client)  # type: ignore[no-untyped-call]
        for disabled in (True, False):
            with pytest.raises(RefusedError, match="able_user"):
                users.update_user("u", bodies.changed_user("u", name="x", disabled=disabled))
        assert no_socket == []

    def test_requests_of_others_are_none_of_ours(self, connect: Open, no_socket: list[Any]) -> None:
        client = connect()._client
        roles, keys = RolesApi(client), KeyManagementApi(client)  # type: ignore[no-untyped-call]
        calls: tuple[Callable[[], object], ...] = (
            lambda: roles.delete_role("r"),
            lambda: keys.delete_current_user_application_key("k"),
            lambda: client.rest_client.request("POST", "http://127.0.0.1:1/api/v2/users/../roles", body={}),
            lambda: client.rest_client.request("DELETE", "http://127.0.0.1:1/api/v2/users/a%2Fb"),
            lambda: client.rest_client.request("DELETE", "http://127.0.0.1:1/api/v2/users/a/b"),
            lambda: client.rest_client.request("PUT", "http://127.0.0.1:1/api/v2/anonymize_users", body={}),
            lambda: client.rest_client.request("PATCH", "http://127.0.0.1:1/api/v2/users/u", body={"data": []}),
            lambda: client.rest_client.request(
                "PATCH", "http://127.0.0.1:1/api/v2/users/u", body={"data": {"attributes": {"email": "x@y.org"}}}
            ),
        )
        for call in calls:
            with pytest.raises(RefusedError, match="no request that accesssync sends"):
                call()
        assert no_socket == []

    def test_who_reads_only_reads(self, connect: Open, no_socket: list[Any]) -> None:
        reader = connect()._reader
        assert reader is not None
        with pytest.raises(RefusedError):
            RolesApi(reader._client).delete_role("r")  # type: ignore[no-untyped-call]
        assert no_socket == []


class TestOutcomes:
    """What each kind of answer says about whether it was done, and how often it was asked."""

    @pytest.fixture
    def create(self, serve: Callable[..., Server], clock: Clock, events: list[Event]) -> Iterator[Any]:
        opened: list[DatadogGateway] = []

        def send(*answers: Answer | None, url: str | None = None, run: float = 60.0) -> tuple[Outcome, Server]:
            server = serve(*answers)
            gateway = open_gateway(
                org="acme", site="datadoghq.eu", api_key=SecretStr(API_KEY), app_key=SecretStr(APP_KEY),
                api_url=url or server.url, reader=None, allowed=ALL, setting="ALLOWED",
                limits=Limits(attempts=3, backoff=0.001, read=0.3, attempt=0.3, run=run),
                sleep=clock.sleep, clock=clock, rng=Random(7), on_event=events.append,  # noqa: S311
            )  # fmt: skip
            opened.append(gateway)
            return gateway.send_invitation("u-1"), server

        yield send
        for gateway in opened:
            gateway.close()

    DONE = http({"data": [{"id": "i-1", "type": "user_invitations", "attributes": {"expires_at": "soon"}}]}, 201)

    def test_done(self, create: Any) -> None:
        outcome, server = create(self.DONE)
        assert outcome == Confirmed(id="i-1", expires_at=None)
        assert len(server.requests) == 1

    @pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 409, 422])
    def test_a_refusal_is_final_and_says_what_datadog_said(self, create: Any, status: int) -> None:
        outcome, server = create(http({"errors": [f"no, {APP_KEY}\x1b[2J"]}, status))
        assert isinstance(outcome, Rejected)
        assert outcome.status == status
        assert "no, " in outcome.message
        assert APP_KEY not in outcome.message
        assert "\x1b" not in outcome.message
        assert len(server.requests) == 1

    @pytest.mark.parametrize(
        "answer",
        [
            http({"errors": ["x"]}, 500), http("", 502, kind="text/html"), http("", 503), http("", 504), http("", 512),
            http("", 408), http("", 499), http("", 302, Location="http://127.0.0.1:1/"), http("", 202),
            http("<html>", 200, kind="text/html"), http("{", 201), http("", 201), http({"data": []}, 201),
            http({"data": [{"id": 5}]}, 201), b"HTTP/1.1 201 Created\r\nContent-Length: 500\r\n\r\n{", b"", None,
        ],
    )  # fmt: skip
    def test_whatever_does_not_tell_is_unknown_and_never_sent_again(self, create: Any, answer: Answer | None) -> None:
        outcome, server = create(answer)
        assert isinstance(outcome, Unknown)
        assert outcome.message
        assert len(server.requests) == 1

    def test_429_was_not_done_and_is_sent_again_after_its_wait(self, create: Any, clock: Clock) -> None:
        before = clock()
        outcome, server = create(http("", 429, X_RateLimit_Reset="7", Connection="close"), self.DONE)
        assert outcome == Confirmed(id="i-1")
        assert len(server.requests) == 2
        assert 7 <= clock() - before <= 8.1

    def test_429_for_ever_ends_and_was_not_done(self, create: Any) -> None:
        outcome, server = create(http("", 429, X_RateLimit_Reset="1", Connection="close"))
        assert isinstance(outcome, Rejected)
        assert outcome.status == 429
        assert len(server.requests) == 3

    def test_after_a_429_that_is_answered_by_silence_it_is_unknown(self, create: Any) -> None:
        outcome, server = create(http("", 429, X_RateLimit_Reset="1", Connection="close"), http("", 503))
        assert isinstance(outcome, Unknown)
        assert len(server.requests) == 2

    def test_without_a_connection_nothing_was_done(self, create: Any, events: list[Event]) -> None:
        with socket.socket() as unused:
            unused.bind(("127.0.0.1", 0))
            outcome, _ = create(url=f"http://127.0.0.1:{unused.getsockname()[1]}")
        assert isinstance(outcome, Rejected)
        assert outcome.status is None
        assert len(events) == 2

    def test_when_the_time_is_over_nothing_is_sent(self, create: Any) -> None:
        outcome, server = create(self.DONE, run=0.0)
        assert isinstance(outcome, Rejected)
        assert outcome.status is None
        assert server.requests == []


def test_an_id_that_cannot_be_one_is_not_sent(gateway: DatadogGateway, server: SandboxServer) -> None:
    outcome = gateway.delete_invitation("no uuid")
    assert isinstance(outcome, Rejected)
    assert outcome.status is None
    assert server.requests == []


@pytest.mark.parametrize("effect", [f.Reset(), f.Status(503)], ids=["reset", "503"])
def test_a_write_whose_answer_was_lost_was_sent_once(
    gateway: DatadogGateway, server: SandboxServer, effect: f.Effect
) -> None:
    server.faults.add(effect, path=USERS, method="POST")
    outcome = gateway.create_user(email="ada@example.com", name=None, title=None, role_ids=())
    assert isinstance(outcome, Unknown)
    assert len(server.writes) == 1
