"""The ASGI application: routes, rate limits, keys, faults, compression, and the log of requests."""

import asyncio
import gzip
import json
import re
import socket
import struct
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import cast

from starlette.datastructures import QueryParams
from starlette.routing import compile_path
from starlette.types import Receive, Scope, Send

from accesssync.sandbox.access import identify
from accesssync.sandbox.activity import Activity
from accesssync.sandbox.control import Control
from accesssync.sandbox.endpoint import Behaviour, Call, Endpoint
from accesssync.sandbox.faults.effect import Incoming
from accesssync.sandbox.faults.schedule import Faults, Strike
from accesssync.sandbox.limits import RateLimits
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.replies import RefusedError, Reply, error, too_many_requests
from accesssync.sandbox.requests import Request, Write
from accesssync.sandbox.resources import ENDPOINTS

_COMPRESS_FROM = 500
_LARGEST_BODY = 10 << 20


@dataclass(slots=True)
class Delivery:
    """How answers travel: compressed if the client likes, `latency` seconds late."""

    gzip: bool = True
    latency: float = 0.0
    stopping: asyncio.Event = field(default_factory=asyncio.Event)

    async def pause(self, seconds: float) -> bool:
        """Wait, unless the server stops; says whether it goes on."""
        try:
            await asyncio.wait_for(self.stopping.wait(), seconds)
        except TimeoutError:
            return True
        return False


class _Routes:
    """Finds the endpoint for a path; fixed paths first."""

    def __init__(self, endpoints: Sequence[Endpoint]) -> None:
        self._fixed: dict[str, dict[str, Endpoint]] = {}
        self._patterns: list[tuple[re.Pattern[str], dict[str, Endpoint]]] = []
        by_path: dict[str, dict[str, Endpoint]] = {}
        for each in endpoints:
            by_path.setdefault(each.path, {})[each.method] = each
        for path, methods in by_path.items():
            if "{" in path:
                self._patterns.append((compile_path(path)[0], methods))
            else:
                self._fixed[path] = methods

    def find(self, path: str) -> tuple[Mapping[str, Endpoint], Mapping[str, str]]:
        """The endpoints of a path by method, and the parts of the path."""
        fixed = self._fixed.get(path)
        if fixed is not None:
            return fixed, {}
        for pattern, methods in self._patterns:
            matched = pattern.match(path)
            if matched:
                return methods, matched.groupdict()
        return {}, {}


