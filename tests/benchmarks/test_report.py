"""What the benchmark says of figures, and where it puts them."""

from pathlib import Path

import pytest

from benchmarks.database import written
from benchmarks.measure import ACTIVE, FIRST, FLOOR, LOOP, UNCHANGED, VERSION, Figures, Sample
from benchmarks.process import Cost
from benchmarks.publish import BEGIN, END, rewrite
from benchmarks.report import tables, verdicts

MIB = 1 << 20


def figures(*, wall: float = 3.6, cpu: float = 3.0, peak: int = 90 * MIB, users: int = 100_000) -> Figures:
    """Figures of a machine that does not exist."""
    made = Figures(users, 100, 20.0, everything=False)
    costs = {
        VERSION: Cost(0.0, 0.0, 16 * MIB),
        FLOOR: Cost(3.0, 0.4, 16 * MIB),
        FIRST: Cost(wall, cpu, peak),
        UNCHANGED: Cost(3.1, 1.5, peak),
        ACTIVE: Cost(3.2, 1.6, peak),
        LOOP: Cost(160.0, 120.0, 60 * MIB),
    }
    made.samples = {what: [Sample(cost, Cost(0.5, 0.5, cost.peak_rss), 1003)] for what, cost in costs.items()}
    run = {"runs": {"rows": 2, "inserted": 1, "updated": 0, "deleted": 0}}
    made.written = {FIRST: run, UNCHANGED: run, ACTIVE: run}
    return made


def reached(made: Figures) -> list[bool | None]:
    return [one.reached for one in verdicts(made)]


def test_figures_within_every_goal_pass() -> None:
    assert reached(figures()) == [True, None, True, True, True]


def test_each_missed_goal_is_told() -> None:
    made = figures(wall=4.6, cpu=5.0, peak=151 * MIB)
    made.written[UNCHANGED] = {"identities": {"rows": 9, "inserted": 0, "updated": 1, "deleted": 0}}

    assert reached(made) == [False, None, False, False, False]
    assert tables([made]).count("MISS") == 4


@pytest.mark.parametrize(("rows", "stray"), [(2, {}), (3, {"activity": 3})])
def test_where_nobody_was_active_only_the_use_of_its_own_keys_may_be_written(rows: int, stray: dict[str, int]) -> None:
    made = figures()
    moved = {"activity": {"rows": 9, "inserted": 0, "updated": rows, "deleted": 0}}
    made.written[UNCHANGED] = made.written[ACTIVE] = moved

    assert made.stray_rows(ACTIVE) == {}
    assert made.stray_rows(UNCHANGED) == stray


@pytest.mark.parametrize("table", ["classifications", "findings"])
def test_a_login_may_change_what_is_made_of_it_and_nothing_else_may(table: str) -> None:
    made = figures()
    noted = {table: {"rows": 9, "inserted": 1, "updated": 3, "deleted": 0}}
    made.written[UNCHANGED] = made.written[ACTIVE] = noted

    assert made.stray_rows(ACTIVE) == {}
    assert made.stray_rows(UNCHANGED) == {table: 4}


def test_without_the_loop_its_goal_is_not_judged() -> None:
    made = figures()
    del made.samples[LOOP]

    assert reached(made) == [True, None, None, True, True]


def test_the_median_counts() -> None:
    made = figures()
    made.samples[FLOOR] += [Sample(Cost(wall, 0.4, MIB), Cost(0.1, 0.1, MIB), 1003) for wall in (2.0, 50.0)]

    floor = made.work(FLOOR)

    assert floor is not None
    assert floor.wall == 3.0


def test_rows_written_are_told_apart_by_their_keys() -> None:
    before = {"kept": {b"1": b"a", b"2": b"b", b"3": b"c"}}
    after = {"kept": {b"1": b"a", b"2": b"B", b"4": b"d"}, "new": {b"1": b"a"}}

    assert written(before, after) == {
        "kept": {"rows": 3, "inserted": 1, "updated": 1, "deleted": 1},
        "new": {"rows": 1, "inserted": 1, "updated": 0, "deleted": 0},
    }


def test_only_what_stands_between_the_markers_is_replaced(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n")

    rewrite(document, machine="a machine", day="2030-01-02", command="python -m benchmarks", tables="  a table")

    text = document.read_text()
    assert text.startswith(f"before\n{BEGIN}\nMeasured on 2030-01-02")
    assert text.endswith(f"```\n{END}\nafter\n")
    assert "  a table" in text
    assert "old" not in text


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}{BEGIN}", f"{BEGIN}{END}{BEGIN}{END}"])
def test_a_page_without_its_markers_is_left_alone(tmp_path: Path, text: str) -> None:
    document = tmp_path / "page.md"
    document.write_text(text)

    with pytest.raises(ValueError, match="once each"):
        rewrite(document, machine="", day="", command="", tables="")
    assert document.read_text() == text
