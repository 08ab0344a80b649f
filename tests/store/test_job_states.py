"""Whose turn it is: one gets it, whoever else believes so, and nothing of it is lost with a worker."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from sqlalchemy import Engine

from accesssync.store import job_states, schema
from accesssync.store.runs import ensure_org
from tests.builders import NOW, dump

LATER = NOW + timedelta(hours=1)
SECOND = timedelta(seconds=1)


def state(engine: Engine) -> job_states.JobState:
    found = job_states.find(engine, "sync", "acme")
    assert found is not None
    return found


def end(engine: Engine, **changed: object) -> None:
    values = {"outcome": "done", "failures": 0, "deferrals": 0, "error": None, "next_at": None, **changed}
    job_states.finish(engine, "sync", "acme", began=NOW, now=NOW + SECOND, **values)  # type: ignore[arg-type]


def test_rows_are_made_once(engine: Engine) -> None:
    job_states.add(engine, [("sync", "acme", NOW)], NOW)
    job_states.add(engine, [("sync", "acme", LATER), ("sync", "emea", LATER)], NOW)
    assert {(one.org, one.next_at) for one in job_states.load(engine)} == {("acme", NOW), ("emea", LATER)}
    assert [one.org for one in job_states.load(engine, changed_since=NOW + SECOND)] == []


def test_several_may_make_them_at_once(engine: Engine) -> None:
    wanted = [("sync", f"org-{number}", NOW) for number in range(20)]
    with ThreadPoolExecutor(4) as executor:
        list(executor.map(lambda _: job_states.add(engine, wanted, NOW), range(4)))
    assert len(job_states.load(engine)) == 20


def test_a_due_time_is_moved_by_one_of_those_who_see_it(engine: Engine) -> None:
    job_states.add(engine, [("sync", "acme", NOW)], NOW)
    with ThreadPoolExecutor(4) as executor:
        moved = list(
            executor.map(lambda _: job_states.move(engine, "sync", "acme", due=NOW, to=LATER, now=NOW), range(4))
        )
    assert sorted(moved) == [False, False, False, True]
    assert state(engine).next_at == LATER


def test_a_turn_is_done_once_but_may_be_finished_by_another(engine: Engine) -> None:
    job_states.add(engine, [("sync", "acme", NOW)], NOW)
    assert job_states.take(engine, "sync", "acme", tick=NOW, now=NOW)
    assert state(engine).unfinished
    # The first worker died: nobody heard how it ended.
    assert job_states.take(engine, "sync", "acme", tick=NOW, now=NOW)
    end(engine)
    assert not state(engine).unfinished
    assert not job_states.take(engine, "sync", "acme", tick=NOW, now=LATER)
    assert job_states.take(engine, "sync", "acme", tick=LATER, now=LATER)


def test_a_clock_that_was_set_back_stops_nothing(engine: Engine) -> None:
    job_states.add(engine, [("sync", "acme", LATER)], NOW)
    assert job_states.take(engine, "sync", "acme", tick=LATER, now=LATER)
    job_states.finish(
        engine, "sync", "acme", began=LATER, now=NOW, outcome="done", failures=0, deferrals=0, error=None, next_at=NOW
    )
    assert not state(engine).unfinished
    assert job_states.take(engine, "sync", "acme", tick=NOW, now=NOW)


def test_a_request_only_ever_makes_something_due_earlier(engine: Engine) -> None:
    job_states.add(engine, [("sync", "acme", LATER)], NOW)
    job_states.request(engine, "sync", "acme", at=LATER + SECOND, now=NOW)
    assert state(engine).next_at == LATER
    job_states.request(engine, "sync", "acme", at=NOW, now=NOW)
    assert state(engine).next_at == NOW


def test_the_newest_run_counts_whoever_began_it(engine: Engine) -> None:
    ensure_org(engine, "acme", "datadoghq.eu", NOW)
    assert job_states.last_begun(engine) == {}


def test_asking_whether_it_can_be_written_writes_nothing(engine: Engine) -> None:
    before = dump(engine)
    assert schema.trouble(engine, NOW) is None
    assert dump(engine) == before
