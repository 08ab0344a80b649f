"""What the figures were measured on, without telling whose machine it is."""

import os
import platform
from pathlib import Path


def describe() -> str:
    """Processor, cores, system, Python, and how busy the machine was."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    load = os.getloadavg()[0]
    return (
        f"{_processor()}, {cores} cores shared by the sandbox and what is measured; {_system()}; "
        f"{platform.python_implementation()} {platform.python_version()}; load average {load:.1f} at the start"
    )


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
