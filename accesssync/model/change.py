"""A change: one fact that differs between two observations of an organization."""

from datetime import datetime
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

from accesssync.model.coverage import Resource

FieldValue = str | bool | int | float | None | list[str]
Fields = dict[str, tuple[FieldValue, FieldValue]]


class Cause(StrEnum):
    """Why a difference shows. Only `ORG` may alert anybody."""

    ORG = "org"
    """The organization changed."""
    COVERAGE = "coverage"
    """The organization may be as it was; we see more of it."""
    RULESET = "ruleset"
    """Our own rules changed."""
    POLICY = "policy"
    """The customer's policy changed."""


class Delta(Struct, frozen=True, kw_only=True):
    """A difference by itself, before it is known which run saw it.

    `kind` is `identity.added` and the like. `resource` is the listing that shows it. `part` tells apart
    several changes of one subject and kind (the role of a grant). `opened` is set where it may have been there
    before, only not to be seen.
    """

    kind: str
    resource: Resource
    subject_id: str
    subject: str
    fields: Fields
    part: str = ""
    opened: bool = False


class Change(Struct, frozen=True, kw_only=True):
    """A difference with the window in which it happened.

    It came about after `observed_after` (when the last look that did not show it began; None where there
    was none) and before `observed_before` (when the look that showed it ended).
    """

    id: str
    org: str
    run_id: int
    observed_after: datetime | None
    observed_before: datetime
    kind: str
    cause: Cause
    subject_id: str
    subject: str
    fields: Fields
    baseline: bool = False
    actor: str | None = None
    explanation: str | None = None


def change_id(org: str, run_id: int, delta: Delta) -> str:
    """The name of a change: the same difference seen by the same run always has the same one."""
    text = "\x1f".join((org, str(run_id), delta.kind, delta.subject_id, delta.part))
    return "c-" + blake2b(text.encode(), digest_size=8).hexdigest()
