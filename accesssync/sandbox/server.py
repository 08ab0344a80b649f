"""Serve an organization on a loopback port, inside this process or as a program of its own."""

import asyncio
import signal
import socket
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from random import Random
from types import FrameType, TracebackType
from typing import Self, TypedDict, Unpack

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from accesssync.sandbox.activity import Activity
from accesssync.sandbox.application import Application, Delivery
from accesssync.sandbox.control import Control
from accesssync.sandbox.endpoint import Behaviour
from accesssync.sandbox.faults.schedule import Faults
from accesssync.sandbox.limits import RateLimits
from accesssync.sandbox.organization import Organization, UnknownRecordError, wall_clock
from accesssync.sandbox.requests import Request, Write

LOOPBACK = "127.0.0.1"
_START_SECONDS = 10.0
_TICK_SECONDS = 1.0
_LAST_ANSWERS_SECONDS = 0.2


class Knobs(TypedDict, total=False):
    """What can be set on a server; see Settings for meanings and defaults."""

    port: int
    max_page_size: int
    announce_max_page_size: bool
    refuse_larger_pages: bool
    rate_limit: int
    rate_period: int
    gzip: bool
    latency_ms: float
    activity_share: float
    seed: int
    clock: Callable[[], datetime]
    control_token: str
    requests_kept: int


@dataclass(frozen=True, slots=True)
class Settings:
    """`port` 0 takes a free one. `max_page_size` is the largest page of users, `announce_max_page_size`
    whether answers name it, `refuse_larger_pages` whether a larger one is a 400 rather than clamped.
    Each family of endpoints answers `rate_limit` requests per `rate_period` seconds. Every answer is
    `latency_ms` late. `activity_share` of the people log in, and of the keys
    and tokens are used, between listings. `seed` decides who, and
    the order of ties. `clock` is the server's time. The newest `requests_kept` requests are remembered.
    """

    port: int = 0
    max_page_size: int = 1000
    announce_max_page_size: bool = True
    refuse_larger_pages: bool = False
    rate_limit: int = 3000
    rate_period: int = 60
    gzip: bool = True
    latency_ms: float = 0.0
    activity_share: float = 0.02
    seed: int = 0
    clock: Callable[[], datetime] = wall_clock
    control_token: str = "sandbox"  # noqa: S105  guards invented data on a loopback port
    requests_kept: int = 20_000


@dataclass(frozen=True, slots=True)
class SandboxInfo:
    """What a client needs to know to use a running sandbox.

    `app_key` may do everything; `minimal_app_key` only read, `provision_app_key` only write and read back. They are
    None where the organization has no such key.
    """

    url: str
    api_key: str
    app_key: str
    control_token: str
    minimal_app_key: str | None = None
    provision_app_key: str | None = None


