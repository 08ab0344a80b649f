"""Handing over logs, events and metrics: to the right host, with one key, once, and every answer means one thing."""

import json
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr
from urllib3.response import HTTPResponse

from accesssync.datadog.connection import Rest
from accesssync.datadog.intake import Intake, open_intake
from accesssync.datadog.limits import Limits
from accesssync.errors import ConfigurationError
from accesssync.model.delivery import Delivered, Later, Refused, Stopped
from accesssync.model.operation import Operation
from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.datadog.loopback import API_KEY, Server, http

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDING = frozenset({Operation.SEND_LOG, Operation.SEND_EVENT, Operation.SEND_METRIC})
LIMITS = Limits(read=0.3, attempt=0.3, run=60)
EVENT = b'{"title":"t","text":"x"}'
POINT = json.dumps({"metric": "a.b", "type": 3, "points": [{"timestamp": int(NOW.timestamp()), "value": 1}]}).encode()

Open = Callable[..., Intake]


@pytest.fixture
def connect() -> Iterator[Open]:
    opened: list[Intake] = []

    def start(api_url: str | None, **more: Any) -> Intake:
        settings: dict[str, Any] = {
            "org": "acme", "site": "datadoghq.eu", "api_key": SecretStr(API_KEY), "allowed": SENDING,
            "setting": "ACCESSSYNC_ALLOWED_OPERATIONS", "limits": LIMITS, "sleep": lambda _seconds: None,
            "clock": time.monotonic, "rng": Random(1),  # noqa: S311
        }  # fmt: skip
        opened.append(open_intake(**{**settings, "api_url": api_url, **more}))
        return opened[-1]

    yield start
    for each in opened:
        each.close()


@pytest.fixture
def organization() -> Organization:
    return generate(10, 3, NOW)


