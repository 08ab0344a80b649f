"""One turn: take it, do the job on a leash, write down what came of it and when it is due again."""

from contextlib import suppress
from datetime import datetime, timedelta
from itertools import count
from random import Random
from threading import Event, Lock
from typing import Any

from msgspec import Struct

from accesssync.errors import AccessSyncError, StoreError
from accesssync.model.schedule import Schedule
from accesssync.store import job_states
from accesssync.worker.leash import Interrupted, Leash
from accesssync.worker.table import JOBS
from accesssync.worker.ticks import due_after
from accesssync.worker.work import Job, Means, Outcome, Unit, failure, outcome_of

PATIENT_AFTER = 2
"""How often in a row a job may make room for others because of the rate limit; then it waits where it is.

Otherwise an organization whose limit is too small for one listing would begin again for ever.
"""

MOST_DOUBLINGS = 20
SKIPPED_SECONDS = 30.0
"""How soon a job comes back, at the earliest, that found its organization locked."""

LEVELS = {"failed": "error", "partial": "warning", "deferred": "warning", "skipped": "warning", "stopped": "warning"}


class Turn(Struct, frozen=True, kw_only=True):
    """A turn under way in this process."""

    id: int
    unit: Unit
    leash: Leash


class Performer:
    """Does turns, from any number of threads, and knows which are under way. `stop` asks all of them to end."""

    def __init__(self, means: Means, stop: Event) -> None:
        self._means = means
        self._stop = stop
        self._lock = Lock()
        self._turns: dict[int, Turn] = {}
        self._ids = count(1)

    def under_way(self) -> list[Turn]:
        """What is being done at this moment."""
        with self._lock:
            return list(self._turns.values())

    def perform(self, unit: Unit, tick: datetime) -> Outcome | None:
        """Take the turn of a due time and do the job; None where another worker had it. Raises nothing of the job's.

        StoreError where the turn cannot be taken or its end not be written down.
        """
        means, job = self._means, JOBS[unit.job]
        began = means.now()
        before = job_states.find(means.database, *unit)
        if before is None or not job_states.take(means.database, *unit, tick=tick, now=began):
            return None
        outcome = self._on_leash(job, unit, patient=before.deferrals >= PATIENT_AFTER)
        ended = means.now()
        failures, deferrals, next_at = after(
            outcome, job.schedule(means.settings), before, began, ended, means.settings.worker_backoff_cap, means.rng
        )
        # What went wrong may have been the database; then it gets a moment to come back.
        self._write_down(unit, began, outcome, failures, deferrals, next_at)
        return outcome

    def now(self, unit: Unit) -> Outcome:
        """Do a job at once, whenever it is due."""
        return self._on_leash(JOBS[unit.job], unit, patient=True)

    def _on_leash(self, job: Job, unit: Unit, *, patient: bool) -> Outcome:
        means, settings = self._means, self._means.settings
        leash = Leash(
            stop=self._stop,
            clock=means.monotonic,
            deadline=job.deadline(settings),
            longest_wait=None if patient else settings.worker_longest_wait,
        )
        turn = Turn(id=next(self._ids), unit=unit, leash=leash)
        with self._lock:
            self._turns[turn.id] = turn
        means.metrics.running.inc()
        began = means.monotonic()
        if not job.aside:
            # The others are quick, and their end says it all.
            means.log("job.started", f"{_name(unit)} begins", level="info", **_ids(unit))
        try:
            outcome = _carried_out(job, means, unit, leash)
        finally:
            with self._lock:
                del self._turns[turn.id]
            means.metrics.running.dec()
        took = max(0.0, means.monotonic() - began)
        means.metrics.turns.labels(unit.job, unit.org, outcome.kind).inc()
        means.metrics.durations.labels(unit.job).observe(took)
        self._tell(unit, outcome, took)
        return outcome

    def _tell(self, unit: Unit, outcome: Outcome, took: float) -> None:
        details: dict[str, str] = {**_ids(unit), "outcome": outcome.kind}
        if outcome.run_id is not None:
            details["run_id"] = f"run-{outcome.run_id}"
        if outcome.error is not None:
            details["error"] = outcome.error.code
        where = f"{_name(unit)} run-{outcome.run_id}" if outcome.run_id is not None else _name(unit)
        words = "" if outcome.kind in {"done", "partial"} else f"{outcome.kind.upper()}: "
        text = f"{where}: {words}{outcome.text}, {took:.1f} s"
        level = LEVELS.get(outcome.kind, "info")
        self._means.log(f"job.{outcome.kind}", text, level=level, seconds=round(took, 3), **details)

    def _write_down(
        self, unit: Unit, began: datetime, outcome: Outcome, failures: int, deferrals: int, next_at: datetime | None
    ) -> None:
        means = self._means
        values: dict[str, Any] = {
            "began": began,
            "outcome": outcome.kind,
            "failures": failures,
            "deferrals": deferrals,
            "error": outcome.error.line() if outcome.error else None,
            "next_at": next_at,
        }
        for pause in (1.0, 5.0):
            with suppress(StoreError):
                job_states.finish(means.database, *unit, now=means.now(), **values)
                return
            self._stop.wait(pause)
        job_states.finish(means.database, *unit, now=means.now(), **values)


