"""What is asked about one identity, and what the answer consists of."""

from datetime import datetime
from typing import Literal

from msgspec import UNSET, Struct, UnsetType

from accesssync.model.identity import Identity

Label = Literal["human", "nhi", "review", "unknown"]
Basis = Literal["declared", "override", "inferred"]
Kind = Literal[
    "service_account",
    "shared_mailbox",
    "ci",
    "integration",
    "iac",
    "break_glass",
    "ai_agent",
    "synthetic",
    "automation",
]


class OwnedKey(Struct, frozen=True, kw_only=True):
    """An application key or token of this identity. `last_used_at` UNSET: not known; None: never used."""

    name: str | None = None
    last_used_at: datetime | UnsetType | None = UNSET


class Evidence(Struct, frozen=True, kw_only=True):
    """What Datadog knows of an identity's behaviour. Whatever is UNSET or None is not known and adds nothing.

    `last_login_at` None is "never logged in". `keys` UNSET: the keys of this organization were not read.
    """

    status: str | None = None
    created_at: datetime | None = None
    last_login_at: datetime | UnsetType | None = UNSET
    mfa_enabled: bool | None = None
    keys: tuple[OwnedKey, ...] | UnsetType = UNSET


class Subject(Struct, frozen=True, kw_only=True):
    """One identity. Every field may be missing, and none is trusted to be what it says."""

    email: str | None = None
    name: str | None = None
    handle: str | None = None
    title: str | None = None
    service_account: bool | None = None
    evidence: Evidence | None = None


class Decision(Struct, frozen=True):
    """What a person decided about this identity."""

    label: Literal["human", "nhi"]
    kind: Kind | None = None


class Signal(Struct, frozen=True):
    """One reason: what was seen in which field, and how many points it is worth."""

    id: str
    points: int
    field: str
    text: str


class Classification(Struct, frozen=True, kw_only=True):
    """The label and everything that led to it. `score` is the sum of the signals' points.

    `computed` is what the score alone says: it differs from `label` where a person decided otherwise.
    """

    label: Label
    computed: Label
    kind: Kind | None
    kind_reason: str | None
    score: int
    basis: Basis
    signals: tuple[Signal, ...]
    ruleset: str


def subject_of(identity: Identity, keys: tuple[OwnedKey, ...] | UnsetType = UNSET) -> Subject:
    """A stored identity and its keys, as the classifier takes them."""
    return Subject(
        email=identity.email,
        name=identity.name,
        handle=identity.handle,
        title=identity.title,
        service_account=identity.service_account,
        evidence=Evidence(
            status=identity.status,
            created_at=identity.created_at,
            last_login_at=identity.last_login_at,
            mfa_enabled=identity.mfa_enabled,
            keys=keys,
        ),
    )
