"""`accesssync db backup`: a private copy of everything, also before an upgrade and while others write."""

import shutil
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests import postgres
from tests.cli.conftest import Cli


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "copy.db"


def test_a_copy_is_private_whole_and_usable(cli: Cli, target: Path) -> None:
    cli.ok("sync")
    people = cli.ok("identities")
    done = cli.ok("db", "backup", "--to", str(target))
    assert (done["backup"], done["bytes"]) == (str(target), target.stat().st_size)
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    cli.env(ACCESSSYNC_DATABASE_URL=f"sqlite:///{target}")
    assert cli.ok("identities") == people
    assert cli.ok("db", "check")["sound"]


@pytest.mark.parametrize("revision", ["0001", "9999"])
def test_a_database_of_another_version_can_be_copied_before_it_is_upgraded(
    cli: Cli, database_file: Path, target: Path, revision: str
) -> None:
    cli.ok("sync")
    with closing(sqlite3.connect(database_file)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        connection.commit()
    assert cli("sync").code == 9
    assert cli("db", "backup", "--to", str(target)).code == 0
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchall() == [(revision,)]
        assert connection.execute("SELECT count(*) FROM identities").fetchone() == (130,)


def test_what_is_there_is_not_written_over(cli: Cli, target: Path) -> None:
    cli.ok("sync")
    target.parent.mkdir()
    target.write_text("precious")
    ended = cli("db", "backup", "--to", str(target), "--json")
    assert (ended.code, ended.error["code"]) == (9, "store")
    assert target.read_text() == "precious"
    assert [each.name for each in target.parent.iterdir()] == ["copy.db"]


def test_there_is_nothing_to_copy_before_the_first_sync(cli: Cli, target: Path) -> None:
    ended = cli("db", "backup", "--to", str(target))
    assert ended.code == 9
    assert "run: accesssync sync" in ended.err
    assert not target.parent.exists()


def test_while_another_writes(cli: Cli, database_file: Path, target: Path) -> None:
    cli.ok("sync")
    with closing(sqlite3.connect(database_file, isolation_level=None)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute("UPDATE orgs SET name = 'half done'")
        assert cli("db", "backup", "--to", str(target)).code == 0
        writer.execute("ROLLBACK")
    with closing(sqlite3.connect(target)) as connection:
        assert connection.execute("SELECT name FROM orgs").fetchall() == [("default",)]


def test_postgresql_is_dumped_by_its_own_program(
    cli: Cli, postgres_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = shutil.which("pg_dump", path=postgres.programs()) or shutil.which("pg_dump")
    if found is None:
        pytest.skip("no pg_dump")
    cli.env(ACCESSSYNC_DATABASE_URL=postgres_url)
    cli.ok("sync")
    monkeypatch.setenv("PATH", str(Path(found).parent), prepend=":")
    target = tmp_path / "copy.sql"
    assert cli("db", "backup", "--to", str(target)).code == 0
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert "COPY public.identities" in target.read_text("utf-8")


def test_postgresql_without_its_program_is_told(cli: Cli, postgres_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    cli.env(ACCESSSYNC_DATABASE_URL=postgres_url)
    cli.ok("sync")
    monkeypatch.setenv("PATH", "")
    ended = cli("db", "backup", "--to", "copy.sql", "--json")
    assert (ended.code, ended.error["message"]) == (9, "pg_dump is not installed here")
    assert not list(Path.cwd().glob("copy*"))
