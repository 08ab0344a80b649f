"""What the doctor says: one line per check, ok, warn or fail, with the way out."""

from collections.abc import Iterable, Sequence
from enum import IntEnum
from typing import Literal, NamedTuple

from accesssync.jobs.inventory import Document

Status = Literal["ok", "warn", "fail"]


class Fault(IntEnum):
    """What kind of thing failed, the most urgent first; the value is the exit code.

    Keys come first: nothing else works without them, and what the database lacks is told beside.
    """

    KEY = 6
    DATABASE = 9
    SITE = 7
    MACHINE = 2


class Check(NamedTuple):
    """One line. `id` is stable, `fix` says what to do about it; `fault` counts where the status is fail."""

    id: str
    org: str | None
    status: Status
    message: str
    fix: str | None = None
    fault: Fault = Fault.KEY

    def document(self) -> Document:
        """The line as the contract has it."""
        told = self._asdict()
        del told["fault"]
        return told


def few(names: Sequence[str]) -> str:
    """The first of a list of names, and how many more there are."""
    return ", ".join(names[:6]) + (f" and {len(names) - 6} more" if len(names) > 6 else "")


def verdict(checks: Iterable[Check]) -> int:
    """The exit code of the most urgent failure; 0 where nothing fails."""
    failed = {each.fault for each in checks if each.status == "fail"}
    return next((int(fault) for fault in Fault if fault in failed), 0)
