"""Reading through a real socket: every way an answer can go wrong, bounded, translated and free of secrets."""

import gzip
import json
import shutil
import socket
import ssl
import subprocess
import threading
import time
import traceback
import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path
from random import Random
from typing import Any

import pytest
import urllib3.exceptions as u3
from datadog_api_client import exceptions as client_errors
from pydantic import SecretStr

from accesssync.datadog.client import build_client
from accesssync.datadog.connection import Rest
from accesssync.datadog.failure import from_exception, reason
from accesssync.datadog.limits import Limits
from accesssync.datadog.read import DatadogSource, open_source
from accesssync.datadog.scrub import Scrub
from accesssync.datadog.transport import Event, Transport
from accesssync.errors import (
    AccessSyncError,
    AuthenticationError,
    ConfigurationError,
    DeadlineError,
    DeniedError,
    NotFoundError,
    RateLimitedError,
    RefusedError,
    ResponseError,
    TransportError,
    UpstreamError,
)
from tests.datadog.loopback import API_KEY, APP_KEY, Answer, Clock, Server, Write, http, page, user

Serve = Callable[..., Server]
Connect = Callable[..., DatadogSource]
RNG = Random(1)  # noqa: S311
GOOD = http(page(user(1), user(2)))
ENVIRONMENT = {
    "DD_API_KEY": "envcanaryapi" + "0" * 20,
    "DD_APP_KEY": "envcanaryapp" + "0" * 20,
    "DD_SITE": "us3.datadoghq.com",
    "DD_ACCESS_TOKEN": "envcanarytoken",
    "DD_BEARER_TOKEN": "envcanarytoken",
    "DD_ORG_UUID": "envcanaryorg",
    "HTTP_PROXY": "http://127.0.0.1:1",
    "HTTPS_PROXY": "http://127.0.0.1:1",
    "ALL_PROXY": "http://127.0.0.1:1",
    "http_proxy": "http://127.0.0.1:1",
    "https_proxy": "http://127.0.0.1:1",
}


def fetch(source: DatadogSource) -> list[str]:
    return [record.id[-1] for record in source.users().fetch(0, 100).records]


def opened(server: Server) -> list[socket.socket]:
    """The connections that a server is reached by from now on."""
    connections: list[socket.socket] = []
    serving = server._serve
    server._serve = lambda sock: (connections.append(sock), serving(sock))[1]  # type: ignore[method-assign, func-returns-value]
    return connections


def no_secret_in(error: BaseException) -> None:
    seen: list[BaseException] = []
    current: BaseException | None = error
    while current is not None:
        seen.append(current)
        current = current.__cause__ or current.__context__
    assert seen == [error], "no foreign exception hangs on"
    line = error.line() if isinstance(error, AccessSyncError) else ""
    text = "".join(traceback.format_exception(error)) + repr(error) + str(error) + repr(vars(error)) + line
    for secret in (API_KEY, APP_KEY, "BODYCANARY", "HEADERCANARY"):
        assert secret not in text


def raised(source: DatadogSource, kind: type[AccessSyncError]) -> AccessSyncError:
    with pytest.raises(kind) as caught:
        fetch(source)
    assert type(caught.value) is kind
    assert (caught.value.org, caught.value.resource) == ("acme", "users")
    no_secret_in(caught.value)
    return caught.value


def test_a_request_is_what_datadog_expects(serve: Serve, connect: Connect) -> None:
    server = serve(GOOD)
    assert fetch(connect(server)) == ["1", "2"]
    [request] = server.requests
    assert (request.method, request.target) == ("GET", "/api/v2/users?page%5Bsize%5D=100&page%5Bnumber%5D=0")
    assert request.headers["dd-api-key"] == API_KEY
    assert request.headers["dd-application-key"] == APP_KEY
    assert request.headers["user-agent"].startswith("accesssync/")
    assert request.headers["accept-encoding"] == "gzip"
    assert "authorization" not in request.headers


