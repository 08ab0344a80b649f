"""What each feature of accesssync needs to be allowed to do in Datadog, and why: for the doctor and the documents."""

from collections.abc import Iterable
from functools import cache
from importlib.resources import files
from typing import Literal

from msgspec import Struct, json, structs

from accesssync.model.operation import NEEDS, Operation
from accesssync.reach.tier import rank
from accesssync.reach.who import scope_names

Key = Literal["read", "provision", "publish"]
"""The keys that accesssync uses, each for itself: none needs what another one does."""


class Feature(Struct, frozen=True, kw_only=True):
    """One thing accesssync does and the permissions that the key needs for it: all of them, or none at all.

    `resource` is what it reads, as the settings name it (`ACCESSSYNC_SKIP`); `operation` what it writes
    (`ACCESSSYNC_ALLOWED_OPERATIONS`), and then `model.operation` says which permissions that takes.
    """

    id: str
    key: Key
    title: str
    why: str
    permissions: tuple[str, ...] = ()
    resource: str | None = None
    operation: Operation | None = None


class _File(Struct, frozen=True):
    version: int
    features: tuple[Feature, ...]


@cache
def features() -> tuple[Feature, ...]:
    """Everything accesssync does with Datadog, in the order of its story."""
    told = json.decode((files("accesssync.reach") / "data" / "features.json").read_bytes(), type=_File).features
    return tuple(
        one if one.operation is None else structs.replace(one, permissions=NEEDS[one.operation]) for one in told
    )


def reading(skip: Iterable[str] = ()) -> tuple[Feature, ...]:
    """What the read key is for, less what the settings skip."""
    left_out = set(skip)
    return tuple(one for one in features() if one.key == "read" and one.resource not in left_out)


def writing(operations: Iterable[str], key: Key = "provision") -> tuple[Feature, ...]:
    """What a key is for that may carry out these operations; nothing where none of them is its business."""
    allowed = set(operations)
    found = tuple(one for one in features() if one.key == key and one.operation in allowed)
    always = tuple(one for one in features() if one.key == key and one.operation is None)
    return (*always, *found) if found else ()


def needed(wanted: Iterable[Feature]) -> tuple[str, ...]:
    """The permissions that these features need together, by name: the scopes to give the key."""
    return tuple(sorted({name for one in wanted for name in one.permissions}))


def minimal(key: Key) -> tuple[str, ...]:
    """The scopes of a key that does everything of its kind, and nothing else."""
    return needed(one for one in features() if one.key == key)


def missing(feature: Feature, held: Iterable[str]) -> tuple[str, ...]:
    """What a key with these permissions lacks for a feature."""
    has = set(held)
    return tuple(name for name in feature.permissions if name not in has)


def excess(held: Iterable[str], wanted: Iterable[Feature], restricted: Iterable[str] = ()) -> tuple[str, ...]:
    """What a key may do that none of these features needs, the most harmful first.

    `restricted` are the permissions that Datadog itself adds to every role: no choice, and no excess.
    """
    return tuple(rank(set(held) - set(needed(wanted)) - set(restricted)))


def allowance(permissions: Iterable[str], scopes: Iterable[str] | None, catalogue: Iterable[str]) -> frozenset[str]:
    """What a key may be taken to hold: `permissions` of its owner cut with its `scopes` (None: unscoped).

    Some names are scopes and yet in no `catalogue` of permissions. No role can be asked for those: a scoped key has
    them if its scopes name them, an unscoped one is taken to have them all.
    """
    has = set(permissions)
    beyond = set(scope_names()) - set(catalogue) - has
    if scopes is None:
        return frozenset(has | beyond)
    return frozenset((has | beyond) & set(scopes))
