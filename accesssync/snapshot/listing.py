"""Read one listing to its end, in bounded parallel, and say whether it was proven complete.

Datadog pages by number over an order that moves: a record added or gone between two pages shifts the rest, so
that one is skipped and another comes twice. The proof is therefore arithmetic: one pass in which every page states
the same total, no record came twice, and as many distinct records came as that total says. A pass that
fails is followed by another, a few times at most; then the listing is incomplete. The size of a page proves
nothing: servers cut pages shorter than asked, and short pages come in the middle.
"""

from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from typing import Generic, TypeVar

from msgspec import Struct, field
from msgspec.structs import replace

from accesssync.errors import AccessSyncError, DeadlineError, DeniedError, RateLimitedError, UpstreamError
from accesssync.model.coverage import Coverage, CoverageState
from accesssync.snapshot.source import Listing, Page, Record

R = TypeVar("R", bound=Record)

FIRST_SIZE = 100
"""The documented maximum of every paged listing; what to ask for until the API says that it allows more."""


BARREN = 10
"""Promised pages in a row without anything new after which a pass goes no further: the total is made up."""


class Limits(Struct, frozen=True):
    """How far a listing may go.

    `size` is the largest page asked for where the API allows it, `ahead` the pages requested ahead of
    the one being consumed, `passes` how often the whole listing may be read, `pages` the pages of
    one pass beyond which the API is taken to be going round in circles.
    """

    size: int = 1000
    ahead: int = 8
    passes: int = 3
    pages: int = 20_000


class Outcome(Struct, frozen=True):
    """What came of one listing: its coverage, and the ids of the pass that decided it."""

    coverage: Coverage
    ids: frozenset[str] | set[str]


class _Pass(Struct, Generic[R]):
    """What one pass has seen so far."""

    ids: set[str] = field(default_factory=set)
    totals: set[int | None] = field(default_factory=set)
    total: int | None = None
    repeated: int = 0
    nameless: int = 0
    degraded: int = 0
    broken: str | None = None

    def take(self, page: Page[R]) -> bool:
        """Count a page in; tell whether it brought anything new."""
        before = len(self.ids)
        for record in page.records:
            self.ids.add(record.id)
            if record.malformed:
                self.degraded += 1
        new = len(self.ids) - before
        self.repeated += len(page.records) - new
        self.nameless += page.nameless
        self.totals.add(page.total)
        if page.total is not None:
            self.total = page.total
        return new > 0

    def flaw(self, *, paged: bool, may_be_empty: bool) -> str | None:
        """Why this pass proves nothing, or None if it proves the listing complete."""
        seen = len(self.ids)
        flaws = [
            (self.broken is not None, self.broken),
            (self.nameless > 0, f"{self.nameless} records without an id"),
            (paged and self.totals <= {None}, "the API gave no usable total"),
            (paged and len(self.totals) > 1, "the total changed while paging"),
            (paged and self.repeated > 0, f"{self.repeated} records came twice"),
            (paged and seen != self.total, f"{seen:,} of {self.total or 0:,}"),
            (not seen and not may_be_empty, "an empty list cannot be the truth"),
        ]
        return next((what for found, what in flaws if found), None)


def read_listing(
    listing: Listing[R],
    executor: Executor,
    sink: Callable[[list[R]], None],
    limits: Limits,
    on_page: Callable[[int, int | None], None],
) -> Outcome:
    """Read `listing`, hand every page's records to `sink` (in this thread), and say what was proven.

    Records reach the sink at least once, in no order, whether or not the listing is proven afterwards.
    DeniedError on the very first page gives `denied`, any other UpstreamError there `failed`;
    on a later page `incomplete`. AuthenticationError passes through: keys that stop being accepted
    in the middle make the whole run worthless. So does whatever the sink raises.
    """
    outcome = Outcome(Coverage(state=CoverageState.FAILED), set())
    size = limits.size
    for number in range(1, limits.passes + 1):
        seen: _Pass[R] = _Pass()
        error_seen: AccessSyncError | None = None
        try:
            for page in _pages(listing, executor, replace(limits, size=size), seen):
                sink(page.records)
                on_page(len(seen.ids), seen.total)
        except DeniedError as error:
            if number == 1 and not seen.ids:
                reason = f"needs {error.permission}"
                return Outcome(Coverage(state=CoverageState.DENIED, passes=1, reason=reason), set())
            seen.broken = f"denied in the middle of the listing: needs {error.permission}"
            error_seen = error
        except UpstreamError as error:
            if number == 1 and not seen.ids:
                return Outcome(Coverage(state=CoverageState.FAILED, passes=1, reason=error.message), set())
            seen.broken = error.message
            error_seen = error
        flaw = seen.flaw(paged=listing.paged, may_be_empty=listing.may_be_empty)
        outcome = _outcome(seen, number, flaw)
        if flaw is None:
            break
        if seen.broken:
            # Every request was already repeated as often as the settings allow. What can still help is asking
            # for less at once: deep pages have been seen to fail at sizes above the documented maximum.
            if size <= FIRST_SIZE or isinstance(error_seen, DeniedError | DeadlineError | RateLimitedError):
                break
            size = FIRST_SIZE
    return outcome


def _outcome(seen: _Pass[R], passes: int, flaw: str | None) -> Outcome:
    reason = flaw
    if flaw is None and seen.degraded:
        reason = f"{seen.degraded} records with attributes that could not be understood"
    coverage = Coverage(
        state=CoverageState.INCOMPLETE if flaw else CoverageState.COMPLETE,
        received=len(seen.ids),
        expected=seen.total,
        passes=passes,
        reason=reason,
        degraded=seen.degraded,
    )
    return Outcome(coverage, seen.ids)


def _pages(listing: Listing[R], executor: Executor, limits: Limits, seen: _Pass[R]) -> Iterator[Page[R]]:
    """The pages of one pass, counted into `seen` before each is given out."""
    size = min(FIRST_SIZE, limits.size)
    first = listing.fetch(0, size)
    if not listing.paged:
        seen.take(first)
        yield first
        return
    allowed = min(first.max_size or size, limits.size)
    if allowed > size and first.total is not None and first.total > len(first.records):
        size = allowed
        first = listing.fetch(0, size)
    seen.take(first)
    yield first
    served = len(first.records) + first.nameless
    number = 1
    if first.total is not None and served:
        last, barren = min(-(-first.total // served), limits.pages), 0
        for page in _ahead(lambda n: listing.fetch(n, size), range(1, last), executor, limits.ahead):
            barren = 0 if seen.take(page) else barren + 1
            yield page
            if barren == BARREN:
                return
        number = max(last, 1)
    yield from _tail(listing, size, number, seen, limits)


def _tail(listing: Listing[R], size: int, number: int, seen: _Pass[R], limits: Limits) -> Iterator[Page[R]]:
    """Go on behind the pages that the first one promised, for as long as records are owed and new ones come."""
    while (seen.total is None or len(seen.ids) < seen.total) and number < limits.pages:
        page = listing.fetch(number, size)
        new = seen.take(page)
        yield page
        number += 1
        if not new:
            return


def _ahead(fetch: Callable[[int], Page[R]], numbers: range, executor: Executor, ahead: int) -> Iterator[Page[R]]:
    """Fetch pages by several threads, at most `ahead` of them beyond the one in hand."""
    waiting: deque[Future[Page[R]]] = deque()
    upcoming = iter(numbers)
    try:
        for number in upcoming:
            waiting.append(executor.submit(fetch, number))
            if len(waiting) > ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
