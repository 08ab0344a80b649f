"""WHEN as people write it."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.errors import UsageError
from accesssync.model.when import AtRun, AtTime, Edge, When, as_text, parse_when
from tests.builders import NOW

LAST = datetime(2026, 6, 30, 23, 59, 59, 999999, tzinfo=UTC)


def parsed(text: str, edge: Edge = "end") -> When:
    return parse_when(text, option="--as-of", edge=edge, now=NOW)


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("run-412", AtRun(412)),
        (" run-1 ", AtRun(1)),
        ("7d", AtTime(NOW - timedelta(days=7))),
        ("12h", AtTime(NOW - timedelta(hours=12))),
        ("90m", AtTime(NOW - timedelta(minutes=90))),
        ("0s", AtTime(NOW)),
        ("2w", AtTime(NOW - timedelta(days=14))),
        ("99999w", AtTime(NOW - timedelta(weeks=99999))),
        ("2026-06-30", AtTime(LAST)),
        ("2026-06-30T12:00:00Z", AtTime(datetime(2026, 6, 30, 12, tzinfo=UTC))),
        ("2026-06-30T12:00:00.5+02:00", AtTime(datetime(2026, 6, 30, 10, 0, 0, 500000, tzinfo=UTC))),
        ("2026-06-30 12:00:00", AtTime(datetime(2026, 6, 30, 12, tzinfo=UTC))),
        ("2024-02-29", AtTime(datetime(2024, 2, 29, 23, 59, 59, 999999, tzinfo=UTC))),
    ],
)
def test_what_is_understood(text: str, meant: When) -> None:
    assert parsed(text) == meant


def test_a_date_is_the_start_of_its_day_for_since_and_its_end_for_until() -> None:
    assert parsed("2026-06-30", "start") == AtTime(datetime(2026, 6, 30, tzinfo=UTC))
    assert parsed("2026-06-30", "end") == AtTime(LAST)


@pytest.mark.parametrize(
    "text",
    [
        "", " ", "yesterday", "run-", "run-x", "run--1", "run-٤", "run-" + "9" * 30, "412", "7", "d", "-7d", "7 d",
        "7y", "123456d", "2026-02-30", "2026-13-01", "20260630", "2026-06-30T25:00:00Z", "2026-06-30T", "30.06.2026",
        "0001-01-01T00:00:00+14:00", "\x1b[31m",
    ],
)  # fmt: skip
def test_what_is_not_understood_names_the_option_and_shows_how(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parsed(text)
    assert caught.value.exit_code == 2
    assert "--as-of" in caught.value.message
    assert "\x1b" not in caught.value.message
    assert caught.value.remedy is not None
    assert "run-412" in caught.value.remedy


@given(st.text(max_size=40))
def test_no_text_at_all_breaks_it(text: str) -> None:
    try:
        found = parsed(text)
    except UsageError:
        return
    assert isinstance(found, AtRun | AtTime)


@given(st.datetimes(timezones=st.just(UTC)))
def test_a_time_that_was_written_is_read_back(moment: datetime) -> None:
    assert parsed(as_text(moment)) == AtTime(moment)


def test_times_are_written_in_utc() -> None:
    assert as_text(datetime(2026, 1, 1, 1, tzinfo=timezone(timedelta(hours=2)))) == "2025-12-31T23:00:00Z"
