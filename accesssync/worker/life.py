"""The life of a worker: begin, turn once a second, end in order and in time."""

import signal
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from threading import Event
from types import FrameType
from typing import Protocol

from accesssync import __version__
from accesssync.errors import StoreError
from accesssync.jobs.figures import Figures, figures, overdue
from accesssync.jobs.forward.run import Standing, standings
from accesssync.settings import service_manager
from accesssync.store import schema
from accesssync.worker.health import HealthServer, Pulse, Readiness
from accesssync.worker.metrics import Sample
from accesssync.worker.perform import Performer, Turn
from accesssync.worker.systemd import ServiceManager
from accesssync.worker.work import Means

TURN_SECONDS = 1.0
JUMP_SECONDS = 10.0
"""A clock that moved so much more or less than time went by was set."""

FIGURES_SECONDS = 30.0
"""How long figures from the store hold: counting a hundred organizations takes a moment."""


class Engine(Protocol):
    """What hands out the work: alone, or together with others."""

    def start(self) -> None: ...
    def look(self) -> None:
        """Once a second: see what is new. StoreError where the store is away."""

    def reckon(self) -> None:
        """The clock has jumped."""

    def stop(self) -> None:
        """Begin nothing new."""

    def close(self, seconds: float) -> None:
        """Let go of everything, within so many seconds. Nothing is under way any more, or it is given up."""

    def status(self) -> str:
        """One line about what it does."""


class Life:
    """One worker from its start to its end. `stop` asks everything in it to end."""

    def __init__(self, means: Means, orgs: Sequence[str], performer: Performer, engine: Engine, stop: Event) -> None:
        self._means = means
        self._orgs = orgs
        self._performer = performer
        self._engine = engine
        self._stop = stop
        self._pulse = Pulse(means.monotonic)
        self._told_stuck: set[int] = set()
        self._store_away = False

    def live(self) -> int:
        """Work until told to stop; the exit code. Whatever still hangs then is the caller's to leave behind."""
        means = self._means
        address, watchdog = service_manager()
        manager = ServiceManager(address)
        means.metrics.up_since.set(means.now().timestamp())
        means.metrics.read_from(_Stored(means, self._orgs).samples)
        server = self._serve()
        self._engine.start()
        means.log("worker.ready", f"accesssync {__version__} works: {self._engine.status()}")
        manager.ready(self._engine.status())
        try:
            code = self._turn(manager, watchdog is not None)
        finally:
            manager.stopping()
            self._engine.stop()
            self._stop.set()
        self._wait_for_work()
        if server is not None:
            server.close()
        return code

    def _turn(self, manager: ServiceManager, watched: bool) -> int:
        means = self._means
        wall, steady = means.now(), means.monotonic()
        while not self._stop.wait(TURN_SECONDS):
            jumped = (means.now() - wall).total_seconds() - (means.monotonic() - steady)
            wall, steady = means.now(), means.monotonic()
            self._look(jumped)
            stuck = self._stuck()
            self._pulse.beat(tuple(turn.unit.job for turn in stuck))
            if stuck and means.settings.worker_end_when_stuck:
                means.log("worker.ends", "ends because a job does not stop", level="error")
                return 1
            if watched and not stuck:
                manager.alive(self._engine.status())
        means.log("worker.stopping", f"stops; {_counted(len(self._performer.under_way()))} under way")
        return 0

    def _look(self, jumped: float) -> None:
        means = self._means
        try:
            if abs(jumped) > JUMP_SECONDS:
                means.log("clock", f"the clock has jumped by {jumped:+.0f} s; planning anew", level="warning")
                self._engine.reckon()
            else:
                self._engine.look()
        except StoreError as error:
            # Once is enough: it may be away for hours.
            if not self._store_away:
                means.log("store", error.line(), level="error")
            self._store_away = True
        else:
            if self._store_away:
                means.log("store", "the database is back")
            self._store_away = False

    def _stuck(self) -> list[Turn]:
        """Turns that go on long after their deadline."""
        means = self._means
        found = [turn for turn in self._performer.under_way() if turn.leash.overdue > means.settings.worker_grace]
        means.metrics.stuck.set(len(found))
        for turn in found:
            if turn.id not in self._told_stuck:
                self._told_stuck.add(turn.id)
                where = f"{turn.unit.job} {turn.unit.org}".rstrip()
                text = f"{where}: does not stop {turn.leash.overdue:.0f} s after its deadline"
                means.log("job.stuck", text, level="error", job=turn.unit.job, org=turn.unit.org)
        return found

    def _wait_for_work(self) -> None:
        means = self._means
        until = means.monotonic() + means.settings.worker_stop_seconds
        pause = Event()
        while (left := self._performer.under_way()) and means.monotonic() < until:
            pause.wait(0.02)
        self._engine.close(max(0.2, until - means.monotonic()))
        if left:
            means.log("worker.left", f"{_counted(len(left))} left behind: what it wrote is undone by the next run")
        means.log("worker.stopped", "stopped")

    def _serve(self) -> HealthServer | None:
        means = self._means
        where = means.settings.worker_health
        if where == "off":
            return None
        host, _, port = where.rpartition(":")
        readiness = Readiness(lambda: schema.trouble(means.database, means.now()), means.monotonic)
        try:
            server = HealthServer(
                host.strip("[]"), int(port), pulse=self._pulse, readiness=readiness, metrics=means.metrics
            )
        except OSError as error:
            text = f"health cannot be asked at {where}: {error.strerror}; the work goes on"
            means.log("health", text, level="warning")
            return None
        means.log("health", f"health at http://{server.address}/healthz, /readyz, /metrics", address=server.address)
        return server


