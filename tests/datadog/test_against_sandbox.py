"""The source against the look-alike server: an independent reading of what Datadog sends."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random

import pytest
from msgspec import UNSET
from pydantic import SecretStr

from accesssync.datadog.limits import Limits
from accesssync.datadog.read import DatadogSource, open_source
from accesssync.errors import AuthenticationError, RateLimitedError, ResponseError, TransportError, UpstreamError
from accesssync.sandbox import SandboxServer, generate
from accesssync.sandbox import faults as f

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LIMITS = Limits(read=1.0, attempt=1.0, attempts=2, body_bytes=8 * 1024 * 1024, backoff=0.001, run=60)

Open = Callable[..., DatadogSource]


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


def open_sandbox(server: SandboxServer, app_key: str | None = None) -> DatadogSource:
    return open_source(
        org="acme",
        site="datadoghq.com",
        api_key=SecretStr(server.api_key),
        app_key=SecretStr(app_key or server.app_key),
        api_url=server.url,
        limits=LIMITS,
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
        (f.Endless(), UpstreamError),
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
    start = time.monotonic()
    with pytest.raises(kind) as caught:
        source.users().fetch(0, 100)
    assert time.monotonic() - start < 5
    assert fault.fired in (1, 2)
    assert caught.value.__context__ is None
    assert server.app_key not in caught.value.line()
    server.faults.clear()
    assert len(source.users().fetch(0, 100).records) == 100


@pytest.mark.parametrize(
    "effect",
    [f.PatchRecord({"created_at": "bad"}), f.PatchRecord({"title": 5}), f.PatchRecord({"last_login_time": 17})],
)
def test_one_bad_record_is_degraded_alone(effect: f.Effect, server: SandboxServer, source: DatadogSource) -> None:
    server.faults.add(effect, path="/api/v2/users")
    found = source.users().fetch(0, 100)
    assert len(found.records) == 100
    assert [bool(record.malformed) for record in found.records].count(True) == 1
