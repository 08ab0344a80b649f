"""Read a resource that Datadog lists in pieces: the members of every team, the mappings of roles and of teams.

Each piece is proven by itself. The whole is proven when every piece is, and when the list of pieces was.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future

from accesssync.model.coverage import Coverage, CoverageState
from accesssync.snapshot.listing import Limits, Outcome, R, read_listing
from accesssync.snapshot.source import Listing


class Inline(Executor):
    """Runs what it is given at once. A piece is read by one thread: the pieces are what runs in parallel."""

    def submit(self, fn, /, *args, **kwargs):  # type: ignore[no-untyped-def]
        future = Future()  # type: ignore[var-annotated]
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - kept for whoever asks for the result
            future.set_exception(error)
        return future


def read_several(
    listings: Sequence[Listing[R]],
    executor: Executor,
    sink: Callable[[list[R]], None],
    limits: Limits,
    on_page: Callable[[int, int | None], None],
) -> Outcome:
    """Read every listing, several at a time, hand all records to `sink` (in this thread), and sum up.

    Raises what `read_listing` raises. A record that two pieces show is one record.
    """
    ids: set[str] = set()
    coverages: list[Coverage] = []
    waiting = [executor.submit(_read, listing, limits) for listing in listings]
    try:
        for future in waiting:
            outcome, records = future.result()
            sink(records)
            ids |= outcome.ids
            coverages.append(outcome.coverage)
            on_page(len(ids), None)
    finally:
        for future in waiting:
            future.cancel()
    return Outcome(_sum(coverages, len(ids)), ids)


def _read(listing: Listing[R], limits: Limits) -> tuple[Outcome, list[R]]:
    records: list[R] = []
    outcome = read_listing(listing, Inline(), records.extend, limits, lambda _received, _expected: None)
    return outcome, records


def _sum(coverages: list[Coverage], received: int) -> Coverage:
    states = [coverage.state for coverage in coverages]
    reasons = [coverage.reason for coverage in coverages if coverage.reason]
    bad = sum(state is not CoverageState.COMPLETE for state in states)
    if not bad:
        state = CoverageState.COMPLETE
        reason = reasons[0] if reasons else None
    else:
        read = any(state in {CoverageState.COMPLETE, CoverageState.INCOMPLETE} for state in states)
        same = states[0] if len(set(states)) == 1 else CoverageState.FAILED
        state = CoverageState.INCOMPLETE if read else same
        reason = reasons[0] if not read else f"{bad} of {len(states)} listings: {reasons[0] if reasons else 'unproven'}"
    totals = [coverage.expected for coverage in coverages]
    known = [total for total in totals if total is not None]
    # Each total counts a record that several pieces show, and it is received but once.
    repeated = sum(coverage.received for coverage in coverages) - received
    return Coverage(
        state=state,
        received=received,
        expected=sum(known) - repeated if len(known) == len(totals) else None,
        passes=max((coverage.passes for coverage in coverages), default=1),
        reason=reason,
        degraded=sum(coverage.degraded for coverage in coverages),
    )
