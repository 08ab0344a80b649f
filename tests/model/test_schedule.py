"""Schedules as people write them, and what is refused."""

import pytest

from accesssync.model.schedule import parse_schedule


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("every 60m", 3600), ("every 1s", 1), ("EVERY  2h", 7200), ("every 7d", 604_800), ("every 90 s", 90)],
)
def test_intervals(text: str, seconds: int) -> None:
    assert parse_schedule(text).seconds == seconds


def test_off_is_off() -> None:
    assert parse_schedule(" Off ").off
    assert not parse_schedule("every 1m").off


@pytest.mark.parametrize(
    "text",
    [
        "", "every", "every m", "every 0m", "every -5m", "every 5", "every 5w", "every 1.5h", "every 367d", "hourly",
        "* * * *", "* * * * * *", "60 * * * *", "* 24 * * *", "* * 0 * *", "* * 32 * *", "* * * 0 *", "* * * 13 *",
        "* * * * 8", "*/0 * * * *", "5-1 * * * *", "a * * * *", "1-2-3 * * * *", "1, * * * *", "*-5 * * * *",
        "* * * * mo", "* * 30 2 *", "0 0 31 4,6,9,11 *", "5/10 * * * *", "²  * * * *", "@daily",
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match=r"^(must|has|names) "):
        parse_schedule(text)


def weekdays(text: str) -> set[int]:
    cron = parse_schedule(f"0 0 * * {text}").cron
    assert cron is not None
    return set(cron.weekdays)


def test_weekdays_are_counted_from_sunday_whichever_way_they_are_written() -> None:
    assert weekdays("0") == weekdays("7") == weekdays("sun") == {0}
    assert weekdays("1-5") == weekdays("mon-fri") == weekdays("1,2,3,4,5") == {1, 2, 3, 4, 5}
    assert weekdays("6-7") == weekdays("sat-sun") == {6, 0}
    assert weekdays("*/2") == {0, 2, 4, 6}
    assert weekdays("1-7/3") == {1, 4, 0}
    assert weekdays("*") == set(range(7))


def test_a_day_that_fits_either_field_will_do_only_where_both_are_restricted() -> None:
    for text, either in (("0 0 13 * 5", True), ("0 0 * * 5", False), ("0 0 13 * *", False), ("0 0 */2 * 5", False)):
        cron = parse_schedule(text).cron
        assert cron is not None
        assert cron.either is either
