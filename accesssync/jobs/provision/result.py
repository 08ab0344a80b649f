"""What became of one action, and of many of them as an exit code."""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct

from accesssync.model.operation import Operation


class Became(StrEnum):
    """What became of one action, in the contract's words."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    NOT_ATTEMPTED = "not_attempted"


class Result(Struct, frozen=True, kw_only=True):
    """What became of one action, and why.

    `refused`: it was left because something stands against it, not because nothing was left to do. `denied`: the key
    may not do this, so that others of the kind need not be tried. `status` is Datadog's answer where that matters.
    """

    number: int
    operation: Operation
    subject: str
    outcome: Became
    detail: str = ""
    refused: bool = False
    denied: bool = False
    status: int | None = None
    subject_id: str | None = None


def worst(results: Sequence[Result]) -> int:
    """The exit code of a set of results: unknown, then denied, failed, refused, and 0 where all is as planned."""
    if any(one.outcome is Became.UNKNOWN for one in results):
        return 10
    if any(one.denied for one in results):
        return 6
    if any(one.outcome in (Became.FAILED, Became.NOT_ATTEMPTED) and not one.refused for one in results):
        return 5
    return 4 if any(one.refused for one in results) else 0
