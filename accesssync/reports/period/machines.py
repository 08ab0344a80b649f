"""At which runs an identity was taken for no person: what the evidence said, under what people decided."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from accesssync.reports.period.history import Ran, Stay
from accesssync.reports.period.spans import OPEN, Span, Spans, union, without

Decided = Sequence[tuple[datetime, str]]
Declared = Sequence[tuple[Span, str]]


def machine_spans(
    known: Mapping[str, tuple[Stay, ...]],
    classified: Mapping[str, Sequence[Span]],
    machines: Mapping[str, Sequence[Span]],
    decided: Mapping[str, Decided],
    declared: Mapping[str, Declared],
    runs: Sequence[Ran],
    *,
    latest: bool,
) -> dict[str, Spans]:
    """The runs at which each identity was taken for a machine, of those who ever were or of whom people decided.

    What a file declares goes before what was decided by command, and that before the evidence; of a service account
    that nothing was said of, Datadog's word counts. A decision counts from the first run that ended after it; with
    `latest`, those made since the last run count for that one.
    """
    accounts = {one for one, mine in known.items() if any(stay.service_account for stay in mine)}
    found = {}
    for one in sorted(accounts | machines.keys() | decided.keys() | declared.keys()):
        account = union((stay.start, stay.end) for stay in known.get(one, ()) if stay.service_account)
        spans = union((*machines.get(one, ()), *without(account, union(classified.get(one, ())))))
        spans = _overruled(spans, _in_force(decided.get(one, ()), runs, latest=latest))
        found[one] = _overruled(spans, declared.get(one, ()))
    return found


def _overruled(spans: Spans, said: Iterable[tuple[Span, str]]) -> Spans:
    for span, label in said:
        spans = without(spans, (span,))
        if label != "human":
            spans = union((*spans, span))
    return spans


def _in_force(decided: Decided, runs: Sequence[Ran], *, latest: bool) -> list[tuple[Span, str]]:
    """Each decision with the runs for which it counts."""
    found: list[tuple[Span, str]] = []
    for at, label in decided:
        start = next((one.id for one in runs if one.finished_at is not None and one.finished_at >= at), None)
        if start is None and latest and runs:
            start = runs[-1].id
        if start is not None:
            found.append(((start, OPEN), label))
    return found