@pytest.fixture
def sandbox(organization: Organization) -> Iterator[SandboxServer]:
    with SandboxServer(organization, activity_share=0.0, clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def intake(sandbox: SandboxServer, connect: Open) -> Intake:
    return connect(sandbox.url, api_key=SecretStr(sandbox.api_key))


def test_logs_arrive_in_order_in_one_request(intake: Intake, organization: Organization) -> None:
    records = [json.dumps({"message": f"Zoë {n}", "n": n}).encode() for n in range(1000)]
    assert intake.logs.send(records) == Delivered()
    assert [each["n"] for each in organization.published.logs()] == list(range(1000))
    assert organization.published.received["logs"].requests == intake.requests == 1


def test_events_and_points_arrive(intake: Intake, organization: Organization) -> None:
    assert intake.events.send([EVENT]) == Delivered()
    assert intake.series.send([POINT, POINT]) == Delivered()
    assert [each["title"] for each in organization.published.events] == ["t"]
    assert [each["metric"] for each in organization.published.points] == ["a.b"] * 2


def test_nothing_to_hand_over_is_no_request(intake: Intake) -> None:
    assert [one.send([]) for one in (intake.logs, intake.events, intake.series)] == [Delivered()] * 3
    assert intake.requests == 0


def test_the_api_key_goes_alone_and_compressed(
    serve: Callable[..., Server], connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_APP_KEY", "canary-of-the-environment")
    monkeypatch.setenv("DD_API_KEY", "another-canary")
    for kind, record, encoding in (("logs", b"{}", "gzip"), ("series", POINT, "gzip"), ("events", EVENT, None)):
        server = serve(http({}, 202, Connection="close"))
        assert getattr(connect(server.url), kind).send([record]) == Delivered()
        sent = server.requests[0].headers
        assert sent["dd-api-key"] == API_KEY
        assert sent.get("content-encoding") == encoding
        assert sent["content-type"] == "application/json"
        assert not {"dd-application-key", "authorization"} & sent.keys()


@pytest.mark.parametrize(
    ("api_url", "allow_other", "logs", "others"),
    [
        (None, False, "https://http-intake.logs.datadoghq.eu", "https://api.datadoghq.eu"),
        ("https://acme.datadoghq.eu", False, "https://http-intake.logs.datadoghq.eu", "https://acme.datadoghq.eu"),
        ("https://proxy.example", True, "https://proxy.example", "https://proxy.example"),
        ("https://localhost:8443", False, "https://localhost:8443", "https://localhost:8443"),
    ],
)
def test_each_kind_goes_to_its_host(
    api_url: str | None, allow_other: bool, logs: str, others: str, connect: Open, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []

    def answer(_self: Rest, _method: str, url: str, *_more: Any, **_named: Any) -> HTTPResponse:
        asked.append(url)
        return HTTPResponse(body=b"{}", status=202, headers={"content-type": "application/json"}, preload_content=False)

    monkeypatch.setattr(Rest, "request", answer)
    intake = connect(api_url, allow_other_host=allow_other)
    for taker, record in ((intake.logs, b"{}"), (intake.events, EVENT), (intake.series, POINT)):
        assert taker.send([record]) == Delivered()
    assert asked == [f"{logs}/api/v2/logs", f"{others}/api/v1/events", f"{others}/api/v2/series"]


def test_a_host_that_is_neither_is_refused(connect: Open) -> None:
    with pytest.raises(ConfigurationError):
        connect("https://proxy.example")


@pytest.mark.parametrize(
    ("fault", "wanted"),
    [
        (f.Status(400), Refused), (f.Status(413), Refused), (f.Status(401), Stopped), (f.Status(403), Stopped),
        (f.Status(404), Stopped), (f.Status(408), Later), (f.Status(500), Later), (f.Status(503), Later),
        (f.RateLimited("7"), Later), (f.RateLimited("soon", html=True), Later), (f.Reset(), Later), (f.Lost(), Later),
        (f.Hang(5), Later), (f.Html(), Later), (f.Redirect("http://127.0.0.1:9/"), Stopped),
    ],
    ids=lambda one: getattr(one, "__name__", None) or type(one).__name__ + str(getattr(one, "code", "")),
)  # fmt: skip
def test_every_answer_means_one_thing_and_nothing_is_repeated(
    fault: f.Effect, wanted: type, sandbox: SandboxServer, intake: Intake
) -> None:
    sandbox.faults.add(fault)
    outcome = intake.logs.send([b'{"message":"x"}'])
    assert type(outcome) is wanted
    assert "x-ratelimit" not in str(outcome)
    assert len(sandbox.requests) == 1
    if isinstance(fault, f.RateLimited):
        assert isinstance(outcome, Later)
        assert outcome.seconds == (7.0 if fault.reset == "7" else None)


def test_accepted_and_then_no_answer_is_later_and_has_arrived(
    sandbox: SandboxServer, intake: Intake, organization: Organization
) -> None:
    sandbox.faults.add(f.Hang(5))
    assert isinstance(intake.logs.send([b'{"message":"x"}']), Later)
    assert len(list(organization.published.logs())) == 1


def test_what_is_not_allowed_is_not_sent(sandbox: SandboxServer, connect: Open) -> None:
    intake = connect(sandbox.url, allowed=frozenset({Operation.SEND_EVENT}))
    outcome = intake.logs.send([b"{}"])
    assert outcome == Stopped("send_log is not allowed", "to allow it, add send_log to ACCESSSYNC_ALLOWED_OPERATIONS")
    assert isinstance(intake.series.send([POINT]), Stopped)
    assert not sandbox.requests


def test_a_wrong_key_stops_and_its_value_is_nowhere(sandbox: SandboxServer, connect: Open) -> None:
    outcome = connect(sandbox.url).logs.send([b'{"message":"secret-content"}'])
    assert isinstance(outcome, Stopped)
    assert outcome.status == 403
    assert API_KEY not in str(outcome)
    assert "secret-content" not in str(outcome)


def test_a_network_that_is_not_there_is_later(connect: Open) -> None:
    assert isinstance(connect("http://127.0.0.1:9").logs.send([b"{}"]), Later)


def test_a_refused_event_stops_the_rest_of_its_batch(intake: Intake, organization: Organization) -> None:
    assert isinstance(intake.events.send([EVENT, b'{"title":"t"}', EVENT]), Refused)
    assert len(organization.published.events) == 1
