"""A worker in trouble: databases that go away or fill up, rate limits, and who is told."""

import resource
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from psycopg import sql
from sqlalchemy.engine import URL, make_url

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.cli.conftest import USERS, Cli
from tests.cli.inventory import stored, truth
from tests.cli.test_worker import Start, only_sqlite
from tests.cli.test_worker import environment as environment  # noqa: PLC0414 - a fixture
from tests.cli.test_worker import start as start  # noqa: PLC0414 - a fixture


@contextmanager
def away(server: URL, database: str) -> Iterator[None]:
    """A PostgreSQL database that ends every session and takes no new one, as while its server restarts."""
    name = sql.Identifier(database)
    plain = server.set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name))
        connection.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [database])
        try:
            yield
        finally:
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(name))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("mode", ["local", "queue"])
def test_it_survives_a_database_that_goes_away_in_the_middle(
    either: Cli, start: Start, server: SandboxServer, organization: Organization, postgres_server: URL, mode: str
) -> None:
    fault = server.faults.add(f.Hang(2), path=USERS, page=1)
    worker = start(ACCESSSYNC_WORKER__MODE=mode, ACCESSSYNC_WORKER__HEARTBEAT="0.5")
    worker.waits(lambda: fault.fired > 0)
    database = make_url(either.database).database
    assert database is not None
    with away(postgres_server, database):
        worker.hears("ERROR the")
        time.sleep(0.5)
        assert worker.ask("/healthz") == "ok\n"
        assert "accesssync_store_up" in worker.ask("/metrics")
    worker.hears("the database is back")
    worker.hears("proven 10/10")
    assert "Traceback" not in worker.log
    assert worker.told(signal.SIGTERM)[0] == 0
    assert stored(either) == truth(organization)
    assert either("db", "check").code == 0


@only_sqlite
def test_a_full_disk_ends_no_worker_and_is_forgotten_once_there_is_room(
    either: Cli, environment: dict[str, str], tmp_path: Path, organization: Organization
) -> None:
    assert either("db", "upgrade").code == 0
    database = Path(either.database.removeprefix("sqlite:///"))
    largest = max(path.stat().st_size for path in database.parent.glob(database.name + "*"))
    log = tmp_path / "full.log"
    program = [sys.executable, "-m", "accesssync", "worker"]

    def limited() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (largest + 50_000, resource.RLIM_INFINITY))

    with log.open("wb") as out:
        process = subprocess.Popen(program, env=environment, stderr=out, preexec_fn=limited)  # noqa: PLW1509
    try:
        until = time.monotonic() + 60
        while log.read_text().count("free some disk space") < 2:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        # Room again, for the same worker.
        resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        while "proven 10/10" not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in log.read_text()
    assert stored(either) == truth(organization)
    assert either("db", "check").code == 0


@only_sqlite
def test_a_long_rate_limit_makes_room_instead_of_sleeping_in_a_slot(start: Start, server: SandboxServer) -> None:
    server.faults.add(f.RateLimited("30"), path=USERS)
    orgs: dict[str, str] = {}
    for name in ("ACME", "EMEA"):
        orgs |= {f"ACCESSSYNC_ORGS__{name}__API_KEY": server.api_key}
        orgs |= {f"ACCESSSYNC_ORGS__{name}__APP_KEY": server.app_key}
    limits = {"ACCESSSYNC_WORKER__LONGEST_WAIT": "2", "ACCESSSYNC_MAX_RATE_LIMIT_WAIT": "60"}
    worker = start(**orgs, **limits, ACCESSSYNC_WORKER__SLOTS="1")
    worker.hears("DEFERRED")
    worker.hears("proven 10/10", 2)
    assert worker.ask("/metrics").count("accesssync_rate_limit_waits_total{") == 1
    assert worker.told(signal.SIGTERM)[0] == 0


@only_sqlite
def test_systemd_is_told_and_the_watchdog_fed(start: Start, tmp_path: Path) -> None:
    address = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(address)
        listener.settimeout(30)
        worker = start(NOTIFY_SOCKET=address, WATCHDOG_USEC="90000000")
        assert listener.recv(300).startswith(b"READY=1")
        assert listener.recv(300).startswith(b"WATCHDOG=1")
        worker.process.send_signal(signal.SIGTERM)
        heard = b""
        while not heard.startswith(b"STOPPING=1"):
            heard = listener.recv(300)
        assert worker.process.wait(30) == 0