def test_the_environment_adds_and_replaces_nothing(
    serve: Serve, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    server = serve(GOOD)
    fetch(connect(server))
    assert "envcanary" not in json.dumps(server.requests[0].headers)
    assert server.requests[0].headers["dd-api-key"] == API_KEY
    client = build_client(site="datadoghq.eu", api_key=SecretStr(API_KEY), app_key=SecretStr(APP_KEY))
    assert client.configuration.host == "https://api.datadoghq.eu"
    assert "envcanary" not in repr(vars(client.configuration))


def test_empty_keys_are_refused_even_if_the_environment_has_some(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DD_API_KEY", "envcanary")
    for bad in ("", "has space", "line\nbreak", "ümlaut", "nul\x00"):
        with pytest.raises(ConfigurationError) as caught:
            build_client(site="datadoghq.eu", api_key=SecretStr(bad), app_key=SecretStr(APP_KEY))
        assert not bad or bad not in caught.value.line()


def test_certificates_are_always_verified_and_session_keys_never_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    client = build_client(site="datadoghq.eu", api_key=SecretStr(API_KEY), app_key=SecretStr(APP_KEY), concurrency=3)
    assert client.configuration.verify_ssl is True
    settings = client.rest_client.pool_manager.connection_pool_kw
    assert settings["ssl_context"].check_hostname
    assert settings["ssl_context"].keylog_filename is None
    assert settings["maxsize"] == 3


@pytest.mark.skipif(not shutil.which("openssl"), reason="no openssl to make a certificate with")
def test_an_unknown_certificate_is_refused_at_once(
    serve: Serve, clock: Clock, events: list[Event], tmp_path: Path
) -> None:
    made = "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key -out crt -days 2 -subj /CN=x"
    openssl = str(shutil.which("openssl"))
    subprocess.run([openssl, *made.split()], cwd=tmp_path, check=True, capture_output=True)
    server = serve(GOOD)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "crt", tmp_path / "key")
    serving = server._serve
    server._serve = lambda sock: serving(context.wrap_socket(sock, server_side=True))  # type: ignore[method-assign]
    source = open_source(
        org="acme",
        site="datadoghq.eu",
        api_key=SecretStr(API_KEY),
        app_key=SecretStr(APP_KEY),
        api_url=server.url.replace("http:", "https:"),
        sleep=clock.sleep,
        clock=clock,
        rng=RNG,
        on_event=events.append,
    )
    error = raised(source, TransportError)
    assert "certificate is not accepted (self" in error.message
    assert (server.requests, source.requests) == ([], 1)
    source.close()


def test_a_plain_http_server_behind_https_is_a_transport_error(serve: Serve, clock: Clock, events: list[Event]) -> None:
    server = serve(GOOD)
    source = open_source(
        org="acme",
        site="datadoghq.eu",
        api_key=SecretStr(API_KEY),
        app_key=SecretStr(APP_KEY),
        api_url=server.url.replace("http:", "https:"),
        limits=Limits(attempts=2, read=0.2, connect=0.2),
        sleep=clock.sleep,
        clock=clock,
        rng=RNG,
        on_event=events.append,
    )
    server.over.set()
    raised(source, TransportError)
    source.close()


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(status: int, serve: Serve, connect: Connect) -> None:
    evil = serve(GOOD)
    server = serve(http(b"", status, Location=evil.url + "/api/v2/users"))
    error = raised(connect(server), ResponseError)
    assert "redirect" in error.message
    assert (len(server.requests), len(evil.requests)) == (1, 0)


def test_retry_after_does_not_wake_hidden_retries(serve: Serve, connect: Connect) -> None:
    server = serve(http(b"", 503, Retry_After="0"))
    raised(connect(server, attempts=1), ResponseError)
    assert len(server.requests) == 1


def test_a_hanging_server_costs_one_timeout_per_attempt(serve: Serve, connect: Connect) -> None:
    server = serve(None)
    start = time.monotonic()
    raised(connect(server, read=0.2, attempts=1), TransportError)
    assert 0.15 < time.monotonic() - start < 1.5
    assert len(server.requests) == 1


def drip(prefix: bytes, drop: bytes) -> Write:
    def write(sock: socket.socket) -> None:
        sock.sendall(prefix)
        try:
            for _ in range(200):
                sock.sendall(drop)
                time.sleep(0.02)
        except OSError:
            return

    return write


@pytest.mark.parametrize(
    "answer",
    [
        drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 999999\r\n\r\n", b" "),
        drip(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\n \r\n"),
        drip(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"x"),
        drip(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        drip(b"HTTP/1.1 500 Oops\r\nContent-Length: 999999\r\n\r\n", b"x"),
    ],
    ids=["body", "chunks", "header", "continue", "error"],
)
def test_a_dripping_answer_ends_at_the_deadline(answer: Answer, serve: Serve, connect: Connect, clock: Clock) -> None:
    clock.real = True
    server = serve(answer)
    start = time.monotonic()
    with pytest.raises(UpstreamError) as caught:
        fetch(connect(server, attempt=0.3, attempts=1))
    no_secret_in(caught.value)
    assert time.monotonic() - start < 1.5
    assert len(server.requests) == 1


def test_a_gzip_bomb_is_cut_off(serve: Serve, connect: Connect) -> None:
    bomb = gzip.compress(b" " * 64 * 1024 * 1024)
    server = serve(http(bomb, Content_Encoding="gzip"))
    source = connect(server, body_bytes=1024 * 1024)
    tracemalloc.start()
    error = raised(source, ResponseError)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "larger than 1,048,576 bytes" in error.message
    assert peak < 8 * 1024 * 1024
    assert len(server.requests) == 1


def test_the_size_limit_is_exact_and_gzip_is_understood(serve: Serve, connect: Connect) -> None:
    body = json.dumps(page(user(1))).encode()
    server = serve(http(gzip.compress(body), Content_Encoding="gzip"))
    assert fetch(connect(server, body_bytes=len(body))) == ["1"]
    raised(connect(server, body_bytes=len(body) - 1), ResponseError)


def close_after(data: bytes) -> Write:
    def write(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_RDWR)

    return write


BODY = json.dumps(page(user(1), user(2))).encode()
PACKED = gzip.compress(BODY)


@pytest.mark.parametrize(
    "answer",
    [
        http(PACKED + b"BODYCANARY", content_encoding="GZIP"),
        b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n"
        + b"".join(b"%x\r\n%b\r\n" % (len(part), part) for part in (PACKED[:7], PACKED[7:30], PACKED[30:]))
        + b"0\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" + GOOD,
        http(BODY, content_encoding="identity", Server="one", SERVER="two"),
    ],
    ids=["more behind the gzip", "gzip in chunks", "continue", "not compressed, by name"],
)
def test_whatever_form_an_answer_has_its_connection_serves_the_next(
    answer: bytes, serve: Serve, connect: Connect
) -> None:
    server = serve(answer, GOOD)
    source, connections = connect(server), opened(server)
    assert fetch(source) == fetch(source) == ["1", "2"]
    assert len(connections) == 1


@pytest.mark.parametrize(
    "answer",
    [close_after(b"HTTP/1.1 200 OK\r\n\r\n" + BODY), close_after(http(BODY, Connection="close"))],
    ids=["no length", "said to be closed"],
)
def test_an_answer_that_ends_with_its_connection_is_whole(answer: Answer, serve: Serve, connect: Connect) -> None:
    server = serve(answer, GOOD)
    source, connections = connect(server), opened(server)
    assert fetch(source) == fetch(source) == ["1", "2"]
    assert len(connections) == 2


def test_a_compression_that_nobody_asked_for_hides_no_status(serve: Serve, connect: Connect) -> None:
    error = raised(connect(serve(http(b"BODYCANARY", 500, content_encoding="br")), attempts=1), ResponseError)
    assert "HTTP 500" in error.message


def reset_after(data: bytes) -> Write:
    def write(sock: socket.socket) -> None:
        sock.sendall(data)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
        sock.close()

    return write


SPOILED = {
    "reset before the answer": reset_after(b""),
    "closed before the answer": close_after(b""),
    "short content length": close_after(GOOD[:-10]),
    "chunks broken off": close_after(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{}"),
    "nonsense chunk size": http(b"", Transfer_Encoding="chunked") + b"zz\r\n",
    "not http": close_after(b"SSH-2.0-OpenSSH_9\r\n\r\n"),
    "endless header line": close_after(b"HTTP/1.1 200 OK\r\nA: " + b"x" * 70_000 + b"\r\n\r\n"),
    "too many headers": close_after(b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 200 + b"\r\n"),
    "garbled header": http(b"{}", HEADERCANARY="x\r\nno colon here"),
    "truncated json": http(GOOD.partition(b"\r\n\r\n")[2][:-30]),
    "empty": http(b""),
    "empty object": http("{}"),
    "null data": http('{"data":null}'),
    "html": http("<html>BODYCANARY</html>", kind="text/html; charset=utf-8"),
    "html said to be json": http("<html>BODYCANARY</html>"),
    "not gzip": http(b"BODYCANARY", Content_Encoding="gzip"),
    "not compressed as asked": http(BODY, Content_Encoding="br"),
    "half a gzip": http(gzip.compress(GOOD)[:40], Content_Encoding="gzip"),
    "unknown charset": http(b'{"data":"\xff\xfe"}', kind="application/json; charset=nonsense"),
    "204": b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
    "500": http('{"errors":["BODYCANARY_NOT"]}'.replace("BODYCANARY_NOT", "boom"), 500),
    "502 html": http("<html>BODYCANARY</html>", 502, kind="text/html"),
    "512": http(b"\xff\xfe", 512),
    "408": http(b"", 408),
    "429 without a word": http(b"", 429),
    "429 html": http("<html>BODYCANARY</html>", 429, kind="text/html", X_RateLimit_Reset="soon"),
}


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_answers_are_tried_again(name: str, serve: Serve, connect: Connect, clock: Clock) -> None:
    server = serve(SPOILED[name], SPOILED[name], GOOD)
    source = connect(server)
    assert fetch(source) == ["1", "2"]
    assert len(server.requests) == source.requests == 3
    assert len(clock.slept) == 2


@pytest.mark.parametrize("name", SPOILED)
def test_spoiled_for_ever_is_one_clean_error(
    name: str, serve: Serve, connect: Connect, clock: Clock, caplog: pytest.LogCaptureFixture
) -> None:
    server = serve(SPOILED[name])
    source = connect(server)
    with pytest.raises((ResponseError, TransportError, RateLimitedError)) as caught:
        fetch(source)
    no_secret_in(caught.value)
    assert len(server.requests) == 5
    assert sum(clock.slept) <= 15
    assert "CANARY" not in caplog.text


def test_a_refused_connection(serve: Serve, connect: Connect) -> None:
    server = serve(GOOD)
    source = connect(server)
    server.close()
    error = raised(source, TransportError)
    assert "refused" in error.message
    assert source.requests == 5


def test_a_wait_is_announced(serve: Serve, connect: Connect, events: list[Event], clock: Clock) -> None:
    fetch(connect(serve(http(b"", 503), GOOD)))
    [event] = events
    assert (event.kind, event.org, event.resource, event.operation, event.attempt) == (
        "retry",
        "acme",
        "users",
        "list_users",
        1,
    )
    assert [event.wait] == clock.slept
    assert "503" in event.reason


def test_a_reset_is_honoured(serve: Serve, connect: Connect, clock: Clock) -> None:
    assert fetch(connect(serve(http(b"", 429, X_RateLimit_Reset="7"), GOOD))) == ["1", "2"]
    [wait] = clock.slept
    assert 7 <= wait <= 8


def test_a_far_reset_is_capped_and_the_end_is_a_rate_limit_error(serve: Serve, connect: Connect, clock: Clock) -> None:
    server = serve(http('{"errors":["Rate limited"]}', 429, X_RateLimit_Reset="100000"))
    error = raised(connect(server), RateLimitedError)
    assert clock.slept == [300] * 4
    assert "Rate limited" in error.message


@pytest.mark.parametrize("reset", ["100000", "7"])
def test_the_run_is_not_overslept(reset: str, serve: Serve, connect: Connect, clock: Clock) -> None:
    raised(connect(serve(http(b"", 429, X_RateLimit_Reset=reset)), run=5), RateLimitedError)
    assert clock.slept == []


def test_an_expired_run_sends_nothing(serve: Serve, connect: Connect, clock: Clock) -> None:
    server = serve(GOOD)
    source = connect(server, run=60)
    assert fetch(source)
    clock.now += 61
    raised(source, DeadlineError)
    assert len(server.requests) == 1


def test_a_run_that_ends_between_attempts(serve: Serve, connect: Connect) -> None:
    raised(connect(serve(http(b"", 503)), run=0.01, attempts=50, backoff=10), DeadlineError)


def test_others_keep_their_share(serve: Serve, connect: Connect, clock: Clock, events: list[Event]) -> None:
    told: dict[str, Any] = {
        "X_RateLimit_Limit": "10",
        "X_RateLimit_Reset": "20",
        "X_RateLimit_Name": "users",
        "X_RateLimit_Period": "60",
    }
    server = serve(
        http(page(user(1)), **told, X_RateLimit_Remaining="3"),
        http(page(user(1)), **told, X_RateLimit_Remaining="2"),
        GOOD,
    )
    source = connect(server)
    before = source.rate_limit_left
    for _ in range(3):
        fetch(source)
    assert clock.slept == [20]
    assert (before, source.rate_limit_left) == (None, 0.2)
    assert [event.kind for event in events] == ["share"]


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, AuthenticationError), (403, DeniedError), (404, NotFoundError)]
    + [(status, ResponseError) for status in (202, 206, 304, 400, 409, 422)],
)
def test_what_would_fail_again_is_tried_once(
    status: int, kind: type[AccessSyncError], serve: Serve, connect: Connect, clock: Clock
) -> None:
    server = serve(http('{"errors":["no"]}', status, X_Request_Id="abc-1"))
    error = raised(connect(server), kind)
    assert len(server.requests) == 1
    assert clock.slept == []
    if isinstance(error, DeniedError):
        assert error.permission == "user_access_read"
    if isinstance(error, ResponseError):
        assert error.status == status
    if isinstance(error, AuthenticationError):
        assert "127.0.0.1" in error.message
        assert "one site" in (error.remedy or "")
    if status == 409:
        assert "request abc-1" in error.message


@pytest.mark.parametrize("status", [401, 403])
def test_keys_refused_at_the_account(status: int, serve: Serve, connect: Connect) -> None:
    with pytest.raises(AuthenticationError) as caught:
        connect(serve(http('{"errors":["Forbidden"]}', status))).account()
    assert caught.value.resource == "account"
    no_secret_in(caught.value)


def test_the_site_is_named_where_it_is_the_address(clock: Clock, events: list[Event]) -> None:
    source = open_source(
        org="acme",
        site="us5.datadoghq.com",
        api_key=SecretStr(API_KEY),
        app_key=SecretStr(APP_KEY),
        sleep=clock.sleep,
        clock=clock,
        rng=RNG,
        on_event=events.append,
    )
    assert source._transport._where == "us5.datadoghq.com"
    source.close()


def test_echoed_secrets_do_not_get_out(serve: Serve, connect: Connect, events: list[Event]) -> None:
    text = f"key {APP_KEY} and {API_KEY} and {'0f' * 20} and ddpat_Zz9Zz9Zz9 Bearer abc.def \u202e\x1b[31m\r\nend"
    body = json.dumps({"errors": [text]}).encode()
    headers: dict[str, Any] = {"X_Request_Id": APP_KEY, "DD_Request_Id": "fine-1", "Set_Cookie": "HEADERCANARY"}
    for status, kind in [(400, ResponseError), (401, AuthenticationError), (403, DeniedError), (404, NotFoundError)]:
        error = raised(connect(serve(http(body, status, **headers))), kind)
        assert error.message.count("[redacted]") == 5
        assert "0f0f0f" not in error.message
        assert "\\x1b[31m\\r\\nend" in error.message
        assert "\\u202e" in error.message
        assert "fine-1" in error.message
        assert error.line().isprintable()
    with pytest.raises(ResponseError):
        fetch(connect(serve(http(body, 500, **headers))))
    for event in events:
        assert APP_KEY not in repr(event)
        assert API_KEY not in repr(event)


def test_nothing_kept_shows_a_key(serve: Serve, connect: Connect) -> None:
    source = connect(serve(GOOD))
    for thing in (source, source._client, source._client.configuration, source._transport, source._transport._scrub):
        for text in (repr(thing), str(thing)):
            assert API_KEY not in text
            assert APP_KEY not in text


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"errors":["a","b"]}', "a"),
        (b'{"errors":[{"status":"409","title":"Conflict","detail":"there"}]}', "there"),
        (b'{"errors":[{"title":"Bad"}]}', "Bad"),
        (b'{"errors":"flat"}', "flat"),
        (b'{"error":{"code":"InvalidArgument","message":"m","details":[1]}}', "m"),
        (b'{"error":"flat"}', "flat"),
        (b'{"errors":[]}', ""),
        (b'{"errors":[7]}', ""),
        (b'{"errors":[{}]}', ""),
        (b"[]", ""),
        (b"", ""),
        (b"<html>", ""),
        (b"\xff\xfe", ""),
        (b'{"errors":["\xff"]}', ""),
        (b'{"errors":["\\ud800"]}', ""),
        (b"[" * 100_000, ""),
    ],
)
def test_every_shape_of_error_body(body: bytes, said: str) -> None:
    assert reason(body) == said


