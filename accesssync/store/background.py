"""Write while others read."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Protocol


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


class Background:
    """Does one piece of work after another in a thread of its own, at most one ahead of whoever hands them over.

    The thread that reads pages goes on while the last rows are written: SQLite waits for the disk without
    holding the interpreter. What a piece of work raises, the next `submit` or `wait` raises.
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="write")
        self._last: Future[None] | None = None

    def submit(self, work: Callable[[], None]) -> None:
        """Hand over a piece of work, once the one before is done."""
        self.wait()
        self._last = self._executor.submit(work)

    def wait(self) -> None:
        """Until everything handed over is done."""
        last, self._last = self._last, None
        if last is not None:
            last.result()

    def close(self) -> None:
        """Let the thread end. Work under way is finished, its failure no longer told."""
        self._executor.shutdown(wait=True, cancel_futures=True)
