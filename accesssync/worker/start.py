"""Put a worker together from the settings, for a life or for one job."""

from collections.abc import Callable, Sequence
from datetime import datetime
from random import Random
from threading import Event

from accesssync.errors import AccessSyncError, ConfigurationError
from accesssync.jobs.opening import open_to_write
from accesssync.settings import Settings
from accesssync.worker.life import Engine, Life, told_by_signals
from accesssync.worker.local import Alone
from accesssync.worker.metrics import Metrics
from accesssync.worker.perform import Performer
from accesssync.worker.table import JOBS
from accesssync.worker.work import Log, Means, Outcome, Unit


class Surroundings:
    """What comes from outside: the log, time and chance, and how to end at once."""

    def __init__(
        self,
        *,
        log: Log,
        now: Callable[[], datetime],
        monotonic: Callable[[], float],
        rng: Random,
        leave: Callable[[], None],
    ) -> None:
        self.log = log
        self.now = now
        self.monotonic = monotonic
        self.rng = rng
        self.leave = leave


def work(settings: Settings, names: Sequence[str], around: Surroundings) -> int:
    """Work until told to stop; the exit code.

    ConfigurationError where keys are missing or the mode does not fit the database, StoreError where that cannot be
    used.
    """
    orgs = [org.name for org in settings.organizations(names, need_keys=True)]
    stop = Event()
    with told_by_signals(stop, around.leave):
        means = _means(settings, names, around)
        performer = Performer(means, stop)
        engine = _engine(means, orgs, performer)
        return Life(means, orgs, performer, engine, stop).live()


def once(settings: Settings, names: Sequence[str], job: str, around: Surroundings) -> list[tuple[str, Outcome]]:
    """Do one job now, for each organization that it concerns, one after the other."""
    orgs = [org.name for org in settings.organizations(names, need_keys=True)]
    performer = Performer(_means(settings, names, around), Event())
    return [(org, performer.now(Unit(job, org))) for org in (orgs if JOBS[job].per_org else [""])]


def outcome_code(outcomes: Sequence[Outcome]) -> int:
    """The exit code of several outcomes: theirs where they agree, else 5."""
    codes = {each.exit_code for each in outcomes}
    return 0 if not codes else codes.pop() if len(codes) == 1 else 5


def first_error(outcomes: Sequence[Outcome]) -> AccessSyncError | None:
    """The first thing that went wrong."""
    return next((each.error for each in outcomes if each.error is not None), None)


def _means(settings: Settings, names: Sequence[str], around: Surroundings) -> Means:
    if settings.worker_mode == "queue" and not settings.database_url.get_secret_value().startswith("postgresql"):
        raise ConfigurationError(
            "ACCESSSYNC_WORKER__MODE is queue, which needs PostgreSQL",
            remedy="set ACCESSSYNC_DATABASE_URL=postgresql+psycopg://USER@HOST/NAME, or the mode to local",
        )
    return Means(
        settings=settings,
        database=open_to_write(settings),
        log=around.log,
        metrics=Metrics(),
        now=around.now,
        monotonic=around.monotonic,
        rng=around.rng,
        orgs=tuple(name.lower() for name in names),
    )


def _engine(means: Means, orgs: Sequence[str], performer: Performer) -> Engine:
    if means.settings.worker_mode == "queue":
        from accesssync.worker.together import Together

        return Together(means, orgs, performer)
    return Alone(means, orgs, performer)
