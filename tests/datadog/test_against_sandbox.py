"""The source against the look-alike server: an independent reading of what Datadog sends."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import TypeVar

import pytest
from msgspec import UNSET
from pydantic import SecretStr

from accesssync.datadog.limits import Limits
from accesssync.datadog.read import DatadogSource, open_source
from accesssync.errors import AuthenticationError, RateLimitedError, ResponseError, TransportError, UpstreamError
from accesssync.sandbox import SandboxServer, generate
from accesssync.sandbox import faults as f
from accesssync.snapshot.source import Listing, Record

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(read=20, attempt=20, attempts=2, body_bytes=8 * 1024 * 1024, backoff=0.001, run=60)
"""Time enough for a machine that is busy with other tests; what has to time out is given less."""

Open = Callable[..., DatadogSource]
R = TypeVar("R", bound=Record)


@pytest.fixture(scope="module")
def server() -> Iterator[SandboxServer]:
    with SandboxServer(generate(120, 3, NOW), max_page_size=100) as running:
        yield running


@pytest.fixture
def source(server: SandboxServer) -> Iterator[DatadogSource]:
    server.faults.clear()
    opened = open_sandbox(server)
    yield opened
    opened.close()
    server.faults.clear()


def open_sandbox(server: SandboxServer, app_key: str | None = None, limits: Limits = LIMITS) -> DatadogSource:
    return open_source(
        org="acme",
        site="datadoghq.com",
        api_key=SecretStr(server.api_key),
        app_key=SecretStr(app_key or server.app_key),
        api_url=server.url,
        limits=limits,
        sleep=lambda _seconds: None,
        clock=time.monotonic,
        rng=Random(1),  # noqa: S311
        on_event=lambda _event: None,
    )


def test_everything_is_read_as_it_is(server: SandboxServer, source: DatadogSource) -> None:
    users = source.users()
    pages = [users.fetch(number, 100) for number in (0, 1, 2)]
    seen = {record.id: record for page in pages for record in page.records}
    assert set(seen) == set(server.organization.users)
    assert {page.total for page in pages} == {len(seen)}
    for identifier, record in seen.items():
        truth = server.organization.users[identifier]
        assert (record.email, record.name, record.title, record.disabled, record.service_account) == (
            truth.email,
            truth.name,
            truth.title,
            truth.disabled,
            truth.service_account,
        )
        assert record.role_ids == tuple(sorted(set(truth.role_ids)))
        assert record.malformed == ()
        assert record.last_login_at is not UNSET
        assert record.created_at == truth.created_at
    roles = source.roles().fetch(0, 100)
    assert {role.id for role in roles.records} == set(server.organization.roles)
    assert roles.total == len(roles.records)
    permissions = {permission.id for permission in source.permissions().fetch(0, 100).records}
    assert permissions
    assert {each for role in roles.records for each in role.permission_ids} <= permissions
    some = next(iter(seen))
    assert users.get is not None
    assert users.get(some) == seen[some]
    assert users.get("00000000-dead-0000-0000-000000000000") is None
    assert source.account().user_id in seen


def everything(listing: Listing[R]) -> dict[str, R]:
    first = listing.fetch(0, 100)
    assert first.total is not None
    pages = [first, *(listing.fetch(number, 100) for number in range(1, -(-first.total // 100)))]
    found = {record.id: record for page in pages for record in page.records}
    assert len(found) == first.total
    assert sum(page.nameless for page in pages) == 0
    if listing.get is not None:
        assert listing.get("00000000-dead-0000-0000-000000000000") is None
        for identifier in list(found)[:3]:
            assert listing.get(identifier) == found[identifier]
    return found


def test_keys_and_tokens_are_read_as_they_are(server: SandboxServer, source: DatadogSource) -> None:
    organization = server.organization
    keys = everything(source.application_keys())
    assert {
        each.id: (each.name, each.owner_id, each.scopes, each.last4, each.leaked, each.created_at)
        for each in keys.values()
    } == {
        each.id: (
            each.name,
            each.owner_id,
            None if each.scopes is None else tuple(sorted(each.scopes)),
            each.last4,
            each.leak is not None,
            each.created_at,
        )
        for each in organization.app_keys.values()
    }
    # Reading uses one of them.
    apart = [one for one, each in keys.items() if each.last_used_at != organization.app_keys[one].last_used_at]
    assert len(apart) <= 1
    tokens = everything(source.access_tokens())
    assert {
        (each.id, each.type + "s", each.owner_id, each.scopes, each.last4, each.leaked) for each in tokens.values()
    } == {
        (each.id, each.kind, each.owner_id, tuple(sorted(each.scopes)), each.public_portion, each.leak is not None)
        for each in organization.tokens.values()
    }
    assert {each.malformed for each in (*keys.values(), *tokens.values())} == {()}
    api_keys = everything(source.api_keys())
    assert {(each.id, each.created_by_id, each.last4, each.leaked, each.malformed) for each in api_keys.values()} == {
        (each.id, each.created_by, each.last4, each.leak is not None, () if each.created_by else ("created_by_id",))
        for each in organization.api_keys.values()
    }
    shown = repr((keys, tokens, api_keys))
    secrets = [each.secret for each in organization.app_keys.values()]
    secrets += [each.secret for each in organization.api_keys.values()]
    assert not any(secret in shown for secret in secrets)


def test_clients_teams_and_mappings_are_read_as_they_are(server: SandboxServer, source: DatadogSource) -> None:
    organization = server.organization
    clients = everything(source.oauth_clients())
    assert {(each.id, each.name, each.disabled, each.user_ids, each.malformed) for each in clients.values()} == {
        (
            each.id,
            each.name,
            each.disabled,
            tuple(sorted(one.user_id for one in each.authorizations.values() if not one.disabled)),
            (),
        )
        for each in organization.oauth_clients.values()
    }
    teams = everything(source.teams())
    assert {(each.id, each.name, each.handle, each.malformed) for each in teams.values()} == {
        (each.id, each.name, each.handle, ()) for each in organization.teams.values()
    }
    for team in organization.teams.values():
        members = everything(source.team_memberships(team.id)).values()
        assert {(each.team_id, each.user_id, each.role, each.malformed) for each in members} == {
            (team.id, each.user_id, each.role, ()) for each in team.members.values()
        }
    mappings = {
        identifier: each for listing in source.authn_mappings() for identifier, each in everything(listing).items()
    }
    assert {
        (each.id, each.attribute_key, each.attribute_value, each.role_id, each.team_id, each.malformed)
        for each in mappings.values()
    } == {
        (each.id, each.attribute_key, each.attribute_value, each.role_id, each.team_id, ())
        for each in organization.mappings.values()
    }


def test_whose_key_it_is(server: SandboxServer, source: DatadogSource) -> None:
    account = source.account()
    assert account.service_account == server.organization.users[account.user_id].service_account
    assert account.org_id is not None
    assert account.org_name
    assert account.permissions is not None
    assert "user_access_manage" in account.permissions
    assert abs(source.server_time_skew or 0) < 5


def test_a_wrong_key(server: SandboxServer) -> None:
    server.faults.clear()
    opened = open_sandbox(server, "f" * 40)
    with pytest.raises(AuthenticationError):
        opened.account()
    opened.close()


@pytest.mark.parametrize(
    ("effect", "kind"),
    [
        (f.Status(401), AuthenticationError),
        (f.Status(500), ResponseError),
        (f.Status(512), ResponseError),
        (f.Status(404), ResponseError),
        (f.RateLimited("soon"), RateLimitedError),
        (f.RateLimited(None, html=True), RateLimitedError),
        (f.Html(), ResponseError),
        (f.Redirect("http://127.0.0.1:9/"), ResponseError),
        (f.GzipBomb(), ResponseError),
        (f.Nested(), ResponseError),
        (f.Truncated(), ResponseError),
        (f.ShortLength(), TransportError),
        (f.Reset(), TransportError),
        (f.empty_body(), ResponseError),
        (f.empty_object(), ResponseError),
        (f.null_data(), ResponseError),
        (f.data_object(), ResponseError),
        (f.data_integers(), ResponseError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_lasting_fault_is_a_clean_error_and_then_over(
    effect: f.Effect, kind: type[UpstreamError], server: SandboxServer, source: DatadogSource
) -> None:
    fault = server.faults.add(effect, path="/api/v2/users", times=None)
    with pytest.raises(kind) as caught:
        source.users().fetch(0, 100)
    assert fault.fired in (1, 2)
    assert caught.value.__context__ is None
    assert server.app_key not in caught.value.line()
    server.faults.clear()
    assert len(source.users().fetch(0, 100).records) == 100


def test_an_answer_without_end_is_given_up(server: SandboxServer, source: DatadogSource) -> None:
    source.close()
    hurried = open_sandbox(server, limits=Limits(read=1.0, attempt=1.0, attempts=2, backoff=0.001, run=60))
    server.faults.add(f.Endless(), path="/api/v2/users", times=None)
    start = time.monotonic()
    with pytest.raises(UpstreamError):
        hurried.users().fetch(0, 100)
    assert time.monotonic() - start < 10
    hurried.close()


@pytest.mark.parametrize(
    "effect",
    [f.PatchRecord({"created_at": "bad"}), f.PatchRecord({"title": 5}), f.PatchRecord({"last_login_time": 17})],
)
def test_one_bad_record_is_degraded_alone(effect: f.Effect, server: SandboxServer, source: DatadogSource) -> None:
    server.faults.add(effect, path="/api/v2/users")
    found = source.users().fetch(0, 100)
    assert len(found.records) == 100
    assert [bool(record.malformed) for record in found.records].count(True) == 1
