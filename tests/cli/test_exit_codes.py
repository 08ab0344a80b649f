"""How commands end, and what they say when they end badly: one line, what happened, to what, and what to do."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from accesssync.sandbox import SandboxServer
from accesssync.sandbox import faults as f
from accesssync.store import schema
from accesssync.store.engine import connect, parse_url
from accesssync.store.lease import leased
from tests.cli.conftest import Cli, Ended

READERS = ["identities", "grants", "roles", "admins", "changes", "status", "credentials"]


def failed(ended: Ended, code: int, *words: str) -> None:
    """It ended with this code, said why in one line that holds these words, and the same in the document."""
    assert ended.code == code, (ended.out, ended.err)
    lines = [line for line in ended.err.splitlines() if line.startswith("error: ")]
    assert len(lines) == 1, ended.err
    for word in words:
        assert word in lines[0]
    document = ended.json["error"]
    assert set(document) == {"code", "message", "org", "resource", "remedy"}
    assert document["message"] in lines[0]
    assert document["remedy"] is None or document["remedy"] in lines[0]


@pytest.mark.parametrize("variable", ["DD_API_KEY", "DD_APP_KEY"])
def test_wrong_keys(cli: Cli, variable: str) -> None:
    cli.env(**{variable: "0" * 40})
    ended = cli("sync", "--json")
    failed(ended, 6, "default", "keys belong to one organization on one site")
    assert ended.json["runs"][0]["status"] == "failed"


def test_keys_of_the_wrong_site_name_the_site(cli: Cli, server: SandboxServer) -> None:
    cli.env(DD_APP_KEY="0" * 40)
    assert server.url.removeprefix("http://") in cli("sync").err


@pytest.mark.parametrize("variable", ["DD_API_KEY", "DD_APP_KEY"])
def test_missing_keys(cli: Cli, variable: str, database_file: Path) -> None:
    cli.monkeypatch.delenv(variable)
    failed(cli("sync", "--json"), 2, variable)
    assert not database_file.exists()


@pytest.mark.parametrize(
    ("variable", "value", "word"),
    [
        ("DD_SITE", "datadoghq.org", "datadoghq.com"),
        ("DD_SITE", "https://app.datadoghq.eu", "datadoghq.eu"),
        ("ACCESSSYNC_API_URL", "http://api.datadoghq.com", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "https://evil.example", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "https://datadoghq.com.evil.example", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "https://user:pass@api.datadoghq.com", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "https://api.datadoghq.com@evil.example", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "https://api.datadoghq.com/path?x=1", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "ftp://127.0.0.1", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_API_URL", "nonsense", "ACCESSSYNC_API_URL"),
        ("ACCESSSYNC_DATABASE_URL", "mysql://host/db", "ACCESSSYNC_DATABASE_URL"),
        ("ACCESSSYNC_DATABASE_URL", "sqlite:///:memory:", "ACCESSSYNC_DATABASE_URL"),
        ("ACCESSSYNC_MAX_ATTEMPTS", "many", "ACCESSSYNC_MAX_ATTEMPTS"),
        ("ACCESSSYNC_SKIP", "userz", "ACCESSSYNC_SKIP"),
    ],
)
def test_settings_that_cannot_be(
    cli: Cli, server: SandboxServer, database_file: Path, variable: str, value: str, word: str
) -> None:
    cli.env(**{variable: value})
    failed(cli("sync", "--json"), 2, variable, word)
    assert server.requests == []
    assert not database_file.exists()


def test_an_unreachable_host(cli: Cli) -> None:
    cli.env(ACCESSSYNC_API_URL="http://127.0.0.1:9")
    failed(cli("sync", "--json"), 7, "127.0.0.1:9", "default")


@pytest.mark.parametrize("command", ["sync", *READERS])
def test_an_organization_nobody_knows(cli: Cli, command: str) -> None:
    assert cli("sync").code == 0
    failed(cli(command, "--org", "nobody", "--json"), 2, "nobody", "default")


@pytest.mark.parametrize(
    "arguments",
    [
        ["snyc"], ["sync", "--nope"], ["identities", "--as-of"], ["identities", "--format", "xml"], ["identity"],
        ["identity", "show"], ["timeline"], ["sync", "--accept-removals", "-1"], ["sync", "--accept-removals", "x"],
        ["status", "--max-age", "soon"],
    ],
)  # fmt: skip
def test_a_command_that_cannot_be_understood(cli: Cli, arguments: list[str]) -> None:
    assert cli("sync").code == 0
    ended = cli(*arguments, "--json")
    assert ended.code == 2
    assert "Traceback" not in ended.err


@pytest.mark.parametrize("command", [["identity", "show", "nobody@example.com"], ["timeline", "nobody@example.com"]])
def test_somebody_who_was_never_there(cli: Cli, command: list[str]) -> None:
    assert cli("sync").code == 0
    failed(cli(*command, "--json"), 2, "nobody@example.com")


class TestDatabase:
    @pytest.mark.parametrize("command", READERS)
    def test_readers_never_make_one(self, cli: Cli, database_file: Path, command: str) -> None:
        failed(cli(command, "--json"), 9, str(database_file), "accesssync sync")
        assert not database_file.exists()

    @pytest.mark.parametrize(
        ("spoil", "word"),
        [
            (lambda path: path.write_bytes(b"no database at all" * 500), "backup"),
            (lambda path: path.chmod(0o644), "chmod 600"),
            (lambda path: _execute(path, "UPDATE alembic_version SET version_num = 'future'"), "newer"),
            (lambda path: _execute(path, "DROP TABLE alembic_version"), "did not make"),
            (lambda path: (path.unlink(), path.mkdir()), "cannot be"),
        ],
    )
    @pytest.mark.parametrize("command", ["sync", "identities"])
    def test_one_that_cannot_be_used_is_refused_and_left_alone(
        self, cli: Cli, server: SandboxServer, database_file: Path, spoil: Callable[[Path], object], word: str,
        command: str,
    ) -> None:  # fmt: skip
        assert cli("sync").code == 0
        spoil(database_file)
        before = database_file.read_bytes() if database_file.is_file() else None
        server.forget_requests()
        failed(cli(command, "--json"), 9, *([word] if command == "sync" else []))
        assert (database_file.read_bytes() if database_file.is_file() else None) == before
        assert server.requests == []

    def test_an_unreachable_server(self, cli: Cli) -> None:
        cli.env(ACCESSSYNC_DATABASE_URL="postgresql+psycopg://someone:top-secret-word@127.0.0.1:9/none")
        ended = cli("sync", "--json")
        failed(ended, 9)
        assert "top-secret-word" not in ended.out + ended.err

    def test_an_older_schema_names_the_upgrade(self, cli: Cli) -> None:
        assert cli("sync").code == 0
        cli.monkeypatch.setattr(schema, "head", lambda: "9999")
        failed(cli("identities", "--json"), 9, "accesssync db upgrade")


def _execute(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(statement)
        connection.commit()
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


def test_the_lock_is_held(either: Cli) -> None:
    assert either("sync").code == 0
    engine = connect(parse_url(either.database))
    with leased(engine, "default", 1, wait=False, sleep=lambda _seconds: None):
        failed(either("sync", "--json"), 8, "default", "--wait")
    engine.dispose()
    assert either("sync").code == 0


def test_max_age(cli: Cli, server: SandboxServer) -> None:
    assert cli("sync").code == 0
    assert cli("status", "--max-age", "3h").code == 0
    failed(cli("status", "--max-age", "0s", "--json"), 11, "default", "0s")
    stale = cli("status", "--max-age", "0s", "--json").json
    assert stale["organizations"][0]["org"] == "default"
    # A try that failed does not make what is stored any younger.
    before = cli.ok("status")["organizations"][0]["proven_at"]
    server.faults.add(f.Status(500), path="/api/v2/users", times=None)
    assert cli("sync").code == 7
    assert cli.ok("status")["organizations"][0]["proven_at"] == before


def test_an_organization_that_was_never_proven_is_older_than_any_age(cli: Cli, server: SandboxServer) -> None:
    server.faults.add(f.Status(500), path="/api/v2/users", times=None)
    assert cli("sync").code == 7
    assert cli("status", "--max-age", "365d").code == 11
    assert "NEVER" in cli("status").out


def test_history_may_be_required(cli: Cli) -> None:
    failed(cli("sync", "--require-history", "--json"), 4, "--require-history")
    assert cli("sync").code == 0
    assert cli("sync", "--require-history").code == 0


def test_a_baseline_never_gives_3(cli: Cli) -> None:
    assert cli("sync", "--detailed-exitcode").code == 0


def test_what_is_skipped_is_complete_and_not_asked_for(cli: Cli, server: SandboxServer) -> None:
    cli.env(ACCESSSYNC_SKIP="roles,teams")
    run = cli.ok("sync")["runs"][0]
    assert run["complete"]
    assert run["coverage"]["roles"]["state"] == "skipped"
    assert [one.path for one in server.requests if one.path.startswith("/api/v2/roles")] == []


def test_a_bug_is_one_line_and_a_traceback_only_when_asked_for(cli: Cli) -> None:
    def broken(*_arguments: object) -> None:
        raise ZeroDivisionError("secret detail")

    cli.monkeypatch.setattr("accesssync.jobs.opening.open_to_read", broken)
    ended = cli("identities", "--json")
    assert ended.code == 1
    assert json.loads(ended.out)["error"]["code"] == "bug"
    assert "secret detail" not in ended.out + ended.err
    assert "Traceback" not in ended.err
    with pytest.raises(ZeroDivisionError):
        cli("identities", "--debug")
