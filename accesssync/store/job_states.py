"""When each job of the worker is due for each organization, and what became of it last.

These rows outlive every worker and are shared by all of them. A turn is taken by naming the due time it is for: of any
number of processes that see the same one, one gets it. They are no part of an organization's history, so no lease
is needed to write them.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import Engine, func, insert, or_, select, update
from sqlalchemy.exc import IntegrityError

from accesssync.store.engine import translated
from accesssync.store.lease import writing
from accesssync.store.tables import job_states, orgs, runs


class JobState(Struct, frozen=True, kw_only=True):
    """One job of one organization; `org` is empty for a job of none. Times are in UTC.

    `outcome` and `error` are of the last turn that ended. `failures` counts those that failed since one did not,
    `deferrals` those that gave way to a rate limit in a row.
    """

    job: str
    org: str
    next_at: datetime
    tick_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: str | None = None
    failures: int = 0
    deferrals: int = 0
    error: str | None = None
    changed_at: datetime

    @property
    def unfinished(self) -> bool:
        """A turn was taken of whose end nobody has heard: it is going on, or its worker died."""
        if self.started_at is None:
            return False
        return self.finished_at is None or self.finished_at < self.started_at


def load(engine: Engine, *, changed_since: datetime | None = None) -> list[JobState]:
    """Every row, or those changed at or after a time."""
    query = select(job_states)
    if changed_since is not None:
        query = query.where(job_states.c.changed_at >= changed_since)
    with translated("the jobs cannot be read"), engine.connect() as connection:
        return [_state(row) for row in connection.execute(query)]


def of_org(engine: Engine, org: str) -> list[JobState]:
    """The jobs of one organization, by name."""
    query = select(job_states).where(job_states.c.org == org).order_by(job_states.c.job)
    with translated("the jobs cannot be read"), engine.connect() as connection:
        return [_state(row) for row in connection.execute(query)]


def find(engine: Engine, job: str, org: str) -> JobState | None:
    """One row."""
    with translated("the jobs cannot be read"), engine.connect() as connection:
        row = connection.execute(select(job_states).where(*_is(job, org))).first()
        return _state(row) if row else None


def last_begun(engine: Engine) -> dict[str, datetime]:
    """By organization, when its newest run began, whoever asked for it."""
    query = (
        select(orgs.c.name, func.max(runs.c.started_at)).join(runs, runs.c.org_id == orgs.c.id).group_by(orgs.c.name)
    )
    with translated("the runs cannot be read"), engine.connect() as connection:
        return {name: began for name, began in connection.execute(query) if began is not None}


def add(engine: Engine, wanted: Sequence[tuple[str, str, datetime]], now: datetime) -> None:
    """Make rows (job, organization, due time) for those that have none."""
    with translated("the jobs cannot be written"), writing(engine) as connection:
        known = {(row.job, row.org) for row in connection.execute(select(job_states.c.job, job_states.c.org))}
        rows = [
            {"job": job, "org": org, "next_at": at, "failures": 0, "deferrals": 0, "changed_at": now}
            for job, org, at in wanted
            if (job, org) not in known
        ]
        if not rows:
            return
        try:
            with connection.begin_nested():
                connection.execute(insert(job_states), rows)
        except IntegrityError:
            # Another worker had the same idea at the same moment; one by one whatever it left out.
            for row in rows:
                with connection.begin_nested() as each:
                    try:
                        connection.execute(insert(job_states), row)
                    except IntegrityError:
                        each.rollback()


def move(engine: Engine, job: str, org: str, *, due: datetime, to: datetime, now: datetime) -> bool:
    """Set the next due time, if it still is what the caller believes; whether it was."""
    statement = update(job_states).where(*_is(job, org), job_states.c.next_at == due).values(next_at=to, changed_at=now)
    with translated("the jobs cannot be written"), writing(engine) as connection:
        return connection.execute(statement).rowcount == 1


def take(engine: Engine, job: str, org: str, *, tick: datetime, now: datetime) -> bool:
    """Take the turn of a due time; False where it was taken and ended before.

    A turn whose end nobody heard of may be taken again: whoever still holds it is found out by the lease.
    """
    # Not "earlier than": a clock that was set back must not stop everything until it has caught up.
    untaken = or_(job_states.c.tick_at.is_(None), job_states.c.tick_at != tick)
    unheard = (job_states.c.tick_at == tick) & or_(
        job_states.c.finished_at.is_(None), job_states.c.finished_at < job_states.c.started_at
    )
    statement = (
        update(job_states)
        .where(*_is(job, org), or_(untaken, unheard))
        .values(tick_at=tick, started_at=now, changed_at=now)
    )
    with translated("the jobs cannot be written"), writing(engine) as connection:
        return connection.execute(statement).rowcount == 1


def finish(
    engine: Engine,
    job: str,
    org: str,
    *,
    began: datetime,
    now: datetime,
    outcome: str,
    failures: int,
    deferrals: int,
    error: str | None,
    next_at: datetime | None,
) -> None:
    """Write down how a turn ended; `next_at` None leaves the next due time as it is."""
    values: dict[str, Any] = {
        # Not before it began, whatever became of the clock meanwhile.
        "finished_at": max(began, now),
        "outcome": outcome,
        "failures": failures,
        "deferrals": deferrals,
        "error": error,
        "changed_at": now,
    }
    if next_at is not None:
        values["next_at"] = next_at
    with translated("the jobs cannot be written"), writing(engine) as connection:
        connection.execute(update(job_states).where(*_is(job, org)).values(**values))


def request(engine: Engine, job: str, org: str, *, at: datetime, now: datetime) -> None:
    """Make a job due at a time, if it is not due earlier anyway."""
    statement = update(job_states).where(*_is(job, org), job_states.c.next_at > at).values(next_at=at, changed_at=now)
    with translated("the jobs cannot be written"), writing(engine) as connection:
        connection.execute(statement)


def _is(job: str, org: str) -> tuple[Any, Any]:
    return job_states.c.job == job, job_states.c.org == org


def _state(row: Any) -> JobState:
    return JobState(**{name: getattr(row, name) for name in JobState.__struct_fields__})
