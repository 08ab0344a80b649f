"""Time the work of a process apart from its start-up, and parts of it apart from the rest."""

import json
import resource
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


class Apart:
    """What a part of the work took: seconds of wall clock and of CPU, of all threads.

    `peak_before` is the process's peak memory in bytes when the part was first begun, 0 where it never was.
    """

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0
        self.peak_before = 0

    def timed(self, part: Callable[..., Any]) -> Callable[..., Any]:
        """The same part, its seconds counted in."""

        def called(*args: Any, **kwargs: Any) -> Any:
            self.peak_before = self.peak_before or _peak()
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return part(*args, **kwargs)
            finally:
                self.wall += time.perf_counter() - wall
                self.cpu += time.process_time() - cpu

        return called


def tell(work: Callable[[], Any], apart: Mapping[str, Apart] | None = None) -> None:
    """Do the work and print what it gave with its seconds of wall clock and of CPU, those of all threads.

    What the parts in `apart` took is told by their names and is not in those seconds; nor is what they needed beyond it
    in the peak, which is the one before the first of them began.
    """
    parts = apart or {}
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    begun = [one.peak_before for one in parts.values() if one.peak_before]
    spent = {
        "wall": wall - sum(one.wall for one in parts.values()),
        "cpu": cpu - sum(one.cpu for one in parts.values()),
        "peak": min(begun, default=_peak()),
    }
    beside = {name: {"wall": one.wall, "cpu": one.cpu} for name, one in parts.items()}
    print(json.dumps({**spent, "apart": beside, "result": result}))


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _RSS_UNIT
