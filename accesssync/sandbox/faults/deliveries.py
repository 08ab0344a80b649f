"""Faults in how an answer travels. The request itself has been carried out by then."""

from dataclasses import dataclass, field, replace
from random import Random

from accesssync.sandbox.faults.effect import Effect, Incoming
from accesssync.sandbox.replies import Reply, error


@dataclass(slots=True)
class Truncated(Effect):
    """Only the first `keep` of the body, with a length that fits: the JSON breaks off."""

    keep: float = 0.5

    def deliver(self, reply: Reply) -> Reply:
        return replace(reply, body=reply.body[: int(len(reply.body) * self.keep)])


@dataclass(slots=True)
class ShortLength(Effect):
    """The length of the whole body is announced, `keep` of it is sent, then the connection closes."""

    keep: float = 0.5

    def deliver(self, reply: Reply) -> Reply:
        kept = reply.body[: int(len(reply.body) * self.keep)]
        return replace(reply, body=kept, declared_length=len(reply.body) + 1)


@dataclass(slots=True)
class Reset(Effect):
    """The connection is reset in place of an answer; a write has taken effect nevertheless."""

    def deliver(self, reply: Reply) -> Reply:
        return replace(reply, abort=True)


@dataclass(slots=True)
class Hang(Effect):
    """Nothing for `seconds`, then the answer."""

    seconds: float

    def deliver(self, reply: Reply) -> Reply:
        return replace(reply, delay=reply.delay + self.seconds)


@dataclass(slots=True)
class Drip(Effect):
    """One byte every `interval` seconds."""

    interval: float = 1.0

    def deliver(self, reply: Reply) -> Reply:
        return replace(reply, drip=self.interval)


@dataclass(slots=True)
class Endless(Effect):
    """The body over and over again, until the client closes the connection."""

    def deliver(self, reply: Reply) -> Reply:
        return replace(reply, endless=True)


@dataclass(slots=True)
class Lost(Effect):
    """The connection is reset and nothing was done: the request never reached anybody."""

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return Reply(503, abort=True)


@dataclass(slots=True)
class Unreliable(Effect):
    """Of the requests that write, a share fails before anything is done and a share afterwards.

    How a request fails is drawn too: its connection is reset, or it gets one of several answers that do not tell
    whether it was carried out. The same `seed` draws the same for the same order of requests.
    """

    before: float = 0.2
    after: float = 0.2
    seed: int = 0
    _rng: Random = field(init=False)

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)  # noqa: S311  what fails, nothing secret

    def concerns(self, incoming: Incoming, /) -> bool:
        return incoming.method != "GET"

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        return self._failure() if self._rng.random() < self.before else None

    def deliver(self, reply: Reply) -> Reply:
        if reply.abort or reply.status >= 500:
            return reply
        # Of those that were not struck before.
        share = self.after / (1 - self.before) if self.before < 1 else 0.0
        return self._failure() if self._rng.random() < share else reply

    def _failure(self) -> Reply:
        if self._rng.random() < 0.5:
            return Reply(503, abort=True)
        return error(self._rng.choice((500, 502, 503, 504)), "Internal Server Error")
