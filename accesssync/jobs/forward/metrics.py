"""Gather the figures of an organization from the store: a few questions, each counted by the database."""

from collections.abc import Mapping
from datetime import datetime

from msgspec.structs import replace

from accesssync.forward.metrics import (
    CREDENTIAL_AGES,
    FINDING_AGES,
    KINDS,
    UNKNOWN_AGE,
    OrgFigures,
    Pair,
    StreamFigures,
)
from accesssync.jobs.inventory import View, view_at
from accesssync.model.coverage import CoverageState, Resource
from accesssync.model.credential import CredentialType, resource_of
from accesssync.model.role import Role
from accesssync.reach.tier import STANDARD_ROLE, privileged_permissions
from accesssync.store import findings, gauges, inventory, runs
from accesssync.store.decisions import latest_decisions
from accesssync.store.engine import Database
from accesssync.store.gauges import Standing
from accesssync.store.governed import governed_at

_POWER = (Resource.USERS, Resource.ROLES, Resource.PERMISSIONS)


def org_figures(
    engine: Database,
    org: runs.OrgRecord,
    now: datetime,
    *,
    tiers: Mapping[str, str] | None = None,
    streams: Mapping[str, StreamFigures] | None = None,
) -> OrgFigures:
    """What is known of one organization at its published run. `tiers` is its own mapping of permission to tier.

    What no run has ever read is unknown; what an earlier run read and the last one could not is as it was left.
    """
    last = runs.last_run(engine, org.id)
    ended = last if last is not None and last.finished_at is not None else None
    proven = runs.last_run(engine, org.id, complete=True)
    found = OrgFigures(
        org=org.name,
        proven=_proven(engine, org, last),
        sync_age=_age(proven.finished_at if proven else None, now),
        sync_duration=ended.duration_seconds if ended else None,
        requests=ended.requests if ended else None,
        rate_limited=ended.rate_limited if ended else None,
        streams=streams or {},
    )
    view = view_at(engine, org, None) if org.published_run_id is not None else None
    return found if view is None else _with_inventory(engine, view, found, now, tiers)


def _with_inventory(
    engine: Database, view: View, found: OrgFigures, now: datetime, tiers: Mapping[str, str] | None
) -> OrgFigures:
    known = {one for one in Resource if _known(engine, view.org.id, one)}
    power = known.issuperset(_POWER)
    standings = _standings(engine, view, tiers) if Resource.USERS in known else None
    judged = findings.last_evaluation(engine, view.org.id) is not None
    return replace(
        found,
        identities=_by_kind_and_status(standings) if standings is not None else None,
        privileged=_privileged(standings) if standings is not None and power else None,
        findings=gauges.count_findings(engine, view.org.id, now, FINDING_AGES) if judged else None,
        credentials=_credentials(engine, view, now, known),
    )


def _standings(engine: Database, view: View, tiers: Mapping[str, str] | None) -> dict[Standing, int]:
    """How many identities there are of each standing, with what people decided before what the evidence says."""
    moment = view.moment
    standard = Role(
        id="", name=STANDARD_ROLE, permission_ids=gauges.carried_by(engine, moment, STANDARD_ROLE)
    )  # fmt: skip
    powerful = privileged_permissions([standard], inventory.list_permissions(engine, moment), tiers)
    counts = gauges.count_standings(engine, moment, powerful)
    decided = {one: record.label for one, record in latest_decisions(engine, view.org.id).items()}
    for (resource, one), said in governed_at(engine, moment).items():
        if resource == Resource.USERS.value and said.decision is not None:
            decided[one] = said.decision.label
    for one, standing in gauges.standings_of(engine, moment, powerful, list(decided)).items():
        counts[standing] -= 1
        now_is = Standing(decided[one], standing.status, standing.privileged)
        counts[now_is] = counts.get(now_is, 0) + 1
    return counts


def _by_kind_and_status(standings: Mapping[Standing, int]) -> dict[Pair, int]:
    found: dict[Pair, int] = {}
    for one, count in standings.items():
        pair = (one.kind if one.kind in KINDS else "unknown", one.status)
        found[pair] = found.get(pair, 0) + count
    return found


def _privileged(standings: Mapping[Standing, int]) -> dict[str, int]:
    found: dict[str, int] = {}
    for one, count in standings.items():
        if one.privileged:
            found[one.kind] = found.get(one.kind, 0) + count
    return found


def _credentials(
    engine: Database, view: View, now: datetime, known: set[Resource]
) -> dict[str, dict[str, int]]:  # fmt: skip
    found: dict[str, dict[str, int]] = {one.value: {} for one in CredentialType if resource_of(one) in known}
    counted = gauges.count_credentials(engine, view.moment, now, CREDENTIAL_AGES, UNKNOWN_AGE)
    for (kind, age), count in counted.items():
        if kind in found:
            found[kind][age] = count
    return found


def _known(engine: Database, org_id: int, resource: Resource) -> bool:
    return runs.last_proven(engine, org_id, resource) is not None


def _proven(engine: Database, org: runs.OrgRecord, last: runs.RunRecord | None) -> dict[Resource, bool]:
    """Whether the last look proved each resource; nothing of what is left out on purpose."""
    published = runs.last_run(engine, org.id, published=True)
    # A run that is under way, or that failed at its first request, says nothing about any resource.
    told = [run for run in (last, published) if run is not None]
    coverage = next((found for run in told if (found := runs.coverage_of(engine, run.id))), {})
    return {
        resource: one.coverage.proven
        for resource, one in coverage.items()
        if one.coverage.state is not CoverageState.SKIPPED
    }


def _age(at: datetime | None, now: datetime) -> float | None:
    # A clock that was set back must not make anything come from the future.
    return None if at is None else max(0.0, (now - at).total_seconds())
