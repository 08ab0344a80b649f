"""Which attributes are facts, since which version of this program, and when two values are the same.

A fact drifts; everything else that Datadog sends does not. `modified_at`, `icon` and counts are neither
facts nor activity. A version number goes with every stored fact: what an older version did not decode
is not compared with what a newer one sees, so that an upgrade is no news.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import blake2b
from typing import Any, Final

from msgspec import msgpack

from accesssync.model.change import FieldValue
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role

FACTS_VERSION: Final = 1
"""Raise this when a fact is added below, or when `digest` changes what it covers."""

IDENTITY_FACTS: Final[dict[str, int]] = {
    "email": 1,
    "handle": 1,
    "name": 1,
    "title": 1,
    "status": 1,
    "disabled": 1,
    "verified": 1,
    "mfa_enabled": 1,
    "service_account": 1,
    "created_at": 1,
}
"""Facts of a user record, with the version that first decoded them. Its roles are grants, compared apart."""

ROLE_FACTS: Final[dict[str, int]] = {"name": 1, "created_at": 1}
"""Facts of a role. Its permissions are compared apart."""

CASELESS: Final = frozenset({"email", "handle"})
"""Datadog lower-cases e-mails when it pleases; their letter case says nothing."""

_encode = msgpack.Encoder().encode


def plain(value: object) -> FieldValue:
    """A fact as it is shown and stored in a change."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return list(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"not a fact: {type(value).__name__}")


def same(field: str, before: object, after: object) -> bool:
    """Whether two values of a fact mean the same."""
    if before == after:
        return True
    if field in CASELESS and isinstance(before, str) and isinstance(after, str):
        return before.lower() == after.lower()
    return False


def identity_digest(record: Identity) -> bytes:
    """16 bytes that differ when any fact of a user record, or its set of roles, differs.

    Activity is left out. The order of roles and the letter case of e-mails do not count.
    """
    return _digest(
        (
            FACTS_VERSION,
            record.email and record.email.lower(),
            record.handle and record.handle.lower(),
            record.name,
            record.title,
            record.status,
            record.disabled,
            record.verified,
            record.mfa_enabled,
            record.service_account,
            record.created_at,
            sorted(set(record.role_ids)),
            record.malformed,
        )
    )


def role_digest(record: Role) -> bytes:
    """16 bytes that differ when any fact of a role, or its set of permissions, differs."""
    return _digest(
        (FACTS_VERSION, record.name, record.created_at, sorted(set(record.permission_ids)), record.malformed)
    )


def permission_digest(record: Permission) -> bytes:
    """16 bytes that differ when a permission of Datadog's catalogue is described differently."""
    return _digest(
        (
            FACTS_VERSION,
            record.name,
            record.display_name,
            record.group_name,
            record.display_type,
            record.restricted,
            record.malformed,
        )
    )


def _digest(facts: tuple[Any, ...]) -> bytes:
    return blake2b(_encode(facts), digest_size=16).digest()


Digest = Callable[[Any], bytes]
