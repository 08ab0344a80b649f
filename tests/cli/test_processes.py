"""The command as a process: signals, pipes, and two at once."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.cli.conftest import SMALL, USERS, Cli
from tests.cli.inventory import stored, truth

WITHIN = 90.0
"""Seconds that a busy machine may take for what a quiet one does in two."""
ACCESSSYNC = [sys.executable, "-m", "accesssync"]


@pytest.fixture
def environment(either: Cli) -> dict[str, str]:
    """What a process needs to sync into the database of `either`."""
    return {
        **os.environ,
        **SMALL,
        "PYTHONPATH": str(Path(__file__).parents[2]),
        "ACCESSSYNC_READ_TIMEOUT": "60",
        "ACCESSSYNC_REQUEST_DEADLINE": "60",
        "ACCESSSYNC_DATABASE_URL": either.database,
    }


class Started:
    """A process that is ended with the test, come what may."""

    def __init__(self, environment: dict[str, str], *arguments: str) -> None:
        pipes: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        self.process: subprocess.Popen[str] = subprocess.Popen(
            [*ACCESSSYNC, *arguments], env=environment, text=True, **pipes
        )

    def ended(self) -> tuple[int, str, str]:
        try:
            out, err = self.process.communicate(timeout=WITHIN)
        finally:
            self.process.kill()
            self.process.communicate()
        return self.process.returncode, out, err


def until(fired: f.Fault) -> None:
    """Wait for a fault to strike."""
    deadline = time.monotonic() + WITHIN
    while not fired.fired:
        assert time.monotonic() < deadline, "the fault never struck"
        time.sleep(0.02)


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
@pytest.mark.parametrize("page", [0, 1])
def test_a_signal_ends_it_at_once_and_nothing_of_the_run_remains(
    either: Cli, server: SandboxServer, organization: Organization, environment: dict[str, str], number: signal.Signals,
    code: int, page: int,
) -> None:  # fmt: skip
    assert either("sync").code == 0
    before = stored(either)
    organization.rename(next(iter(organization.users)), "Changed Meanwhile")
    fault = server.faults.add(f.Hang(50), path=USERS, page=page, times=None)
    process = Started(environment, "sync", "--json")
    until(fault)
    since = time.monotonic()
    process.process.send_signal(number)
    ended, out, err = process.ended()
    assert (ended, json.loads(out)["error"]["code"]) == (code, "interrupted")
    assert time.monotonic() - since < 8
    assert "Traceback" not in err
    assert len(err.strip().splitlines()) == 1
    server.faults.clear()
    assert stored(either) == before
    assert either("sync").code == 0
    assert stored(either) == truth(organization)


def test_a_signal_ends_several_organizations_too(server: SandboxServer, environment: dict[str, str]) -> None:
    del environment["DD_API_KEY"], environment["DD_APP_KEY"]
    for org in ("ACME", "EMEA"):
        environment[f"ACCESSSYNC_ORGS__{org}__API_KEY"] = server.api_key
        environment[f"ACCESSSYNC_ORGS__{org}__APP_KEY"] = server.app_key
    fault = server.faults.add(f.Hang(50), path=USERS, times=None)
    process = Started(environment, "sync")
    until(fault)
    since = time.monotonic()
    process.process.send_signal(signal.SIGTERM)
    ended, _, err = process.ended()
    assert ended == 143
    assert time.monotonic() - since < 8
    assert "Traceback" not in err


def test_a_process_that_is_killed_leaves_no_lock_and_no_facts(
    either: Cli, server: SandboxServer, organization: Organization, environment: dict[str, str]
) -> None:
    assert either("sync").code == 0
    before = stored(either)
    for one in list(organization.users)[:20]:
        organization.rename(one, "Changed Meanwhile")
    fault = server.faults.add(f.Hang(50), path="/api/v2/team", times=None)
    process = Started(environment, "sync")
    until(fault)
    process.process.kill()
    assert process.ended()[0] == -signal.SIGKILL
    server.faults.clear()
    assert stored(either) == before
    assert either("sync").code == 0
    assert stored(either) == truth(organization)


def test_two_at_once_one_runs_and_the_other_is_told(server: SandboxServer, environment: dict[str, str]) -> None:
    second_ended = threading.Event()
    fault = server.faults.add(f.Run(lambda _organization: second_ended.wait(WITHIN)), path=USERS, page=0)
    first = Started(environment, "sync")
    until(fault)
    try:
        code, out, _ = Started(environment, "sync", "--json").ended()
    finally:
        second_ended.set()
    assert code == 8
    assert json.loads(out)["error"]["code"] == "locked"
    assert first.ended()[0] == 0


def test_several_first_syncs_at_once_leave_one_sound_database(
    either: Cli, organization: Organization, environment: dict[str, str]
) -> None:
    ended = [each.ended() for each in [Started(environment, "sync", "--wait") for _ in range(3)]]
    assert [code for code, _, _ in ended] == [0, 0, 0], ended
    assert stored(either) == truth(organization)
    assert either("db", "check").code == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_reader_that_has_enough_is_no_error(either: Cli, environment: dict[str, str]) -> None:
    assert either("sync").code == 0
    for command in (["identities", "--json"], ["changes", "--baseline", "--limit", "0"], ["roles", "--format", "csv"]):
        program = " ".join([*ACCESSSYNC, *command])
        shell = ["bash", "-c", f"set -o pipefail; {program} | head -n 1"]
        done = subprocess.run(shell, env=environment, capture_output=True, text=True, timeout=WITHIN, check=False)
        assert (done.returncode, done.stderr) == (0, "")
        assert len(done.stdout.splitlines()) == 1


@pytest.fixture
def full() -> Path:
    """A device that is always full."""
    path = Path("/dev/full")
    if not path.exists():
        pytest.skip("no /dev/full here")
    return path


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_output_that_cannot_be_written_is_not_silently_lost(
    either: Cli, environment: dict[str, str], full: Path
) -> None:
    assert either("sync").code == 0
    with full.open("w") as target:
        done = subprocess.run(
            [*ACCESSSYNC, "identities", "--json"], env=environment, stdout=target, stderr=subprocess.PIPE, text=True,
            timeout=WITHIN, check=False,
        )  # fmt: skip
    assert done.returncode == 9
    assert len(done.stderr.splitlines()) == 1
    assert "No space left" in done.stderr
