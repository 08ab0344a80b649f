"""Health over HTTP, and what systemd is told."""

import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from accesssync.worker.health import HealthServer, Pulse, Readiness
from accesssync.worker.metrics import Metrics, Sample
from accesssync.worker.systemd import ServiceManager


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


class Asked:
    """A server, and what makes its answers."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.pulse = Pulse(self.clock)
        self.trouble: str | None = None
        self.looks = 0
        self.metrics = Metrics()
        readiness = Readiness(self.look, self.clock)
        self.server = HealthServer("127.0.0.1", 0, pulse=self.pulse, readiness=readiness, metrics=self.metrics)

    def look(self) -> str | None:
        self.looks += 1
        return self.trouble

    def get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(f"http://{self.server.address}{path}", timeout=5) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read().decode()


@pytest.fixture
def asked() -> Iterator[Asked]:
    made = Asked()
    yield made
    made.server.close()


def test_a_loop_that_stands_still_is_unhealthy(asked: Asked) -> None:
    assert asked.get("/healthz") == (200, "ok\n")
    asked.clock.now += 31
    assert asked.get("/healthz")[0] == 503
    asked.pulse.beat(())
    assert asked.get("/healthz")[0] == 200
    asked.pulse.beat(("sync",))
    assert asked.get("/healthz") == (503, "1 jobs do not stop\n")


def test_readiness_is_the_database_and_is_not_asked_more_often_than_needed(asked: Asked) -> None:
    assert asked.get("/readyz")[0] == 200
    asked.trouble = "the database cannot be written"
    assert [asked.get("/readyz")[0] for _ in range(5)] == [200] * 5
    assert asked.looks == 1
    asked.clock.now += 6
    assert asked.get("/readyz") == (503, "the database cannot be written\n")


def test_metrics_are_what_was_counted_and_what_the_store_says(asked: Asked) -> None:
    asked.metrics.turns.labels("sync", "acme", "done").inc()
    sample = Sample("last_run_ok", "Whether.", ("org",))
    sample.values = [(('a"b\n',), 1.0)]
    asked.metrics.read_from(lambda: [sample])
    status, text = asked.get("/metrics")
    assert status == 200
    assert 'accesssync_turns_total{job="sync",org="acme",outcome="done"} 1.0' in text
    assert 'accesssync_last_run_ok{org="a\\"b\\n"} 1.0' in text


@pytest.mark.parametrize("path", ["/", "/metrics/..", "/healthz/x", "/etc/passwd"])
def test_nothing_else_is_there(asked: Asked, path: str) -> None:
    assert asked.get(path)[0] == 404


def test_a_caller_that_says_nothing_keeps_nobody_waiting(asked: Asked) -> None:
    host, port = asked.server.address.split(":")
    with socket.create_connection((host, int(port))):
        assert asked.get("/healthz")[0] == 200


def test_systemd_hears_it_on_its_socket(tmp_path: Path) -> None:
    path = tmp_path / "notify"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(path))
        listener.settimeout(5)
        manager = ServiceManager(str(path))
        manager.ready("3 organizations")
        assert listener.recv(200) == b"READY=1\nSTATUS=3 organizations"
        manager.alive("fine")
        assert listener.recv(200) == b"WATCHDOG=1\nSTATUS=fine"
        manager.stopping()
        assert listener.recv(200) == b"STOPPING=1"
    manager.stopping()  # nobody listens any more
    ServiceManager(None).ready("nobody asked")
