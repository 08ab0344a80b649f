"""At which runs an identity was taken for a machine: what the evidence said, under what people decided.

In doubt it is a person: so it is counted everywhere.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from accesssync.reports.period.history import Ran, Stay
from accesssync.reports.period.spans import OPEN, Span, Spans, union, without

Told = tuple[tuple[Span, str], ...]
"""What was said, each with the runs for which it was."""

MACHINE = "nhi"


class Labels(Struct, frozen=True):
    """What identities were taken for, by their id."""

    computed: Mapping[str, Told]
    """What the evidence said."""
    decided: Mapping[str, tuple[tuple[datetime, str], ...]]
    """What people decided by command, and when; oldest first."""
    declared: Mapping[str, Told]
    """What files of the governance directory said."""


def machines(
    known: Mapping[str, tuple[Stay, ...]], labels: Labels, runs: Sequence[Ran], *, latest: bool
) -> dict[str, Spans]:
    """The runs at which identities were taken for machines, by id; whoever is not in it was always a person.

    What a file declares goes before what was decided by command, and that before the evidence. Of whom nothing was
    said, Datadog's word counts: a service account is a machine. A decision counts from the first run that ended after
    it; with `latest`, those made since the last run count for that one.
    """
    found: dict[str, Spans] = {}
    alike: dict[tuple[tuple[Stay, ...], Told], Spans] = {}
    for one, mine in known.items():
        told = labels.computed.get(one, ())
        spans = alike.get((mine, told))
        if spans is None:
            spans = alike[mine, told] = _by_evidence(mine, told)
        if one in labels.decided or one in labels.declared:
            in_force = _in_force(labels.decided.get(one, ()), runs, latest=latest)
            spans = _overruled(spans, (*in_force, *labels.declared.get(one, ())))
        if spans:
            found[one] = spans
    return found


def _by_evidence(mine: tuple[Stay, ...], told: Told) -> Spans:
    said = union(span for span, _ in told)
    silent = without(union((one.start, one.end) for one in mine if one.service_account), said)
    return union((*(span for span, label in told if label == MACHINE), *silent))


def _overruled(spans: Spans, told: Iterable[tuple[Span, str]]) -> Spans:
    for span, label in told:
        spans = without(spans, (span,))
        if label == MACHINE:
            spans = union((*spans, span))
    return spans


def _in_force(decided: Iterable[tuple[datetime, str]], runs: Sequence[Ran], *, latest: bool) -> Told:
    """Each decision with the runs for which it counts."""
    found: list[tuple[Span, str]] = []
    for at, label in decided:
        start = next((one.id for one in runs if one.finished_at is not None and one.finished_at >= at), None)
        if start is None and latest and runs:
            start = runs[-1].id
        if start is not None:
            found.append(((start, OPEN), label))
    return tuple(found)
