"""What a turn leaves behind: when it is due again, and that nothing a job does ends the worker."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from random import Random
from threading import Event
from typing import Any

import pytest

from accesssync.errors import (
    AccessSyncError,
    DeferredError,
    LockedError,
    PartialError,
    StoreError,
    UpstreamError,
)
from accesssync.model.schedule import parse_schedule
from accesssync.store import job_states
from accesssync.store.job_states import JobState
from accesssync.worker import perform
from accesssync.worker.leash import Interrupted, Leash
from accesssync.worker.perform import Performer, after
from accesssync.worker.work import Job, Means, Outcome, Unit, failure, outcome_of
from tests.builders import NOW
from tests.worker.conftest import Around

HOURLY = parse_schedule("every 60m")
DAY = 86400.0
UNIT = Unit("sync", "acme")


def before(**changed: Any) -> JobState:
    values = {"next_at": NOW + timedelta(hours=1), "changed_at": NOW, **changed}
    return JobState(job="sync", org="acme", **values)


def pause(outcome: Outcome, state: JobState, *, took: float = 60, cap: float = DAY) -> tuple[int, int, float | None]:
    """Failures, deferrals and the minutes until the next try."""
    ended = NOW + timedelta(seconds=took)
    chance = Random(0)  # noqa: S311 - chance, no secret
    failures, deferrals, at = after(outcome, HOURLY, state, NOW, ended, cap, chance)
    return failures, deferrals, None if at is None else (at - ended).total_seconds() / 60


FAILED = failure(UpstreamError("no"))


def test_who_keeps_failing_is_tried_ever_more_seldom_up_to_a_cap() -> None:
    pauses = [pause(FAILED, before(failures=failures))[2] or 0 for failures in range(12)]
    assert pauses[0] == pytest.approx(59, abs=4)
    for earlier, later in pairwise(pauses[:5]):
        assert later == pytest.approx(2 * earlier, rel=0.2)
    assert pauses[5:] == [24 * 60] * 7
    assert pause(FAILED, before(failures=200))[0] == 201
    assert (pause(FAILED, before(failures=9), cap=60)[2] or 0) >= 55


def test_a_success_ends_that_and_leaves_the_plan_as_it_is() -> None:
    assert pause(Outcome(kind="done", text=""), before(failures=9, deferrals=1)) == (0, 0, None)
    assert pause(outcome_of(PartialError("some")), before()) == (0, 0, None)


def test_a_turn_longer_than_its_interval_is_not_followed_by_another_at_once() -> None:
    _, _, minutes = pause(Outcome(kind="done", text=""), before(), took=2 * 3600)
    assert minutes is not None
    assert minutes >= 55


def test_a_rate_limit_decides_itself_when_to_come_back() -> None:
    failures, deferrals, minutes = pause(outcome_of(DeferredError(600)), before(failures=2, deferrals=1))
    assert (failures, deferrals) == (2, 2)
    assert minutes is not None
    assert 10 <= minutes <= 11


def test_what_was_stopped_is_due_at_once() -> None:
    assert pause(Outcome(kind="stopped", text=""), before(failures=3)) == (3, 0, 0.0)


def test_a_database_that_is_away_is_not_the_organizations_fault() -> None:
    assert pause(failure(StoreError("full")), before(failures=1)) == (1, 0, 0.5)


def test_who_finds_it_locked_comes_back_soon_and_is_no_failure() -> None:
    assert outcome_of(LockedError("other")).kind == "skipped"
    failures, deferrals, minutes = pause(outcome_of(LockedError("other")), before(failures=2))
    assert (failures, deferrals) == (0, 0)
    assert minutes is not None
    assert 0.5 <= minutes <= 1


@pytest.fixture
def doing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[Means, str, Leash], Outcome]], None]:
    """Replace what the sync job does."""

    def replace(run: Callable[[Means, str, Leash], Outcome]) -> None:
        job = Job(name="sync", summary="", schedule=lambda _: HOURLY, per_org=True, deadline=lambda _: 10, run=run)
        monkeypatch.setattr(perform, "JOBS", {"sync": job})

    return replace


def do(around: Around, stop: Event | None = None, **environ: str) -> Outcome | None:
    means = around.means(**environ)
    job_states.add(means.database, [(*UNIT, NOW)], NOW)
    return Performer(means, stop or Event()).perform(UNIT, around.state().next_at)


def raising(error: BaseException) -> Callable[[Means, str, Leash], Outcome]:
    def run(_means: Means, _org: str, _leash: Leash) -> Outcome:
        raise error

    return run


def test_a_bug_is_a_failed_turn_and_its_text_is_told_to_nobody(around: Around, doing: Any) -> None:
    doing(raising(ValueError("secret-canary")))
    outcome = do(around)
    assert outcome is not None
    assert (outcome.kind, outcome.exit_code) == ("failed", 1)
    assert (around.state().failures, around.state().outcome) == (1, "failed")
    assert "secret-canary" not in str(around.lines) + str(around.state())
    assert "ValueError" in str(around.state().error)


def test_a_turn_is_not_done_twice(around: Around, doing: Any) -> None:
    doing(lambda *_: Outcome(kind="done", text="done"))
    performer = Performer(around.means(), Event())
    job_states.add(around.engine, [(*UNIT, NOW)], NOW)
    assert performer.perform(UNIT, NOW) is not None
    assert performer.perform(UNIT, NOW) is None


def test_stopping_reaches_a_job_at_its_next_wait_and_makes_it_due_again(around: Around, doing: Any) -> None:
    stop = Event()

    def run(_means: Means, _org: str, leash: Leash) -> Outcome:
        stop.set()
        leash.sleep(1000)
        raise AssertionError("went on")

    doing(run)
    outcome = do(around, stop)
    assert outcome is not None
    assert outcome.kind == "stopped"
    assert around.state().next_at == NOW
    assert not around.state().unfinished


def test_after_its_deadline_a_job_ends_at_its_next_page(around: Around, doing: Any) -> None:
    def run(_means: Means, _org: str, leash: Leash) -> Outcome:
        around.later(seconds=11)
        leash.check()
        raise AssertionError("went on")

    doing(run)
    outcome = do(around)
    assert outcome is not None
    assert outcome.kind == "failed"
    assert "within 10 s" in outcome.text


def test_a_long_wait_makes_room_twice_and_then_waits(around: Around, doing: Any) -> None:
    def run(_means: Means, _org: str, leash: Leash) -> Outcome:
        leash.sleep(0.02)
        return Outcome(kind="done", text="")

    doing(run)
    seen = []
    for _ in range(3):
        outcome = do(around, ACCESSSYNC_WORKER__LONGEST_WAIT="0.01")
        assert outcome is not None
        seen.append(outcome.kind)
        around.at = max(around.at, around.state().next_at)
    assert seen == ["deferred", "deferred", "done"]
    assert around.state().deferrals == 0


def test_what_a_job_on_a_leash_is_interrupted_with_is_no_failure_of_its_own() -> None:
    assert not issubclass(Interrupted, Exception)
    assert issubclass(DeferredError, AccessSyncError)
    # One listing that may not be read must not be what a whole organization is put off with.
    assert not issubclass(DeferredError, UpstreamError)
