"""The block that every file of a report begins with or is accompanied by: completeness and accuracy, told."""

from collections.abc import Mapping
from datetime import datetime

from msgspec import Struct


class Listing(Struct, frozen=True, kw_only=True):
    """How one resource was read by the run that the report rests on, and whether the counts agree."""

    resource: str
    method: str
    path: str
    parameters: Mapping[str, str]
    """Without any secret."""
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
