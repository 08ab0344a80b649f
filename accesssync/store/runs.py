"""Organizations and runs: begin, publish, abandon, undo."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Connection, Engine, delete, func, insert, select, update

from accesssync import __version__
from accesssync.audit.entry import Entry, Head, Kind
from accesssync.drift.facts import FACTS_VERSION
from accesssync.errors import LockedError, RefusedError
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.store.audit import append
from accesssync.store.bulk import batches
from accesssync.store.engine import translated
from accesssync.store.lease import Lease, writing
from accesssync.store.outbox import Queued, forget_run, queue
from accesssync.store.tables import absences, changes, coverages, metadata, orgs, runs, trail_events

HISTORY = tuple(table for table in metadata.tables.values() if {"from_run", "to_run"} <= set(table.c.keys()))
"""Every table of facts."""


class OrgRecord(Struct, frozen=True, kw_only=True):
    """An organization as the store knows it."""

    id: int
    name: str
    site: str
    datadog_id: str | None
    datadog_name: str | None
    published_run_id: int | None


class RunRecord(Struct, frozen=True, kw_only=True):
    """A run as the store knows it. Times are in UTC."""

    id: int
    org_id: int
    started_at: datetime
    finished_at: datetime | None
    status: str
    baseline: bool
    complete: bool
    undone: bool
    requests: int
    duration_seconds: float
    rate_limit_left: float | None
    counts: dict[str, int]
    added: int
    updated: int
    removed: int
    error_code: str | None
    error: str | None
    rate_limited: int | None = None
    audit_trail: dict[str, Any] | None = None
    """What reading Datadog's Audit Trail came to, as `store.trail` writes it."""


class Observed(Struct, frozen=True, kw_only=True):
    """The coverage of one resource with the time that its listing took."""

    coverage: Coverage
    started_at: datetime
    finished_at: datetime


class Result(Struct, frozen=True, kw_only=True):
    """What a run says of itself when it ends."""

    finished_at: datetime
    status: str
    baseline: bool
    complete: bool
    requests: int
    duration_seconds: float
    rate_limit_left: float | None
    counts: dict[str, int]
    added: int = 0
    updated: int = 0
    removed: int = 0
    error_code: str | None = None
    error: str | None = None
    rate_limited: int | None = None
    audit_trail: dict[str, Any] | None = None


def find_orgs(engine: Engine) -> list[OrgRecord]:
    """Every organization the store has ever seen, by name."""
    with translated("the organizations cannot be read"), engine.connect() as connection:
        return [_org(row) for row in connection.execute(select(orgs).order_by(orgs.c.name))]


def find_org(engine: Engine, name: str) -> OrgRecord | None:
    """One organization by its name in the settings."""
    return next((org for org in find_orgs(engine) if org.name == name), None)


def ensure_org(engine: Engine, name: str, site: str, now: datetime) -> OrgRecord:
    """The organization of that name, added when it is new."""
    found = find_org(engine, name)
    if found is None:
        with translated("the organization cannot be added"), writing(engine) as connection:
            known = connection.execute(select(orgs.c.id).where(orgs.c.name == name)).first()
            if known is None:
                connection.execute(insert(orgs).values(name=name, site=site, created_at=now, fencing_token=0))
        found = find_org(engine, name)
    if found is None:
        raise LookupError(name)
    return found


def bind_org(engine: Engine, lease: Lease, site: str, datadog_id: str | None, datadog_name: str | None) -> None:
    """Remember which Datadog organization this name stands for; refuse keys that belong to another one.

    Two organizations mixed into one history would look like everybody leaving and strangers arriving.
    """
    with translated("the organization cannot be updated"), writing(engine, lease) as connection:
        row = connection.execute(select(orgs).where(orgs.c.id == lease.org_id)).one()
        if row.datadog_id and datadog_id and row.datadog_id != datadog_id:
            raise RefusedError(
                f"the keys belong to the Datadog organization {datadog_name or datadog_id}, "
                f"this history to {row.datadog_name or row.datadog_id}",
                org=lease.org,
                remedy="correct the keys, or give this organization another name in the settings",
            )
        values = {"site": site, "datadog_id": datadog_id or row.datadog_id}
        values["datadog_name"] = datadog_name or row.datadog_name
        if any(getattr(row, name) != value for name, value in values.items()):
            connection.execute(update(orgs).where(orgs.c.id == lease.org_id).values(**values))


