"""An answer before it is sent, and the several shapes in which Datadog says no."""

from dataclasses import dataclass, field

from accesssync.sandbox.render import to_json

JSON = "application/json"


@dataclass(slots=True)
class Reply:
    """An answer and how it is to be delivered.

    `delay` seconds pass before the first byte. `drip` sends single bytes that many seconds apart.
    `declared_length` is announced instead of the true length. `abort` resets the connection instead of
    answering. `endless` repeats the body until the client gives up. `encoding` says that the body is
    already compressed. A header whose value is None is left out even where it is always sent.
    """

    status: int = 200
    body: bytes = b""
    content_type: str = JSON
    headers: dict[str, str | None] = field(default_factory=dict)
    encoding: str | None = None
    delay: float = 0.0
    drip: float | None = None
    declared_length: int | None = None
    abort: bool = False
    endless: bool = False


class RefusedError(Exception):
    """The request is answered with an error instead."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(reply.status)
        self.reply = reply


def error(status: int, *messages: str) -> Reply:
    """The usual shape: a list of strings."""
    return Reply(status, to_json({"errors": list(messages)}))


def detailed_error(status: int, title: str, detail: str) -> Reply:
    """The newer shape: a list of objects."""
    return Reply(status, to_json({"errors": [{"status": str(status), "title": title, "detail": detail}]}))


def too_many_requests() -> Reply:
    """A refusal with nothing in it; only the headers tell."""
    return Reply(429)


def not_found(what: str) -> Reply:
    """The shape for a record that does not exist."""
    return error(404, f"{what} not found")