class _Stored:
    """Figures from the store, counted at most every half minute."""

    def __init__(self, means: Means, orgs: Sequence[str]) -> None:
        self._means = means
        self._orgs = orgs
        self._lock = threading.Lock()
        self._read_at: float | None = None
        self._samples: list[Sample] = []

    def samples(self) -> Iterable[Sample]:
        """The figures, or only the news that the store is away."""
        with self._lock:
            now = self._means.monotonic()
            if self._read_at is None or now - self._read_at > FIGURES_SECONDS:
                self._samples = self._read(self._means.now())
                self._read_at = now
            return self._samples

    def _read(self, now: datetime) -> list[Sample]:
        store_up = Sample("store_up", "Whether the store could be read.", ())
        try:
            found = figures(self._means.database, self._orgs, now)
            due = overdue(self._means.database, now)
            waiting = standings(self._means.database, self._means.settings, self._orgs, now)
        except StoreError:
            store_up.values = [((), 0.0)]
            return [store_up]
        store_up.values = [((), 1.0)]
        return [store_up, *_samples(found), _backlog(due), *_outbox(waiting, now)]


def _samples(found: list[Figures]) -> Iterator[Sample]:
    per_org: tuple[tuple[str, str, Callable[[Figures], float | None]], ...] = (
        ("last_proven_age_seconds", "Since the newest proven run ended.", lambda one: one.proven_age),
        ("last_run_age_seconds", "Since the newest run began.", lambda one: one.tried_age),
        ("last_run_duration_seconds", "How long the newest run took.", lambda one: one.last_duration),
        ("last_run_ok", "Whether the newest run succeeded.", lambda one: float(one.last_ok)),
    )
    for name, text, read in per_org:
        sample = Sample(name, text, ("org",))
        sample.values = [((one.org,), value) for one in found if (value := read(one)) is not None]
        yield sample
    kinds = Sample("identities", "User records by what they are.", ("org", "kind"))
    kinds.values = [((one.org, kind), float(count)) for one in found for kind, count in one.identities.items()]
    yield kinds
    opened = Sample("findings_open", "Open findings by severity.", ("org", "severity"))
    opened.values = [((one.org, severity), float(count)) for one in found for severity, count in one.findings.items()]
    yield opened


def _backlog(due: dict[str, int]) -> Sample:
    sample = Sample("turns_due", "Turns that are due and not begun.", ("job",))
    sample.values = [((job,), float(count)) for job, count in due.items()]
    return sample


def _outbox(found: list[Standing], now: datetime) -> Iterator[Sample]:
    way = "org", "stream", "destination"
    waiting = Sample("outbox_waiting", "Entries that wait to be published.", way)
    oldest = Sample("outbox_oldest_age_seconds", "How long the oldest of them has been known.", way)
    for one in found:
        labels = one.org, one.stream, one.route
        waiting.values.append((labels, float(one.waiting)))
        age = (now - one.oldest).total_seconds() if one.oldest is not None else 0.0
        oldest.values.append((labels, max(0.0, age)))
    yield from (waiting, oldest)


@contextmanager
def told_by_signals(stop: Event, leave: Callable[[], None]) -> Iterator[None]:
    """SIGTERM and SIGINT set `stop`; a second one calls `leave`, which does not come back."""

    def told(_number: int, _frame: FrameType | None) -> None:
        if stop.is_set():
            leave()
        stop.set()

    before = {number: signal.signal(number, told) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _counted(turns: int) -> str:
    return f"{turns} turn" if turns == 1 else f"{turns} turns"
