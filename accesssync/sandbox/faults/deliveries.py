"""Faults in how an answer travels. The request itself has been carried out by then."""

from dataclasses import dataclass, replace

from accesssync.sandbox.faults.effect import Effect
from accesssync.sandbox.replies import Reply


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