def _carried_out(job: Job, means: Means, unit: Unit, leash: Leash) -> Outcome:
    try:
        leash.check()
        return job.run(means, unit.org, leash)
    except Interrupted as interrupted:
        if interrupted.reason == "stop":
            return Outcome(kind="stopped", text="it is done again at the next start")
        seconds = job.deadline(means.settings)
        return failure(AccessSyncError(f"not done within {seconds:.0f} s", org=unit.org or None))
    except AccessSyncError as error:
        error.org = error.org or unit.org or None
        return outcome_of(error)
    except Exception as bug:  # noqa: BLE001 - a bug in one job must not end the worker
        name = type(bug).__name__
        return failure(AccessSyncError(f"this is a bug in accesssync ({name})", org=unit.org or None))


def after(
    outcome: Outcome,
    schedule: Schedule,
    before: job_states.JobState,
    began: datetime,
    ended: datetime,
    cap: float,
    rng: Random,
) -> tuple[int, int, datetime | None]:
    """Failures in a row, deferrals in a row, and when the job is due again (None: as planned). Pure.

    A failure is tried again at the usual time, then after twice, four times as long and so on up to `cap` seconds, or
    the usual time where that is longer.
    """
    if outcome.kind == "stopped":
        return before.failures, before.deferrals, ended
    if outcome.kind == "deferred":
        # A little later than asked for, so that not everybody is back at the same moment.
        return before.failures, before.deferrals + 1, ended + timedelta(seconds=outcome.wait * (1 + rng.random() / 10))
    if outcome.kind == "skipped" and not schedule.off:
        # Another job of the same organization, perhaps, which is soon done with it.
        soon = ended + timedelta(seconds=SKIPPED_SECONDS * (1 + rng.random()))
        return 0, 0, min(soon, due_after(schedule, ended, rng))
    if outcome.kind != "failed" or schedule.off:
        # Longer at work than from one tick to the next: not again at once, but at the next tick.
        planned = None if schedule.off or before.next_at > ended else due_after(schedule, ended, rng)
        return 0, 0, planned
    failures = before.failures + 1
    usual = due_after(schedule, began, rng)
    if isinstance(outcome.error, StoreError):
        return before.failures, 0, min(usual, ended + timedelta(seconds=30))
    usual = max(usual, due_after(schedule, ended, rng)) if usual <= ended else usual
    period = (usual - ended).total_seconds()
    pause = max(period, min(period * 2 ** min(failures - 1, MOST_DOUBLINGS), cap))
    return failures, 0, ended + timedelta(seconds=pause)


def _name(unit: Unit) -> str:
    return f"{unit.job} {unit.org}".rstrip()


def _ids(unit: Unit) -> dict[str, str]:
    return {"job": unit.job, "org": unit.org} if unit.org else {"job": unit.job}
