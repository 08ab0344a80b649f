"""The loop of a worker: it reports what does not stop, notices clocks that jump, and goes on without a database."""

import time
from datetime import UTC, datetime, timedelta
from threading import Event

import pytest
from msgspec.structs import replace

from accesssync.errors import StoreError
from accesssync.worker.leash import Leash
from accesssync.worker.life import Life
from accesssync.worker.perform import Performer, Turn
from accesssync.worker.systemd import ServiceManager
from accesssync.worker.work import Unit
from tests.worker.conftest import Around


class Idle:
    """An engine that does nothing but count, and ends the life when it has been looked at often enough."""

    def __init__(self, stop: Event, looks: int) -> None:
        self.stop_event = stop
        self.looks = looks
        self.reckoned = 0
        self.away = False

    def start(self) -> None:
        """Nothing to do."""

    def look(self) -> None:
        self.looks -= 1
        if self.looks <= 0:
            self.stop_event.set()
        if self.away:
            raise StoreError("the database is gone")

    def reckon(self) -> None:
        self.reckoned += 1
        self.look()

    def stop(self) -> None:
        """Nothing to do."""

    def close(self, seconds: float) -> None:
        """Nothing to do."""

    def status(self) -> str:
        return "idle"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("accesssync.worker.life.TURN_SECONDS", 0.005)


class Scene:
    def __init__(self, around: Around, looks: int = 3, **settings: str) -> None:
        self.stop = Event()
        self.engine = Idle(self.stop, looks)
        quiet = {"ACCESSSYNC_WORKER__HEALTH": "off", "ACCESSSYNC_WORKER__STOP_SECONDS": "0.1"}
        means = around.means(**quiet, **settings)
        self.means = replace(means, monotonic=time.monotonic, now=lambda: datetime.now(UTC))
        self.performer = Performer(self.means, self.stop)
        self.life = Life(self.means, ["acme"], self.performer, self.engine, self.stop)

    def hang(self, seconds_overdue: float) -> None:
        """Put a turn under way that is over its deadline by so much."""
        leash = Leash(stop=Event(), clock=lambda: 100.0 + seconds_overdue, deadline=-seconds_overdue)
        self.performer._turns[1] = Turn(id=1, unit=Unit("sync", "acme"), leash=leash)


def test_what_does_not_stop_is_said_once_and_makes_health_bad(around: Around) -> None:
    scene = Scene(around, looks=4)
    scene.hang(1000)
    assert scene.life.live() == 0
    assert [text for event, text, _ in around.lines if event == "job.stuck"] == [
        "sync acme: does not stop 1000 s after its deadline"
    ]
    assert scene.life._pulse.trouble() == "1 jobs do not stop"
    assert ("worker.left", "1 turn left behind: what it wrote is undone by the next run", "info") in around.lines


def test_what_is_within_its_grace_is_not(around: Around) -> None:
    scene = Scene(around)
    scene.hang(30)
    assert scene.life.live() == 0
    assert scene.life._pulse.trouble() is None


def test_the_worker_ends_where_that_is_asked_for(around: Around) -> None:
    scene = Scene(around, looks=1000, ACCESSSYNC_WORKER__END_WHEN_STUCK="true")
    scene.hang(1000)
    assert scene.life.live() == 1


@pytest.mark.parametrize("days", [1, -1])
def test_a_clock_that_jumps_is_noticed_and_everything_planned_anew(around: Around, days: int) -> None:
    scene = Scene(around)
    wall = [around.at]
    steady = [0.0]

    def now():  # type: ignore[no-untyped-def]
        wall[0] += timedelta(seconds=0.01)
        return wall[0]

    def monotonic() -> float:
        steady[0] += 0.01
        return steady[0]

    means = replace(scene.means, now=now, monotonic=monotonic)
    life = Life(means, ["acme"], Performer(means, scene.stop), scene.engine, scene.stop)
    look = scene.engine.look

    def jumping() -> None:
        look()
        if scene.engine.looks == 2:
            wall[0] += timedelta(days=days)

    scene.engine.look = jumping  # type: ignore[method-assign]
    assert life.live() == 0
    assert scene.engine.reckoned == 1
    assert any(event == "clock" for event, _, _ in around.lines)


def test_a_database_that_is_away_is_said_once_and_so_is_its_return(around: Around) -> None:
    scene = Scene(around, looks=6)
    look = scene.engine.look

    def coming_back() -> None:
        scene.engine.away = scene.engine.looks > 3
        look()

    scene.engine.look = coming_back  # type: ignore[method-assign]
    assert scene.life.live() == 0
    assert [text for event, text, _ in around.lines if event == "store"] == [
        "the database is gone", "the database is back"
    ]  # fmt: skip


def test_nothing_of_this_needs_a_service_manager() -> None:
    ServiceManager(None).alive("fine")
