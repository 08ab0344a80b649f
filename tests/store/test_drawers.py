"""What waits comes out once, in stretches that are in order, the fullest first."""

from hypothesis import given
from hypothesis import strategies as st

from accesssync.store.drawers import Drawers

ids = st.lists(st.text(min_size=1, max_size=3), max_size=40)


@given(names=ids)
def test_everything_comes_out_once_and_in_order(names: list[str]) -> None:
    drawers: Drawers[int] = Drawers(1_000)
    for number, name in enumerate(names):
        drawers.put(name, number)
    assert all(name in drawers for name in names)
    taken = [item for drawer in drawers.take_all() for item in drawer]
    assert taken == sorted({name: number for number, name in enumerate(names)}.items())
    assert list(drawers.take_all()) == []
    assert not any(name in drawers for name in names)


def fill(drawers: Drawers[int], *names: str) -> list[bool]:
    """Put these in; tell after each whether the drawers are crowded."""
    crowded = []
    for number, name in enumerate(names):
        drawers.put(name, number)
        crowded.append(drawers.crowded)
    return crowded


def test_the_fullest_drawer_makes_room_for_others() -> None:
    drawers: Drawers[int] = Drawers(6)
    assert fill(drawers, "b2", "a1", "b1", "c1", "b3", "a2") == [False] * 5 + [True]
    assert drawers.take() == [("b1", 2), ("b2", 0), ("b3", 4)]
    assert "b1" not in drawers
    assert "a1" in drawers
    assert fill(drawers, "d1", "d2", "d3") == [False, False, True]


def test_what_takes_the_place_of_another_fills_the_room_too_so_that_there_is_an_end() -> None:
    drawers: Drawers[int] = Drawers(3)
    assert fill(drawers, "a", "a", "a") == [False, False, True]
    assert drawers.take() == [("a", 2)]
    assert fill(drawers, "a", "a") == [False, False]


def test_what_was_taken_out_is_not_disturbed_by_what_comes_in() -> None:
    drawers: Drawers[int] = Drawers(10)
    drawers.put("a", 1)
    out = drawers.take_all()
    drawers.put("a", 2)
    assert list(out) == [[("a", 1)]]
    assert drawers.take() == [("a", 2)]
