"""What every test gets: an environment of its own, no way out of this machine, and databases on request."""

import ipaddress
import os
import shutil
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from accesssync.store.engine import connect, parse_url
from tests import postgres
from tests.builders import Syncing, empty, open_database


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, exitstatus: int, config: pytest.Config) -> None:
    """Say how to repeat the order of tests that failed: the quiet header leaves the seed out."""
    if exitstatus and config.pluginmanager.has_plugin("randomly"):
        terminalreporter.write_line(f"repeat this order with --randomly-seed={config.getoption('randomly_seed')}")


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No setting of the developer's reaches a test: neither variables nor an .env file, nor the stored history."""
    for name in os.environ:
        if name.upper().startswith(("DD_", "ACCESSSYNC_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture(autouse=True)
def no_network(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that reaches for another machine, even where the attempt was caught or made in a thread."""
    attempts: list[str] = []
    resolve = socket.getaddrinfo

    def guarded(connect: Callable[..., Any]) -> Callable[..., Any]:
        def guard(self: socket.socket, address: Any) -> Any:
            if self.family != getattr(socket, "AF_UNIX", None) and not _is_loopback(address[0]):
                attempts.append(str(address))
                raise ConnectionRefusedError(f"tests must not connect to {address}")
            return connect(self, address)

        return guard

    def guarded_resolve(host: Any, *args: Any, **options: Any) -> Any:
        if host is not None and not _is_loopback(host):
            attempts.append(str(host))
            raise socket.gaierror(f"tests must not look up {host}")
        return resolve(host, *args, **options)

    monkeypatch.setattr(socket.socket, "connect", guarded(socket.socket.connect))
    monkeypatch.setattr(socket.socket, "connect_ex", guarded(socket.socket.connect_ex))
    monkeypatch.setattr(socket, "getaddrinfo", guarded_resolve)
    yield
    if attempts:
        pytest.fail(f"the test reached for the network: {', '.join(attempts)}")


def _is_loopback(host: str | bytes) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name.lower().removesuffix(".") == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[URL]:
    """A PostgreSQL for this process: databases may be created in it."""
    try:
        context = postgres.server()
        address = context.__enter__()
    except postgres.MissingPostgresError as reason:
        pytest.skip(f"no PostgreSQL: {reason}")
    try:
        yield address
    finally:
        context.__exit__(None, None, None)


@pytest.fixture
def postgres_url(postgres_server: URL) -> Iterator[str]:
    """The URL of an empty PostgreSQL database that no other test sees."""
    with postgres.fresh_database(postgres_server) as url:
        yield url.render_as_string(hide_password=False)


@pytest.fixture
def sqlite_url(tmp_path: Path) -> str:
    """The URL of an SQLite database that does not exist yet."""
    return f"sqlite:///{tmp_path / 'accesssync.db'}"


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest) -> str:
    """The URL of an empty database: the test runs once with SQLite and once with PostgreSQL."""
    url = request.getfixturevalue("sqlite_url" if request.param == "sqlite" else "postgres_url")
    return str(url)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "accesssync.db"
    open_database(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> Iterator[URL]:
    """A migrated database to empty."""
    with postgres.fresh_database(postgres_server) as url:
        open_database(url.render_as_string(hide_password=False)).dispose()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    """A database with the present schema, on SQLite and on PostgreSQL: migrated once, empty for every test."""
    if request.param == "sqlite":
        path = tmp_path / "accesssync.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        path.chmod(0o600)
        opened = connect(parse_url(f"sqlite:///{path}"))
    else:
        opened = connect(request.getfixturevalue("postgres_template"))
        empty(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def sync(engine: Engine) -> Syncing:
    """What runs a sync on that database."""
    return Syncing(engine)
