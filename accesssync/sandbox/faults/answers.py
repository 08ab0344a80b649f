"""Faults that answer in place of the API, or do something just before it answers."""

import gzip
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache

from accesssync.sandbox.faults.effect import Effect, Incoming
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.replies import JSON, Reply, error

HTML = "text/html; charset=utf-8"
_LOGIN_PAGE = "<!DOCTYPE html><html><head><title>Log in</title></head><body><form>Sign in</form></body></html>"
_MESSAGES = {
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


@dataclass(slots=True)
class Status(Effect):
    """A status code. Without `body` it gets the one that goes with it; 429 has none."""

    code: int
    body: str | None = None
    headers: Mapping[str, str | None] = field(default_factory=dict)
    content_type: str = JSON

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        reply = error(self.code, _MESSAGES.get(self.code, "Error")) if self.code != 429 else Reply(429)
        if self.body is not None:
            reply.body = self.body.encode()
        reply.headers = dict(self.headers)
        reply.content_type = self.content_type
        return reply


@dataclass(slots=True)
class RateLimited(Effect):
    """429 with any text as `X-RateLimit-Reset`, or with none; `html` sends a page as its body."""

    reset: str | None = "1"
    html: bool = False

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        headers = {"X-RateLimit-Reset": self.reset, "X-RateLimit-Remaining": "0"}
        if self.html:
            return Reply(429, b"<html><body><h1>Too many requests</h1></body></html>", HTML, headers)
        return Reply(429, headers=headers)


@dataclass(slots=True)
class Body(Effect):
    """This text, whatever was asked."""

    text: str
    status: int = 200
    content_type: str = JSON

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return Reply(self.status, self.text.encode(), self.content_type)


@dataclass(slots=True)
class Html(Effect):
    """A log-in page that claims success."""

    status: int = 200

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return Reply(self.status, _LOGIN_PAGE.encode(), HTML)


def empty_body() -> Body:
    """Success and no body at all."""
    return Body("")


def empty_object() -> Body:
    """`{}`."""
    return Body("{}")


def null_data() -> Body:
    """`data` is null."""
    return Body('{"data":null}')


def data_object() -> Body:
    """`data` is an object where a list belongs."""
    return Body('{"data":{},"meta":{"page":{"total_count":0,"total_filtered_count":0}}}')


def data_integers() -> Body:
    """`data` is a list of numbers."""
    return Body('{"data":[1,2,3],"meta":{"page":{"total_count":3,"total_filtered_count":3}}}')


@dataclass(slots=True)
class Redirect(Effect):
    """Sends the client, with its keys if it is careless, to any address."""

    to: str
    status: int = 302

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return Reply(self.status, headers={"Location": self.to})


@cache
def _bomb(megabytes: int) -> bytes:
    filler = b" " * (1 << 20)
    return gzip.compress(b'{"data":[' + filler * megabytes + b"]}", 9, mtime=0)


@dataclass(slots=True)
class GzipBomb(Effect):
    """A small compressed body that unpacks to `megabytes`."""

    megabytes: int = 64

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return Reply(body=_bomb(self.megabytes), encoding="gzip")


@dataclass(slots=True)
class Nested(Effect):
    """JSON that is nested `depth` levels deep."""

    depth: int = 100_000

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return Reply(body=b'{"data":' + b"[" * self.depth + b"]" * self.depth + b"}")


@dataclass(slots=True)
class Run(Effect):
    """Calls `action` with the organization, then lets the request go on."""

    action: Callable[[Organization], object]

    def instead(self, incoming: Incoming, /) -> Reply | None:
        self.action(incoming.organization)
        return None


@dataclass(slots=True)
class ShiftLeft(Effect):
    """A user vanishes just before this page is cut: everybody after moves up by one.

    Without `user` it is the one whose e-mail sorts first and who owns no key.
    """

    user: str | None = None

    def instead(self, incoming: Incoming, /) -> Reply | None:
        organization = incoming.organization
        owners = {each.owner_id for each in organization.app_keys.values()}
        victims = (each for each in organization.users.values() if each.id not in owners)
        organization.remove_user(self.user or min(victims, key=lambda user: user.email).id)
        return None


@dataclass(slots=True)
class ShiftRight(Effect):
    """A user appears just before this page is cut, before everybody else: all move down by one."""

    email: str = "0-newcomer@arrivals.example"

    def instead(self, incoming: Incoming, /) -> Reply | None:
        incoming.organization.add_user(self.email, name="New Comer")
        return None
