"""Limits, compression, latency, the log, control from outside, start and stop."""

import gzip
import signal
import subprocess
import sys
import threading
import time
from datetime import timedelta

import pytest

from accesssync.sandbox import Organization, SandboxInfo, SandboxServer, serve
from accesssync.sandbox.control import MUTATIONS
from accesssync.sandbox.faults import Hang
from tests.sandbox.asking import Asker, asker
from tests.sandbox.conftest import NOW


def test_rate_limit_counts_down_per_family_and_returns_with_the_period(organization: Organization) -> None:
    now = NOW + timedelta(seconds=7)

    with SandboxServer(organization, rate_limit=2, rate_period=10, clock=lambda: now) as server:
        ask = asker(server)
        first = ask.get("/api/v2/users")
        assert {name: value for name, value in first.headers.items() if name.startswith("x-ratelimit")} == {
            "x-ratelimit-limit": "2",
            "x-ratelimit-period": "10",
            "x-ratelimit-remaining": "1",
            "x-ratelimit-reset": "3",
            "x-ratelimit-name": "list_users",
        }
        assert ask.get("/api/v2/users").status == 200
        refused = ask.get("/api/v2/users")
        assert (refused.status, refused.body, refused.headers["x-ratelimit-remaining"]) == (429, b"", "0")
        assert ask.get("/api/v2/roles").status == 200
        now += timedelta(seconds=3)
        assert ask.get("/api/v2/users").status == 200


def test_errors_carry_the_headers_too(ask: Asker) -> None:
    for answer in (ask.get("/api/v2/users", headers={}), ask.get("/api/v2/nothing"), ask.get("/api/v2/users/x")):
        assert answer.headers["x-ratelimit-limit"] == "3000"
        assert answer.headers["content-type"] == "application/json"


def test_gzip_only_for_those_who_accept_it(organization: Organization) -> None:
    with SandboxServer(organization, activity_share=0.0) as server:
        plain = asker(server).get("/api/v2/users")
        packed = asker(server, **{"Accept-Encoding": "gzip, deflate"}).get("/api/v2/users")
        assert "content-encoding" not in plain.headers
        assert packed.headers["content-encoding"] == "gzip"
        assert gzip.decompress(packed.body) == plain.body
    with SandboxServer(organization, gzip=False) as server:
        answer = asker(server, **{"Accept-Encoding": "gzip"}).get("/api/v2/users")
        assert "content-encoding" not in answer.headers


def test_latency(organization: Organization) -> None:
    with SandboxServer(organization, latency_ms=60) as server:
        started = time.monotonic()
        asker(server).get("/api/v1/validate")
        assert time.monotonic() - started >= 0.06


def test_the_log_is_bounded(organization: Organization) -> None:
    with SandboxServer(organization, requests_kept=2) as server:
        ask = asker(server)
        ask.get("/api/v1/validate")
        ask.get("/api/v2/users", page_size=3)
        ask.get("/api/v2/users/none")
        assert [(each.method, each.path, each.query, each.status) for each in server.requests] == [
            ("GET", "/api/v2/users", "page%5Bsize%5D=3", 200),
            ("GET", "/api/v2/users/none", "", 404),
        ]
        server.forget_requests()
        assert server.requests == []


def test_shutdown_is_quick_even_while_an_answer_hangs(organization: Organization) -> None:
    server = SandboxServer(organization).start()
    server.faults.add(Hang(30))
    answers: list[object] = []

    def wait() -> None:
        try:
            asker(server).get("/api/v2/users")
        except OSError as problem:
            answers.append(problem)

    client = threading.Thread(target=wait)
    client.start()
    while not server.requests:
        time.sleep(0.005)
    started = time.monotonic()
    server.shutdown()
    assert time.monotonic() - started < 0.5
    client.join()
    assert len(answers) == 1
    server.shutdown()


def test_control_needs_the_token(ask: Asker) -> None:
    assert ask.get("/_sandbox/truth").status == 403
    assert ask.get("/_sandbox/truth", headers={"X-Sandbox-Control": "guess"}).status == 403


