"""The real command line against the look-alike server, in this process."""

import io
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from accesssync.cli.main import run
from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.store import engine as engines

NOW = datetime.now(UTC) - timedelta(hours=1)
USERS = "/api/v2/users"

SMALL = {
    "ACCESSSYNC_MAX_ATTEMPTS": "2",
    "ACCESSSYNC_READ_TIMEOUT": "20",
    "ACCESSSYNC_REQUEST_DEADLINE": "30",
    "ACCESSSYNC_MAX_RATE_LIMIT_WAIT": "1",
    "ACCESSSYNC_MAX_BODY_BYTES": str(2**22),
}
"""Limits small enough for a test to wait for, but for those on time: a busy machine must not run into them."""

HURRIED = {"ACCESSSYNC_READ_TIMEOUT": "0.4", "ACCESSSYNC_REQUEST_DEADLINE": "1"}
"""Limits on time for tests of what comes too late."""


@dataclass(frozen=True)
class Ended:
    """How a command ended and what it said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The one document on stdout; fails where there is more or less than one."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The error in the document."""
        return self.json["error"]


@dataclass
class Cli:
    """Runs commands. `said` collects everything that was ever printed."""

    monkeypatch: pytest.MonkeyPatch
    database: str
    said: list[str] = field(default_factory=list)

    def __call__(self, *arguments: str) -> Ended:
        out, err = io.TextIOWrapper(io.BytesIO(), "utf-8", newline=""), io.StringIO()
        opened: list[Engine] = []
        connect = engines.connect

        def remembered(url: Any) -> Engine:
            opened.append(connect(url))
            return opened[-1]

        # A command leaves its connections to the end of the process; here the process goes on.
        with self.monkeypatch.context() as patched:
            patched.setattr(engines, "connect", remembered)
            patched.setattr("accesssync.jobs.database.connect", remembered)
            patched.setattr(sys, "stdout", out)
            patched.setattr(sys, "stderr", err)
            try:
                code = run(list(arguments))
                out.flush()
            finally:
                for engine in opened:
                    engine.dispose()
        buffer = out.detach()
        assert isinstance(buffer, io.BytesIO)
        text = buffer.getvalue().decode()
        self.said += [text, err.getvalue()]
        return Ended(code, text, err.getvalue())

    def env(self, **settings: str) -> None:
        """Set variables for the commands to come."""
        for name, value in settings.items():
            self.monkeypatch.setenv(name, value)

    def use(self, server: SandboxServer) -> None:
        """Point the settings at a server, with its keys."""
        self.env(ACCESSSYNC_API_URL=server.url, DD_API_KEY=server.api_key, DD_APP_KEY=server.app_key)

    def ok(self, *arguments: str) -> Any:
        """The JSON document of a command that has to succeed."""
        ended = self(*arguments, "--json")
        assert ended.code == 0, ended.err
        return ended.json


def make_cli(monkeypatch: pytest.MonkeyPatch, database: str) -> Cli:
    """A command line with a database and small limits."""
    cli = Cli(monkeypatch, database)
    cli.env(ACCESSSYNC_DATABASE_URL=database, COLUMNS="200", **SMALL)
    return cli


@pytest.fixture
def organization() -> Organization:
    return generate(130, 7, NOW)


@pytest.fixture
def server(organization: Organization) -> Iterator[SandboxServer]:
    with SandboxServer(organization, max_page_size=100, rate_limit=100_000) as running:
        yield running


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, server: SandboxServer, sqlite_url: str) -> Cli:
    """On SQLite, pointed at the server."""
    made = make_cli(monkeypatch, sqlite_url)
    made.use(server)
    return made


@pytest.fixture
def either(monkeypatch: pytest.MonkeyPatch, server: SandboxServer, database_url: str) -> Cli:
    """On SQLite and on PostgreSQL, pointed at the server."""
    made = make_cli(monkeypatch, database_url)
    made.use(server)
    return made


@pytest.fixture
def database_file(cli: Cli) -> Path:
    return Path(cli.database.removeprefix("sqlite:///"))
