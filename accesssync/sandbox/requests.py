"""One line of the log of requests."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked and what status it got; 0 where the connection was reset instead."""

    method: str
    path: str
    query: str
    status: int
