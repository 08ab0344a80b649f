"""One request and its answer on a kept connection, read no further and no longer than was agreed.

The pools and connections are those of urllib3, which know how to connect and whom to trust. What urllib3 does around
a request for those who follow redirects, repeat and stream cost more than half of the time of a page; here a request
is handed to the standard library's HTTP, and its answer is read as it comes.
"""

import io
import zlib
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from http.client import HTTPConnection as PlainConnection
from http.client import HTTPResponse as PlainResponse
from http.client import IncompleteRead
from socket import SocketIO, socket
from typing import Any, Final, cast

from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import DecodeError

_PIECE: Final = 256 * 1024


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


class Answer:
    """The answer to one request: its status, its headers by their names in lower case, its body not yet read."""

    def __init__(self, response: PlainResponse, release: Callable[[bool], None]) -> None:
        self.status = response.status
        self.headers: dict[str, str] = {}
        for name, value in response.headers.items():
            key = name.lower()
            self.headers[key] = f"{self.headers[key]}, {value}" if key in self.headers else value
        self._response = response
        self._release = release
        self._released = False
        self._inflate: Any = None
        self._packed = b""

    def read(self, amount: int) -> bytes:
        """At most so many bytes of the body, decompressed; none at its end. Raises where it breaks off."""
        encoding = self.headers.get("content-encoding", "").strip().lower()
        if encoding in ("", "identity"):
            return self._more(amount)
        if encoding not in ("gzip", "x-gzip"):
            raise DecodeError("the body is compressed in a way that was not asked for")
        return self._decompressed(amount)

    def _decompressed(self, amount: int) -> bytes:
        while packed := self._packed or self._more(_PIECE):
            self._inflate = self._inflate or zlib.decompressobj(16 + zlib.MAX_WBITS)
            try:
                piece: bytes = self._inflate.decompress(packed, amount)
            except zlib.error as error:
                raise DecodeError("the body is not compressed as it says") from error
            # Behind the end nothing has a meaning. It is read all the same, so that the connection can be used again.
            self._packed = self._inflate.unconsumed_tail
            if piece:
                return piece
        if self._inflate is not None and not self._inflate.eof:
            raise DecodeError("the compressed body broke off")
        return b""

    def _more(self, amount: int) -> bytes:
        piece = self._response.read(amount)
        if not piece and self._response.length:
            raise IncompleteRead(b"", self._response.length)
        return piece

    def close(self) -> None:
        """Give the connection back; it is kept only where nothing of the body is left to read."""
        if not self._released:
            self._released = True
            whole = self._response.isclosed() or self._response.length == 0
            self._response.close()
            self._release(whole)


class Pool(HTTPConnectionPool):
    """Connections to one host. Safe to use from several threads."""

    def exchange(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None, *, connect: float, read: float
    ) -> Answer:
        """Send one request and return its answer, whatever its status; `connect` and `read` are seconds of silence."""
        connection = cast(HTTPConnection, self._get_conn())
        try:
            if connection.sock is None:
                connection.timeout = connect
                connection.connect()
            connection.sock.settimeout(read)
            PlainConnection.request(connection, method, target, body, headers)
            answer = PlainConnection.getresponse(connection)
            return Answer(answer, lambda whole: self._give_back(connection, keep=whole))
        except BaseException:
            self._give_back(connection, keep=False)
            raise

    def _give_back(self, connection: HTTPConnection, *, keep: bool) -> None:
        if not keep:
            connection.close()
        self._put_conn(connection)


class PlainPool(Pool):
    """Connections without encryption."""

    ConnectionCls = _Connection


class TlsPool(Pool, HTTPSConnectionPool):
    """Encrypted connections."""

    ConnectionCls = _TlsConnection
