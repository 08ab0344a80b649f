"""`accesssync worker` as a process: readable life, health, and an end in good order."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.cli.conftest import SMALL, USERS, Cli
from tests.cli.inventory import stored, truth

WITHIN = 60.0
ACCESSSYNC = [sys.executable, "-m", "accesssync", "worker"]


class Worker:
    """A worker's process, whose log is a file; ended with the test."""

    def __init__(self, environment: dict[str, str], folder: Path, *arguments: str) -> None:
        self.path = folder / f"worker-{len(list(folder.glob('worker-*')))}.log"
        # Where compiled modules may not be kept, compiling them takes longer than everything a test waits for.
        kept = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(folder.parent / "compiled")}
        with self.path.open("wb") as log:
            command = [*ACCESSSYNC, *arguments]
            self.process = subprocess.Popen(command, env={**environment, **kept}, stderr=log, stdout=log)

    @property
    def log(self) -> str:
        return self.path.read_text()

    @property
    def everything(self) -> str:
        """What all workers of this test have said."""
        return "\n".join(each.read_text() for each in sorted(self.path.parent.glob("worker-*.log")))

    def hears(self, text: str, times: int = 1) -> None:
        """Wait until a text was logged so often."""
        self.waits(lambda: self.log.count(text) >= times, text)

    def waits(self, true: Callable[[], bool], what: str = "") -> None:
        until = time.monotonic() + WITHIN
        while not true():
            assert time.monotonic() < until, f"{what}: {self.everything}"
            assert self.process.poll() is None, self.log
            time.sleep(0.02)

    def ask(self, path: str) -> str:
        found = re.search(r"http://[\d.]+:\d+", self.log)
        assert found, self.log
        with urllib.request.urlopen(found[0] + path, timeout=10) as answer:  # noqa: S310 - our own server
            text: str = answer.read().decode()
        return text

    def told(self, number: signal.Signals) -> tuple[int, float]:
        """Send a signal; the exit code and how long the end took."""
        since = time.monotonic()
        self.process.send_signal(number)
        code = self.process.wait(WITHIN)
        return code, time.monotonic() - since

    def close(self) -> None:
        self.process.kill()
        self.process.wait()


Start = Callable[..., Worker]


@pytest.fixture
def environment(either: Cli) -> dict[str, str]:
    return {
        **os.environ,
        **SMALL,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "ACCESSSYNC_READ_TIMEOUT": "60",
        "ACCESSSYNC_REQUEST_DEADLINE": "60",
        "ACCESSSYNC_DATABASE_URL": either.database,
        "ACCESSSYNC_WORKER__HEALTH": "127.0.0.1:0",
        "ACCESSSYNC_SCHEDULE__SYNC": "every 1s",
    }


