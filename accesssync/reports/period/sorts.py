"""At which runs an identity was taken for a machine, or for nobody knows what: the evidence, under what people decided.

The sorts are those of the page: who is to be looked at by a person (`review`) counts as a machine until then.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from accesssync.reports.period.history import Ran, Stay
from accesssync.reports.period.spans import OPEN, Span, Spans, union, without

Told = tuple[tuple[Span, str], ...]
"""What was said, each with the runs for which it was."""

MACHINE = frozenset({"nhi", "review"})
PERSON = "human"


class Labels(Struct, frozen=True):
    """What identities were taken for, by their id."""

    computed: Mapping[str, Told]
    """What the evidence said."""
    decided: Mapping[str, tuple[tuple[datetime, str], ...]]
    """What people decided by command, and when; oldest first."""
    declared: Mapping[str, Told]
    """What files of the governance directory said."""


class Sorts(Struct, frozen=True):
    """The runs at which identities were no people, by id; whoever is in neither was always taken for a person."""

    machines: Mapping[str, Spans]
    undecided: Mapping[str, Spans]


def sorts(known: Mapping[str, tuple[Stay, ...]], labels: Labels, runs: Sequence[Ran], *, latest: bool) -> Sorts:
    """Sort everybody at every run.

    What a file declares goes before what was decided by command, and that before the evidence. Of whom nothing was
    said, Datadog's word counts: a service account is a machine. A decision counts from the first run that ended after
    it; with `latest`, those made since the last run count for that one.
    """
    machines: dict[str, Spans] = {}
    undecided: dict[str, Spans] = {}
    alike: dict[tuple[tuple[Stay, ...], Told], tuple[Spans, Spans]] = {}
    for one, mine in known.items():
        told = labels.computed.get(one, ())
        found = alike.get((mine, told))
        if found is None:
            found = alike[mine, told] = _by_evidence(mine, told)
        if one in labels.decided or one in labels.declared:
            in_force = _in_force(labels.decided.get(one, ()), runs, latest=latest)
            found = _overruled(*found, (*in_force, *labels.declared.get(one, ())))
        if found[0]:
            machines[one] = found[0]
        if found[1]:
            undecided[one] = found[1]
    return Sorts(machines, undecided)


def _by_evidence(mine: tuple[Stay, ...], told: Told) -> tuple[Spans, Spans]:
    said = union(span for span, _ in told)
    silent = [((one.start, one.end), one.service_account) for one in mine]
    accounts = without(union(span for span, account in silent if account), said)
    others = without(union(span for span, account in silent if not account), said)
    machine = union((*(span for span, label in told if label in MACHINE), *accounts))
    nobody = union((*(span for span, label in told if label not in MACHINE and label != PERSON), *others))
    return machine, nobody


def _overruled(machine: Spans, nobody: Spans, told: Iterable[tuple[Span, str]]) -> tuple[Spans, Spans]:
    for span, label in told:
        machine, nobody = without(machine, (span,)), without(nobody, (span,))
        if label != PERSON:
            machine = union((*machine, span))
    return machine, nobody


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
