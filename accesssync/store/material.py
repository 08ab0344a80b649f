"""What reports need beyond the picture: since when, why, and how it was looked at. Whole tables in one read each."""

from collections.abc import Iterator, Mapping
from datetime import datetime

from sqlalchemy import Engine, select
from sqlalchemy import Table as SqlTable

from accesssync.reports.material import Attempt, Explained, Look
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment, held
from accesssync.store.picture import AT_ONCE
from accesssync.store.tables import (
    approvals,
    changes,
    classifications,
    coverages,
    grants,
    identities,
    intents,
    role_permissions,
    roles,
    runs,
)


def identity_runs(engine: Engine, moment: Moment) -> dict[str, int]:
    """The run that saw each identity first, by its id."""
    return _first_runs(engine, moment, identities)


def role_runs(engine: Engine, moment: Moment) -> dict[str, int]:
    """The run that saw each role first, by its id."""
    return _first_runs(engine, moment, roles)


def _first_runs(engine: Engine, moment: Moment, table: SqlTable) -> dict[str, int]:
    query = select(table.c.id, table.c.first_run).where(held(table, moment))
    with translated("the first sightings cannot be read"), engine.connect() as connection:
        return {row[0]: row[1] for row in connection.execution_options(yield_per=AT_ONCE).execute(query)}


def grant_runs(engine: Engine, moment: Moment) -> dict[str, Mapping[str, int]]:
    """The run that saw each grant begin, by identity and role. Those of whom the same is true share one map."""
    one = grants.c
    query = select(one.identity_id, one.role_id, one.from_run).where(held(grants, moment)).order_by(one.identity_id)
    shared: dict[tuple[tuple[str, int], ...], Mapping[str, int]] = {}
    found: dict[str, Mapping[str, int]] = {}
    who, mine = "", list[tuple[str, int]]()
    with translated("the grants cannot be read"), engine.connect() as connection:
        for identity_id, role_id, from_run in connection.execution_options(yield_per=AT_ONCE).execute(query):
            if identity_id != who and mine:
                found[who] = shared.setdefault(tuple(sorted(mine)), dict(mine))
                mine = []
            who = identity_id
            mine.append((role_id, from_run))
    if mine:
        found[who] = shared.setdefault(tuple(sorted(mine)), dict(mine))
    return found


def permission_runs(engine: Engine, moment: Moment) -> dict[str, dict[str, int]]:
    """The run since which each role carries each permission, by the ids of both."""
    one = role_permissions.c
    query = select(one.role_id, one.permission_id, one.from_run).where(held(role_permissions, moment))
    found: dict[str, dict[str, int]] = {}
    with translated("the roles cannot be read"), engine.connect() as connection:
        for role_id, permission_id, from_run in connection.execute(query):
            found.setdefault(role_id, {})[permission_id] = from_run
    return found


def read_reasons(engine: Engine, moment: Moment) -> dict[str, tuple[str, ...]]:
    """What speaks for and against each identity that may be a machine, in words."""
    one = classifications.c
    query = select(one.id, one.signals).where(
        held(classifications, moment), one.computed.in_(("nhi", "review")), one.basis == "inferred"
    )
    shared: dict[tuple[str, ...], tuple[str, ...]] = {}
    found: dict[str, tuple[str, ...]] = {}
    with translated("the classifications cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            told = tuple(f"{signal['points']:+d} {signal['text']}" for signal in row[1])
            found[row[0]] = shared.setdefault(told, told)
    return found


def explained_grants(engine: Engine, moment: Moment) -> dict[tuple[str, str], Explained]:
    """By whom grants were made and why, by identity and role, where it is known; of several the newest."""
    one = changes.c
    query = (
        select(one.subject_id, one.fields, one.actor, one.explanation)
        .where(
            one.org_id == moment.org_id,
            one.run_id <= moment.run_id,
            one.kind == "grant.added",
            one.actor.is_not(None) | one.explanation.is_not(None),
        )
        .order_by(one.run_id, one.seq)
    )
    with translated("the changes cannot be read"), engine.connect() as connection:
        return {
            (row[0], str(row[1].get("role_id", (None, None))[1])): Explained(row[2], row[3])
            for row in connection.execution_options(yield_per=AT_ONCE).execute(query)
        }


def read_attempts(engine: Engine, org_id: int, until: datetime | None) -> Iterator[Attempt]:
    """Every write that was planned by a time, oldest first, with who approved its plan."""
    one = intents.c
    query = select(intents).where(one.org_id == org_id).order_by(one.planned_at, one.key)
    if until is not None:
        query = query.where(one.planned_at <= until)
    with translated("the intents cannot be read"), engine.connect() as connection:
        approved: dict[str, tuple[str, ...]] = {}
        for plan, approver in connection.execute(
            select(approvals.c.plan, approvals.c.approver).order_by(approvals.c.id)
        ):
            approved[plan] = (*approved.get(plan, ()), approver)
        for row in connection.execution_options(yield_per=2_000).execute(query):
            yield Attempt(
                id=row.key,
                plan=row.plan,
                operation=row.operation,
                subject=row.subject,
                subject_id=row.subject_id or row.made_id,
                requested_by=row.actor,
                requested_at=row.planned_at,
                approved_by=approved.get(row.plan or "", ()),
                action=row.action,
                state=row.state,
                done=row.done,
                detail=row.detail,
                sent_at=row.sent_at,
                ended_at=row.ended_at,
                http_status=row.status,
            )


def read_looks(engine: Engine, moment: Moment, since: datetime) -> Iterator[Look]:
    """What every run since a time did with every resource, oldest first, up to a moment's run."""
    one, seen = runs.c, coverages.c
    query = (
        select(
            one.id, one.started_at, one.finished_at, one.status, one.undone, one.complete, one.error,
            one.program_version, seen.resource, seen.state, seen.received, seen.expected, seen.passes, seen.degraded,
            seen.reason, seen.started_at, seen.finished_at,
        )
        .outerjoin(coverages, seen.run_id == one.id)
        .where(one.org_id == moment.org_id, one.id <= moment.run_id, one.started_at >= since)
        .order_by(one.id, seen.resource)
    )  # fmt: skip
    with translated("the runs cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query):
            yield Look(
                run_id=row[0],
                started_at=row[15] or row[1],
                finished_at=row[16] or row[2],
                status=row[3],
                published=not row[4],
                complete=row[5],
                error=row[6],
                program_version=row[7],
                resource=row[8],
                state=row[9],
                received=row[10],
                expected=row[11],
                passes=row[12],
                degraded=row[13],
                reason=row[14],
            )
