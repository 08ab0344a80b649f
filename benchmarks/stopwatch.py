"""Time the work of a process apart from its start-up, and a part of it apart from the rest."""

import json
import time
from collections.abc import Callable
from typing import Any


class Apart:
    """Seconds of wall clock and of CPU, of all threads, that a part of the work took."""

    def __init__(self) -> None:
        self.wall = 0.0
        self.cpu = 0.0

    def timed(self, part: Callable[..., Any]) -> Callable[..., Any]:
        """The same part, its seconds counted in."""

        def called(*args: Any, **kwargs: Any) -> Any:
            wall, cpu = time.perf_counter(), time.process_time()
            try:
                return part(*args, **kwargs)
            finally:
                self.wall += time.perf_counter() - wall
                self.cpu += time.process_time() - cpu

        return called


def tell(work: Callable[[], Any], apart: Apart | None = None) -> None:
    """Do the work and print what it gave with its seconds of wall clock and of CPU, those of all threads.

    What `apart` has counted meanwhile is told by itself and is not in those seconds.
    """
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    beside = {"wall": apart.wall, "cpu": apart.cpu} if apart else {"wall": 0.0, "cpu": 0.0}
    spent = {"wall": wall - beside["wall"], "cpu": cpu - beside["cpu"]}
    print(json.dumps({**spent, "apart": beside, "result": result}))