def test_long_messages_are_cut() -> None:
    assert len(Scrub(["k" * 30]).message("x y " * 1000)) == 200


def subclasses(kind: type[BaseException]) -> Iterator[type[BaseException]]:
    yield kind
    for child in kind.__subclasses__():
        yield from subclasses(child)


FOREIGN = sorted(
    {
        kind
        for root in (u3.HTTPError, client_errors.OpenApiException, OSError, UnicodeError)
        for kind in subclasses(root)
        if kind.__module__.split(".")[0] in ("urllib3", "datadog_api_client", "builtins", "ssl", "socket", "http")
    },
    key=lambda kind: (kind.__module__, kind.__name__),
)


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
def test_no_foreign_exception_escapes(kind: type[Exception], serve: Serve, connect: Connect) -> None:
    # Made without calling the constructor: each has its own signature.
    error = kind.__new__(kind)
    error.args = (APP_KEY,)
    source = connect(serve(GOOD), attempts=1)

    def fail(*_: Any, **__: Any) -> None:
        raise error

    source._client.rest_client.request = fail  # type: ignore[assignment, method-assign]
    raised(source, TransportError)
    assert APP_KEY not in from_exception(error).message


def test_our_own_mistakes_do_escape(serve: Serve, connect: Connect) -> None:
    source = connect(serve(GOOD))
    source._client.rest_client.request = lambda *_, **__: 1 / 0  # type: ignore[method-assign, assignment]
    with pytest.raises(ZeroDivisionError):
        fetch(source)


