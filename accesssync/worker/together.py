"""One of several processes that share the work: all take turns out of the queue, one of them puts them in."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accesssync.errors import StoreError
from accesssync.store import job_states, queue_schema
from accesssync.store.engine import libpq_url
from accesssync.store.job_states import JobState
from accesssync.store.leader import Leadership
from accesssync.worker.clockwork import WORK, Clockwork
from accesssync.worker.perform import Performer
from accesssync.worker.queue import Queue
from accesssync.worker.table import JOBS
from accesssync.worker.work import Means, Unit, counted

LAST, USUAL, FIRST = -10, 0, 10
"""Priorities: who failed last time waits behind all others, and what is quick does not wait for every organization."""


def priority_of(unit: Unit, state: JobState) -> int:
    """How urgent a turn is among those that wait."""
    if state.failures:
        return LAST
    return FIRST if JOBS[unit.job].aside else USUAL


class QueueHands:
    """Puts each turn into the queue."""

    lanes: Mapping[str, int] = {WORK: 1}

    def __init__(self, means: Means, queue: Queue) -> None:
        self._means = means
        self._queue = queue

    def accept(self, unit: Unit, due: datetime, to: datetime, state: JobState) -> None:
        """Put the turn in, then plan the next.

        In this order: a leader that dies in between does it once too often, which the queue and whoever takes the turn
        find out, rather than once too seldom.
        """
        self._queue.put(unit, due, priority=priority_of(unit, state))
        job_states.move(self._means.database, *unit, due=due, to=to, now=self._means.now())


class Together:
    """Takes turns out of the queue; where it leads, also plans, puts turns in and takes back those of the dead."""

    def __init__(self, means: Means, orgs: Sequence[str], performer: Performer) -> None:
        queue_schema.ensure(means.database)
        self._means = means
        self._orgs = orgs
        self._leadership = Leadership(means.database)
        self._clockwork: Clockwork | None = None
        heartbeat = means.settings.worker_heartbeat
        self._queue = Queue(libpq_url(means.database), performer.perform, heartbeat=heartbeat, log=means.log)
        self._rescued_at = means.monotonic()

    def start(self) -> None:
        """Begin to take turns out; lead, if nobody does."""
        self._queue.start()
        self.look()

    def look(self) -> None:
        """Lead, follow, or step down, as the database says."""
        try:
            leads = self._leadership.held()
        except StoreError:
            self._step_down()
            raise
        if not leads:
            return
        if self._clockwork is None:
            # Whatever has no end yet may be under way elsewhere; of the dead the queue knows.
            clockwork = Clockwork(self._means, self._orgs, QueueHands(self._means, self._queue), adopt=False)
            self._clockwork = clockwork
            self._means.metrics.leading.set(1)
            self._means.log("leader", f"hands out the work of {counted(self._orgs)} from now on")
            clockwork.start()
        else:
            self._clockwork.look()
        if self._means.monotonic() - self._rescued_at >= self._means.settings.worker_heartbeat:
            self._rescued_at = self._means.monotonic()
            for name in self._queue.rescue():
                self._means.log("job.rescued", f"{name}: its worker is gone; given out again", level="warning")

    def reckon(self) -> None:
        """Plan anew, where this process leads."""
        if self._clockwork is not None:
            self._clockwork.reckon()

    def stop(self) -> None:
        """Take nothing more out and put nothing more in."""
        self._step_down()
        self._queue.stop()

    def close(self, seconds: float) -> None:
        """Wait until the queue knows what was done."""
        self._queue.close(seconds)

    def status(self) -> str:
        """One line about what it does."""
        role = "hands out the work and takes its share" if self._clockwork else "takes its share of the work"
        return f"{counted(self._orgs)}, {role}"

    def _step_down(self) -> None:
        clockwork, self._clockwork = self._clockwork, None
        if clockwork is not None:
            clockwork.stop()
        self._means.metrics.leading.set(0)
        self._leadership.release()
