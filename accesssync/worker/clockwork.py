"""When each unit is due: one job of APScheduler in memory for each, its due time kept in the store.

The store has the last word. What another worker did, how a turn ended, a request from elsewhere: all of it arrives as
a due time that differs from the one planned here, and `look` takes it over. So a restart neither resets a clock nor
sets everything off at once, and of two processes that plan the same turn only one gets it.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from threading import Lock
from typing import Protocol

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.base import BaseTrigger

from accesssync.errors import StoreError
from accesssync.model.schedule import Schedule
from accesssync.store import job_states
from accesssync.store.job_states import JobState
from accesssync.worker.table import JOBS
from accesssync.worker.ticks import due_after, tick_after
from accesssync.worker.work import Means, Unit

WORK, ASIDE, PROBATION = "work", "aside", "probation"
"""The lanes. Who failed last time is tried again in a lane of its own, so that what hangs holds up nobody else."""

STORE_PAUSE = timedelta(seconds=15)
"""How long a unit waits whose turn could not be taken because the database was away."""

LONG_AGO = datetime.min.replace(tzinfo=UTC)
OVERLAP = timedelta(minutes=2)
"""How far back `look` reads: other machines' clocks differ a little."""


class Hands(Protocol):
    """Does what is due, or hands it on. `lanes` are threads per lane."""

    @property
    def lanes(self) -> Mapping[str, int]: ...

    def accept(self, unit: Unit, due: datetime, to: datetime, state: JobState) -> None:
        """See that the turn of `due` is done and that the unit is due again at `to`. StoreError where it cannot."""


class _Planned(BaseTrigger):  # type: ignore[misc]
    """What APScheduler plans by itself, until the store says otherwise."""

    def __init__(self, schedule: Schedule, means: Means) -> None:
        self._schedule = schedule
        self._means = means

    def get_next_fire_time(self, _previous: datetime | None, now: datetime) -> datetime:
        return due_after(self._schedule, now.astimezone(UTC), self._means.rng)