def test_sleeping_may_stop_the_work(serve: Serve, connect: Connect) -> None:
    class StopNow(Exception):  # noqa: N818
        pass

    def stop(_seconds: float) -> None:
        raise StopNow

    source = connect(serve(http(b"", 503)))
    source._transport._sleep = stop
    with pytest.raises(StopNow):
        fetch(source)


def test_one_record_by_id(serve: Serve, connect: Connect) -> None:
    gone = http('{"errors":["not found"]}', 404)
    page_404 = http("<html></html>", 404, kind="text/html")
    server = serve(http({"data": user(1)}), gone, page_404, http({"data": user(2)}), http("{}"))
    source = connect(server, attempts=1)
    get = source.users().get
    assert get is not None
    found = get(user(1)["id"])
    assert found is not None
    assert found.name == "User 1"
    assert get("a/../b?c") is None
    assert server.requests[1].target == "/api/v2/users/a%2F..%2Fb%3Fc"
    for identifier in ("x", user(1)["id"], "y"):
        with pytest.raises(ResponseError):
            get(identifier)
    for identifier in ("", ".", ".."):
        with pytest.raises(UpstreamError):
            get(identifier)
    assert len(server.requests) == 5


def test_every_listing(serve: Serve, connect: Connect) -> None:
    role = {"id": "r1", "attributes": {"name": "Admin"}, "relationships": {"permissions": {"data": [{"id": "p1"}]}}}
    permission = {"id": "p1", "attributes": {"name": "admin"}}
    current = {"data": {"id": "u1", "attributes": {"email": "me@example.com"}}}
    server = serve(
        http(current),
        http(page(role)),
        http({"data": role}),
        http({"data": [permission]}, kind="application/vnd.api+json"),
    )
    source = connect(server)
    assert source.account().subject == "me@example.com"
    roles, permissions = source.roles(), source.permissions()
    assert roles.fetch(3, 50).records[0].permission_ids == ("p1",)
    assert roles.get is not None
    assert roles.get("r1") is not None
    assert permissions.fetch(0, 100).records[0].name == "admin"
    assert permissions.get is None
    assert not permissions.paged
    assert not any(listing.may_be_empty for listing in (roles, permissions, source.users()))
    assert [request.target for request in server.requests] == [
        "/api/v2/current_user",
        "/api/v2/roles?page%5Bsize%5D=50&page%5Bnumber%5D=3",
        "/api/v2/roles/r1",
        "/api/v2/permissions",
    ]
    assert source.requests == 4


