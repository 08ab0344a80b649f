"""A database is made and migrated safely, or refused with the reason and what to do; never quietly replaced."""

import os
import sqlite3
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from accesssync.errors import ConfigurationError, StoreError
from accesssync.store import schema
from accesssync.store.engine import connect, create_private, parse_url, sqlite_path
from accesssync.store.lease import leased
from accesssync.store.runs import ensure_org
from accesssync.store.tables import metadata
from tests.builders import NOW, dump, open_database


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    """An engine on a database nobody has touched."""
    url = parse_url(database_url)
    if (path := sqlite_path(url)) is not None:
        create_private(path)
    opened = connect(url)
    yield opened
    opened.dispose()


def opened(url: str, *, write: bool = True) -> StoreError:
    """The error with which a database is refused."""
    with pytest.raises(StoreError) as caught:
        (schema.open_for_writing if write else schema.open_for_reading)(parse_url(url)).dispose()
    assert caught.value.exit_code == 9
    assert caught.value.remedy
    return caught.value


def test_migrating_from_nothing_gives_what_the_models_say(empty: Engine) -> None:
    assert schema.current(empty) is None
    schema.upgrade(empty)
    assert schema.current(empty) == schema.head()
    assert schema.differences(empty) == []
    assert set(metadata.tables) == set(dump(empty)) - {"alembic_version"}


def test_a_difference_between_tables_and_models_is_seen(empty: Engine) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("ALTER TABLE roles ADD COLUMN extra INTEGER"))
    assert len(schema.differences(empty)) == 1


def test_migrating_again_changes_nothing(empty: Engine) -> None:
    schema.upgrade(empty)
    ensure_org(empty, "acme", "datadoghq.eu", NOW)
    before = dump(empty)
    schema.upgrade(empty)
    assert dump(empty) == before


def test_several_threads_may_make_it_at_once(database_url: str) -> None:
    with ThreadPoolExecutor(6) as executor:
        engines = list(executor.map(open_database, [database_url] * 6))
    assert {schema.current(each) for each in engines} == {schema.head()}
    assert schema.differences(engines[0]) == []
    for each in engines:
        each.dispose()


def test_several_processes_may_make_it_at_once(database_url: str) -> None:
    program = (
        "import sys; from accesssync.store import schema; from accesssync.store.engine import parse_url; "
        "print(schema.current(schema.open_for_writing(parse_url(sys.argv[1]))))"
    )
    command = [sys.executable, "-c", program, database_url]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    started = [subprocess.Popen(command, env=environment, text=True, **pipes) for _ in range(3)]  # type: ignore[call-overload]
    ended = [(*each.communicate(timeout=60), each.returncode) for each in started]
    assert ended == [(f"{schema.head()}\n", "", 0)] * 3


