"""A resource listed in pieces: the whole is proven when every piece is, and says what is wrong with the others."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Event, get_ident

import pytest

from accesssync.errors import AuthenticationError, DeniedError, ResponseError
from accesssync.model.coverage import CoverageState
from accesssync.snapshot.listing import Limits, Outcome
from accesssync.snapshot.several import read_several
from accesssync.snapshot.source import Listing, Page
from tests.snapshot.paging import One, Server, named

DENIED = DeniedError("no", permission="teams_read")
BROKEN = ResponseError("HTTP 500", status=500)


def servers(*sizes: int) -> list[Server]:
    """Pieces of these sizes that share no record."""
    ids = iter(named(sum(sizes)))
    return [Server([next(ids) for _ in range(size)]) for size in sizes]


def failing(server: Server, error: Exception, *, page: int = 0) -> Server:
    def spoil(number: int, _size: int, shown: Page[One]) -> Page[One]:
        if number >= page:
            raise error
        return shown

    server.spoil = spoil
    return server


class Reading:
    """What one reading of several pieces gave."""

    def __init__(self, *pieces: Server, passes: int = 3) -> None:
        self.handed: list[str] = []
        self.threads: set[int] = set()
        self.progress: list[tuple[int, int | None]] = []
        listings: list[Listing[One]] = [piece.listing() for piece in pieces]
        with ThreadPoolExecutor(3) as executor:
            self.outcome: Outcome = read_several(
                listings, executor, self._sink, Limits(size=100, ahead=2, passes=passes), self._page
            )
        self.coverage = self.outcome.coverage

    def _sink(self, records: list[One]) -> None:
        self.threads.add(get_ident())
        self.handed += [each.id for each in records]

    def _page(self, received: int, expected: int | None) -> None:
        self.progress.append((received, expected))


def test_proofs_and_totals_of_the_pieces_add_up() -> None:
    reading = Reading(*servers(3, 250, 0, 100))
    assert (reading.coverage.state, reading.coverage.reason) == (CoverageState.COMPLETE, None)
    assert (reading.coverage.received, reading.coverage.expected, reading.coverage.passes) == (353, 353, 1)
    assert reading.outcome.ids == set(named(353))
    assert sorted(reading.handed) == named(353)


def test_records_reach_the_sink_in_the_thread_that_asked() -> None:
    # The sink writes to a database session that no other thread may touch.
    assert Reading(*servers(5, 5, 5)).threads == {get_ident()}


def test_progress_counts_up_piece_by_piece() -> None:
    assert Reading(*servers(3, 4)).progress == [(3, None), (7, None)]


def test_no_pieces_at_all_is_proven_to_hold_nothing() -> None:
    reading = Reading()
    assert (reading.coverage.state, reading.coverage.received, reading.coverage.expected) == ("complete", 0, 0)
    assert reading.outcome.ids == set()


def test_a_record_that_two_pieces_show_is_one_record() -> None:
    reading = Reading(Server(["a", "b"]), Server(["b", "c"]))
    assert reading.coverage.state is CoverageState.COMPLETE
    assert reading.outcome.ids == {"a", "b", "c"}
    # What came has to equal what was owed: a total that counts the shared record twice would never be reached.
    assert (reading.coverage.received, reading.coverage.expected) == (3, 3)


def test_two_pieces_that_show_the_very_same_are_complete() -> None:
    # As when a server knows nothing of the parameter that tells the pieces apart.
    reading = Reading(Server(named(150)), Server(named(150)))
    assert (reading.coverage.state, reading.coverage.received, reading.coverage.expected) == ("complete", 150, 150)


@pytest.mark.parametrize(
    ("error", "reason"),
    [(DENIED, "1 of 3 listings: needs teams_read"), (BROKEN, "1 of 3 listings: HTTP 500")],
)
def test_one_piece_that_cannot_be_read_leaves_the_whole_unproven_and_keeps_the_others(
    error: Exception, reason: str
) -> None:
    first, second, third = servers(2, 2, 2)
    reading = Reading(first, failing(second, error), third)
    assert reading.coverage.state is CoverageState.INCOMPLETE
    assert not reading.coverage.proven
    assert reading.coverage.reason == reason
    assert (reading.coverage.received, reading.coverage.expected) == (4, None)
    assert reading.outcome.ids == {*first.ids, *third.ids} == set(reading.handed)


def test_one_piece_that_breaks_off_is_incomplete_and_what_came_is_kept() -> None:
    first, second = servers(2, 250)
    reading = Reading(first, failing(second, BROKEN, page=1))
    assert reading.coverage.state is CoverageState.INCOMPLETE
    assert reading.coverage.reason == "1 of 2 listings: HTTP 500"
    assert {*first.ids, *second.ids[:100]} == reading.outcome.ids


def test_one_piece_whose_total_never_fits_is_incomplete() -> None:
    first, second = servers(2, 2)
    second.spoil = lambda _number, _size, page: Page(page.records, 3)
    reading = Reading(first, second)
    assert (reading.coverage.state, reading.coverage.reason) == ("incomplete", "1 of 2 listings: 2 of 3")
    assert (reading.coverage.received, reading.coverage.expected, reading.coverage.passes) == (4, 5, 3)


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [(DENIED, CoverageState.DENIED, "needs teams_read"), (BROKEN, CoverageState.FAILED, "HTTP 500")],
)
def test_when_no_piece_can_be_read_the_whole_is_what_each_of_them_is(
    error: Exception, state: CoverageState, reason: str
) -> None:
    reading = Reading(*(failing(piece, error) for piece in servers(2, 2)))
    assert (reading.coverage.state, reading.coverage.reason) == (state, reason)
    assert (reading.coverage.received, reading.coverage.expected) == (0, None)


def test_denied_and_failed_together_is_failed() -> None:
    # "denied" says that a permission would mend it, which here is not the whole truth.
    first, second = servers(2, 2)
    reading = Reading(failing(first, DENIED), failing(second, BROKEN))
    assert reading.coverage.state is CoverageState.FAILED


def test_a_piece_that_needed_another_pass_shows_in_the_number_of_passes() -> None:
    first, second = servers(2, 150)
    second.spoil = lambda _number, _size, page: Page(page.records, 150 if second.passes > 1 else 151)
    reading = Reading(first, second)
    assert (reading.coverage.state, reading.coverage.passes) == ("complete", 2)


def test_records_not_understood_are_counted_over_all_pieces() -> None:
    def bad(_number: int, _size: int, page: Page[One]) -> Page[One]:
        return Page([One(each.id, ("name",)) for each in page.records], page.total)

    pieces = servers(2, 3)
    for piece in pieces:
        piece.spoil = bad
    reading = Reading(*pieces)
    assert (reading.coverage.state, reading.coverage.degraded) == ("complete", 5)
    assert "could not be understood" in (reading.coverage.reason or "")


@pytest.mark.parametrize("where", [0, 1, 2])
def test_keys_that_are_not_accepted_end_the_whole_reading(where: int) -> None:
    pieces = servers(2, 2, 2)
    failing(pieces[where], AuthenticationError("401"))
    with pytest.raises(AuthenticationError):
        Reading(*pieces)


def test_what_the_sink_raises_passes_and_pieces_not_begun_are_called_off() -> None:
    pieces = servers(*[1] * 20)
    begun = Event()

    def hold(_number: int, _size: int, page: Page[One]) -> Page[One]:
        begun.wait(10)
        return page

    pieces[1].spoil = hold

    def sink(_records: list[One]) -> None:
        raise OSError("the disk is full")

    with ThreadPoolExecutor(1) as executor:
        with pytest.raises(OSError, match="full"):
            read_several([piece.listing() for piece in pieces], executor, sink, Limits(), lambda _seen, _total: None)
        begun.set()
    assert [piece.asked for piece in pieces[2:]] == [[]] * 18


def test_one_thread_reads_each_piece_so_that_many_cannot_wait_for_each_other() -> None:
    # A piece that used the executor for its own pages would wait for threads that all wait likewise.
    def pieces() -> Iterator[Server]:
        for number in range(8):
            yield Server([f"{number}-{each}" for each in named(250)])

    reading = Reading(*pieces())
    assert (reading.coverage.state, reading.coverage.received) == ("complete", 2_000)
