"""The audit log through the command line: every run is in it, and whoever changes it is found out."""

import json
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Cli


@pytest.fixture
def logged(cli: Cli) -> Cli:
    """A log of four entries: two runs, an export, a run."""
    cli.env(ACCESSSYNC_OPERATOR="ada@example.com")
    for _ in range(2):
        assert cli("sync").code == 0
    assert cli("audit", "export", "first.ndjson").code == 0
    assert cli("sync").code == 0
    return cli


def tamper(database: Path, *statements: str) -> None:
    with closing(sqlite3.connect(database)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_runs_and_exports_are_in_it_with_who_did_them(logged: Cli) -> None:
    entries = logged.ok("audit", "list")["audit"]
    assert [one["kind"] for one in entries] == ["run.published", "run.published", "audit.exported", "run.published"]
    assert [one["seq"] for one in entries] == [1, 2, 3, 4]
    assert {one["actor"] for one in entries} == {"ada@example.com"}
    assert entries[0]["org"] == "default"
    assert entries[0]["facts"]["counts"]["users"] == 130
    assert entries[0]["facts"]["coverage"]["users"] == "complete"
    since = logged.ok("audit", "list", "--since", f"run-{entries[0]['facts']['run_id']}")["audit"]
    assert [one["seq"] for one in since] == [2, 3, 4]
    table = logged("audit", "list", "--limit", "2").out
    assert "audit.exported" in table
    assert "ada@example.com" in table


def test_a_failed_run_is_in_it(cli: Cli) -> None:
    cli.env(DD_APP_KEY="0" * 40)
    assert cli("sync").code == 6
    [entry] = cli.ok("audit", "list")["audit"]
    assert entry["kind"] == "run.failed"
    assert entry["facts"]["error_code"] == "authentication"


def test_a_whole_log_verifies(logged: Cli) -> None:
    found = logged.ok("audit", "verify", "--against", "first.ndjson")
    assert found["schema"] == "accesssync.audit_verification/1"
    assert found["verified"] is True
    assert (found["entries"], found["last_seq"], found["first_bad"]) == (4, 4, None)
    assert "4 entries" in logged("audit", "verify").out


def edited(database: Path) -> None:
    tamper(database, """UPDATE audit SET body = replace(body, '"users":130', '"users":131') WHERE seq = 2""")


def removed(database: Path) -> None:
    tamper(database, "DELETE FROM audit WHERE seq = 2")


def reordered(database: Path) -> None:
    tamper(
        database,
        "UPDATE audit SET seq = 99 WHERE seq = 2",
        "UPDATE audit SET seq = 2 WHERE seq = 3",
        "UPDATE audit SET seq = 3 WHERE seq = 99",
    )


def cut(database: Path) -> None:
    tamper(database, "DELETE FROM audit WHERE seq > 1", "UPDATE runs SET audit_seq = NULL, audit_hash = NULL")


def renamed(database: Path) -> None:
    tamper(database, "UPDATE audit SET personal = replace(personal, 'ada@example.com', 'bob@example.com') WHERE seq=2")


@pytest.mark.parametrize("change", [edited, removed, reordered, cut, renamed])
def test_whatever_is_done_to_it_is_found_and_the_first_bad_entry_named(
    logged: Cli, database_file: Path, change: Callable[[Path], None]
) -> None:
    change(database_file)
    ended = logged("audit", "verify", "--json")
    assert ended.code == 12
    assert ended.json["verified"] is False
    assert ended.json["first_bad"]["seq"] == 2
    assert ended.error["code"] == "verification"
    ended = logged("audit", "verify")
    assert ended.code == 12
    assert "from entry 2 on" in ended.err


def test_runs_that_note_no_entry_show_that_the_end_was_cut(logged: Cli, database_file: Path) -> None:
    tamper(
        database_file,
        "DELETE FROM audit WHERE seq > 1",
        "DELETE FROM audit_exports",
        "UPDATE runs SET audit_seq = NULL, audit_hash = NULL WHERE audit_seq > 1",
    )
    ended = logged("audit", "verify")
    assert ended.code == 12
    assert "from entry 2 on" in ended.err
    assert "ended, and no entry tells of it" in ended.err


def test_an_export_kept_elsewhere_shows_a_tail_that_was_cut_with_every_trace_of_it(
    logged: Cli, database_file: Path
) -> None:
    cut(database_file)
    tamper(database_file, "DELETE FROM audit_exports")
    assert logged("audit", "verify").code == 0
    ended = logged("audit", "verify", "--against", "first.ndjson")
    assert ended.code == 12
    assert "entries 2 to 3" in ended.err


def test_an_export_is_private_whole_and_can_be_verified_alone(logged: Cli, tmp_path: Path) -> None:
    path = tmp_path / "first.ndjson"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["entry"]["seq"] for line in lines] == [1, 2, 3]
    logged.env(ACCESSSYNC_DATABASE_URL="sqlite:////nowhere/at/all.db")
    assert logged.ok("audit", "verify", "--file", "first.ndjson")["entries"] == 3
    path.write_text(path.read_text().replace('"users":130', '"users":129'))
    ended = logged("audit", "verify", "--file", "first.ndjson")
    assert ended.code == 12
    assert "from entry 1 on" in ended.err


def test_bad_files_are_refused_in_a_line(logged: Cli, tmp_path: Path) -> None:
    ended = logged("audit", "export", "first.ndjson")
    assert ended.code == 2
    assert "exists already" in ended.err
    (tmp_path / "link").symlink_to("elsewhere.ndjson")
    assert logged("audit", "export", "link").code == 2
    assert logged("audit", "export", "no/such/folder/file").code == 9
    (tmp_path / "broken").write_text("{}\n")
    (tmp_path / "binary").write_bytes(b"\xff\xfe\x00")
    for name in ("broken", "binary", "missing"):
        for option in ("--file", "--against"):
            ended = logged("audit", "verify", option, name)
            assert ended.code == 2, (name, option)
            assert "Traceback" not in ended.err
    assert not [one for one in tmp_path.iterdir() if one.name.endswith(".part")]
    assert not (tmp_path / "elsewhere.ndjson").exists()


def test_what_strangers_wrote_stays_in_its_line(cli: Cli) -> None:
    cli.env(ACCESSSYNC_OPERATOR="=cmd()")
    assert cli("sync").code == 0
    assert cli.ok("audit", "list")["audit"][0]["actor"] == "=cmd()"
    assert "'=cmd()" in cli("audit", "list", "--format", "csv").out
