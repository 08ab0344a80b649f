"""How a job that runs in a thread is asked to stop: at its next wait or page, not in the middle of a call."""

from collections.abc import Callable
from threading import Event
from typing import Literal

from accesssync.errors import DeferredError


class Interrupted(BaseException):
    """The job is to end here. No Exception, so that nothing on the way takes it for a failure of its own."""

    def __init__(self, reason: Literal["stop", "deadline"]) -> None:
        super().__init__(reason)
        self.reason = reason


class Leash:
    """What a job holds on to while it works.

    `deadline` is in seconds from now on the monotonic `clock`. A wait for longer than `longest_wait` raises
    DeferredError instead: the slot is worth more than the place in the listing.
    """

    def __init__(
        self, *, stop: Event, clock: Callable[[], float], deadline: float, longest_wait: float | None = None
    ) -> None:
        self._stop = stop
        self._clock = clock
        self._began = clock()
        self._until = self._began + deadline
        self._longest_wait = longest_wait

    @property
    def overdue(self) -> float:
        """Seconds since the deadline; negative before it."""
        return self._clock() - self._until

    def check(self) -> None:
        """Raise Interrupted where the work is to end."""
        if self._stop.is_set():
            raise Interrupted("stop")
        if self.overdue > 0:
            raise Interrupted("deadline")

    def sleep(self, seconds: float) -> None:
        """Wait, unless the work is to end or the wait is too long to hold a slot for."""
        self.check()
        if self._longest_wait is not None and seconds > self._longest_wait:
            raise DeferredError(seconds)
        self._stop.wait(min(seconds, max(0.0, -self.overdue)))
        self.check()

    def sit_out(self, seconds: float) -> None:
        """Wait to the end, whatever happens: between a write and its confirmation nobody stops."""
        Event().wait(seconds)
