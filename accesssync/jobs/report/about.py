"""Fill the block that every file of a report begins with: where it comes from, how complete it is, who made it."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from accesssync import __version__
from accesssync.audit.entry import Kind
from accesssync.datadog.questions import METHOD, QUESTIONS
from accesssync.evidence.block import Block, Listing
from accesssync.findings.catalogue import ruleset
from accesssync.jobs.inventory import View
from accesssync.jobs.report.backing import Backing, Reader, credentials_used
from accesssync.jobs.report.limits import limits_of
from accesssync.jobs.report.material import ended
from accesssync.jobs.report.reconcile import checks_of, totals_of
from accesssync.model.coverage import Resource
from accesssync.reports.material import Material
from accesssync.snapshot.listing import FIRST_SIZE
from accesssync.store import audit, runs
from accesssync.store.engine import Database
from accesssync.store.population import Population, population_at

SCHEMA_VERSION = "1"
"""The version of the files of a report: it grows when a column goes or changes its meaning."""


class Maker(Struct, frozen=True, kw_only=True):
    """Who makes a report, where and when."""

    by: str
    host: str
    now: datetime
    report_id: str
    backing: Backing = Backing()
    previous_manifest: str | None = None


def last_manifest(engine: Database) -> str | None:
    """The hash of the manifest of the report before, as the audit log noted it; None where there was none."""
    chosen = audit.Selection(kind=Kind.REPORT_EXPORTED.value, newest=1)
    noted = [json.loads(one.body)["facts"].get("manifest") for one in audit.read_log(engine, chosen)]
    return str(noted[0]) if noted and noted[0] else None


def block_of(
    engine: Database,
    view: View,
    maker: Maker,
    material: Material,
    *,
    filters: Sequence[str] = (),
    limitations: Sequence[str] = (),
) -> Block:
    """The block of one organization's report."""
    observed = runs.coverage_of(engine, view.run.id)
    counted = population_at(engine, view.moment)
    reader = maker.backing.readers.get(view.org.name)
    return Block(
        report_id=maker.report_id,
        report_name="Access report",
        schema_version=SCHEMA_VERSION,
        source_system="Datadog",
        site=view.org.site,
        org=view.org.name,
        org_id=view.org.datadog_id,
        org_name=view.org.datadog_name,
        environment=_environment(reader),
        run_id=view.run.id,
        run_started_at=view.run.started_at,
        run_finished_at=ended(view),
        as_of=ended(view),
        complete=view.proven,
        listings=tuple(_listing(resource, one, counted, reader) for resource, one in sorted(observed.items())),
        reconciliation=checks_of(observed, _kept(engine, view, observed), counted, material),
        credentials_used=credentials_used(reader, observed, material),
        filters_applied=tuple(filters),
        limitations=(*limits_of(view, observed, material, reader), *limitations),
        generated_at=maker.now,
        generated_by=maker.by,
        host=maker.host,
        tool_version=__version__,
        config_hash=maker.backing.config_hash,
        ruleset_hash=ruleset(),
        previous_manifest=maker.previous_manifest,
        totals=totals_of(observed, counted, material),
    )


def _environment(reader: Reader | None) -> str:
    if reader is None:
        return "not known: the settings do not name this organization any more"
    return "Datadog itself" if reader.foreign_host is None else f"{reader.foreign_host}, which is no site of Datadog"


def _listing(resource: Resource, one: runs.Observed, counted: Population, reader: Reader | None) -> Listing:
    asked = QUESTIONS[resource]
    size = f"{FIRST_SIZE}, or up to {reader.page_size} where Datadog allows it" if reader else str(FIRST_SIZE)
    return Listing(
        resource=resource.value,
        method=METHOD,
        path=asked.path,
        parameters={**({"page[size]": size} if asked.paged else {}), **asked.parameters},
        state=one.coverage.state.value,
        received=one.coverage.received,
        expected=one.coverage.expected,
        stored=counted.records[resource.value],
        passes=one.coverage.passes,
        started_at=one.started_at,
        finished_at=one.finished_at,
        reason=one.coverage.reason,
    )


def _kept(engine: Database, view: View, observed: Mapping[Resource, runs.Observed]) -> Mapping[Resource, int] | None:
    """Records that no listing shows any more and that are not proven gone; of past runs nobody knows that any more."""
    if view.run.id != view.org.published_run_id:
        return None
    return {one: len(runs.absent_since(engine, view.org.id, one)) for one in observed}
