"""The block that every file of a report begins with or is accompanied by: completeness and accuracy, told."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from accesssync.model.visible import writable
from accesssync.model.when import as_text

DOCUMENT_SCHEMA = "accesssync.about/1"


class Listing(Struct, frozen=True, kw_only=True):
    """How one resource was read by the run that the report rests on, and whether the counts agree."""

    resource: str
    method: str
    path: str
    parameters: Mapping[str, str]
    """With the size of the pages, and without any secret."""
    state: str
    """`complete`, `incomplete`, `denied`, `failed` or `skipped`."""
    received: int
    expected: int | None
    """What Datadog said there is; None where it gives no total."""
    stored: int
    passes: int
    started_at: datetime
    finished_at: datetime
    reason: str | None = None


class Check(Struct, frozen=True, kw_only=True):
    """One reconciliation: two counts that have to be the same."""

    id: str
    means: str
    left: int | None
    right: int | None

    @property
    def passed(self) -> bool | None:
        """Whether they are; None where one of them is not known."""
        return None if self.left is None or self.right is None else self.left == self.right


class Total(Struct, frozen=True, kw_only=True):
    """A count that somebody with access to Datadog can read off its own pages, to compare."""

    means: str
    count: int
    place: str
    """Where it stands there, such as `Organization Settings > Users, filter Active`."""


class Block(Struct, frozen=True, kw_only=True):
    """Where a report comes from, when, how, by whom, and what it cannot say. Times are in UTC."""

    report_id: str
    report_name: str
    schema_version: str
    source_system: str
    site: str
    org: str
    """The name that the settings give the organization."""
    org_id: str | None
    """Datadog's own id of it."""
    org_name: str | None
    environment: str
    run_id: int
    run_started_at: datetime
    run_finished_at: datetime
    as_of: datetime
    complete: bool
    """Whether every listing of the run was proven. Where not, every page says so."""
    listings: tuple[Listing, ...]
    reconciliation: tuple[Check, ...]
    credentials_used: tuple[str, ...]
    """Which keys read it, by id or last four characters and owner; never a key."""
    filters_applied: tuple[str, ...]
    """What was left out of which dataset, in words; empty where nothing was."""
    limitations: tuple[str, ...]
    """What the report cannot know, in words."""
    generated_at: datetime
    generated_by: str
    host: str
    tool_version: str
    config_hash: str
    ruleset_hash: str
    previous_manifest: str | None = None
    """SHA-256 of the manifest of the bundle before this one; None for the first."""
    totals: tuple[Total, ...] = ()
    """What can be compared by eye with Datadog's own pages."""

    @property
    def reconciled(self) -> bool | None:
        """Whether every count agrees: False where one does not, None where none is known to differ but not all are
        known."""
        outcomes = [check.passed for check in self.reconciliation]
        return False if False in outcomes else None if None in outcomes or not outcomes else True


def document(block: Block) -> dict[str, Any]:
    """The block for scripts, as it accompanies every file: plain values, times as RFC 3339."""
    told = {name: _plain(getattr(block, name)) for name in Block.__struct_fields__}
    for check, one in zip(block.reconciliation, told["reconciliation"], strict=True):
        one["passed"] = check.passed
    return {
        "schema": DOCUMENT_SCHEMA,
        **told,
        "reconciled": block.reconciled,
        "independent_check": _plain(tuple(recipe(block))),
    }


def recipe(block: Block) -> list[str]:
    """How somebody who does not trust us checks the report against Datadog itself, a sentence a step."""
    where = f"Log in to Datadog ({block.site}), to the organization {block.org_name or block.org}, as an administrator"
    steps = [f"{where}. Do it soon after the report was made: what changed since then differs rightly."]
    steps += [f"{one.place}: Datadog should show {one.count:,} ({one.means})." for one in block.totals]
    return [
        *steps,
        "Take 25 rows of the identities at random and find each in Datadog, with the same status and roles.",
        "Take 25 users in Datadog at random and find each among the identities: nobody may be missing.",
        "Take 25 rows of the grants at random and find each person among the users of that role.",
    ]


def _plain(value: object) -> Any:
    if isinstance(value, datetime):
        return as_text(value)
    if isinstance(value, Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    if isinstance(value, str):
        return writable(value)
    if isinstance(value, tuple):
        return [_plain(one) for one in value]
    return {name: _plain(one) for name, one in value.items()} if isinstance(value, Mapping) else value
