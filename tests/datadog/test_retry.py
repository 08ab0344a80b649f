"""When a failed read is repeated, and how much of a rate limit is left alone."""

from random import Random

import pytest

from accesssync.datadog.budget import Budget
from accesssync.datadog.failure import Failure
from accesssync.datadog.limits import Limits
from accesssync.datadog.retry import decide, whole_number

RNG = Random(1)  # noqa: S311
LIMITS = Limits(attempts=5, backoff=1.0, backoff_cap=30.0, wait_cap=300.0)


def status(code: int, reset: str | None = None) -> Failure:
    return Failure(kind="status", status=code, message="", reset=reset)


@pytest.mark.parametrize("code", [408, 429, 500, 501, 502, 503, 504, 512, 599])
def test_passing_trouble_is_repeated_until_the_attempts_are_used_up(code: int) -> None:
    waits = [decide(attempt, status(code), RNG, LIMITS) for attempt in range(1, 6)]
    assert all(wait is not None for wait in waits[:4])
    assert waits[4] is None


@pytest.mark.parametrize("code", [300, 302, 400, 401, 403, 404, 409, 410, 422, 201, 204, 206])
def test_anything_else_never(code: int) -> None:
    assert decide(1, status(code), RNG, LIMITS) is None


def test_network_and_body_trouble_is_repeated_unless_it_lasts() -> None:
    assert decide(1, Failure(kind="network", message=""), RNG, LIMITS) is not None
    assert decide(1, Failure(kind="body", status=200, message=""), RNG, LIMITS) is not None
    assert decide(1, Failure(kind="network", message="", lasting=True), RNG, LIMITS) is None


def test_backoff_doubles_is_capped_and_jittered_over_its_whole_range() -> None:
    rng = RNG
    limits = Limits(attempts=100, backoff=1.0, backoff_cap=30.0)
    for attempt, ceiling in [(1, 1.0), (2, 2.0), (3, 4.0), (20, 30.0)]:
        waits = [decide(attempt, status(503), rng, limits) or 0.0 for _ in range(500)]
        assert 0.95 * ceiling < max(waits) <= ceiling
        assert min(waits) < 0.05 * ceiling


def test_a_reset_is_waited_for_a_little_longer_but_not_for_ever() -> None:
    wait = decide(1, status(429, "7"), RNG, LIMITS)
    assert wait is not None
    assert 7 <= wait <= 8
    assert decide(1, status(429, "100000"), RNG, LIMITS) == 300


@pytest.mark.parametrize("reset", [None, "", "-5", "soon", "1.5", "0", "٣", "9" * 40, "1e3", " 3"])
def test_a_useless_reset_means_backoff(reset: str | None) -> None:
    wait = decide(1, status(429, reset), RNG, LIMITS)
    assert wait is not None
    assert 0 <= wait <= 1


def test_whole_numbers() -> None:
    assert whole_number("10") == 10
    assert whole_number("²") is None


class FakeClock:
    now = 50.0

    def __call__(self) -> float:
        return self.now


def headers(remaining: object, *, limit: object = 10, reset: object = 30, name: str = "users") -> dict[str, str]:
    return {
        "x-ratelimit-limit": str(limit),
        "x-ratelimit-remaining": str(remaining),
        "x-ratelimit-reset": str(reset),
        "x-ratelimit-name": name,
    }


def test_the_others_share_is_left_until_the_reset() -> None:
    clock = FakeClock()
    budget = Budget(Limits(share_left_to_others=0.2), clock)
    assert budget.wait_for_share("list_users") == 0
    budget.learn("list_users", headers(3))
    assert budget.wait_for_share("list_users") == 0
    budget.learn("list_users", headers(2))
    assert budget.wait_for_share("list_users") == 30
    assert budget.wait_for_share("list_roles") == 0
    clock.now += 30
    assert budget.wait_for_share("list_users") == 0
    assert budget.lowest_fraction == 0.2


def test_requests_under_way_count_as_used() -> None:
    budget = Budget(Limits(share_left_to_others=0.2), FakeClock())
    budget.learn("list_users", headers(4))
    with budget.request("list_users"), budget.request("list_users"):
        assert budget.wait_for_share("list_users") == 30
    assert budget.wait_for_share("list_users") == 0
    assert budget.requests == 2


def test_operations_share_a_bucket_by_its_name() -> None:
    budget = Budget(Limits(), FakeClock())
    budget.learn("list_users", headers(9))
    budget.learn("get_user", headers(0))
    assert budget.wait_for_share("list_users") == 30


@pytest.mark.parametrize(
    "told",
    [{}, headers("x"), headers(1, limit=0), headers(1, limit="-1"), headers(1, reset="soon"), headers(1, reset="-3")],
)
def test_nonsense_limits_nobody(told: dict[str, str]) -> None:
    budget = Budget(Limits(), FakeClock())
    budget.learn("list_users", told)
    assert budget.wait_for_share("list_users") == 0
    assert budget.lowest_fraction is None


def test_the_wait_is_capped_and_new_names_do_not_pile_up() -> None:
    budget = Budget(Limits(wait_cap=300), FakeClock())
    for number in range(1000):
        budget.learn("list_users", headers(0, reset=100000, name=f"n{number}"))
    assert budget.wait_for_share("list_users") == 300
    assert len(budget._buckets) == 1
