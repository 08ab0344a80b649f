"""What the server remembers of the requests that came."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked and what status it got; 0 where the connection was reset instead."""

    method: str
    path: str
    query: str
    status: int


@dataclass(frozen=True, slots=True)
class Write:
    """A request that may change something, and what became of it.

    `body` is what was sent, parsed where it could be. `decided` is the status that the API itself came to, None where a
    fault or the rate limit kept the request from it; it was carried out where that is below 300. `answered` is what
    the client got, 0 where the connection was reset instead. `by` is the owner of the application key, where known.
    """

    method: str
    path: str
    body: object
    decided: int | None
    answered: int
    by: str | None

    @property
    def done(self) -> bool:
        """Whether anything was changed."""
        return self.decided is not None and self.decided < 300
