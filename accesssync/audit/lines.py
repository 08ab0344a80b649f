"""The log as lines of JSON, for whoever keeps it elsewhere; read back, they can be verified like the log itself."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime

from accesssync.audit.entry import Sealed, canonical


class BadLineError(ValueError):
    """A line that is no entry of an audit log. Its text names the line and never quotes it."""


def line_of(one: Sealed) -> str:
    """One entry: what was chained, its hash, and the personal texts that the chain has hashes of."""
    return canonical(
        {"entry": json.loads(one.body), "hash": one.hash, "personal": json.loads(one.personal)},
    )


def read_lines(lines: Iterable[str]) -> Iterator[Sealed]:
    """The entries of an export, one by one; BadLineError at the first line that is none."""
    for number, line in enumerate(lines, start=1):
        try:
            yield _entry(json.loads(line))
        except (ValueError, TypeError, KeyError, RecursionError):
            raise BadLineError(f"line {number} is no entry of an audit log") from None


def _entry(found: dict[str, object]) -> Sealed:
    entry = found["entry"]
    if not isinstance(entry, dict):
        raise TypeError
    at = datetime.fromisoformat(entry["at"])
    if at.tzinfo is None or not isinstance(entry["seq"], int):
        raise ValueError
    return Sealed(
        seq=entry["seq"],
        at=at,
        kind=str(entry["kind"]),
        org=entry["org"],
        subject_id=entry["subject_id"],
        body=canonical(entry),
        hash=str(found["hash"]),
        personal=canonical(found["personal"]),
    )
