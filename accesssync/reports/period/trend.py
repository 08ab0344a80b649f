"""How many people and machines there were, and how many of them privileged, over time."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from msgspec import Struct

from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.history import Ran, Stay, stays
from accesssync.reports.period.privilege import Holding
from accesssync.reports.period.spans import Spans, begun, ended, intersection, union, without

MOST = 60
"""Points of a trend: more cannot be told apart in a chart."""

STEPS = tuple(timedelta(hours=hours) for hours in (1, 3, 6, 12, 24, 48, 7 * 24, 14 * 24, 28 * 24, 91 * 24, 364 * 24))

COLUMNS = (
    ORG,
    Column("at", "moment", "When the run ended."),
    Column("run_id", "id", "The newest proven run of this step."),
    Column("privileged_people", "count", "People with access who held permissions of T0 or T1 beyond everybody's."),
    Column("privileged_machines", "count", "The same of machines."),
    Column("people", "count", "Identities that were not disabled and were taken for people; in doubt they are."),
    Column("machines", "count", "Identities that were not disabled and were declared or found to be machines."),
    Column("joined", "count", "Identities invited, made or enabled since the point before; not known for the first."),
    Column("left", "count", "Identities disabled or removed since the point before; not known for the first."),
)


class Point(Struct, frozen=True, kw_only=True):
    """The counts at one run; `joined` and `left` since the point before, None for the first."""

    run: Ran
    privileged_people: int
    privileged_machines: int
    people: int
    machines: int
    joined: int | None
    left: int | None


def points(runs: Sequence[Ran]) -> list[Ran]:
    """Every proven run where there are at most MOST, else one for each step of time, the newest in it.

    A step is an hour, a day, a week or the like, the shortest that is long enough; steps begin where the clock or the
    calendar does, so that the same run is chosen whatever else is. The last proven run is always one.
    """
    proven = [one for one in runs if one.published and one.proven and one.finished_at is not None]
    if len(proven) <= MOST:
        return proven
    for step in STEPS:
        chosen = {_slot(one, step): one for one in proven}
        if len(chosen) <= MOST:
            break
    return list(chosen.values())[-MOST:]


def _slot(run: Ran, step: timedelta) -> int:
    # A Monday, so that weeks begin there.
    return (_ended(run) - datetime(2001, 1, 1, tzinfo=UTC)) // step


def _ended(run: Ran) -> datetime:
    return run.finished_at or run.started_at


def trend(
    chosen: Sequence[Ran],
    known: Mapping[str, tuple[Stay, ...]],
    machines: Mapping[str, Spans],
    privileged: Mapping[str, Holding],
) -> list[Point]:
    """The counts at each of these runs, from one pass over everybody. `machines`: when somebody was taken for one."""
    runs = [one.id for one in chosen]
    counts = {name: _Line(runs) for name in ("people", "machines", "privileged_people", "privileged_machines")}
    came, went = _Line(runs), _Line(runs)
    for mine, machine, power, times in _alike(known, machines, privileged):
        for name, spans in _counted(mine, machine, power).items():
            counts[name].add(spans, times)
        able = union(stays(mine))
        if runs:
            came.mark(begun(able, runs[0], runs[-1]), times)
            went.mark(ended(able, runs[0], runs[-1]), times)
    totals = {name: line.totals() for name, line in counts.items()}
    return [
        Point(
            run=one,
            **{name: total[n] for name, total in totals.items()},
            joined=came.at(n) if n else None,
            left=went.at(n) if n else None,
        )
        for n, one in enumerate(chosen)
    ]


def _alike(
    known: Mapping[str, tuple[Stay, ...]], machines: Mapping[str, Spans], privileged: Mapping[str, Holding]
) -> Iterator[tuple[tuple[Stay, ...], Spans, Spans, int]]:
    """What everybody is counted by, and how many there are; those who are alike are counted together."""
    found: Counter[tuple[tuple[Stay, ...], Spans, Spans]] = Counter()
    for one, mine in known.items():
        found[mine, machines.get(one, ()), privileged[one].spans if one in privileged else ()] += 1
    for alike, times in found.items():
        yield *alike, times


def _counted(mine: tuple[Stay, ...], machine: Spans, power: Spans) -> dict[str, Spans]:
    able = union(stays(mine))
    person, robot = without(able, machine), intersection(able, machine)
    return {
        "people": person,
        "machines": robot,
        "privileged_people": intersection(person, power),
        "privileged_machines": intersection(robot, power),
    }


class _Line:
    """How many there are at each of some runs, kept as what each run adds and takes."""

    def __init__(self, runs: Sequence[int]) -> None:
        self._runs = runs
        self._steps = [0] * (len(runs) + 1)

    def add(self, spans: Iterable[tuple[int, int]], times: int) -> None:
        """So many more in these spans."""
        for start, end in spans:
            self._steps[bisect_left(self._runs, start)] += times
            self._steps[bisect_left(self._runs, end)] -= times

    def mark(self, runs: Iterable[int], times: int) -> None:
        """So many more at the first of our runs that is not before one of these."""
        for run in runs:
            self._steps[bisect_left(self._runs, run)] += times

    def totals(self) -> list[int]:
        """How many at each run."""
        return list(accumulate(self._steps[:-1]))

    def at(self, number: int) -> int:
        """How many were marked for one of the runs."""
        return self._steps[number]


def dataset(org: str, found: Sequence[Point]) -> Dataset:
    """The trend as an export."""

    def read() -> Iterator[Row]:
        for one in found:
            yield (
                org, one.run.finished_at, f"run-{one.run.id}", one.privileged_people, one.privileged_machines,
                one.people, one.machines, one.joined, one.left,
            )  # fmt: skip

    return Dataset(
        "trend", "Privileged access over time", "proven run, at most one for each step of time", COLUMNS, read
    )
