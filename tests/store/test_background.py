"""Work handed over is done in order, in another thread, and a failure ends it."""

import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from accesssync.store.background import AHEAD, AtOnce, Background


@pytest.fixture
def background() -> Iterator[Background]:
    with closing(Background()) as made:
        yield made


def test_pieces_are_done_in_order_by_one_other_thread(background: Background) -> None:
    done: list[tuple[int, int]] = []
    for number in range(20):
        background.submit(lambda number=number: done.append((number, threading.get_ident())))  # type: ignore[misc]
    background.wait()
    assert [number for number, _ in done] == list(range(20))
    assert {ident for _, ident in done}.isdisjoint({threading.get_ident()})
    assert len({ident for _, ident in done}) == 1


def test_whoever_hands_over_waits_once_it_is_too_far_ahead(background: Background) -> None:
    go, handed = threading.Event(), threading.Event()

    def wait() -> None:
        go.wait(10)

    def hand_over() -> None:
        background.submit(wait)
        handed.set()

    for _ in range(AHEAD):
        background.submit(wait)
    other = threading.Thread(target=hand_over)
    other.start()
    assert not handed.wait(0.05)
    go.set()
    assert handed.wait(10)
    other.join()


def test_a_failure_is_told_and_nothing_behind_it_is_done(background: Background) -> None:
    done: list[str] = []

    def fail() -> None:
        raise OSError("full")

    background.submit(lambda: done.append("before"))
    background.submit(fail)
    background.submit(lambda: done.append("behind"))
    for _ in range(2):
        with pytest.raises(OSError, match="full"):
            background.wait()
    background.submit(lambda: done.append("later"))
    with pytest.raises(OSError, match="full"):
        background.wait()
    assert done == ["before"]


def test_at_once_is_at_once() -> None:
    done: list[str] = []
    AtOnce().submit(lambda: done.append("one"))
    assert done == ["one"]
    AtOnce().wait()
