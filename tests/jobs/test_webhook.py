"""Posts to a webhook: what arrives, what each answer means, and that its address is said nowhere."""

import datetime
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import json
from pydantic import SecretStr

from accesssync.forward.sign import DELIVERY, SIGNATURE, TIMESTAMP, verify
from accesssync.jobs.forward.webhook import Webhook, forbidden, in_one
from accesssync.model.delivery import Delivered, Later, Outcome, Refused, Stopped

SECRET = "T0SECRET/B0SECRET/xyzzy"
KEY = "correct-horse-battery-staple"


class Receiver:
    """Answers posts as a test says, and remembers them."""

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        self.posts: list[tuple[str, dict[str, str], bytes]] = []
        self.answer: Callable[[BaseHTTPRequestHandler], None] = lambda one: plain(one, 200)
        receiver = self

        class Handling(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                receiver.posts.append((self.path, dict(self.headers), body))
                receiver.answer(self)

            def log_message(self, *_arguments: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handling)
        self._server.daemon_threads = True
        if tls is not None:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        where = "https://localhost" if tls is not None else "http://127.0.0.1"
        self.url = f"{where}:{self._server.server_port}/services/{SECRET}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def plain(one: BaseHTTPRequestHandler, status: int, **headers: str) -> None:
    one.send_response(status)
    for name, value in headers.items():
        one.send_header(name.replace("_", "-"), value)
    one.send_header("Content-Length", "2")
    one.end_headers()
    one.wfile.write(b"ok")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def webhook(url: str, **more: Any) -> Webhook:
    usual = {"form": in_one, "key": SecretStr(KEY), "clock": lambda: 1_795_000_000.5}
    return Webhook(SecretStr(url), **{**usual, **more})


def unsaid(outcome: Outcome) -> Outcome:
    """The outcome, which must not tell the address."""
    assert "SECRET" not in repr(outcome)
    assert "127.0.0.1" not in repr(outcome)
    return outcome


def test_records_arrive_signed(receiver: Receiver) -> None:
    assert webhook(receiver.url).send([b'{"a":1}', b'{"b":2}']) == Delivered()
    [(path, headers, body)] = receiver.posts
    assert path == f"/services/{SECRET}"
    assert json.decode(body) == {"schema": "accesssync.webhook/1", "records": [{"a": 1}, {"b": 2}]}
    assert headers["Content-Type"] == "application/json"
    assert verify(body, headers[TIMESTAMP], headers[SIGNATURE], KEY.encode(), 1_795_000_001)
    webhook(receiver.url).send([b'{"a":1}', b'{"b":2}'])
    assert receiver.posts[1][1][DELIVERY] == headers[DELIVERY]


@pytest.mark.parametrize(
    ("status", "headers", "outcome"),
    [
        (204, {}, Delivered),
        (400, {}, Refused),
        (413, {}, Refused),
        (422, {}, Refused),
        (408, {}, Later),
        (500, {}, Later),
        (503, {}, Later),
        (401, {}, Stopped),
        (403, {}, Stopped),
        (404, {}, Stopped),
        (410, {}, Stopped),
        (302, {"Location": "http://127.0.0.1:1/elsewhere"}, Stopped),
        (307, {"Location": "/elsewhere"}, Stopped),
    ],
)
def test_what_each_answer_means(receiver: Receiver, status: int, headers: dict[str, str], outcome: type) -> None:
    receiver.answer = lambda one: plain(one, status, **headers)
    assert isinstance(unsaid(webhook(receiver.url).send([b"{}"])), outcome)
    assert len(receiver.posts) == 1


@pytest.mark.parametrize(
    ("told", "date", "seconds"),
    [
        ("7", None, 7.0),
        ("0", None, 0.0),
        ("999999999999", None, 3600.0),
        ("Sat, 21 Nov 2026 12:00:30 GMT", "Sat, 21 Nov 2026 12:00:00 GMT", 30.0),
        ("Sat, 21 Nov 2026 11:00:00 GMT", "Sat, 21 Nov 2026 12:00:00 GMT", 0.0),
        ("soon", None, None),
        ("-3", None, None),
        (None, None, None),
    ],
)
def test_how_long_to_wait_is_taken_from_the_answer(
    receiver: Receiver, told: str | None, date: str | None, seconds: float | None
) -> None:
    def answer(one: BaseHTTPRequestHandler) -> None:
        one.send_response_only(429)
        for name, value in (("Retry-After", told), ("Date", date)):
            if value is not None:
                one.send_header(name, value)
        one.send_header("Content-Length", "0")
        one.end_headers()

    receiver.answer = answer
    outcome = webhook(receiver.url).send([b"{}"])
    assert isinstance(outcome, Later)
    assert (outcome.seconds, outcome.status) == (seconds, 429)


def test_nobody_there_is_later(receiver: Receiver) -> None:
    receiver.close()
    assert isinstance(unsaid(webhook(receiver.url).send([b"{}"])), Later)


def test_an_answer_that_breaks_off_or_makes_no_sense_is_later(receiver: Receiver) -> None:
    def nonsense(one: BaseHTTPRequestHandler) -> None:
        one.wfile.write(b"\x00\xff nonsense\r\n\r\n")
        one.close_connection = True

    receiver.answer = nonsense
    assert isinstance(unsaid(webhook(receiver.url).send([b"{}"])), Later)


def test_an_answer_that_trickles_is_hung_up_on(receiver: Receiver) -> None:
    stop = threading.Event()

    def trickle(one: BaseHTTPRequestHandler) -> None:
        try:
            while not stop.wait(0.05):
                one.wfile.write(b"H")
        except OSError:
            pass

    receiver.answer = trickle
    began = time.monotonic()
    outcome = webhook(receiver.url, whole=0.4).send([b"{}"])
    stop.set()
    assert isinstance(unsaid(outcome), Later)
    assert time.monotonic() - began < 5


def test_a_host_that_cannot_be_resolved_is_later() -> None:
    def resolve(_host: str, _port: int) -> list[str]:
        raise OSError("no SECRET host 127.0.0.1")

    assert isinstance(unsaid(webhook(f"https://SECRET.example/{SECRET}", resolve=resolve).send([b"{}"])), Later)


@pytest.mark.parametrize(
    "address",
    ["169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%eth0", "fd00:ec2::254", "::ffff:169.254.169.254",
     "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::", "0.0.0.0", "::", "224.0.0.1", "100.100.100.200", "168.63.129.16"],  # noqa: S104
)  # fmt: skip
def test_nothing_is_posted_to_such_addresses(address: str) -> None:
    outcome = webhook(f"https://hooks.example.com/{SECRET}", resolve=lambda _h, _p: [address]).send([b"{}"])
    assert isinstance(unsaid(outcome), Stopped)


def test_one_bad_address_of_several_is_enough() -> None:
    outcome = webhook(
        f"https://hooks.example.com/{SECRET}", resolve=lambda _h, _p: ["203.0.113.7", "169.254.169.254"]
    ).send([b"{}"])
    assert isinstance(outcome, Stopped)


@pytest.mark.parametrize("address", ["203.0.113.7", "10.1.2.3", "192.168.0.9", "127.0.0.1", "::1", "2001:db8::1"])
def test_others_may_be_posted_to_with_tls(address: str) -> None:
    assert forbidden(address, loopback_only=False) is None


@pytest.mark.parametrize(("address", "fine"), [("127.0.0.1", True), ("::1", True), ("10.1.2.3", False)])
def test_without_tls_only_this_machine_may(address: str, fine: bool) -> None:
    assert (forbidden(address, loopback_only=True) is None) is fine


def test_a_name_that_means_another_machine_by_now_gets_nothing() -> None:
    outcome = webhook(f"http://localhost:9/{SECRET}", resolve=lambda _h, _p: ["10.1.2.3"]).send([b"{}"])
    assert isinstance(unsaid(outcome), Stopped)


def test_proxies_of_the_environment_are_not_asked(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    assert webhook(receiver.url).send([b"{}"]) == Delivered()


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """A certificate of localhost that nobody has signed, with its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path / "localhost.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    return path


@pytest.fixture
def secure(certificate: Path) -> Iterator[Receiver]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    found = Receiver(tls)
    yield found
    found.close()


def here(_host: str, _port: int) -> list[str]:
    return ["127.0.0.1"]


def test_a_certificate_that_nobody_vouches_for_is_not_accepted(secure: Receiver) -> None:
    outcome = unsaid(webhook(secure.url, resolve=here).send([b"{}"]))
    assert isinstance(outcome, Stopped)
    assert "certificate" in outcome.reason
    assert secure.posts == []


def test_a_certificate_is_held_against_the_name_and_not_the_address(
    secure: Receiver, certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def trusting() -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(certificate)
        return context

    monkeypatch.setattr("accesssync.jobs.forward.webhook._tls", trusting)
    assert webhook(secure.url, resolve=here).send([b"{}"]) == Delivered()
    port = secure.url.partition("localhost:")[2].partition("/")[0]
    assert secure.posts[0][1]["Host"] == f"localhost:{port}"
    other = secure.url.replace("localhost", "hooks.example.com")
    assert isinstance(unsaid(webhook(other, resolve=here).send([b"{}"])), Stopped)
    assert len(secure.posts) == 1