def test_control_from_outside(server: SandboxServer, ask: Asker, organization: Organization) -> None:
    control = Asker(server.url, {"X-Sandbox-Control": server.info.control_token})
    made = control.send(
        "POST",
        "/_sandbox/mutate",
        headers=control.headers,
        body={"do": "add_user", "arguments": {"email": "a@b.example", "last_login_at": "2026-10-01T00:00:00+00:00"}},
    ).json
    assert organization.user("a@b.example").id == made["id"]
    assert control.get("/_sandbox/truth", headers=control.headers).json[made["id"]] == {
        "email": "a@b.example",
        "nature": "human",
        "kind": None,
        "planted": [],
    }
    fault = {"effect": "status", "arguments": {"code": 503}, "path": "/api/v2/roles*", "times": 2}
    assert control.send("POST", "/_sandbox/faults", headers=control.headers, body=fault).json == {"faults": 1}
    assert ask.get("/api/v2/roles").status == 503
    listed = control.get("/_sandbox/faults", headers=control.headers).json
    assert listed == [{"effect": "Status", "path": "/api/v2/roles*", "matched": 1, "fired": 1}]
    control.send("DELETE", "/_sandbox/faults", headers=control.headers)
    assert ask.get("/api/v2/roles").status == 200
    assert [each["status"] for each in control.get("/_sandbox/requests", headers=control.headers).json] == [503, 200]
    control.send("DELETE", "/_sandbox/requests", headers=control.headers)
    assert server.requests == []


def test_control_of_credentials(server: SandboxServer, ask: Asker, organization: Organization) -> None:
    token = {"X-Sandbox-Control": server.info.control_token}
    assert server.info.minimal_app_key == organization.app_keys[organization.minimal_key_id].secret
    minimal = {**ask.headers, "DD-APPLICATION-KEY": server.info.minimal_app_key}
    assert ask.get("/api/v2/application_keys", headers=minimal).status == 200
    rescoped = {"do": "rescope_key", "arguments": {"key": "sandbox minimal", "scopes": ["user_access_read"]}}
    assert ask.send("POST", "/_sandbox/mutate", headers=token, body=rescoped).status == 200
    assert ask.get("/api/v2/application_keys", headers=minimal).status == 403
    assert ask.get("/api/v2/users", headers=minimal).status == 200
    wanted = {"owner": next(iter(organization.users)), "name": "new", "last_used_at": "2026-10-01T00:00:00+00:00"}
    made = ask.send(
        "POST", "/_sandbox/mutate", headers=token, body={"do": "add_application_key", "arguments": wanted}
    ).json
    assert ask.get("/api/v2/users", headers={**ask.headers, "DD-APPLICATION-KEY": made["secret"]}).status == 200
    planted = ask.get("/_sandbox/planted", headers=token).json
    assert planted[next(iter(organization.app_keys))] == {
        "type": "application_keys",
        "name": "sandbox",
        "planted": ["unscoped_admin_key"],
    }
    assert {each["type"] for each in planted.values()} >= {"api_keys", "access_tokens", "authn_mappings"}


@pytest.mark.parametrize("mutation", sorted(MUTATIONS))
def test_every_mutation_exists(organization: Organization, mutation: str) -> None:
    assert callable(getattr(organization, mutation))


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("mutate", {"do": "__init__"}, 400),
        ("mutate", {"do": "rename", "arguments": {"user": "nobody", "name": "x"}}, 400),
        ("mutate", {"do": "rename", "arguments": {"colour": "red"}}, 400),
        ("faults", {"effect": "run"}, 400),
        ("elsewhere", {}, 404),
    ],
)
def test_control_refuses_nonsense(server: SandboxServer, path: str, body: object, status: int) -> None:
    control = Asker(server.url)
    token = {"X-Sandbox-Control": server.info.control_token}
    assert control.send("POST", f"/_sandbox/{path}", headers=token, body=body).status == status


def test_the_truth_is_never_on_the_wire(ask: Asker) -> None:
    body = ask.get("/api/v2/users", page_size=100).body
    for word in (b"nature", b"planted", b"hard_case", b"truth"):
        assert word not in body


def test_serve_returns_when_told(organization: Organization) -> None:
    stop, seen = threading.Event(), list[SandboxInfo]()

    def ready(info: SandboxInfo) -> None:
        seen.append(info)
        assert Asker(info.url, {"DD-API-KEY": info.api_key}).get("/api/v1/validate").status == 200
        stop.set()

    serve(organization, on_ready=ready, stop=stop)
    with pytest.raises(OSError, match="refused"):
        Asker(seen[0].url).get("/api/v1/validate")


PROGRAM = """
from datetime import UTC, datetime
from accesssync.sandbox import generate, serve
serve(generate(3, 1, datetime(2026, 1, 1, tzinfo=UTC)), on_ready=lambda info: print(info.url, flush=True))
print("bye", flush=True)
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_serve_as_a_program_ends_on_a_signal(number: signal.Signals, pytestconfig: pytest.Config) -> None:
    command = [sys.executable, "-c", PROGRAM]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=pytestconfig.rootpath) as program:
        assert program.stdout
        assert program.stdout.readline().startswith("http://127.0.0.1:")
        program.send_signal(number)
        assert program.stdout.read() == "bye\n"
        assert program.wait(5) == 0
