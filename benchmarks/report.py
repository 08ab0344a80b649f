"""Figures as tables of at most 100 columns, next to the goals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.measure import ACTIVE, FIRST, FLOOR, LOOP, UNCHANGED, VERSION, Figures
from benchmarks.process import Cost

GOAL_USERS, GOAL_LATENCY, GOAL_PAGE = 100_000, 20.0, 100
"""The goals are stated for this organization, latency and size of pages."""

MIB = 1 << 20
_NAMES = {
    FLOOR: "floor: 8 raw connections, nothing parsed",
    FIRST: "first sync",
    UNCHANGED: "unchanged sync",
    ACTIVE: "unchanged sync, 2 % logged in",
    LOOP: "loop over the official client",
}
_START_UP = {
    VERSION: "accesssync --version, all of it",
    UNCHANGED: "accesssync sync, database opened",
    FIRST: "accesssync sync, database made",
    LOOP: "official client",
    FLOOR: "floor",
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One goal and what came of it. `reached` is None where it was not measured, no goal was set, or it was set
    for another organization."""

    goal: str
    measured: str
    trial: str
    reached: bool | None


def tables(every: Sequence[Figures]) -> str:
    """All figures, then the goals."""
    parts = [costs(figures) for figures in every]
    if every:
        full = [one for one in every if one.everything][-1:]
        parts += [_start_up(every[0]), *map(_written, [_judged(every), *full]), _goals(_judged(every))]
    return "\n\n".join(parts)


def verdicts(figures: Figures) -> list[Verdict]:
    """What is claimed of these figures, and whether it holds."""
    floor, first, unchanged = figures.work(FLOOR), figures.work(FIRST), figures.work(UNCHANGED)
    active, loop = figures.work(ACTIVE), figures.work(LOOP)
    assert floor is not None
    assert first is not None
    assert unchanged is not None
    assert active is not None
    wall, again = first.wall / floor.wall, unchanged.wall / floor.wall
    times = _share(loop.cpu, first.cpu) if loop else None
    peak = max(first.peak_rss, unchanged.peak_rss, active.peak_rss) / MIB
    stray = sum(sum(figures.stray_rows(what).values()) for what in (UNCHANGED, ACTIVE))
    told = f"{stray:,} rows more" if stray else "nothing more"
    judged = _stated(figures)
    return [
        Verdict(
            "wall of the first sync at most 1.5 x the floor", f"{wall:.2f} x", "1.27 x", wall <= 1.5 if judged else None
        ),
        Verdict("wall of the unchanged sync, no goal set", f"{again:.2f} x", "1.09 x", None),
        Verdict(
            "CPU of the first sync at least 25 times less than the loop",
            "not measured" if times is None else f"{times:.0f} x less",
            "40 x less",
            None if times is None or not judged else times >= 25,
        ),
        Verdict("peak memory under 150 MiB", f"{peak:.0f} MiB", "57 MiB", peak < 150 if judged else None),
        Verdict("unchanged: only the run (and the day's activity) written", told, "", not stray),
    ]


def _judged(every: Sequence[Figures]) -> Figures:
    """The figures that the goals are about, or the nearest there are."""
    return max(every, key=lambda one: (not one.everything, one.users, one.page_size == GOAL_PAGE))


def _stated(figures: Figures) -> bool:
    measured = (figures.users, figures.latency_ms, figures.page_size, figures.everything)
    return measured == (GOAL_USERS, GOAL_LATENCY, GOAL_PAGE, False)


def costs(figures: Figures) -> str:
    """What every way of reading cost, and how that compares."""
    floor, loop = figures.work(FLOOR), figures.work(LOOP)
    assert floor is not None
    lines = [
        figures.title,
        f"  {'':<40} {'wall':>9} {'x floor':>8} {'CPU':>9} {'loop/this':>9} {'peak RSS':>9} {'requests':>8}",
    ]
    for what, name in _NAMES.items():
        cost = figures.work(what)
        if cost is None:
            continue
        cheaper = f"{_share(loop.cpu, cost.cpu):,.0f}" if loop and what != FLOOR else ""
        lines.append(
            f"  {name:<40} {cost.wall:>7.2f} s {_share(cost.wall, floor.wall):>8.2f} {cost.cpu:>7.2f} s "
            f"{cheaper:>9} {_memory(cost):>9} {figures.requests(what):>8,}"
        )
    return "\n".join(lines)


def _start_up(figures: Figures) -> str:
    lines = [
        f"Start-up, classification, evaluation: not in the figures above (at {figures.users:,} users)",
        f"  {'':<40} {'wall':>9} {'':>8} {'CPU':>9} {'':>9} {'peak RSS':>9}",
    ]
    for what, name in _START_UP.items():
        cost = figures.start_up(what)
        if cost is not None:
            lines.append(f"  {name:<40} {cost.wall:>7.2f} s {'':>8} {cost.cpu:>7.2f} s")
    for part in ("classification", "evaluation"):
        for what, name in ((FIRST, "first sync"), (UNCHANGED, "unchanged sync")):
            cost = figures.apart(what, part)
            if cost is not None:
                took = f"{cost.wall:>7.2f} s {'':>8} {cost.cpu:>7.2f} s"
                lines.append(f"  {f'{part}, {name}':<40} {took} {'':>9} {_memory(cost):>9}")
    return "\n".join(lines)


def _written(figures: Figures) -> str:
    columns = (FIRST, UNCHANGED, ACTIVE)
    lines = [
        f"Rows written: inserted + updated + deleted ({figures.title})",
        f"  {'':<26} {'rows':>9} " + " ".join(f"{name:>19}" for name in ("first", "unchanged", "2 % logged in")),
    ]
    for table, counts in figures.written[ACTIVE].items():
        told = (figures.written[what].get(table, {}) for what in columns)
        cells = " ".join(f"{_change(one):>19}" for one in told)
        lines.append(f"  {table:<26} {counts['rows']:>9,} {cells}")
    return "\n".join(lines)


def _goals(figures: Figures) -> str:
    stated = f"{GOAL_USERS:,} users, {GOAL_LATENCY:g} ms latency and pages of {GOAL_PAGE}"
    lines = [f"Goals at {stated}" if _stated(figures) else f"Goals, to be judged at {stated} only"]
    lines.append(f"  {'':<4}  {'':<60} {'measured':>13} {'trial':>10}")
    lines.extend(_goal_lines(verdicts(figures)))
    lines.append("  trial: what a trial of ninety lines took before this program was written")
    return "\n".join(lines)


def _goal_lines(every: Sequence[Verdict]) -> Iterator[str]:
    words = {True: "PASS", False: "MISS", None: "-"}
    for one in every:
        yield f"  {words[one.reached]:<4}  {one.goal:<60} {one.measured:>13} {one.trial:>10}".rstrip()


def _change(counts: dict[str, int]) -> str:
    parts = [counts.get(name, 0) for name in ("inserted", "updated", "deleted")]
    if not any(parts):
        return "0"
    return " ".join(f"{sign}{count:,}" for sign, count in zip("+~-", parts, strict=True) if count)


def _memory(cost: Cost) -> str:
    return f"{cost.peak_rss / MIB:.0f} MiB"


def _share(one: float, other: float) -> float:
    return one / other if other else float("inf")