@pytest.fixture
def start(environment: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    """Start a worker, with settings on top."""
    workers: list[Worker] = []

    def started(*arguments: str, **settings: str) -> Worker:
        workers.append(Worker({**environment, **settings}, tmp_path, *arguments))
        return workers[-1]

    yield started
    for each in workers:
        each.close()


only_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def test_it_lives_readably_answers_and_ends_in_order(
    either: Cli, start: Start, organization: Organization, server: SandboxServer
) -> None:
    worker = start()
    worker.hears("nothing changed", 2)
    assert worker.ask("/healthz") == worker.ask("/readyz") == "ok\n"
    metrics = worker.ask("/metrics")
    assert 'accesssync_requests_total{org="default",status="200"}' in metrics
    assert 'accesssync_last_proven_age_seconds{org="default"}' in metrics
    people = [one for user in organization.users.values() for one in (user.email, user.name) if one]
    assert not [one for one in (*people, server.api_key, server.app_key) if one in metrics + worker.log]
    code, took = worker.told(signal.SIGINT)
    assert (code, took < 5) == (0, True)
    lines = worker.log.splitlines()
    assert all(re.match(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ (info |WARN |ERROR) \S", line) for line in lines), lines
    assert any("sync default run-1: proven 10/10, baseline" in line for line in lines)
    assert lines[-1].endswith("stopped")
    assert stored(either) == truth(organization)
    [status] = either.ok("status")["organizations"]
    assert status["last_run"]["status"] == "succeeded"


def test_it_ends_in_time_whatever_hangs_and_the_next_undoes_what_it_left(
    either: Cli, start: Start, server: SandboxServer, organization: Organization
) -> None:
    fault = server.faults.add(f.Hang(50), path=USERS, page=1, times=None)
    worker = start(ACCESSSYNC_WORKER__STOP_SECONDS="1")
    worker.waits(lambda: fault.fired > 0)
    code, took = worker.told(signal.SIGTERM)
    assert (code, took < 5) == (0, True)
    assert "1 turn left behind" in worker.log
    server.faults.clear()
    assert either("worker", "--once", "sync").code == 0
    assert stored(either) == truth(organization)


@only_sqlite
def test_a_second_signal_is_immediate(start: Start, server: SandboxServer) -> None:
    fault = server.faults.add(f.Hang(50), path=USERS, times=None)
    worker = start(ACCESSSYNC_WORKER__STOP_SECONDS="30")
    worker.waits(lambda: fault.fired > 0)
    worker.process.send_signal(signal.SIGTERM)
    worker.hears("stops;")
    code, took = worker.told(signal.SIGTERM)
    assert (code, took < 1) == (0, True)


@only_sqlite
def test_one_organization_that_hangs_does_not_delay_the_others(start: Start, server: SandboxServer) -> None:
    # Only the organization with keys of its own is struck.
    orgs: dict[str, str] = {}
    for name in ("ACME", "EMEA", "HANGS"):
        orgs |= {f"ACCESSSYNC_ORGS__{name}__API_KEY": server.api_key}
        orgs |= {f"ACCESSSYNC_ORGS__{name}__APP_KEY": server.app_key}
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        orgs["ACCESSSYNC_ORGS__HANGS__API_URL"] = f"http://127.0.0.1:{silent.getsockname()[1]}"
        worker = start(**orgs, ACCESSSYNC_WORKER__SLOTS="2")
        worker.hears("sync hangs begins")
        worker.hears("sync acme run-", 3)
        worker.hears("sync emea run-", 3)
        assert "sync hangs run-" not in worker.log
        assert worker.told(signal.SIGTERM)[0] == 0


@only_sqlite
def test_a_failing_organization_backs_off_and_shows(either: Cli, start: Start, server: SandboxServer) -> None:
    orgs: dict[str, str] = {}
    for name, key in (("ACME", server.app_key), ("WRONG", "f" * 40)):
        orgs |= {f"ACCESSSYNC_ORGS__{name}__API_KEY": server.api_key, f"ACCESSSYNC_ORGS__{name}__APP_KEY": key}
    worker = start(**orgs)
    worker.hears("sync acme run-", 6)
    assert worker.log.count("sync wrong begins") <= 4
    assert worker.told(signal.SIGTERM)[0] == 0
    found = {one["org"]: one for one in either.ok("status")["organizations"]}
    assert found["acme"]["last_run"]["status"] == "succeeded"
    assert "does not accept the keys" in found["wrong"]["last_run"]["error"]
    [job] = found["wrong"]["jobs"][-1:]
    assert (job["job"], job["last_outcome"]) == ("sync", "failed")
    assert job["failures"] >= 1
    shown = either("status")
    assert shown.code == 0, shown.err
    assert re.search(r"wrong .*(next in|due now)", shown.out)
    # Of an organization that nobody ever synced there is the same to say, though little of it.
    assert re.search(r"default .*never synced", shown.out)
    assert all(one.keys() == found["acme"].keys() for one in found.values())


@only_sqlite
def test_a_port_in_use_is_a_warning(start: Start) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        worker = start(ACCESSSYNC_WORKER__HEALTH=f"127.0.0.1:{taken.getsockname()[1]}")
        worker.hears("baseline")
    assert "WARN  health cannot be asked" in worker.log
    assert worker.told(signal.SIGTERM)[0] == 0


@only_sqlite
def test_its_log_as_json_is_one_object_a_line_with_ids(start: Start) -> None:
    worker = start("--log-format", "json")
    worker.hears('"run_id"', 2)
    assert worker.told(signal.SIGTERM)[0] == 0
    lines = [json.loads(line) for line in worker.log.splitlines()]
    assert all(one.keys() >= {"event", "level", "timestamp", "message"} for one in lines)
    done = next(one for one in lines if one["event"] == "job.done" and one["job"] == "sync")
    assert (done["job"], done["org"], done["run_id"]) == ("sync", "default", "run-1")


@only_sqlite
@pytest.mark.parametrize(
    "settings",
    [
        {"ACCESSSYNC_SCHEDULE__SYNC": "every fortnight"},
        {"ACCESSSYNC_SCHEDULE__SYNC": "0 0 31 2 *"},
        {"ACCESSSYNC_SCHEDULE__WATCH": "* * * * 8"},
        {"ACCESSSYNC_WORKER__MODE": "queue"},
        {"ACCESSSYNC_WORKER__MODE": "cluster"},
        {"ACCESSSYNC_WORKER__HEALTH": "8421"},
    ],
)
def test_what_cannot_be_meant_ends_it_before_it_begins(either: Cli, settings: dict[str, str]) -> None:
    either.env(**settings)
    ended = either("worker")
    assert (ended.code, len(ended.err.splitlines())) == (2, 1)
    assert next(iter(settings)) in ended.err


@only_sqlite
def test_one_job_now(either: Cli, organization: Organization) -> None:
    either.env(ACCESSSYNC_SCHEDULE__SYNC="off")
    [turn] = either.ok("worker", "--once", "sync")["turns"]
    assert (turn["org"], turn["outcome"], turn["run_id"]) == ("default", "done", "run-1")
    assert stored(either) == truth(organization)
    unknown = either("worker", "--once", "dance", "--json")
    assert (unknown.code, unknown.error["code"]) == (2, "usage")
    assert "sync" in unknown.error["remedy"]


@only_sqlite
def test_one_job_that_fails_has_the_code_of_its_failure(either: Cli) -> None:
    either.env(DD_APP_KEY="f" * 40)
    ended = either("worker", "--once", "sync", "--json")
    assert (ended.code, ended.error["code"]) == (6, "authentication")
