"""Stretches of runs, and what can be told of them.

A span reaches from the run that began something up to, not including, the run that ended it. Runs are numbers that
grow with time; they need not follow one another. Nothing is ever reconstructed run by run: what holds of spans holds
of every run in them.
"""

from collections.abc import Iterable

OPEN = 2**62
"""The end of what has not ended: later than any run."""

Span = tuple[int, int]

Spans = tuple[Span, ...]
"""Spans in order that neither touch nor overlap."""


def union(spans: Iterable[Span]) -> Spans:
    """The runs in any of these spans. What ends with the run that begins the next did not end."""
    found: list[Span] = []
    for start, end in sorted(spans):
        if start >= end:
            continue
        if found and start <= found[-1][1]:
            found[-1] = (found[-1][0], max(found[-1][1], end))
        else:
            found.append((start, end))
    return tuple(found)


def intersection(some: Spans, others: Spans) -> Spans:
    """The runs that are in both."""
    found: list[Span] = []
    mine, theirs = 0, 0
    while mine < len(some) and theirs < len(others):
        start = max(some[mine][0], others[theirs][0])
        end = min(some[mine][1], others[theirs][1])
        if start < end:
            found.append((start, end))
        if some[mine][1] < others[theirs][1]:
            mine += 1
        else:
            theirs += 1
    return tuple(found)


def without(some: Spans, others: Spans) -> Spans:
    """The runs that are in the first and not in the second."""
    found: list[Span] = []
    for start, end in some:
        left = start
        for first, last in others:
            if left < first < end:
                found.append((left, first))
            left = max(left, last) if first < end else left
        if left < end:
            found.append((left, end))
    return tuple(found)


def held(spans: Spans, run: int) -> bool:
    """Whether a run is in them."""
    return any(start <= run < end for start, end in spans)


def around(spans: Spans, run: int) -> Span | None:
    """The span that a run is in."""
    return next((span for span in spans if span[0] <= run < span[1]), None)


def begun(spans: Spans, after: int, last: int) -> list[int]:
    """The runs after one and up to another that began one of them."""
    return [start for start, _ in spans if after < start <= last]


def ended(spans: Spans, after: int, last: int) -> list[int]:
    """The runs after one and up to another that ended one of them."""
    return [end for _, end in spans if after < end <= last]
