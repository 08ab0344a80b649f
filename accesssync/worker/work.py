"""What the worker's parts hand to each other: a job, whose turn it is, with which means, and what came of it."""

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from typing import Literal, NamedTuple, Protocol

from msgspec import Struct

from accesssync.errors import AccessSyncError, DeferredError, LockedError, PartialError
from accesssync.model.schedule import Schedule
from accesssync.settings import Settings
from accesssync.store.engine import Database
from accesssync.worker.leash import Leash
from accesssync.worker.metrics import Metrics


class Log(Protocol):
    """One line of the log: what kind of event, in words, and what machines want to know of it."""

    def __call__(self, event: str, text: str, level: str = "info", **details: object) -> None: ...


class Unit(NamedTuple):
    """One job for one organization; `org` is empty where a job concerns no single one."""

    job: str
    org: str


class Means(Struct, frozen=True, kw_only=True):
    """What a job needs to do its work. `now` is the time of day, `monotonic` never jumps."""

    settings: Settings
    database: Database
    log: Log
    metrics: Metrics
    now: Callable[[], datetime]
    monotonic: Callable[[], float]
    rng: Random
    orgs: tuple[str, ...] = ()
    """The organizations that the worker was started for; empty for all."""


class Outcome(Struct, frozen=True, kw_only=True):
    """What came of one turn.

    `failed` makes the pauses between tries grow, `deferred` comes back after `wait` seconds, `stopped` was ended in the
    middle and is due again at once. `exit_code` is what a one-shot command would end with.
    """

    kind: Literal["done", "partial", "failed", "deferred", "skipped", "stopped"]
    text: str
    error: AccessSyncError | None = None
    run_id: int | None = None
    wait: float = 0.0

    @property
    def exit_code(self) -> int:
        """0, or the code of the error."""
        return self.error.exit_code if self.error else 0


class Job(Struct, frozen=True, kw_only=True):
    """An entry of the worker's table.

    `deadline` is how many seconds a turn may take by the settings. `aside` jobs have a lane of their own, so that they
    need not wait until every organization has been read.
    """

    name: str
    summary: str
    schedule: Callable[[Settings], Schedule]
    per_org: bool
    aside: bool = False
    deadline: Callable[[Settings], float]
    run: Callable[[Means, str, Leash], Outcome]


def failure(error: AccessSyncError) -> Outcome:
    """The outcome of a turn that ended with an error."""
    return Outcome(kind="failed", text=error.line(), error=error)


def outcome_of(error: AccessSyncError, run_id: int | None = None) -> Outcome:
    """What an error makes of a turn."""
    if isinstance(error, DeferredError):
        return Outcome(kind="deferred", text=error.line(), error=error, run_id=run_id, wait=error.seconds)
    if isinstance(error, LockedError):
        return Outcome(kind="skipped", text=error.line(), error=error, run_id=run_id)
    if isinstance(error, PartialError):
        return Outcome(kind="partial", text=error.line(), error=error, run_id=run_id)
    return Outcome(kind="failed", text=error.line(), error=error, run_id=run_id)


def counted(orgs: Sequence[str]) -> str:
    """So many organizations, in words."""
    return "1 organization" if len(orgs) == 1 else f"{len(orgs):,} organizations"