def begin_run(engine: Engine, lease: Lease, now: datetime) -> int:
    """Undo whatever an abandoned run left, and begin a new one."""
    with translated("the run cannot be begun"):
        undo_unpublished(engine, lease, now)
        with writing(engine, lease) as connection:
            result = connection.execute(
                insert(runs)
                .values(
                    org_id=lease.org_id,
                    started_at=now,
                    status="running",
                    baseline=False,
                    complete=False,
                    undone=False,
                    requests=0,
                    duration_seconds=0.0,
                    counts={},
                    added=0,
                    updated=0,
                    removed=0,
                    program_version=__version__,
                    facts_version=FACTS_VERSION,
                )
                .returning(runs.c.id)
            )
            return int(result.scalar_one())


def undo_unpublished(engine: Engine, lease: Lease, now: datetime) -> None:
    """Take back every row of runs that wrote facts and were never published."""
    with writing(engine, lease) as connection:
        published = select(orgs.c.published_run_id).where(orgs.c.id == lease.org_id).scalar_subquery()
        query = select(runs.c.id, runs.c.status).where(
            runs.c.org_id == lease.org_id, runs.c.undone.is_(False), runs.c.id > func.coalesce(published, 0)
        )
        for run_id, status in connection.execute(query).all():
            _undo(connection, lease.org_id, run_id)
            ended: dict[str, Any] = {}
            if status == "running":
                facts = {"run_id": run_id}
                entry = Entry(kind=Kind.RUN_ABANDONED, at=now, actor=lease.holder, org=lease.org, facts=facts)
                ended = {"status": "abandoned", **_noted(append(connection, entry))}
            connection.execute(update(runs).where(runs.c.id == run_id).values(undone=True, **ended))


def _undo(connection: Connection, org_id: int, run_id: int) -> None:
    for table in HISTORY:
        connection.execute(delete(table).where(table.c.org_id == org_id, table.c.from_run == run_id))
        connection.execute(update(table).where(table.c.org_id == org_id, table.c.to_run == run_id).values(to_run=None))
    for table in (changes, absences, trail_events):
        connection.execute(delete(table).where(table.c.org_id == org_id, table.c.run_id == run_id))
    forget_run(connection, org_id, run_id)


def publish(
    engine: Engine,
    lease: Lease,
    run_id: int,
    observed: dict[Resource, Observed],
    result: Result,
    told: Sequence[Queued] = (),
) -> None:
    """Make the run visible: what it recorded of itself, what is told of it as a whole and the flip to it are one
    transaction."""
    with translated("the run cannot be published"), writing(engine, lease) as connection:
        queue(connection, lease.org_id, told, result.finished_at)
        _finish(connection, lease, run_id, observed, result, undone=False)
        flip = (
            update(orgs)
            .where(orgs.c.id == lease.org_id, orgs.c.fencing_token == lease.token)
            .values(published_run_id=run_id)
        )
        if connection.execute(flip).rowcount != 1:
            raise LockedError("another process took over while this one was stopped", org=lease.org)


def fail(engine: Engine, lease: Lease, run_id: int, observed: dict[Resource, Observed], result: Result) -> None:
    """End a run that may not be published: its facts are taken back, its record stays."""
    with translated("the failed run cannot be recorded"), writing(engine, lease) as connection:
        _undo(connection, lease.org_id, run_id)
        _finish(connection, lease, run_id, observed, result, undone=True)


