"""What the figures were measured on and beside what, without telling whose machine it is."""

import os
import platform
import resource
import time
from pathlib import Path


def describe() -> str:
    """Processor, cores, system and Python."""
    return (
        f"{_processor()}, {_cores()} cores shared by the sandbox and what is measured; {_system()}; "
        f"{platform.python_implementation()} {platform.python_version()}"
    )


class Neighbours:
    """What everybody else on the machine did from now on: figures from a busy machine are not worth much."""

    def __init__(self) -> None:
        self._began = time.monotonic(), _busy(), _own()

    def describe(self) -> str:
        """To be asked when all that was measured has ended."""
        began, busy_then, own_then = self._began
        busy_now = _busy()
        if busy_then is None or busy_now is None:
            return "how busy other programs were is not known"
        others = max(0.0, busy_now - busy_then - (_own() - own_then)) / (time.monotonic() - began)
        return f"other programs kept {others:.1f} of the cores busy meanwhile"


def _cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _busy() -> float | None:
    """Seconds that all cores have been at work, or taken away by whoever owns the machine; None where unknown."""
    try:
        fields = Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]
    except OSError:
        return None
    user, nice, system, _idle, _waiting, hard, soft, stolen = map(int, fields)
    return (user + nice + system + hard + soft + stolen) / os.sysconf("SC_CLK_TCK")


def _own() -> float:
    """Seconds of CPU of this process and of those it started that have ended."""
    every = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in every)


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def _system() -> str:
    try:
        return platform.freedesktop_os_release()["PRETTY_NAME"]
    except (OSError, KeyError):
        return f"{platform.system()} {platform.release()}"