class Clockwork:
    """Hands out every unit when it is due. `adopt` takes up what a dead worker left unfinished."""

    def __init__(self, means: Means, orgs: Sequence[str], hands: Hands, *, adopt: bool) -> None:
        self._means = means
        self._hands = hands
        self._adopt = adopt
        self._schedules = {name: job.schedule(means.settings) for name, job in JOBS.items()}
        self._units = [
            Unit(name, org)
            for name, job in JOBS.items()
            if not self._schedules[name].off
            for org in (orgs if job.per_org else [""])
        ]
        self._states: dict[Unit, JobState] = {}
        self._firing: set[Unit] = set()
        self._lock = Lock()
        self._looked_at: datetime | None = None
        self._stopped = False
        pools = {lane: ThreadPoolExecutor(threads) for lane, threads in hands.lanes.items()}
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors=pools,
            job_defaults={"coalesce": True, "misfire_grace_time": None, "max_instances": 1},
        )

    def start(self) -> None:
        """Reckon when everything is due and begin to hand it out."""
        self._scheduler.start(paused=True)
        self.reckon()
        self._scheduler.resume()

    def stop(self) -> None:
        """Hand out nothing more. Does not wait for what was handed out."""
        self._stopped = True
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    def reckon(self) -> None:
        """Plan everything anew: at the start, and when the clock has jumped."""
        means, now = self._means, self._means.now()
        begun = job_states.last_begun(means.database)
        wanted = [(*unit, self._first(unit, begun, now)) for unit in self._units]
        job_states.add(means.database, wanted, now)
        states = {Unit(one.job, one.org): one for one in job_states.load(means.database)}
        for unit in self._units:
            state = states[unit]
            due = self._due(unit, state, begun, now)
            if due != state.next_at:
                job_states.move(means.database, *unit, due=state.next_at, to=due, now=now)
        self._looked_at = None
        self.look()
        self._scheduler.wakeup()

    def look(self) -> None:
        """Take over what others have written since the last look."""
        since, now = self._looked_at, self._means.now()
        mine = set(self._units)
        for state in job_states.load(self._means.database, changed_since=since):
            unit = Unit(state.job, state.org)
            if unit in mine:
                self._plan(unit, state)
        self._looked_at = now - OVERLAP

    def due(self) -> int:
        """How many units are due and not yet begun."""
        now = self._means.now()
        with self._lock:
            return sum(state.next_at <= now for state in self._states.values())

    def _first(self, unit: Unit, begun: Mapping[str, datetime], now: datetime) -> datetime:
        ran = begun.get(unit.org) if unit.job == "sync" else None
        return tick_after(self._schedules[unit.job], min(ran, now)) if ran else now

    def _due(self, unit: Unit, state: JobState, begun: Mapping[str, datetime], now: datetime) -> datetime:
        """When a unit is due: as the store says, unless that cannot be meant any more."""
        if self._adopt and state.unfinished and unit not in self._firing:
            return min(state.next_at, now)
        schedule = self._schedules[unit.job]
        last = [at for at in (state.started_at, begun.get(unit.org) if unit.job == "sync" else None) if at]
        # A clock that was set back left times that are yet to come.
        basis = min(max(last), now) if last else now
        latest = tick_after(schedule, basis)
        room = (tick_after(schedule, latest) - latest) / 5
        if state.failures or state.deferrals:
            cap = timedelta(seconds=max(self._means.settings.worker_backoff_cap, 3600))
            return state.next_at if state.next_at <= max(latest, now + cap) + room else latest
        if not last:
            return min(state.next_at, now)
        if state.next_at > latest + room:
            return latest
        # Somebody synced by hand or by cron since the last turn ended: that counts as one.
        ran = begun.get(unit.org) if unit.job == "sync" else None
        by_hand = ran is not None and ran <= now and not state.unfinished and ran > (state.finished_at or LONG_AGO)
        return max(state.next_at, latest) if by_hand else state.next_at

    def _plan(self, unit: Unit, state: JobState) -> None:
        with self._lock:
            if unit in self._firing:
                return
            before = self._states.get(unit)
            self._states[unit] = state
        if before is not None and before.next_at == state.next_at and bool(before.failures) == bool(state.failures):
            return
        lane = PROBATION if state.failures else ASIDE if JOBS[unit.job].aside else WORK
        lane = lane if lane in self._hands.lanes else WORK
        self._schedule(unit, lane, state.next_at)

    def _schedule(self, unit: Unit, lane: str, at: datetime) -> None:
        name = f"{unit.job} {unit.org}"
        try:
            self._scheduler.modify_job(name, next_run_time=at, executor=lane)
        except JobLookupError:
            trigger = _Planned(self._schedules[unit.job], self._means)
            self._scheduler.add_job(self._fire, trigger, [unit], id=name, name=name, executor=lane, next_run_time=at)

    def _fire(self, unit: Unit) -> None:
        if self._stopped:
            return
        with self._lock:
            state = self._states[unit]
            self._firing.add(unit)
        retry: datetime | None = None
        try:
            now = self._means.now()
            if state.next_at <= now:
                self._hands.accept(
                    unit, state.next_at, due_after(self._schedules[unit.job], now, self._means.rng), state
                )
        except StoreError as error:
            self._means.log("store", error.line(), level="error", job=unit.job, org=unit.org)
            retry = self._means.now() + STORE_PAUSE
        finally:
            with self._lock:
                self._firing.discard(unit)
        if not self._stopped:
            self._again(unit, retry)

    def _again(self, unit: Unit, retry: datetime | None) -> None:
        """Plan the next turn of a unit whose turn is over."""
        found = None
        if retry is None:
            try:
                found = job_states.find(self._means.database, *unit)
            except StoreError:
                retry = self._means.now() + STORE_PAUSE
        with self._lock:
            # Whatever the store says now is news.
            known = self._states.pop(unit, None)
        state = found or known
        if state is None:
            return
        if retry is None:
            self._plan(unit, state)
            return
        with self._lock:
            self._states[unit] = state
        self._schedule(unit, WORK, retry)