class Application:
    """Answers requests to one organization."""

    def __init__(
        self,
        organization: Organization,
        *,
        behaviour: Behaviour,
        limits: RateLimits,
        faults: Faults,
        activity: Activity,
        delivery: Delivery,
        control: Control,
        log: deque[Request],
        writes: deque[Write],
        clock: Callable[[], datetime],
        rng: Random,
    ) -> None:
        self._organization = organization
        self._behaviour = behaviour
        self._limits = limits
        self._faults = faults
        self._activity = activity
        self._delivery = delivery
        self._control = control
        self._log = log
        self._writes = writes
        self._clock = clock
        self._rng = rng
        self._routes = _Routes(ENDPOINTS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        method, path = cast(str, scope["method"]), cast(str, scope["path"])
        text = scope["query_string"].decode("latin-1")
        body = b"" if method == "GET" else await _read(receive)
        if path.startswith("/_sandbox/"):
            await self._send(self._control.answer(method, path, headers, body), scope, receive, send, squeeze=False)
            return
        query = QueryParams(text)
        incoming = Incoming(method, path, _page_number(query), self._organization)
        strikes = self._faults.strike(incoming)
        reply, decided = self._answer(incoming, headers, query, body, strikes)
        for each in strikes:
            reply = each.deliver(reply)
        answered = 0 if reply.abort else reply.status
        self._log.append(Request(method, path, text, answered))
        if method != "GET":
            self._writes.append(self._write(incoming, headers, body, decided, answered))
        reply.delay += self._delivery.latency
        squeeze = self._delivery.gzip and "gzip" in headers.get("accept-encoding", "")
        await self._send(reply, scope, receive, send, squeeze=squeeze)

    def _answer(
        self,
        incoming: Incoming,
        headers: Mapping[str, str],
        query: QueryParams,
        body: bytes,
        strikes: Sequence[Strike],
    ) -> tuple[Reply, int | None]:
        """The answer, and the status that the API came to by itself, where it was asked."""
        methods, parts = self._routes.find(incoming.path)
        endpoint = methods.get(incoming.method)
        within, limit_headers = self._within(endpoint)
        reply = next((spoiled for each in strikes if (spoiled := each.instead(incoming))), None)
        decided: int | None = None
        if reply is None:
            if not within:
                reply = too_many_requests()
            elif endpoint is None:
                reply = error(405, "Method Not Allowed") if methods else error(404, "Not found")
            else:
                reply = self._call(endpoint, incoming, headers, parts, query, body, strikes)
                decided = reply.status
        reply.headers = {**limit_headers, **reply.headers}
        return reply, decided

    def _within(self, endpoint: Endpoint | None) -> tuple[bool, dict[str, str]]:
        if endpoint is not None and endpoint.intake:
            return True, {}
        return self._limits.spend(endpoint.family if endpoint else "other")

    def _write(
        self, incoming: Incoming, headers: Mapping[str, str], body: bytes, decided: int | None, answered: int
    ) -> Write:
        key = self._organization.app_keys_by_secret.get(headers.get("dd-application-key", ""))
        endpoint = self._routes.find(incoming.path)[0].get(incoming.method)
        try:
            sent: object = json.loads(body) if body and not (endpoint and endpoint.intake) else None
        except (ValueError, RecursionError):
            sent = body.decode("latin-1")
        return Write(incoming.method, incoming.path, sent, decided, answered, key.owner_id if key else None)

    def _call(
        self,
        endpoint: Endpoint,
        incoming: Incoming,
        headers: Mapping[str, str],
        parts: Mapping[str, str],
        query: QueryParams,
        body: bytes,
        strikes: Sequence[Strike],
    ) -> Reply:
        organization, now = self._organization, self._clock()
        with organization.lock:
            try:
                caller = identify(organization, headers, endpoint.access, now)
                asked = Call(
                    organization=organization,
                    behaviour=self._behaviour,
                    activity=self._activity,
                    rng=self._rng,
                    caller=caller,
                    path=parts,
                    query=query,
                    headers=headers,
                    body=body,
                    now=now,
                    requested=incoming.path,
                    origin=f"http://{headers.get('host', 'localhost')}",
                    spoilers=strikes,
                )
                with organization.acting(caller.owner.id if caller.owner else None):
                    return endpoint.answer(asked)
            except RefusedError as refused:
                return refused.reply

    async def _send(self, reply: Reply, scope: Scope, receive: Receive, send: Send, *, squeeze: bool) -> None:
        transport = cast(asyncio.Transport, scope["state"]["transport"])
        if reply.delay and not await self._delivery.pause(reply.delay):
            transport.abort()
        if reply.abort:
            _reset(transport)
            while (await receive())["type"] != "http.disconnect":
                pass
            return
        if squeeze and reply.encoding is None and len(reply.body) >= _COMPRESS_FROM:
            reply.body, reply.encoding = gzip.compress(reply.body, 1, mtime=0), "gzip"
            if reply.declared_length is not None:
                reply.declared_length = len(reply.body)
                reply.body = reply.body[: len(reply.body) // 2]
        await send({"type": "http.response.start", "status": reply.status, "headers": _headers(reply)})
        if reply.endless:
            while not transport.is_closing() and not self._delivery.stopping.is_set():
                await send({"type": "http.response.body", "body": reply.body or b" ", "more_body": True})
                await asyncio.sleep(0)
        elif reply.drip is not None:
            await self._drip(reply.body, reply.drip, transport, send)
        else:
            # Ending without the announced length makes the server close the connection.
            broken = reply.declared_length is not None
            await send({"type": "http.response.body", "body": reply.body, "more_body": broken})

    async def _drip(self, body: bytes, interval: float, transport: asyncio.Transport, send: Send) -> None:
        for at in range(len(body)):
            if transport.is_closing() or not await self._delivery.pause(interval):
                return
            await send({"type": "http.response.body", "body": body[at : at + 1], "more_body": at + 1 < len(body)})


async def _read(receive: Receive) -> bytes:
    chunks: list[bytes] = []
    size, more = 0, True
    while more and size <= _LARGEST_BODY:
        message = await receive()
        chunk: bytes = message.get("body", b"")
        chunks.append(chunk)
        size += len(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _page_number(query: Mapping[str, str]) -> int:
    text = query.get("page[number]", "0")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 12 else 0


def _headers(reply: Reply) -> list[tuple[bytes, bytes]]:
    headers = [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in reply.headers.items()
        if value is not None
    ]
    headers.append((b"content-type", reply.content_type.encode("latin-1")))
    if reply.encoding:
        headers.append((b"content-encoding", reply.encoding.encode("latin-1")))
    if not reply.endless:
        length = len(reply.body) if reply.declared_length is None else reply.declared_length
        headers.append((b"content-length", str(length).encode()))
    return headers


def _reset(transport: asyncio.Transport) -> None:
    # With a linger time of zero the peer sees a reset rather than an orderly end.
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()
