"""Whatever happens to clocks, schedules and workers: each turn once, none lost, none in a burst."""

import time
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from threading import Event, Lock

import pytest

from accesssync.store import job_states, runs
from accesssync.store.job_states import JobState
from accesssync.store.lease import leased
from accesssync.worker.clockwork import WORK, Clockwork
from accesssync.worker.work import Means, Unit
from tests.builders import NOW
from tests.worker.conftest import Around

QUIET = {"ACCESSSYNC_SCHEDULE__RETENTION": "off", "ACCESSSYNC_SCHEDULE__EVALUATE": "off"}
HOUR = timedelta(hours=1)


class Counting:
    """Hands that take every turn and note it."""

    lanes: Mapping[str, int] = {WORK: 2}

    def __init__(self, means: Means) -> None:
        self.means = means
        self.done: list[tuple[Unit, datetime]] = []
        self.lock = Lock()
        self.any = Event()

    def accept(self, unit: Unit, due: datetime, to: datetime, state: JobState) -> None:  # noqa: ARG002
        if not job_states.move(self.means.database, *unit, due=due, to=to, now=self.means.now()):
            return
        assert job_states.take(self.means.database, *unit, tick=due, now=self.means.now())
        job_states.finish(
            self.means.database, *unit, began=self.means.now(), now=self.means.now(), outcome="done", failures=0,
            deferrals=0, error=None, next_at=None,
        )  # fmt: skip
        with self.lock:
            self.done.append((unit, due))
        self.any.set()


def planned(around: Around, schedule: str = "every 60m", *, adopt: bool = True) -> JobState:
    """The row of the only organization after a start, without anything having been done."""
    means = around.means(ACCESSSYNC_SCHEDULE__SYNC=schedule, **QUIET)
    clockwork = Clockwork(means, ["acme"], Counting(means), adopt=adopt)
    clockwork._scheduler.start(paused=True)
    clockwork.reckon()
    clockwork.stop()
    return around.state()


def ran(around: Around, **changed: object) -> None:
    """As if a turn had been done at this moment."""
    values = {"outcome": "done", "failures": 0, "deferrals": 0, "error": None, "next_at": around.at + HOUR, **changed}
    assert job_states.take(around.engine, "sync", "acme", tick=around.state().next_at, now=around.at)
    job_states.finish(around.engine, "sync", "acme", began=around.at, now=around.at, **values)  # type: ignore[arg-type]


def test_what_never_ran_is_due_at_once(around: Around) -> None:
    assert planned(around).next_at == NOW


def test_a_restart_does_not_reset_the_clock(around: Around) -> None:
    planned(around)
    ran(around)
    for _ in range(4):
        around.later(minutes=10)
        assert planned(around).next_at == NOW + HOUR


def test_ten_missed_ticks_are_one(around: Around) -> None:
    planned(around)
    ran(around)
    around.later(hours=10)
    assert planned(around).next_at == NOW + HOUR  # due since then, once


def test_a_clock_set_back_by_a_day_does_not_stop_the_work_for_a_day(around: Around) -> None:
    planned(around)
    ran(around)
    around.later(days=-1)
    assert planned(around).next_at == around.at + HOUR


def test_a_clock_that_leaps_a_day_ahead_is_one_catch_up(around: Around) -> None:
    planned(around)
    ran(around)
    around.later(days=1)
    assert planned(around).next_at <= around.at
    ran(around)
    assert planned(around).next_at == around.at + HOUR


def test_what_was_stopped_is_due_at_once_and_what_was_synced_by_hand_is_not(around: Around) -> None:
    planned(around)
    ran(around, outcome="stopped", next_at=NOW)
    engine, org = around.engine, runs.ensure_org(around.engine, "acme", "datadoghq.eu", NOW)
    with leased(engine, "acme", org.id, wait=False, sleep=time.sleep) as lease:
        runs.begin_run(engine, lease, NOW - timedelta(seconds=1))  # of that turn
        assert planned(around).next_at == NOW
        around.later(minutes=10)
        runs.begin_run(engine, lease, around.at)
    around.later(minutes=1)
    assert planned(around).next_at == NOW + timedelta(minutes=70)


def test_a_shorter_schedule_takes_effect_at_once(around: Around) -> None:
    planned(around, "every 30d")
    ran(around, next_at=NOW + timedelta(days=30))
    around.later(minutes=5)
    assert planned(around, "every 10m").next_at == NOW + timedelta(minutes=10)


def test_who_keeps_failing_stays_put_off_over_a_restart(around: Around) -> None:
    planned(around)
    ran(around, failures=4, next_at=NOW + 8 * HOUR)
    assert planned(around).next_at == NOW + 8 * HOUR


def test_what_a_dead_worker_left_is_due_at_once_where_nobody_else_can_be_doing_it(around: Around) -> None:
    due = planned(around).next_at
    job_states.move(around.engine, "sync", "acme", due=due, to=NOW + HOUR, now=NOW)
    assert job_states.take(around.engine, "sync", "acme", tick=due, now=NOW)
    around.later(minutes=1)
    assert planned(around, adopt=False).next_at == NOW + HOUR
    assert planned(around, adopt=True).next_at == around.at


def wait_until(true: Callable[[], bool]) -> None:
    until = time.monotonic() + 10
    while not true():
        assert time.monotonic() < until
        time.sleep(0.01)


@pytest.fixture
def present(around: Around) -> Around:
    """With the real time, which APScheduler goes by."""
    around.at = datetime.now(NOW.tzinfo)
    return around


def test_of_two_processes_one_takes_each_turn(present: Around) -> None:
    orgs = [f"org-{number}" for number in range(10)]
    means = present.means(**QUIET)
    hands = Counting(means)
    both = [Clockwork(means, orgs, hands, adopt=False) for _ in range(2)]
    for each in both:
        each.start()
    wait_until(lambda: len(hands.done) >= 10)
    for each in both:
        each.look()
        each.stop()
    assert sorted(unit.org for unit, _ in hands.done) == orgs


def test_a_request_from_elsewhere_is_heard(present: Around) -> None:
    means = present.means(**QUIET)
    job_states.add(means.database, [("sync", "acme", present.at + HOUR)], present.at)
    ran(present)
    hands = Counting(means)
    clockwork = Clockwork(means, ["acme"], hands, adopt=True)
    clockwork.start()
    assert hands.done == []
    job_states.request(means.database, "sync", "acme", at=present.at, now=present.at)
    clockwork.look()
    assert hands.any.wait(10)
    clockwork.stop()
    assert [unit for unit, _ in hands.done] == [Unit("sync", "acme")]
