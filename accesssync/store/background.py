"""Write while others read."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol


class Writing(Protocol):
    """Does pieces of work in the order in which they are handed over."""

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over a piece of work."""

    def wait(self) -> None:
        """Until everything handed over is done."""


class AtOnce:
    """Does each piece of work before it gives back control."""

    def submit(self, work: Callable[[], None]) -> None:
        """Do it."""
        work()

    def wait(self) -> None:
        """Nothing is ever under way."""


AHEAD: Final = 3
"""Pieces of work that may wait or be under way. They come in twos and threes, records and their activity: whoever reads
must not have to stop at each."""


class Background:
    """Does one piece of work after another in a thread of its own, a few ahead of whoever hands them over.

    The thread that reads pages goes on while the last rows are written: SQLite waits for the disk without holding the
    interpreter. What a piece of work raises, a later `submit` or `wait` raises: no piece after it is done any more.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._pieces: deque[Future[None]] = deque()
        self._failure: BaseException | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over a piece of work, once not too many others are waiting."""
        while len(self._pieces) >= AHEAD:
            self._pieces.popleft().result()
        self._pieces.append(self._executor.submit(self._do, work))

    def _do(self, work: Callable[[], None]) -> None:
        if self._failure is not None:
            raise self._failure
        try:
            work()
        except BaseException as failure:
            self._failure = failure
            raise

    def wait(self) -> None:
        """Until everything handed over is done."""
        while self._pieces:
            self._pieces.popleft().result()

    def close(self) -> None:
        """Let the thread end. Work under way is finished, its failure no longer told."""
        self._executor.shutdown(wait=True, cancel_futures=True)
