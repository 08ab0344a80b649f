"""Whatever happens between two pages, a listing that calls itself complete is one that the organization once had."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from accesssync.model.coverage import CoverageState
from accesssync.snapshot.listing import BARREN, Limits
from accesssync.snapshot.source import Page
from tests.snapshot.paging import One, Server, named

LIMITS = Limits(size=10, ahead=3)

# When (before the how manieth request) and what: take the record at this place away, or put a new one there.
Mutation = tuple[int, str, int]
mutation = st.tuples(st.integers(1, 25), st.sampled_from(["remove", "insert"]), st.integers(0, 200))


class Living(Server):
    """A server whose ids change while it is read; `history` holds every population there was."""

    def __init__(self, count: int, cap: int, mutations: list[Mutation]) -> None:
        super().__init__(named(count), cap=cap)
        self.history = [frozenset(self.ids)]
        self.mutations = mutations
        self.happened = 0

    def fetch(self, number: int, size: int) -> Page[One]:
        for turn, what, place in self.mutations:
            if turn == len(self.asked) + 1:
                self._mutate(what, place)
        return super().fetch(number, size)

    def _mutate(self, what: str, place: int) -> None:
        if what == "remove" and self.ids:
            del self.ids[place % len(self.ids)]
        elif what == "insert":
            self.ids.insert(place % (len(self.ids) + 1), f"new-{self.happened}")
        self.happened += 1
        self.history.append(frozenset(self.ids))


@given(count=st.integers(1, 120), cap=st.integers(1, 12))
def test_an_organization_that_stands_still_is_read_whole_in_one_pass(count: int, cap: int) -> None:
    server = Living(count, cap, [])
    outcome = server.read(limits=LIMITS)
    assert (outcome.coverage.state, outcome.coverage.passes) == (CoverageState.COMPLETE, 1)
    assert outcome.ids == server.history[0]
    assert len(server.handed) == count


@given(count=st.integers(1, 120), cap=st.integers(3, 12), only=mutation)
def test_a_single_arrival_or_departure_never_makes_a_wrong_listing_complete(
    count: int, cap: int, only: Mutation
) -> None:
    server = Living(count, cap, [only])
    outcome = server.read(limits=LIMITS)
    if outcome.coverage.proven:
        assert outcome.ids in server.history
    # It happened at most once, so a further pass finds an organization that stands still.
    assert outcome.coverage.proven or len(server.ids) == 0
    assert outcome.coverage.passes <= 2


@given(count=st.integers(1, 120), cap=st.integers(3, 12), mutations=st.lists(mutation, max_size=6))
def test_whatever_happens_totals_that_change_are_never_called_complete(
    count: int, cap: int, mutations: list[Mutation]
) -> None:
    server = Living(count, cap, mutations)
    outcome = server.read(limits=LIMITS)
    if outcome.coverage.proven:
        assert outcome.coverage.received == outcome.coverage.expected == len(outcome.ids)
        everyone = frozenset().union(*server.history)
        assert outcome.ids <= everyone
        # Totals cannot see one departure plus one arrival between two pages: each such pair may hide one record.
        pairs = min(sum(what == kind for _, what, _ in mutations) for kind in ("remove", "insert"))
        assert min(len(population - outcome.ids) for population in server.history) <= pairs
    assert set(server.handed) >= outcome.ids


spoilers: st.SearchStrategy[tuple[str, Any]] = st.one_of(
    st.tuples(st.just("empty"), st.integers(0, 8)),
    st.tuples(st.just("short"), st.integers(0, 8)),
    st.tuples(st.just("same"), st.integers(0, 8)),
    st.tuples(st.just("total"), st.sampled_from([None, 0, 1, 7, 10_000])),
    st.tuples(st.just("nameless"), st.integers(0, 8)),
)


@given(count=st.integers(30, 120), spoiler=spoilers, times=st.integers(1, 40), first=st.integers(0, 12))
def test_no_bad_answer_makes_a_listing_complete_that_is_not(
    count: int, spoiler: tuple[str, Any], times: int, first: int
) -> None:
    server = Server(named(count), cap=10)
    kind, value = spoiler

    def spoil(number: int, _size: int, page: Page[One]) -> Page[One]:
        if not first <= len(server.asked) < first + times:
            return page
        if kind == "total":
            return replace(page, total=value)
        if kind == "same":
            return replace(page, records=[One(each) for each in server.ids[:10]])
        if number != value or not page.records:
            return page
        if kind == "empty":
            return replace(page, records=[])
        return replace(page, records=page.records[1:], nameless=int(kind == "nameless"))

    server.spoil = spoil
    outcome = server.read(limits=LIMITS)
    assert not outcome.coverage.proven or outcome.ids == set(server.ids)
    assert outcome.coverage.passes <= LIMITS.passes
    assert len(server.asked) <= LIMITS.passes * (12 + BARREN + LIMITS.ahead + 1)