def test_an_older_schema_is_refused_and_names_the_way_out(
    database_url: str, empty: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    schema.upgrade(empty)
    found = schema.head()
    monkeypatch.setattr(schema, "head", lambda: "9999")
    for write in (True, False):
        error = opened(database_url, write=write)
        assert found in error.message
        assert "9999" in error.message
        assert "accesssync db upgrade" in str(error.remedy)
        assert "accesssync db backup" in str(error.remedy)


@pytest.mark.parametrize("write", [True, False])
def test_a_newer_schema_is_refused_and_left_alone(database_url: str, empty: Engine, *, write: bool) -> None:
    schema.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'from_the_future'"))
    before = dump(empty)
    error = opened(database_url, write=write)
    assert "from_the_future" in error.message
    assert "newer" in str(error.remedy)
    with pytest.raises(StoreError, match="from_the_future"):
        schema.upgrade(empty)
    assert dump(empty) == before


def test_somebody_elses_database_is_refused_and_left_alone(database_url: str, empty: Engine) -> None:
    with empty.begin() as connection:
        connection.execute(text("CREATE TABLE customers (id INTEGER)"))
    for write in (True, False):
        assert "did not make" in opened(database_url, write=write).message
    assert set(dump(empty)) == {"customers"}


def test_a_migration_that_fails_leaves_nothing_behind(empty: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schema, "migrations", lambda: broken_migrations(Path.cwd()))
    with pytest.raises(StoreError, match="cannot be migrated"):
        schema.upgrade(empty)
    assert schema.current(empty) is None
    monkeypatch.undo()
    schema.upgrade(empty)
    assert schema.differences(empty) == []


def broken_migrations(folder: Path) -> Path:
    """The real environment with a migration that fails after its first table."""
    real = Path(__file__).parents[2] / "alembic"
    made = folder / "broken"
    (made / "versions").mkdir(parents=True, exist_ok=True)
    (made / "env.py").write_text((real / "env.py").read_text())
    (made / "versions" / "1.py").write_text(
        "from alembic import op\nrevision = '1'\ndown_revision = None\n"
        "def upgrade():\n    op.execute('CREATE TABLE half (id INTEGER)')\n    op.execute('this is no SQL')\n"
    )
    return made


def test_reading_never_makes_a_database(sqlite_url: str, postgres_url: str) -> None:
    error = opened(sqlite_url, write=False)
    assert "accesssync sync" in str(error.remedy)
    assert not Path(str(parse_url(sqlite_url).database)).exists()
    assert "empty" in opened(postgres_url, write=False).message
    engine = connect(parse_url(postgres_url))
    assert dump(engine) == {}
    engine.dispose()


class TestSqliteFile:
    @pytest.fixture
    def path(self, sqlite_url: str) -> Path:
        return Path(str(parse_url(sqlite_url).database))

    def test_every_file_of_a_new_database_is_private(self, sqlite_url: str, path: Path) -> None:
        before = os.umask(0)
        try:
            engine = open_database(sqlite_url)
            ensure_org(engine, "acme", "datadoghq.eu", NOW)
            with leased(engine, "acme", 1, wait=False, sleep=lambda _seconds: None):
                files = [each for each in path.parent.iterdir() if each.name.startswith(path.name)]
                assert len(files) >= 3
                assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
            engine.dispose()
        finally:
            os.umask(before)

    def test_the_directory_is_made_and_private_too(self, tmp_path: Path) -> None:
        open_database(f"sqlite:///{tmp_path}/deep/down/access.db").dispose()
        assert stat.S_IMODE((tmp_path / "deep" / "down").stat().st_mode) == 0o700

    @pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o660])
    @pytest.mark.parametrize("write", [True, False])
    def test_one_that_others_can_read_is_refused(self, sqlite_url: str, path: Path, mode: int, *, write: bool) -> None:
        open_database(sqlite_url).dispose()
        path.chmod(mode)
        error = opened(sqlite_url, write=write)
        assert f"{mode:04o}" in error.message
        assert error.remedy == f"run: chmod 600 {path}"

    def test_an_empty_file_is_used_by_writers_and_refused_to_readers(self, sqlite_url: str, path: Path) -> None:
        path.touch(0o644)
        assert "no database" in opened(sqlite_url, write=False).message
        assert path.stat().st_size == 0
        open_database(sqlite_url).dispose()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600

    @pytest.mark.parametrize("write", [True, False])
    def test_a_file_that_is_no_database_is_refused_and_kept(self, sqlite_url: str, path: Path, *, write: bool) -> None:
        path.write_bytes(b"this is a letter to my mother, not a database" * 100)
        path.chmod(0o600)
        before = path.read_bytes()
        error = opened(sqlite_url, write=write)
        assert "backup" in str(error.remedy)
        assert path.read_bytes() == before

    def test_a_place_that_cannot_be_written_is_refused(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        assert "cannot be created" in opened(f"sqlite:///{tmp_path}/file/access.db").message
        assert "cannot be created" in opened(f"sqlite:///{tmp_path}").message

    def test_a_lock_that_cannot_be_made_is_the_storages_fault_and_not_a_bug(self, sqlite_url: str, path: Path) -> None:
        path.with_name(f"{path.name}.migrate").mkdir()
        assert "lock" in opened(sqlite_url).message

    def test_writes_survive_power_loss_and_readers_do_not_block_writers(self, sqlite_url: str, path: Path) -> None:
        engine = open_database(sqlite_url)
        with engine.connect() as connection:
            settings = {
                name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
                for name in ("journal_mode", "synchronous", "foreign_keys")
            }
        engine.dispose()
        assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
        with closing(sqlite3.connect(path)) as plain:
            assert plain.execute("PRAGMA integrity_check").fetchone() == ("ok",)


@pytest.mark.parametrize(
    "url", ["mysql://host/name", "sqlite://", "sqlite:///:memory:", "nonsense", "postgresql+asyncpg://u:pass-word@h/n"]
)
def test_a_url_that_cannot_be_used_is_refused_without_its_password(url: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_url(url)
    assert "pass-word" not in caught.value.line()


def test_an_unreachable_server_is_one_line() -> None:
    error = opened("postgresql+psycopg://nobody:pass-word@127.0.0.1:9/none", write=False)
    assert "\n" not in error.line()
    assert "pass-word" not in error.line()
