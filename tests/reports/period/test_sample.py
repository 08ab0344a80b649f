"""The sample: the same for everybody who has the rows and the seed."""

from hashlib import sha256
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from accesssync.reports.dataset import Column, Dataset
from accesssync.reports.period.sample import TO_FILL_IN, Population, draw
from tests.reports.rows import records

ids = st.lists(st.text(min_size=1, max_size=8), unique=True, max_size=40)


def population(rows: list[tuple[str, str | None]], name: str = "grants") -> Population:
    columns = (Column("grant_id", "id", "Its id."), Column("email", "text", "Whose."))
    return Population(Dataset(name, name, "grant", columns, lambda: iter(rows)), "grant_id")


def drawn(rows: list[tuple[str, str | None]], size: int, seed: str, name: str = "grants") -> list[str]:
    return [one["id"] for one in records(draw("acme", [population(rows, name)], size, seed))]


@given(ids, st.integers(1, 50), st.text("abc", max_size=4), st.randoms(use_true_random=False))
def test_it_follows_the_rule_whatever_the_order_and_the_cells(
    found: list[str], size: int, seed: str, rng: Random
) -> None:
    rule = sorted(found, key=lambda one: sha256(f"{seed}\ngrants\n{one}".encode()).hexdigest())[:size]
    shuffled = rng.sample(found, len(found))
    assert drawn([(one, None) for one in found], size, seed) == rule
    assert drawn([(one, "ada@example.com") for one in shuffled], size, seed) == rule


@given(ids, st.integers(1, 20))
def test_a_larger_sample_holds_the_smaller_one(found: list[str], size: int) -> None:
    rows: list[tuple[str, str | None]] = [(one, None) for one in found]
    assert drawn(rows, size + 5, "s")[:size] == drawn(rows, size, "s")


def test_every_row_is_as_likely_as_any_other() -> None:
    rows: list[tuple[str, str | None]] = [(f"g-{number}", None) for number in range(40)]
    times = dict.fromkeys((one for one, _ in rows), 0)
    for seed in range(2_000):
        for one in drawn(rows, 10, str(seed)):
            times[one] += 1
    assert min(times.values()) > 420
    assert max(times.values()) < 580


def test_the_auditor_finds_the_row_and_columns_to_fill_in() -> None:
    (one,) = records(draw("acme", [population([("g-1", "ada@example.com"), ("g-2", None)])], 1, "x"))
    assert one["population_size"] == 2
    assert one["number"] == 1
    assert one["row"]["grant_id"] == one["id"]
    assert {one[column.name] for column in TO_FILL_IN} == {None}


def test_tables_are_drawn_from_apart() -> None:
    rows: list[tuple[str, str | None]] = [(f"g-{number}", None) for number in range(30)]
    assert drawn(rows, 10, "x") != drawn(rows, 10, "x", "changes")