def test_connections_are_reused_and_shared_by_threads(serve: Serve, connect: Connect) -> None:
    server = serve(GOOD)
    connections = opened(server)
    source = connect(server)
    results: list[list[str]] = []
    threads = [threading.Thread(target=lambda: results.extend(fetch(source) for _ in range(10))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [["1", "2"]] * 80
    assert source.requests == 80
    assert len(connections) <= 8


def test_an_unread_body_never_reaches_the_next_answer(serve: Serve, connect: Connect) -> None:
    server = serve(http(b"x" * 200_000, 400), GOOD)
    source = connect(server)
    raised(source, ResponseError)
    assert fetch(source) == ["1", "2"]


def test_writes_are_refused_unsent(serve: Serve) -> None:
    server = serve(GOOD)
    client = build_client(
        site="datadoghq.eu", api_key=SecretStr(API_KEY), app_key=SecretStr(APP_KEY), api_url=server.url
    )
    rest = client.rest_client
    assert isinstance(rest, Rest)
    for method in ("POST", "PATCH", "PUT", "DELETE", "post"):
        with pytest.raises(RefusedError):
            rest.request(method, server.url, body={})
    assert server.requests == []


def test_transport_has_no_unbounded_default() -> None:
    assert all(value > 0 for value in vars(Transport).values() if isinstance(value, int))
    limits = Limits()
    assert limits.attempt >= limits.read >= limits.connect
    assert limits.run >= limits.wait_cap