class _ReachableProtocol(H11Protocol):
    """Lets the application reach the connection, which it has to break at times."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self.app_state = {**self.app_state, "transport": transport}


class _PromptServer(uvicorn.Server):
    """Ends at once when told, instead of looking ten times a second whether it should."""

    def __init__(self, config: uvicorn.Config, stopping: asyncio.Event) -> None:
        super().__init__(config)
        self._stopping = stopping

    async def main_loop(self) -> None:
        await self.on_tick(0)
        while not self._stopping.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _TICK_SECONDS)
            # A number divisible by ten renews the Date header.
            await self.on_tick(0)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for each in self.servers:
            each.close()
        for listener in sockets or []:
            listener.close()
        connections = list(self.server_state.connections)
        for connection in connections:
            connection.shutdown()
        if self.server_state.tasks:
            await asyncio.wait(self.server_state.tasks, timeout=_LAST_ANSWERS_SECONDS)
        for connection in connections:
            connection.transport.abort()
        # Closing takes the loop a turn or two.
        while self.server_state.connections:
            await asyncio.sleep(0)


class SandboxServer:
    """A look-alike of the Datadog API for one organization.

    A context manager: inside it the server answers on `url`; afterwards the port is closed.
    `organization` may be changed and `faults` added at any time.
    """

    def __init__(self, organization: Organization, **knobs: Unpack[Knobs]) -> None:
        self.organization = organization
        self.settings = settings = Settings(**knobs)
        self.faults = Faults()
        self._log: deque[Request] = deque(maxlen=settings.requests_kept)
        self._writes: deque[Write] = deque(maxlen=settings.requests_kept)
        if "clock" in knobs:
            organization.clock = settings.clock
        if not organization.api_keys:
            organization.add_api_key("sandbox")
        if not organization.app_keys and organization.users:
            organization.add_application_key(next(iter(organization.users)))
        self._delivery = Delivery(settings.gzip, settings.latency_ms / 1000)
        self._application = Application(
            organization,
            behaviour=Behaviour(settings.max_page_size, settings.announce_max_page_size, settings.refuse_larger_pages),
            limits=RateLimits(settings.rate_limit, settings.rate_period, settings.clock),
            faults=self.faults,
            activity=Activity(organization, settings.activity_share, settings.seed),
            delivery=self._delivery,
            control=Control(organization, self.faults, self._log, self._writes, settings.control_token),
            log=self._log,
            writes=self._writes,
            clock=settings.clock,
            rng=Random(settings.seed),  # noqa: S311  the order of ties, nothing secret
        )
        self._server: uvicorn.Server | None = None
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._port = 0

    @property
    def url(self) -> str:
        """Where it answers, without a trailing slash."""
        return f"http://{LOOPBACK}:{self._port}"

    @property
    def api_key(self) -> str:
        """The secret of the first API key."""
        return next(iter(self.organization.api_keys.values())).secret

    @property
    def app_key(self) -> str:
        """The secret of the first application key."""
        key = next(iter(self.organization.app_keys.values()), None)
        if key is None:
            raise UnknownRecordError("the organization has no application key")
        return key.secret

    @property
    def minimal_app_key(self) -> str | None:
        """The secret of the application key that may only read."""
        key = self.organization.minimal_key
        return key.secret if key else None

    @property
    def provision_app_key(self) -> str | None:
        """The secret of the application key that may write."""
        key = self.organization.provision_key
        return key.secret if key else None

    @property
    def info(self) -> SandboxInfo:
        """Address and keys in one value."""
        return SandboxInfo(
            self.url,
            self.api_key,
            self.app_key,
            self.settings.control_token,
            self.minimal_app_key,
            self.provision_app_key,
        )

    @property
    def requests(self) -> list[Request]:
        """The requests so far, oldest first, without those to the control paths."""
        return list(self._log)

    @property
    def writes(self) -> list[Write]:
        """The requests so far that might have changed something, oldest first."""
        return list(self._writes)

    def forget_requests(self) -> None:
        """Empty the log of requests."""
        self._log.clear()
        self._writes.clear()

    def start(self) -> Self:
        """Begin to answer; returns when it does."""
        # Only with the protocol named does asyncio switch off the delaying of small writes.
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((LOOPBACK, self.settings.port))
        except OSError:
            listener.close()
            raise
        listener.listen(256)
        self._port = listener.getsockname()[1]
        config = uvicorn.Config(
            self._application,
            http=_ReachableProtocol,
            ws="none",
            loop="asyncio",
            lifespan="off",
            interface="asgi3",
            log_config=None,
            log_level="critical",
            access_log=False,
            proxy_headers=False,
            server_header=False,
            timeout_keep_alive=60,
        )
        self._server = _PromptServer(config, self._delivery.stopping)
        self._thread = threading.Thread(target=self._run, args=(self._server, listener), daemon=True, name="sandbox")
        self._thread.start()
        deadline = time.monotonic() + _START_SECONDS
        while not self._server.started:
            if not self._thread.is_alive() or time.monotonic() > deadline:
                raise RuntimeError("the sandbox did not start")
            time.sleep(0.002)
        return self

    def _run(self, server: uvicorn.Server, listener: socket.socket) -> None:
        async def run() -> None:
            self._loop = asyncio.get_running_loop()
            await server.serve(sockets=[listener])

        asyncio.run(run())

    def shutdown(self) -> None:
        """Stop answering, hanging answers included. Does nothing when it is not running."""
        if self._server is None or self._thread is None or self._loop is None:
            return
        self._loop.call_soon_threadsafe(self._delivery.stopping.set)
        self._thread.join()
        self._server = self._thread = self._loop = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.shutdown()


def serve(
    organization: Organization,
    *,
    on_ready: Callable[[SandboxInfo], None],
    stop: threading.Event | None = None,
    **knobs: Unpack[Knobs],
) -> None:
    """Serve until SIGINT or SIGTERM arrives or `stop` is set, then return.

    `on_ready` is called once the server answers. Outside the main thread only `stop` ends it.
    """
    ended = stop or threading.Event()
    with _signals_set(ended), SandboxServer(organization, **knobs) as server:
        on_ready(server.info)
        # A wait without a limit would keep signals out on some platforms.
        while not ended.wait(0.2):
            pass


@contextmanager
def _signals_set(ended: threading.Event) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def end(_number: int, _frame: FrameType | None) -> None:
        ended.set()

    before = {each: signal.signal(each, end) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