def _finish(
    connection: Connection,
    lease: Lease,
    run_id: int,
    observed: dict[Resource, Observed],
    result: Result,
    *,
    undone: bool,
) -> None:
    values = {name: getattr(result, name) for name in result.__struct_fields__}
    values |= _noted(append(connection, _entry(lease, run_id, observed, result, undone=undone)))
    connection.execute(update(runs).where(runs.c.id == run_id).values(undone=undone, **values))
    rows = [
        {
            "run_id": run_id,
            "resource": resource.value,
            "org_id": lease.org_id,
            "state": one.coverage.state.value,
            "received": one.coverage.received,
            "expected": one.coverage.expected,
            "passes": one.coverage.passes,
            "degraded": one.coverage.degraded,
            "reason": one.coverage.reason,
            "started_at": one.started_at,
            "finished_at": one.finished_at,
        }
        for resource, one in observed.items()
    ]
    if rows:
        connection.execute(insert(coverages), rows)


def _entry(lease: Lease, run_id: int, observed: dict[Resource, Observed], result: Result, *, undone: bool) -> Entry:
    """What the audit log says of a run. Its error's words stay out: they may name people."""
    facts = {
        "run_id": run_id,
        "status": result.status,
        "baseline": result.baseline,
        "complete": result.complete,
        "coverage": {resource.value: one.coverage.state.value for resource, one in observed.items()},
        "counts": result.counts,
        "changes": {"added": result.added, "updated": result.updated, "removed": result.removed},
        "requests": result.requests,
        "error_code": result.error_code,
        "program_version": __version__,
    }
    kind = Kind.RUN_FAILED if undone else Kind.RUN_PUBLISHED
    return Entry(kind=kind, at=result.finished_at, actor=lease.holder, org=lease.org, facts=facts)


def _noted(head: Head) -> dict[str, Any]:
    return {"audit_seq": head.seq, "audit_hash": head.hash}


def get_run(engine: Engine, run_id: int) -> RunRecord | None:
    """One run by its number."""
    with translated("the runs cannot be read"), engine.connect() as connection:
        row = connection.execute(select(runs).where(runs.c.id == run_id)).first()
        return _run(row) if row else None


def list_runs(engine: Engine, org_id: int, *, published: bool = False) -> list[RunRecord]:
    """Runs of an organization, oldest first; with `published`, only those whose facts readers may see."""
    query = select(runs).where(runs.c.org_id == org_id).order_by(runs.c.id)
    if published:
        newest = select(orgs.c.published_run_id).where(orgs.c.id == org_id).scalar_subquery()
        query = query.where(runs.c.undone.is_(False), runs.c.id <= newest)
    with translated("the runs cannot be read"), engine.connect() as connection:
        return [_run(row) for row in connection.execute(query)]


def last_run(engine: Engine, org_id: int, *, complete: bool = False, published: bool = False) -> RunRecord | None:
    """The newest run that has ended or is under way, or the newest of those asked for."""
    query = select(runs).where(runs.c.org_id == org_id)
    if complete:
        query = query.where(runs.c.complete.is_(True))
    if complete or published:
        newest = select(orgs.c.published_run_id).where(orgs.c.id == org_id).scalar_subquery()
        query = query.where(runs.c.undone.is_(False), runs.c.id <= newest)
    with translated("the runs cannot be read"), engine.connect() as connection:
        row = connection.execute(query.order_by(runs.c.id.desc()).limit(1)).first()
        return _run(row) if row else None


def run_at(engine: Engine, org_id: int, when: datetime) -> RunRecord | None:
    """The last published run that had ended at a time."""
    newest = select(orgs.c.published_run_id).where(orgs.c.id == org_id).scalar_subquery()
    query = (
        select(runs)
        .where(runs.c.org_id == org_id, runs.c.undone.is_(False), runs.c.id <= newest, runs.c.finished_at <= when)
        .order_by(runs.c.id.desc())
        .limit(1)
    )
    with translated("the runs cannot be read"), engine.connect() as connection:
        row = connection.execute(query).first()
        return _run(row) if row else None


