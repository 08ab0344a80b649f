"""When something is due: as cron means it, in UTC, and never much too early or too late."""

from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accesssync.model.schedule import parse_schedule
from accesssync.worker.ticks import due_after, tick_after

MINUTE = timedelta(minutes=1)
START = datetime(2026, 1, 1, tzinfo=UTC)


def numbers(low: int, high: int) -> st.SearchStrategy[str]:
    """A field of cron."""
    single = st.integers(low, high).map(str)
    span = st.tuples(st.integers(low, high), st.integers(low, high), st.integers(1, 7)).map(
        lambda three: f"{min(three[:2])}-{max(three[:2])}" + (f"/{three[2]}" if three[2] > 1 else "")
    )
    stars = st.sampled_from(["*", "*/2", "*/3", "*/5"])
    return st.one_of(stars, single, span, st.lists(st.one_of(single, span), min_size=2, max_size=3).map(",".join))


def matches(text: str, value: int, low: int, high: int) -> bool:
    """Whether one field fits one value: read from the text by other means than the product's."""
    for part in text.split(","):
        whole, _, step = part.partition("/")
        first, _, last = (f"{low}-{high}" if whole == "*" else whole).partition("-")
        begin, end = int(first), int(last or first)
        if any(value == each for each in range(begin, end + 1) if (each - begin) % int(step or 1) == 0):
            return True
    return False


def fits(text: str, when: datetime) -> bool:
    """Whether cron would run at this minute. Python counts Sunday as 7, cron as 0 or 7."""
    minute, hour, day, month, weekday = text.split()
    sunday = when.isoweekday() % 7
    of_month = matches(day, when.day, 1, 31)
    of_week = matches(weekday, sunday, 0, 6) or (
        sunday == 0 and not weekday.startswith("*") and matches(weekday, 7, 0, 7)
    )
    both = day.startswith("*") or weekday.startswith("*")
    fitting = of_month and of_week if both else of_month or of_week
    return (
        matches(minute, when.minute, 0, 59)
        and matches(hour, when.hour, 0, 23)
        and matches(month, when.month, 1, 12)
        and fitting
    )


@settings(max_examples=80, deadline=None)
@given(
    fields=st.tuples(numbers(0, 59), numbers(0, 23), st.just("*") | numbers(1, 28), st.just("*"), numbers(0, 7)),
    start=st.integers(0, 3 * 365 * 86400).map(lambda seconds: START + timedelta(seconds=seconds)),
)
def test_a_tick_is_the_first_minute_that_cron_would_run_at(fields: tuple[str, ...], start: datetime) -> None:
    text = " ".join(fields)
    found = tick_after(parse_schedule(text), start)
    assert found > start
    assert found.second == found.microsecond == 0
    assert fits(text, found)
    # No earlier minute fits; looked at minute by minute for a day.
    when = start.replace(second=0, microsecond=0) + MINUTE
    for _ in range(24 * 60):
        if when >= found:
            break
        assert not fits(text, when), (text, when)
        when += MINUTE


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 3 * * 0", "2026-11-22T03:00"),  # a Sunday
        ("0 3 * * 7", "2026-11-22T03:00"),
        ("0 3 * * 1", "2026-11-23T03:00"),  # a Monday
        ("0 3 * * 1-5", "2026-11-23T03:00"),
        ("0 3 * * 6", "2026-11-28T03:00"),
        ("30 2 29 2 *", "2028-02-29T02:30"),
        ("0 0 13 * 5", "2026-11-27T00:00"),  # a Friday comes before the 13th
        ("*/15 * * * *", "2026-11-21T12:15"),
    ],
)
def test_ticks_by_example(text: str, expected: str) -> None:
    start = datetime(2026, 11, 21, 12, 0, 30, tzinfo=UTC)  # a Saturday
    assert tick_after(parse_schedule(text), start) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_daylight_saving_is_nobodys_business() -> None:
    schedule, when, seen = parse_schedule("30 1,2 * * *"), datetime(2026, 3, 28, tzinfo=UTC), []
    for _ in range(8):
        when = tick_after(schedule, when)
        seen.append(when)
    assert [each.hour for each in seen] == [1, 2] * 4
    autumn = tick_after(parse_schedule("30 2 * * *"), datetime(2026, 10, 25, tzinfo=UTC))
    assert tick_after(parse_schedule("30 2 * * *"), autumn) - autumn == timedelta(days=1)


@given(st.integers(0, 2**32), st.sampled_from(["every 60m", "every 1s", "every 30d", "*/15 * * * *", "0 0 * * 1"]))
def test_chance_moves_a_tick_by_a_tenth_at_most_and_a_time_of_day_only_backwards(seed: int, text: str) -> None:
    schedule, began = parse_schedule(text), datetime(2026, 11, 21, 12, tzinfo=UTC)
    tick = tick_after(schedule, began)
    period = tick_after(schedule, tick) - tick
    moved = due_after(schedule, began, Random(seed)) - tick  # noqa: S311 - chance, no secret
    if schedule.seconds is not None:
        assert abs(moved) <= period / 20 + timedelta(microseconds=1)
    else:
        assert timedelta(0) <= moved <= period / 10
    assert abs(moved) <= timedelta(minutes=5)
    # The tick after one that was moved is another one.
    assert tick_after(schedule, tick + moved) > tick
