"""Time the work of a process apart from its start-up."""

import json
import time
from collections.abc import Callable
from typing import Any


def tell(work: Callable[[], Any]) -> None:
    """Do the work and print what it gave with its seconds of wall clock and of CPU, those of all threads."""
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    spent = {"wall": time.perf_counter() - wall, "cpu": time.process_time() - cpu}
    print(json.dumps({**spent, "result": result}))
