"""Run a program to its end and say what it cost.

The process that measures has to stay small: on Linux the peak memory of a program counts from that of
the process that started it. So it imports the standard library only, and whatever is larger has a process of its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
SECONDS = 3600.0
"""After this a program is taken to be stuck."""

_RSS_UNIT = 1 if sys.platform == "darwin" else 1024


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process cost: seconds until its end, seconds of CPU (its own and the kernel's for it), bytes at most."""

    wall: float
    cpu: float
    peak_rss: int


def environment(folder: Path, given: Mapping[str, str] | None = None) -> dict[str, str]:
    """The environment of this process without anybody's settings, and what is given.

    Compiled modules are kept in the folder: where they may not be kept at all, starting up would take far
    longer than where a program was installed in the usual way.
    """
    foreign = ("DD_", "ACCESSSYNC_", "PYTHON")
    plain = {name: value for name, value in os.environ.items() if not name.upper().startswith(foreign)}
    return {**plain, "PYTHONPATH": str(ROOT), "PYTHONPYCACHEPREFIX": str(folder / "compiled"), **(given or {})}


def run(module: str, arguments: Sequence[str], given: Mapping[str, str], folder: Path) -> tuple[Cost, dict[str, Any]]:
    """Run `python -m module` in a folder; its cost, and the JSON document that it printed, if any.

    RuntimeError where it fails.
    """
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            cwd=folder,
            env=environment(folder, given),
        )
        deadline = threading.Timer(SECONDS, process.kill)
        deadline.start()
        try:
            _, status, usage = os.wait4(process.pid, 0)
            wall = time.perf_counter() - started
        except BaseException:
            process.kill()
            process.wait()
            raise
        finally:
            deadline.cancel()
        # It has been waited for already.
        process.returncode = os.waitstatus_to_exitcode(status)
        out.seek(0)
        err.seek(0)
        printed, complaint = out.read().strip(), err.read().decode(errors="replace").strip()
    if process.returncode:
        what = " ".join((module, *arguments))
        raise RuntimeError(f"{what} ended with {process.returncode}: {complaint[-2000:]}")
    document = json.loads(printed) if printed.startswith(b"{") else {}
    return Cost(wall, usage.ru_utime + usage.ru_stime, usage.ru_maxrss * _RSS_UNIT), document
