"""Proof of operation: which turns were kept, and when nobody looked."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from accesssync.model.schedule import parse_schedule
from accesssync.reports.period.history import Ran
from accesssync.reports.period.operation import Look, Told, datasets, operation
from accesssync.reports.period.turns import Gap, kept, observed, ticks
from accesssync.worker.ticks import tick_after
from tests.reports.period.past import ran
from tests.reports.rows import records

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOURLY = parse_schedule("every 60m")


def hours(*numbers: float) -> list[datetime]:
    return [START + number * HOUR for number in numbers]


def test_a_run_each_hour_misses_nothing_even_when_it_is_moved_a_little() -> None:
    begun = hours(*(number + (0.04 if number % 2 else -0.04) for number in range(1, 24)))
    found = kept(HOURLY, START, START + 24 * HOUR, begun)
    assert found is not None
    assert (found.turns, found.kept, found.missed, found.gaps) == (23, 23, 0, ())


def test_a_gap_is_told_with_its_ends_and_the_turns_in_it() -> None:
    found = kept(HOURLY, START, START + 10 * HOUR, hours(0, 1, 2, 6, 7, 8, 9))
    assert found is not None
    assert found.gaps == (Gap(start=START + 2 * HOUR, end=START + 6 * HOUR, missed=3),)
    assert (found.turns, found.kept, found.missed) == (10, 7, 3)


def test_a_period_in_which_nobody_looked_is_one_gap() -> None:
    found = kept(HOURLY, START, START + 24 * HOUR, [])
    assert found is not None
    assert (found.turns, found.kept) == (23, 0)
    assert found.gaps == (Gap(start=START, end=START + 24 * HOUR, missed=23),)


def test_by_the_clock_a_turn_lasts_until_the_next_tick() -> None:
    daily = parse_schedule("0 6 * * *")
    begun = hours(6.2, 30.1, 78.5, 102.1)
    found = kept(daily, START, START + 120 * HOUR, begun)
    assert found is not None
    assert (found.turns, found.kept, found.missed) == (5, 4, 1)
    assert found.gaps == (Gap(start=START + 54 * HOUR, end=START + 78 * HOUR, missed=1),)


def test_turns_missed_in_a_row_are_one_gap() -> None:
    found = kept(parse_schedule("0 6 * * *"), START, START + 120 * HOUR, hours(6.2, 102.1))
    assert found is not None
    assert found.gaps == (Gap(start=START + 30 * HOUR, end=START + 102 * HOUR, missed=3),)


def test_the_turn_under_way_at_the_end_is_neither_kept_nor_missed() -> None:
    found = kept(parse_schedule("0 * * * *"), START, START + 2 * HOUR + timedelta(minutes=2), hours(0.01, 1.01))
    assert found is not None
    assert (found.turns, found.kept, found.missed) == (2, 2, 0)


def test_a_schedule_that_is_off_asks_for_nothing() -> None:
    assert kept(parse_schedule("off"), START, START + HOUR, []) is None


@given(
    st.sampled_from(
        ["0 6 * * *", "*/20 2 1,15 * *", "5 4 * * sun", "0 12 13 * fri", "0 0 31 * *", "15 9 * 2-4 mon-fri"]
    ),
    st.integers(0, 500),
)
def test_ticks_are_those_of_the_worker(text: str, days: int) -> None:
    schedule = parse_schedule(text)
    assert schedule.cron is not None
    start = START + timedelta(days=days)
    mine = list(ticks(schedule.cron, start, start + timedelta(days=20)))
    found, tick = [], tick_after(schedule, start - timedelta(microseconds=1))
    while tick < start + timedelta(days=20):
        found.append(tick)
        tick = tick_after(schedule, tick)
    assert mine == found


def test_an_interval_is_observed_as_the_median() -> None:
    assert observed(hours(0, 1, 2, 3, 9)) == parse_schedule("every 60m")
    assert observed(hours(0, 1)) is None


def told(tries: list[Ran], looks: list[Look], **facts: object) -> list[dict[str, object]]:
    usual = Told(
        org="acme",
        start=tries[0].started_at,
        end=tries[-1].started_at + HOUR,
        tries=tries,
        looks=looks,
        configured=None,
    )
    return records(datasets(operation(replace(usual, **facts)))[0])


def test_a_failed_run_keeps_no_turn_and_an_unproven_one_proves_nothing() -> None:
    tries = [ran(1), ran(2, published=False, proven=False), ran(3, proven=False), ran(4), ran(5)]
    whole = told(tries, [], configured=HOURLY)[0]
    assert (whole["runs"], whole["proven"], whole["unproven"], whole["failed"]) == (5, 3, 1, 1)
    assert (whole["turns"], whole["kept"], whole["missed"]) == (5, 4, 1)
    assert whole["longest_gap_hours"] == 3.0
    assert (whole["longest_gap_start"], whole["longest_gap_end"]) == (tries[0].finished_at, tries[3].finished_at)


def test_each_resource_has_its_own_coverage_and_its_own_gap() -> None:
    tries = [ran(number) for number in (1, 2, 3)]
    ended = [one.finished_at or one.started_at for one in tries]
    states = (("users", ("complete",) * 3), ("oauth_clients", ("complete", "denied", "denied")))
    looks = [
        Look(one.id, resource, state, at)
        for resource, many in states
        for one, state, at in zip(tries, many, ended, strict=True)
    ]
    found = {str(one["part"]): one for one in told(tries, looks)}
    assert (found["users"]["proven"], found["users"]["denied"]) == (3, 0)
    assert (found["oauth_clients"]["proven"], found["oauth_clients"]["denied"]) == (1, 2)
    assert found["oauth_clients"]["longest_gap_start"] == ended[0]
    assert found["organization"]["schedule_source"] == "observed"
