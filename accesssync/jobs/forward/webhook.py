"""Post records to somebody's webhook. Its address is a secret: it stands in nothing that is said, raised or kept.

One post is at most one request to one address that was looked at before. No redirect is followed, no proxy of the
environment is used, nothing of the answer but its status and how long to wait is read.
"""

import ipaddress
import socket
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextlib import closing, suppress
from email.utils import parsedate_to_datetime
from http.client import HTTPConnection, HTTPException, HTTPResponse
from threading import Timer
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from accesssync import __version__
from accesssync.forward.destination import Limits
from accesssync.forward.sign import headers
from accesssync.model.delivery import Delivered, Later, Outcome, Refused, Stopped

POST_LIMITS = Limits(records=100, bytes=1_000_000, record_bytes=250_000)
"""Of one post in our own form: what common receivers take."""

CONNECT_SECONDS = 10.0
WHOLE_SECONDS = 30.0
"""How long one post may take in all, however slowly it is answered."""

LONGEST_WAIT = 3600.0
"""Seconds; whoever asks for more is asked again by then."""

_ANSWER_BYTES = 4_096
_FOR_GOOD = frozenset({400, 413, 422})
_PASSING = frozenset({408, 425, 429})

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_METADATA = frozenset(
    map(ipaddress.ip_address, ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16"))
)
"""Where clouds tell a machine its secrets."""

Resolve = Callable[[str, int], Sequence[str]]
Form = Callable[[Sequence[bytes]], bytes]


def in_one(records: Sequence[bytes]) -> bytes:
    """The body of a post in our own form."""
    return b'{"schema":"accesssync.webhook/1","records":[' + b",".join(records) + b"]}"


class Webhook:
    """Posts to one address. `form` makes a body of records, `clock` tells seconds since 1970, for the signature."""

    def __init__(
        self,
        url: SecretStr,
        *,
        form: Form,
        key: SecretStr | None,
        clock: Callable[[], float],
        resolve: Resolve | None = None,
        whole: float = WHOLE_SECONDS,
    ) -> None:
        self._url = url
        self._form = form
        self._key = key.get_secret_value().encode() if key is not None else None
        self._clock = clock
        self._resolve = resolve or resolved
        self._whole = whole

    def send(self, records: Sequence[bytes]) -> Outcome:
        """Post records, once. Whatever comes of it is answered, and none of it names the address."""
        body = self._form(records)
        try:
            return self._post(body)
        except ssl.SSLCertVerificationError as error:
            why = str(getattr(error, "verify_message", ""))[:100] or "verification failed"
            return Stopped(
                f"the webhook's TLS certificate is not accepted ({why})", "check the certificate and the address"
            )
        except (OSError, HTTPException, ValueError) as error:
            return Later(f"the webhook gave no answer ({_kind(error)})")

    def _post(self, body: bytes) -> Outcome:
        parts = urlsplit(self._url.get_secret_value())
        host, secure = parts.hostname or "", parts.scheme == "https"
        port = parts.port or (443 if secure else 80)
        address = self._address(host, port, loopback_only=not secure)
        if isinstance(address, Stopped):
            return address
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        with closing(_connection(address, host, port, secure)) as connection:
            # Silence is bounded by the socket; bytes that trickle are not, so somebody hangs up.
            watch = Timer(self._whole, _hang_up, [connection])
            watch.daemon = True
            watch.start()
            try:
                connection.request("POST", path, body, self._headers(body))
                return _judged(connection.getresponse())
            finally:
                watch.cancel()

    def _address(self, host: str, port: int, *, loopback_only: bool) -> str | Stopped:
        """One of the host's addresses; none where any of them is one that nothing may be sent to."""
        found = self._resolve(host, port)
        for text in found:
            why = forbidden(text, loopback_only=loopback_only)
            if why is not None:
                return Stopped(f"the webhook's host has an address that is {why}", "name a host elsewhere")
        if not found:
            raise OSError("no address")
        return found[0]

    def _headers(self, body: bytes) -> Mapping[str, str]:
        return {
            "Content-Type": "application/json",
            "User-Agent": f"accesssync/{__version__}",
            "Connection": "close",
            **headers(body, int(self._clock()), self._key),
        }


def resolved(host: str, port: int) -> Sequence[str]:
    """The addresses of a host, in the order in which to try them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return tuple(dict.fromkeys(str(each[4][0]) for each in found))


def forbidden(text: str, *, loopback_only: bool) -> str | None:
    """Why nothing may be posted to an address; None where it may. Without TLS only this machine may be posted to."""
    address = _plain(ipaddress.ip_address(text.partition("%")[0]))
    if address in _METADATA:
        return "where clouds keep the secrets of machines"
    if address.is_link_local:
        return "link-local"
    if address.is_unspecified or address.is_multicast:
        return "nobody's"
    if loopback_only and not address.is_loopback:
        return "another machine's, without TLS"
    return None


def _plain(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The address that is really meant, where one is wrapped in another."""
    if isinstance(address, ipaddress.IPv4Address):
        return address
    if address.ipv4_mapped is not None:
        return address.ipv4_mapped
    if address.sixtofour is not None:
        return address.sixtofour
    return ipaddress.IPv4Address(int(address) & 0xFFFF_FFFF) if address in _NAT64 else address


class _Connection(HTTPConnection):
    """To an address that was looked at, whatever its host's name means by now."""

    def __init__(self, address: str, host: str, port: int, context: ssl.SSLContext | None) -> None:
        super().__init__(host, port, timeout=CONNECT_SECONDS)
        self._address = address
        self._context = context

    def connect(self) -> None:
        """Open it, and for HTTPS see that the certificate is of the host."""
        self.sock = socket.create_connection((self._address, self.port), CONNECT_SECONDS)
        if self._context is not None:
            self.sock = self._context.wrap_socket(self.sock, server_hostname=self.host)


def _connection(address: str, host: str, port: int, secure: bool) -> HTTPConnection:
    connection = _Connection(address, host, port, _tls() if secure else None)
    # What the Host header says of the port is only what differs from usual.
    connection.default_port = 443 if secure else 80
    return connection


def _tls() -> ssl.SSLContext:
    # Made by hand because the usual factories obey SSLKEYLOGFILE and would write the session keys to a file.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context


def _hang_up(connection: HTTPConnection) -> None:
    sock: Any = connection.sock
    with suppress(OSError, AttributeError):
        sock.shutdown(socket.SHUT_RDWR)


def _judged(response: HTTPResponse) -> Outcome:
    """What an answer means for the records."""
    status = response.status
    with suppress(OSError, HTTPException):
        response.read(_ANSWER_BYTES)
    if 200 <= status < 300:
        return Delivered()
    reason = f"the webhook answered HTTP {status}"
    if 300 <= status < 400:
        return Stopped(f"{reason}, a redirect, which is never followed", "name the address that it leads to", status)
    if status in _FOR_GOOD:
        return Refused(reason, status)
    if status in _PASSING or status >= 500:
        return Later(reason, _wait(response.headers.get("Retry-After"), response.headers.get("Date")), status)
    remedy = "check the address and the key: whoever is there does not take this"
    return Stopped(reason, remedy, status)


def _wait(told: str | None, date: str | None) -> float | None:
    """The seconds that an answer asks to wait, as a number or as a time; None for what is neither."""
    if told is None:
        return None
    text = told.strip()
    if text.isascii() and text.isdigit():
        return min(float(text[:9]), LONGEST_WAIT)
    try:
        seconds = (parsedate_to_datetime(text) - parsedate_to_datetime(date or "")).total_seconds()
    except (ValueError, TypeError):
        return None
    return min(max(seconds, 0.0), LONGEST_WAIT)


def _kind(error: Exception) -> str:
    """What went wrong, without quoting it: the text of foreign errors may hold the address."""
    if isinstance(error, socket.gaierror):
        return "its host cannot be resolved"
    if isinstance(error, TimeoutError):
        return "it took too long"
    if isinstance(error, ConnectionRefusedError):
        return "the connection was refused"
    if isinstance(error, ssl.SSLError):
        return "the TLS connection failed"
    if isinstance(error, ConnectionError | HTTPException):
        return "the connection broke off"
    return f"{type(error).__name__}"
