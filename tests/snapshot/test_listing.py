"""What a listing may claim: complete only where the arithmetic proves it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

import pytest
from msgspec.structs import replace

from accesssync.errors import (
    AuthenticationError,
    DeadlineError,
    DeniedError,
    RateLimitedError,
    ResponseError,
    UpstreamError,
)
from accesssync.model.coverage import CoverageState
from accesssync.snapshot.listing import Limits, read_listing
from accesssync.snapshot.source import Page
from tests.snapshot.paging import AtOnce, One, Server, named, ones

COMPLETE, INCOMPLETE = CoverageState.COMPLETE, CoverageState.INCOMPLETE
DENIED = DeniedError("no", permission="user_access_read")
BROKEN = ResponseError("HTTP 500", status=500)


@pytest.mark.parametrize("count", [1, 99, 100, 101, 200, 250])
@pytest.mark.parametrize("cap", [50, 100])
def test_everything_is_read_whatever_size_of_page_the_server_really_serves(count: int, cap: int) -> None:
    server = Server(named(count), cap=cap)
    outcome = server.read()
    assert outcome.coverage.state is COMPLETE
    assert (outcome.coverage.received, outcome.coverage.expected, outcome.coverage.passes) == (count, count, 1)
    assert outcome.ids == set(server.ids) == set(server.handed)
    assert len(server.handed) == count
    assert len(server.asked) == max(-(-count // cap), 1)


def test_pages_larger_than_documented_are_asked_for_only_where_the_server_announces_them() -> None:
    server = Server(named(2500), cap=1000, announced=1000)
    assert server.read(limits=Limits(size=1000)).coverage.state is COMPLETE
    assert server.asked == [(0, 100), (0, 1000), (1, 1000), (2, 1000)]
    cautious = Server(named(250), cap=1000)
    assert cautious.read(limits=Limits(size=1000)).coverage.state is COMPLETE
    assert {size for _, size in cautious.asked} == {100}
    small = Server(named(30), cap=1000, announced=1000)
    small.read(limits=Limits(size=1000))
    assert small.asked == [(0, 100)]


def test_the_settings_limit_the_page_below_what_the_server_announces() -> None:
    server = Server(named(700), cap=1000, announced=1000)
    assert server.read(limits=Limits(size=300)).coverage.state is COMPLETE
    assert {size for _, size in server.asked} == {100, 300}
    tiny = Server(named(35), cap=1000, announced=1000)
    assert tiny.read(limits=Limits(size=10)).coverage.state is COMPLETE
    assert {size for _, size in tiny.asked} == {10}


def test_a_server_that_announces_more_than_it_serves_is_still_read_whole() -> None:
    server = Server(named(730), cap=50, announced=1000)
    outcome = server.read(limits=Limits(size=1000, ahead=3))
    assert outcome.coverage.state is COMPLETE
    assert outcome.ids == set(server.ids)


def test_a_short_page_in_the_middle_is_not_the_end() -> None:
    server = Server(named(0))
    pages = [named(250)[:100], named(250)[100:130], named(250)[130:230], named(250)[230:]]

    def spoil(number: int, _size: int, _page: Page[One]) -> Page[One]:
        return Page(ones(pages[number] if number < 4 else []), 250)

    server.spoil = spoil
    outcome = server.read()
    assert outcome.coverage.state is COMPLETE
    assert outcome.ids == set(named(250))


@pytest.mark.parametrize("empty", [0, 1, 2])
def test_an_empty_page_with_more_behind_it_is_never_a_complete_listing(empty: int) -> None:
    server = Server(named(250))
    server.spoil = lambda number, _size, page: replace(page, records=[]) if number == empty else page
    outcome = server.read()
    assert outcome.coverage.state is INCOMPLETE
    assert server.passes == outcome.coverage.passes == 3
    assert outcome.coverage.expected == 250
    assert outcome.coverage.received < 250


def test_an_empty_page_that_was_a_moments_hiccup_costs_one_more_pass() -> None:
    server = Server(named(250))
    server.spoil = lambda _n, _s, page: replace(page, records=[]) if len(server.asked) == 2 else page
    outcome = server.read()
    assert (outcome.coverage.state, outcome.coverage.passes) == (COMPLETE, 2)
    assert outcome.ids == set(server.ids)


def test_the_same_page_for_ever_ends_and_proves_nothing() -> None:
    server = Server(named(250))
    server.spoil = lambda _n, _s, _page: Page(ones(named(100)), 250)
    outcome = server.read()
    assert outcome.coverage.state is INCOMPLETE
    assert len(server.asked) < 20
    untold = Server(named(250))
    untold.spoil = lambda _n, _s, _page: Page(ones(named(100)), None)
    assert untold.read().coverage.state is INCOMPLETE
    assert len(untold.asked) < 20


def test_fresh_pages_for_ever_end_at_the_limit() -> None:
    server = Server([])
    server.spoil = lambda number, _s, _page: Page(ones([f"{number}-{each}" for each in range(10)]), None)
    outcome = server.read(limits=Limits(size=100, pages=7, passes=2))
    assert outcome.coverage.state is INCOMPLETE
    assert len(server.asked) == 14


def test_a_total_out_of_this_world_does_not_ask_for_a_million_pages() -> None:
    server = Server(named(250))
    server.spoil = lambda _n, _s, page: replace(page, total=2**53 - 1)
    outcome = server.read(limits=Limits(size=100, pages=9, passes=1))
    assert outcome.coverage.state is INCOMPLETE
    assert len(server.asked) == 9


@pytest.mark.parametrize("total", [None, 0, 1, 249, 251, 10_000])
def test_a_total_that_is_missing_or_wrong_proves_nothing(total: int | None) -> None:
    server = Server(named(250))
    server.spoil = lambda _n, _s, page: replace(page, total=total)
    outcome = server.read()
    assert outcome.coverage.state is INCOMPLETE
    assert outcome.coverage.reason
    assert outcome.coverage.expected == total


def test_a_total_that_only_some_pages_state_proves_nothing() -> None:
    server = Server(named(250))
    server.spoil = lambda number, _s, page: replace(page, total=None) if number == 1 else page
    assert server.read().coverage.state is INCOMPLETE


def test_a_total_that_changes_is_read_again_until_it_stands_still() -> None:
    server = Server(named(250))

    def grow(number: int, _size: int, page: Page[One]) -> Page[One]:
        if number == 1 and server.passes == 1:
            server.ids.append("zzz")
        return page

    server.spoil = grow
    outcome = server.read()
    assert (outcome.coverage.state, outcome.coverage.passes) == (COMPLETE, 2)
    assert outcome.ids == {*named(250), "zzz"}


def test_a_record_that_comes_twice_is_read_again() -> None:
    server = Server(named(250))

    def twice(number: int, _size: int, page: Page[One]) -> Page[One]:
        if number == 1 and server.passes == 1:
            return replace(page, records=[One("00099"), *page.records[1:]])
        return page

    server.spoil = twice
    outcome = server.read()
    assert (outcome.coverage.state, outcome.coverage.passes) == (COMPLETE, 2)
    assert "00100" in outcome.ids


def test_a_lasting_repetition_is_incomplete_even_if_the_number_fits() -> None:
    server = Server(named(250))
    server.spoil = lambda _n, _s, page: replace(page, records=page.records + page.records[:1])
    outcome = server.read()
    assert outcome.coverage.state is INCOMPLETE
    assert outcome.coverage.received == outcome.coverage.expected == 250


def test_records_without_an_id_leave_a_gap() -> None:
    server = Server(named(150))
    server.spoil = lambda number, _s, page: replace(page, records=page.records[1:], nameless=1) if number == 1 else page
    outcome = server.read()
    assert outcome.coverage.state is INCOMPLETE
    assert outcome.coverage.reason == "1 records without an id"


def test_degraded_records_are_counted_and_the_listing_stays_complete() -> None:
    server = Server(named(3))
    server.spoil = lambda _n, _s, page: replace(page, records=[One("00000", ("title",)), *page.records[1:]])
    outcome = server.read()
    assert (outcome.coverage.state, outcome.coverage.degraded) == (COMPLETE, 1)
    assert outcome.coverage.reason


@pytest.mark.parametrize("passes", [1, 3])
def test_denied_on_the_first_page_is_denied(passes: int) -> None:
    server = Server(named(250))
    server.spoil = failing(DENIED, page=0)
    outcome = server.read(limits=Limits(size=100, passes=passes))
    assert (outcome.coverage.state, outcome.coverage.passes) == (CoverageState.DENIED, 1)
    assert outcome.coverage.reason == "needs user_access_read"
    assert outcome.ids == set()
    assert len(server.asked) == 1


def test_denied_on_a_later_page_is_incomplete_and_not_asked_again() -> None:
    server = Server(named(250))
    server.spoil = failing(DENIED, page=1)
    outcome = server.read()
    assert (outcome.coverage.state, outcome.coverage.passes) == (INCOMPLETE, 1)
    assert "user_access_read" in str(outcome.coverage.reason)
    assert set(server.handed) >= set(named(100))


def test_a_failure_on_the_first_page_is_failed() -> None:
    server = Server(named(250))
    server.spoil = failing(BROKEN, page=0)
    outcome = server.read()
    assert (outcome.coverage.state, outcome.coverage.reason) == (CoverageState.FAILED, "HTTP 500")


def test_large_pages_that_fail_deep_down_are_asked_for_in_the_documented_size() -> None:
    server = Server(named(2500), cap=1000, announced=1000)
    server.spoil = lambda number, size, page: fail(BROKEN) if size > 100 and number == 2 else page
    outcome = server.read(limits=Limits(size=1000))
    assert (outcome.coverage.state, outcome.coverage.passes) == (COMPLETE, 2)
    assert outcome.ids == set(server.ids)


def test_a_failure_at_the_documented_size_is_not_asked_for_again() -> None:
    server = Server(named(2500), cap=1000, announced=1000)
    server.spoil = failing(BROKEN, page=2)
    outcome = server.read(limits=Limits(size=1000))
    assert (outcome.coverage.state, outcome.coverage.passes) == (INCOMPLETE, 2)
    assert "HTTP 500" in str(outcome.coverage.reason)


@pytest.mark.parametrize("error", [DeadlineError("late"), RateLimitedError("429"), DENIED])
def test_what_would_only_get_worse_is_not_tried_in_smaller_pages(error: UpstreamError) -> None:
    server = Server(named(2500), cap=1000, announced=1000)
    server.spoil = failing(error, page=2)
    outcome = server.read(limits=Limits(size=1000))
    assert (outcome.coverage.state, outcome.coverage.passes) == (INCOMPLETE, 1)


@pytest.mark.parametrize("page", [0, 1])
def test_keys_that_are_no_longer_accepted_end_everything(page: int) -> None:
    server = Server(named(250))
    server.spoil = failing(AuthenticationError("401"), page=page)
    with pytest.raises(AuthenticationError):
        server.read()


def test_what_the_sink_raises_comes_through() -> None:
    server = Server(named(3))

    class FullError(Exception):
        pass

    def sink(_records: list[One]) -> None:
        raise FullError

    with pytest.raises(FullError):
        read_listing(server.listing(), AtOnce(), sink, Limits(), lambda _seen, _total: None)


def test_an_empty_list_is_the_truth_only_where_it_may_be() -> None:
    assert Server([]).read(may_be_empty=True).coverage.state is COMPLETE
    assert Server([]).read(may_be_empty=False).coverage.state is INCOMPLETE
    assert Server([]).read(may_be_empty=False, paged=False).coverage.state is INCOMPLETE


def test_one_answer_that_holds_everything_needs_no_total() -> None:
    server = Server(named(80))
    server.spoil = lambda _n, _s, page: replace(page, total=None)
    outcome = server.read(paged=False)
    assert (outcome.coverage.state, outcome.coverage.expected) == (COMPLETE, None)
    assert server.asked == [(0, 100)]


def test_an_unpaged_answer_with_a_nameless_record_is_incomplete() -> None:
    server = Server(named(80))
    server.spoil = lambda _n, _s, page: replace(page, total=None, nameless=1)
    assert server.read(paged=False).coverage.state is INCOMPLETE


@pytest.mark.parametrize("ahead", [0, 1, 8])
def test_pages_are_fetched_by_several_threads_and_never_too_far_ahead(ahead: int) -> None:
    server, lock, under_way, most = Server(named(2000)), Lock(), 0, 0
    plain = server.fetch

    def counted(number: int, size: int) -> Page[One]:
        nonlocal under_way, most
        with lock:
            under_way += 1
            most = max(most, under_way)
        try:
            return plain(number, size)
        finally:
            with lock:
                under_way -= 1

    server.fetch = counted  # type: ignore[method-assign]
    with ThreadPoolExecutor(4) as executor:
        outcome = server.read(executor=executor, limits=Limits(size=100, ahead=ahead))
    assert outcome.coverage.state is COMPLETE
    assert most <= min(4, ahead + 1)


def failing(error: Exception, *, page: int) -> Callable[[int, int, Page[One]], Page[One]]:
    def spoil(number: int, _size: int, answer: Page[One]) -> Page[One]:
        return fail(error) if number == page else answer

    return spoil


def fail(error: Exception) -> Page[One]:
    raise error
