"""HTTP that cannot be dragged out, redirected or made to read more than was asked for.

The official client's own HTTP layer follows redirects with the keys, repeats requests by itself and raises
errors before an error body can be bounded. This one does none of that: one call is at most one request, and
whatever status comes back is returned.
"""

import io
import json
import logging
import ssl
from collections.abc import Callable, Mapping, Sequence
from contextvars import ContextVar
from http.client import HTTPResponse as PlainResponse
from socket import SocketIO, socket
from typing import Any, cast
from urllib.parse import urlencode

from datadog_api_client.configuration import Configuration
from datadog_api_client.rest import RESTClientObject
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, Retry, Timeout
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.response import BaseHTTPResponse

from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import Permit


class Deadline:
    """A moment on the monotonic clock."""

    __slots__ = ("_at", "_clock")

    def __init__(self, clock: Callable[[], float], seconds: float) -> None:
        self._clock = clock
        self._at = clock() + seconds

    def left(self) -> float:
        """Seconds until then; negative afterwards."""
        return self._at - self._clock()


# The client's endpoint methods have no argument through which a deadline could travel to the socket.
current_deadline: ContextVar[Deadline | None] = ContextVar("current_deadline", default=None)


class Sending:
    """Whether a request was begun: what fails before that has certainly changed nothing."""

    __slots__ = ("started",)

    def __init__(self) -> None:
        self.started = False


current_sending: ContextVar[Sending | None] = ContextVar("current_sending", default=None)


class _TimedSocket(io.RawIOBase):
    """The reading side of a socket. A socket's own timeout only bounds silence, so that one byte now and
    then, in the headers or in the body, would hold a thread for ever; this ends at the deadline."""

    def __init__(self, sock: socket, raw: SocketIO, deadline: Deadline) -> None:
        super().__init__()
        self._sock = sock
        self._raw = raw
        self._deadline = deadline
        self._silence = sock.gettimeout()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int | None:
        left = self._deadline.left()
        if left <= 0:
            raise TimeoutError("the deadline has passed")
        self._sock.settimeout(left if self._silence is None else min(left, self._silence))
        return self._raw.readinto(buffer)

    def close(self) -> None:
        self._raw.close()
        super().close()


class _TimedResponse(PlainResponse):
    def __init__(self, sock: socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        deadline = current_deadline.get()
        if deadline is not None:
            raw = cast(SocketIO, self.fp.detach())
            self.fp = io.BufferedReader(_TimedSocket(sock, raw, deadline), 64 * 1024)


class _Connection(HTTPConnection):
    response_class = _TimedResponse


class _TlsConnection(HTTPSConnection):
    response_class = _TimedResponse


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class Rest(RESTClientObject):
    """The HTTP layer under the official client. Sends only what `permit` lets through; the rest is refused unsent."""

    def __init__(self, configuration: Configuration, *, concurrency: int, limits: Limits, permit: Permit) -> None:
        # As many kept connections as callers, else urllib3 throws connections away and complains each time.
        super().__init__(configuration, maxsize=concurrency)  # type: ignore[no-untyped-call]
        self._limits = limits
        self._permit = permit
        self.pool_manager.pool_classes_by_scheme = {"http": _Pool, "https": _TlsPool}
        # Reading the trusted certificates takes longer than many a whole run against a loopback address.
        if configuration.host.startswith("https:"):
            self.pool_manager.connection_pool_kw["ssl_context"] = _tls()
        # urllib3 reports malformed response headers by quoting them, and a response may echo a key.
        logging.getLogger("urllib3").setLevel(logging.CRITICAL)

    def request(  # type: ignore[override]
        self,
        method: str,
        url: str,
        query_params: Sequence[tuple[str, Any]] | None = None,
        headers: Mapping[str, str] | None = None,
        body: Any = None,
        **_ignored: Any,
    ) -> BaseHTTPResponse:
        """Send one request and return the unread answer, whatever its status.

        Timeouts and reading are our own business, so what the client passes about them is ignored.
        """
        self._permit(method.upper(), url, body)
        if query_params:
            url += "?" + urlencode(query_params)
        deadline = current_deadline.get()
        left = self._limits.attempt if deadline is None else max(deadline.left(), 0.001)
        sending = current_sending.get()
        if sending is not None:
            sending.started = True
        return self.pool_manager.urlopen(
            method.upper(),
            url,
            # Bytes are in their final form already, compressed where the headers say so.
            body=body if body is None or isinstance(body, bytes) else json.dumps(body).encode(),
            headers=headers,
            timeout=Timeout(connect=min(self._limits.connect, left), read=min(self._limits.read, left)),
            retries=Retry(False),
            redirect=False,
            preload_content=False,
        )


def _tls() -> ssl.SSLContext:
    # Made by hand because the usual factories obey SSLKEYLOGFILE and would write the session keys to a file.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_default_certs()
    return context
