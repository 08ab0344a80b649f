"""Which attributes are facts, since which version of this program, and when two values are the same.

A fact drifts; everything else that Datadog sends does not. `modified_at`, `icon` and counts are neither
facts nor activity. A version number goes with every stored fact: what an older version did not decode
is not compared with what a newer one sees, so that an upgrade is no news.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from hashlib import blake2b
from operator import attrgetter
from typing import Any, Final

from msgspec import Struct, msgpack

from accesssync.model.change import FieldValue
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.model.team import Membership, Team

FACTS_VERSION: Final = 1
"""Raise this when a fact is added below, always at the end of its kind, or when `digest_of` changes what it covers.

At most 255."""


class References(Struct, frozen=True):
    """A part of a record that is a set of references, each of which comes and goes by itself.

    `attribute` holds the ids, `label` is what one of them is called in a change, `noun` begins the kind of
    that change: `noun` + `added` or `removed`.
    """

    attribute: str
    label: str
    noun: str


class Noun(Struct, frozen=True):
    """A kind of record: what its changes are called, and its facts with the version that first decoded each."""

    name: str
    facts: Mapping[str, int]
    references: References | None = None


NOUNS: Final[Mapping[type, Noun]] = {
    Identity: Noun(
        "identity",
        {
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
        },
        References("role_ids", "role", "grant."),
    ),
    Role: Noun("role", {"name": 1, "created_at": 1}, References("permission_ids", "permission", "role_permission.")),
    Permission: Noun("permission", {"name": 1, "display_name": 1, "group_name": 1, "display_type": 1, "restricted": 1}),
    Credential: Noun(
        "credential",
        {
            "type": 1,
            "name": 1,
            "owner_id": 1,
            "created_by_id": 1,
            "scopes": 1,
            "scopes_known": 1,
            "created_at": 1,
            "expires_at": 1,
            "last4": 1,
            "disabled": 1,
            "leaked": 1,
            "category": 1,
        },
        References("user_ids", "user", "credential.user_"),
    ),
    Team: Noun("team", {"name": 1, "handle": 1, "created_at": 1}),
    Membership: Noun("membership", {"team_id": 1, "user_id": 1, "role": 1}),
    AuthnMapping: Noun(
        "mapping", {"attribute_key": 1, "attribute_value": 1, "role_id": 1, "team_id": 1, "created_at": 1}
    ),
}

_PLAIN: Final = 1 << 8
"""Below this a mark is a version and nothing else; each bit from here on is a part that was never understood."""


def mark_of(record_type: type, never_understood: Iterable[str] = ()) -> int:
    """What is kept with a stored record: this version, and which parts of it no answer so far made sense of.

    A part is a fact or the set of references. What is understood for the first time was there before, for all that
    is known: it is no news, as little as what a newer version decodes.
    """
    parts = _parts(record_type)
    return FACTS_VERSION + sum(_PLAIN << parts.index(name) for name in set(never_understood) if name in parts)


def read_mark(record_type: type, mark: int) -> tuple[int, frozenset[str]]:
    """The version that stored a record, and the parts of it that were never understood until then."""
    unread = mark // _PLAIN
    names = (name for number, name in enumerate(_parts(record_type)) if unread >> number & 1) if unread else ()
    return mark % _PLAIN, frozenset(names)


def _parts(record_type: type) -> tuple[str, ...]:
    # The references first, so that facts can be added at the end without moving any.
    noun = NOUNS[record_type]
    return (noun.references.attribute if noun.references else "", *noun.facts)


CASELESS: Final = frozenset({"email", "handle"})
"""Datadog lower-cases e-mails when it pleases; their letter case says nothing. (A team's handle is lower case.)"""

_encode = msgpack.Encoder().encode
_decode = msgpack.Decoder(list[Any]).decode


def plain(value: object) -> FieldValue:
    """A fact as it is shown and stored in a change."""
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, tuple):
        return [str(one) for one in value]
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


def digest_of(record_type: type) -> Callable[[Any], bytes]:
    """A function from a record of this type to 16 bytes that differ when any fact or reference of it does.

    Activity is left out. The order of references and the letter case of e-mails do not count.
    """
    pack = pack_of(record_type)
    return lambda record: pack(record)[0]


def pack_of(record_type: type) -> Callable[[Any], tuple[bytes, bytes]]:
    """A function from a record of this type to its digest and to what `facts_in` reads: both cost one encoding."""
    noun = NOUNS[record_type]
    caseless = [number for number, name in enumerate(noun.facts) if name in CASELESS]
    facts = attrgetter(*noun.facts, "malformed")
    references = attrgetter(noun.references.attribute) if noun.references else None

    def pack(record: Any) -> tuple[bytes, bytes]:
        values = list(facts(record))
        if references is not None:
            targets = references(record)
            values.append(sorted(set(targets)) if len(targets) > 1 else targets)
        values.append(FACTS_VERSION)
        packed = covered = _encode(values)
        for number in caseless:
            text = values[number]
            if text is not None and (lower := text.lower()) != text:
                values[number] = lower
                covered = b""
        return blake2b(covered or _encode(values), digest_size=16).digest(), packed

    return pack


class Facts(Struct, frozen=True):
    """What was packed: the facts in their order, the names of those that were not understood, the references."""

    facts: list[Any]
    malformed: list[str]
    references: list[str]


def facts_in(record_type: type) -> Callable[[bytes], Facts]:
    """A function that reads what `pack_of` made of a record of this type."""
    noun = NOUNS[record_type]
    width, refers = len(noun.facts), noun.references is not None

    def unpack(packed: bytes) -> Facts:
        values = _decode(packed)
        return Facts(values[:width], values[width], values[width + 1] if refers else [])

    return unpack
