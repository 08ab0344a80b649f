"""One entry of the audit log: what it says, and the exact bytes by which the next one holds it.

What identifies a person is not in those bytes. In its place stands a keyed hash with a random key of its own, and
that key lies with the clear text, outside of the chain. Take both away and the chain holds as before, while nobody
can find out any more whom the hash stood for, not even by trying names.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from enum import StrEnum
from hashlib import sha256
from hmac import digest
from typing import Any

from msgspec import Struct

FORMAT = 1
"""The version of the bytes. Entries of an older one stay as they are."""

BEFORE_THE_FIRST = "0" * 64
"""What the first entry has in place of its predecessor's hash."""

KEY_BYTES = 32
LONGEST_TEXT = 1_000
"""Characters of a personal text that are kept; strangers may have names as long as they like."""


class Kind(StrEnum):
    """What an entry tells of."""

    RUN_PUBLISHED = "run.published"
    RUN_FAILED = "run.failed"
    RUN_ABANDONED = "run.abandoned"
    IDENTITY_DECIDED = "identity.decided"
    GOVERNANCE_APPLIED = "governance.applied"
    CHANGE_EXPLAINED = "change.explained"
    WAIVER_GIVEN = "waiver.given"
    WAIVER_ENDED = "waiver.ended"
    PLAN_MADE = "plan.made"
    PLAN_APPROVED = "plan.approved"
    PLAN_APPLIED = "plan.applied"
    GUARD_OVERRIDDEN = "guard.overridden"
    WRITE_INTENDED = "write.intended"
    WRITE_CONFIRMED = "write.confirmed"
    WRITE_REJECTED = "write.rejected"
    WRITE_UNKNOWN = "write.unknown"
    WRITE_RECONCILED = "write.reconciled"
    INSTALL_INTENDED = "install.intended"
    INSTALL_DONE = "install.done"
    AUDIT_EXPORTED = "audit.exported"
    REPORT_EXPORTED = "report.exported"
    PERSON_ERASED = "person.erased"


class Entry(Struct, frozen=True, kw_only=True):
    """Something that was done, before it has its place in the log.

    `actor` is who did it, by login name or address. `facts` are chained as they are: ids, counts, digests, names of
    operations and roles; whole numbers, texts, truth values, null, and lists and maps of these. Whatever is about a
    person (addresses, names, reasons in somebody's words) belongs into `personal` and nowhere else.
    """

    kind: Kind
    at: datetime
    actor: str
    org: str | None = None
    subject_id: str | None = None
    facts: Mapping[str, Any] = {}
    personal: Mapping[str, str | None] = {}


class Head(Struct, frozen=True):
    """The newest entry of a log: its number and its hash. `Head(0, BEFORE_THE_FIRST)` of an empty one."""

    seq: int
    hash: str


class Sealed(Struct, frozen=True, kw_only=True):
    """An entry in its place. `body` is what the hash is of; `personal` what its keyed hashes stand for."""

    seq: int
    at: datetime
    kind: str
    org: str | None
    subject_id: str | None
    body: str
    hash: str
    personal: str


EMPTY = Head(0, BEFORE_THE_FIRST)


def seal(entry: Entry, after: Head, new_key: Callable[[], bytes]) -> Sealed:
    """Put an entry behind the newest one. `new_key` gives KEY_BYTES random bytes, other ones at every call.

    Raises TypeError for facts that have no single canonical form, such as fractions.
    """
    texts = {"actor": entry.actor, **entry.personal}
    clear = {name: {"key": new_key().hex(), "value": _cut(text)} for name, text in texts.items() if text is not None}
    at = entry.at.astimezone(UTC)
    body = canonical(
        {
            "format": FORMAT,
            "seq": after.seq + 1,
            "previous": after.hash,
            "at": timestamp(at),
            "kind": entry.kind.value,
            "org": entry.org,
            "subject_id": entry.subject_id,
            "facts": dict(entry.facts),
            "personal": {name: keyed_hash(bytes.fromhex(one["key"]), one["value"]) for name, one in clear.items()},
        }
    )
    return Sealed(
        seq=after.seq + 1,
        at=at,
        kind=entry.kind.value,
        org=entry.org,
        subject_id=entry.subject_id,
        body=body,
        hash=hash_of(body),
        personal=canonical(clear),
    )


def hash_of(body: str) -> str:
    """The hash by which the next entry holds a body."""
    return sha256(body.encode()).hexdigest()


def keyed_hash(key: bytes, text: str) -> str:
    """What stands for a personal text in the chain."""
    return digest(key, text.encode("utf-8", "surrogatepass"), "sha256").hex()


def timestamp(at: datetime) -> str:
    """A time as the chain has it: UTC, always with microseconds."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def canonical(value: object) -> str:
    """The one way to write a value as JSON: sorted keys, no spaces, ASCII. TypeError where there is none."""
    _check(value)
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def _check(value: object) -> None:
    if value is None or isinstance(value, str | int):
        return
    if isinstance(value, list | tuple):
        for one in value:
            _check(one)
    elif isinstance(value, dict):
        for name, one in value.items():
            if not isinstance(name, str):
                raise TypeError(f"a key of type {type(name).__name__} has no canonical form")
            _check(one)
    else:
        raise TypeError(f"a {type(value).__name__} has no canonical form")


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_TEXT else text[: LONGEST_TEXT - 1] + "\u2026"