def coverage_of(engine: Engine, run_id: int) -> dict[Resource, Observed]:
    """What a run recorded of each resource."""
    query = select(coverages).where(coverages.c.run_id == run_id)
    with translated("the coverage cannot be read"), engine.connect() as connection:
        return {Resource(row.resource): _observed(row) for row in connection.execute(query)}


def absent_since(engine: Engine, org_id: int, resource: Resource) -> dict[str, int]:
    """Of every record that proven listings have not shown lately, the first run that missed it."""
    query = select(absences.c.id, func.min(absences.c.run_id)).where(
        absences.c.org_id == org_id, absences.c.resource == resource.value
    )
    with translated("the absences cannot be read"), engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execute(query.group_by(absences.c.id))}


def last_proven(engine: Engine, org_id: int, resource: Resource, *, before_run: int | None = None) -> Observed | None:
    """The newest published listing of a resource that was complete; with `before_run`, of an earlier run."""
    newest = select(orgs.c.published_run_id).where(orgs.c.id == org_id).scalar_subquery()
    query = (
        select(coverages)
        .join(runs, runs.c.id == coverages.c.run_id)
        .where(
            coverages.c.org_id == org_id,
            coverages.c.resource == resource.value,
            coverages.c.state == CoverageState.COMPLETE.value,
            runs.c.undone.is_(False),
            runs.c.id <= newest,
        )
        .order_by(coverages.c.run_id.desc())
        .limit(1)
    )
    if before_run is not None:
        query = query.where(coverages.c.run_id < before_run)
    with translated("the coverage cannot be read"), engine.connect() as connection:
        row = connection.execute(query).first()
        return _observed(row) if row else None


def first_proven(engine: Engine, org_id: int) -> dict[Resource, datetime]:
    """When the first look that proved each resource began: what was before it nobody has seen."""
    query = (
        select(coverages.c.resource, func.min(coverages.c.started_at))
        .join(runs, runs.c.id == coverages.c.run_id)
        .where(
            coverages.c.org_id == org_id,
            coverages.c.state == CoverageState.COMPLETE.value,
            runs.c.undone.is_(False),
        )
        .group_by(coverages.c.resource)
    )
    with translated("the coverage cannot be read"), engine.connect() as connection:
        return {Resource(row[0]): row[1] for row in connection.execute(query)}


def record_absences(engine: Engine, lease: Lease, run_id: int, resource: Resource, ids: list[str]) -> set[str]:
    """Note who a proven listing did not show; return those whom the proven listing before did not show either."""
    with translated("absences cannot be recorded"), writing(engine, lease) as connection:
        mine = absences.c.org_id == lease.org_id, absences.c.resource == resource.value
        before = set(connection.execute(select(absences.c.id).where(*mine)).scalars())
        gone_before = before & set(ids)
        stale = before - set(ids)
        for batch in batches(sorted(stale)):
            connection.execute(delete(absences).where(*mine, absences.c.id.in_(batch)))
        rows = [
            {"org_id": lease.org_id, "resource": resource.value, "id": one, "run_id": run_id}
            for one in ids
            if one not in before
        ]
        if rows:
            connection.execute(insert(absences), rows)
        return gone_before


def _org(row: Any) -> OrgRecord:
    return OrgRecord(**{name: getattr(row, name) for name in OrgRecord.__struct_fields__})


def _run(row: Any) -> RunRecord:
    return RunRecord(**{name: getattr(row, name) for name in RunRecord.__struct_fields__})


def _observed(row: Any) -> Observed:
    coverage = Coverage(
        state=CoverageState(row.state),
        received=row.received,
        expected=row.expected,
        passes=row.passes,
        degraded=row.degraded,
        reason=row.reason,
    )
    return Observed(coverage=coverage, started_at=row.started_at, finished_at=row.finished_at)
