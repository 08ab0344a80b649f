"""A plan: what would be written, in which order, and what stands against it. A file that people read and pass on."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from msgspec import Struct, json

from accesssync.errors import RefusedError
from accesssync.model.operation import Operation

SCHEMA = "accesssync.provision_plan/1"
VALID = timedelta(hours=1)
VALID_WITH_APPROVAL = timedelta(hours=72)
LARGEST = 64 * 2**20
"""Bytes of a plan file; one for a hundred thousand actions fits."""

State = dict[str, Any]


class Expected(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a subject has to be like just before a write, else it was moved by somebody else."""

    email: str | None
    disabled: bool
    role_ids: tuple[str, ...]


class Action(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One write.

    Actions of one subject share `chain` and are done one after the other. `subject_id` is None where the subject is
    made by this plan; `service`: it is a service account. `before` and `after` are for people; `expected`, `role_ids`,
    `email`, `name` and `title` are what is done. `phase` counts up: all of one phase is done before the next begins.
    `why` is the line that asks for it.
    """

    number: int
    operation: Operation
    subject: str
    subject_id: str | None
    chain: str
    phase: int
    before: State | None
    after: State | None
    expected: Expected | None
    role_ids: tuple[str, ...] = ()
    email: str | None = None
    name: str | None = None
    title: str | None = None
    service: bool = False
    removal: bool = False
    privileged: bool = False
    why: str = ""


class Refusal(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A rule that stands against the plan. A plan with any refusal is not applied.

    `guard`: it protects people from a plan that is allowed as such. `waivable`: an override lets it through.
    """

    rule: str
    message: str
    guard: bool = False
    waivable: bool = False


class Gauge(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How close a plan comes to a guard. `spent` is what the last 24 hours used already, out of `limit`.

    `least`: the number may not fall below the limit, instead of not rising above it.
    """

    rule: str
    planned: int
    spent: int
    limit: int
    of: int | None = None
    least: bool = False


class Plan(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A whole plan. `caller_id` is whose key would write, None where that was not known.

    `approval` says why somebody else has to approve it, None where nobody has to.
    """

    version: int = 1
    org: str
    datadog_id: str | None
    mode: str
    source: str
    source_digest: str
    author: str
    created_at: datetime
    expires_at: datetime
    run_id: int
    seen_at: datetime
    snapshot: str
    caller_id: str | None
    caller: str | None
    approval: str | None
    actions: tuple[Action, ...]
    refusals: tuple[Refusal, ...]
    warnings: tuple[str, ...]
    gauges: tuple[Gauge, ...]

    @property
    def removals(self) -> int:
        """How many actions take something away."""
        return sum(one.removal for one in self.actions)


def canonical(value: object) -> bytes:
    """The one way to write a value: sorted keys, no spaces."""
    return json.encode(value, order="deterministic")


def digest_of(plan: Plan) -> str:
    """The SHA-256 of everything a plan says: what was planned, from what, by whom and until when."""
    return sha256(canonical(plan)).hexdigest()


def document(plan: Plan) -> Mapping[str, Any]:
    """A plan as its file has it."""
    return {"schema": SCHEMA, "digest": digest_of(plan), **msgspec.to_builtins(plan)}


def read_plan(content: bytes, name: str) -> tuple[Plan, str]:
    """A plan out of its file, with its digest. RefusedError for anything that is not exactly what was written."""
    edited = RefusedError(
        f"{name} is no plan, or was edited after it was made",
        remedy="plan again: accesssync provision plan",
    )
    try:
        parsed = json.decode(content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        parsed = None
    if not isinstance(parsed, dict) or parsed.pop("schema", None) != SCHEMA:
        raise edited
    digest = parsed.pop("digest", None)
    # A copy that was taken from the command's own answer also says how it went.
    parsed.pop("error", None)
    try:
        plan = msgspec.convert(parsed, Plan)
    except (msgspec.ValidationError, RecursionError):
        plan = None
    if plan is None or digest_of(plan) != digest:
        raise edited
    return plan, str(digest)
