"""Who is gone: one by one, by a 404, and never many at once."""

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.errors import AuthenticationError, DeadlineError, DeniedError, ResponseError
from accesssync.snapshot.absence import Verdict, collapsed, confirm, limit
from tests.snapshot.paging import AtOnce, One, named


@pytest.mark.parametrize(
    ("listed", "allowed"),
    [(0, 5), (1, 5), (100, 5), (500, 5), (599, 5), (600, 6), (1_000, 10), (4_999, 49), (5_000, 50), (1_000_000, 50)],
)
def test_how_many_removals_one_run_may_confirm(listed: int, allowed: int) -> None:
    assert limit(listed) == allowed


def test_what_the_operator_accepts_raises_the_limit_and_never_lowers_it() -> None:
    assert limit(100, accepted=120) == 120
    assert limit(100, accepted=2) == 5
    assert limit(1_000_000, accepted=49) == 50


@given(st.integers(0, 10**7))
def test_the_limit_never_passes_fifty(listed: int) -> None:
    assert 5 <= limit(listed) <= 50


@pytest.mark.parametrize(
    ("stored", "listed", "is_collapse"),
    [
        (9, 0, False), (10, 0, True), (10, 5, False), (10, 4, True), (100, 50, False), (100, 49, True),
        (100, 40, True), (100, 100, False), (100, 200, False), (0, 0, False),
    ],
)  # fmt: skip
def test_when_a_listing_lost_too_much_to_conclude_anything(stored: int, listed: int, *, is_collapse: bool) -> None:
    assert collapsed(stored, listed) is is_collapse


def test_a_collapse_can_be_accepted_by_its_number() -> None:
    assert collapsed(100, 10, accepted=89)
    assert not collapsed(100, 10, accepted=90)


def confirmed(
    ids: list[str], get: Callable[[str], One | None], *, listed: int = 1_000, accepted: int = 0
) -> tuple[Verdict, list[str]]:
    seen: list[str] = []

    def sink(records: list[One]) -> None:
        seen.extend(one.id for one in records)

    return confirm(get, ids, listed, AtOnce(), sink, accepted), seen


def test_gone_found_and_unclear_are_told_apart() -> None:
    errors = {
        "500": ResponseError("HTTP 500", status=500),
        "403": DeniedError("no", permission="user_access_read"),
    }

    def get(one: str) -> One | None:
        if one in errors:
            raise errors[one]
        return One(one) if one.startswith("here") else None

    verdict, seen = confirmed(["gone-1", "here-1", "500", "gone-2", "403"], get)
    assert verdict == Verdict(removed=("gone-1", "gone-2"), found=("here-1",), unclear=("403", "500"))
    assert seen == ["here-1"]


@pytest.mark.parametrize("error", [DeadlineError("late"), AuthenticationError("401")])
def test_what_ends_the_run_is_not_taken_for_one_unclear_record(error: Exception) -> None:
    def get(_one: str) -> One | None:
        raise error

    with pytest.raises(type(error)):
        confirmed(["a"], get)


@pytest.mark.parametrize(("missing", "asked"), [(10, 10), (11, 0)])
def test_more_than_the_limit_is_refused_without_a_request(missing: int, asked: int) -> None:
    requests: list[str] = []

    def get(one: str) -> One | None:
        requests.append(one)
        return None

    verdict, _ = confirmed(named(missing), get)
    assert len(requests) == asked
    assert (verdict.refused is None) is (asked > 0)
    assert len(verdict.removed if asked else verdict.unclear) == missing


def test_what_was_accepted_is_followed_up() -> None:
    verdict, _ = confirmed(named(11), lambda _one: None, accepted=11)
    assert len(verdict.removed) == 11
    verdict, _ = confirmed(named(12), lambda _one: None, accepted=11)
    assert verdict.refused is not None
    assert "12" in verdict.refused
    assert "11" in verdict.refused


def test_nobody_missing_needs_nothing() -> None:
    assert confirmed([], lambda _one: None)[0] == Verdict()
