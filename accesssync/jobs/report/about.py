"""Fill the block that every file of a report begins with: where it comes from, how complete it is, who made it."""

import json
from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from accesssync import __version__
from accesssync.audit.entry import Kind
from accesssync.evidence.block import Block, Listing
from accesssync.findings.catalogue import ruleset
from accesssync.jobs.inventory import View
from accesssync.jobs.report.material import ended
from accesssync.store import audit, inventory, runs
from accesssync.store.engine import Database

SCHEMA_VERSION = "1"
"""The version of the files of a report: it grows when a column goes or changes its meaning."""


class Maker(Struct, frozen=True, kw_only=True):
    """Who makes a report, where and when."""

    by: str
    host: str
    now: datetime
    report_id: str
    config_hash: str
    previous_manifest: str | None = None


def last_manifest(engine: Database) -> str | None:
    """The hash of the manifest of the report before, as the audit log noted it; None where there was none."""
    chosen = audit.Selection(kind=Kind.REPORT_EXPORTED.value, newest=1)
    noted = [json.loads(one.body)["facts"].get("manifest") for one in audit.read_log(engine, chosen)]
    return str(noted[0]) if noted and noted[0] else None


def block_of(
    engine: Database, view: View, maker: Maker, *, filters: Sequence[str] = (), limitations: Sequence[str] = ()
) -> Block:
    """The block of one organization's report."""
    observed = runs.coverage_of(engine, view.run.id)
    stored = inventory.current_counts(engine, view.org.id) if view.latest else view.run.counts
    listings = tuple(
        Listing(
            resource=resource.value,
            method="GET",
            path="",
            parameters={},
            state=one.coverage.state.value,
            received=one.coverage.received,
            expected=one.coverage.expected,
            stored=stored.get(resource.value, 0),
            passes=one.coverage.passes,
            started_at=one.started_at,
            finished_at=one.finished_at,
            reason=one.coverage.reason,
        )
        for resource, one in sorted(observed.items())
    )
    return Block(
        report_id=maker.report_id,
        report_name="access report",
        schema_version=SCHEMA_VERSION,
        source_system="Datadog",
        site=view.org.site,
        org=view.org.name,
        org_id=view.org.datadog_id,
        org_name=view.org.datadog_name,
        environment="production",
        run_id=view.run.id,
        run_started_at=view.run.started_at,
        run_finished_at=ended(view),
        as_of=ended(view),
        complete=view.proven,
        listings=listings,
        reconciliation=(),
        credentials_used=(),
        filters_applied=tuple(filters),
        limitations=tuple(limitations),
        generated_at=maker.now,
        generated_by=maker.by,
        host=maker.host,
        tool_version=__version__,
        config_hash=maker.config_hash,
        ruleset_hash=ruleset(),
        previous_manifest=maker.previous_manifest,
    )
