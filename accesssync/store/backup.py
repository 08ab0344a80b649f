"""Copies of the whole database, and whether it is sound."""

import os
import shutil
import sqlite3
import subprocess
from pathlib import Path

from sqlalchemy import Engine, text

from accesssync.errors import StoreError
from accesssync.store.engine import sqlite_path, translated


def integrity(engine: Engine) -> list[str]:
    """What the database engine itself finds wrong; PostgreSQL offers no such look from inside."""
    if sqlite_path(engine.url) is None:
        return []
    with translated("the database cannot be checked"), engine.connect() as connection:
        found = [str(row[0]) for row in connection.execute(text("PRAGMA integrity_check(20)"))]
        broken = [
            f"a row of {row[0]} refers to nothing" for row in connection.execute(text("PRAGMA foreign_key_check"))
        ]
    return [line for line in found if line != "ok"] + broken[:20]


def copy(engine: Engine, target: Path) -> None:
    """Write a private copy to `target`, which must not exist yet."""
    temporary = target.with_name(f"{target.name}.part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        if target.exists() or target.is_symlink():
            raise StoreError(f"{target} exists already", remedy="choose another name for the backup")
        os.close(os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600))
        try:
            if sqlite_path(engine.url) is not None:
                _copy_sqlite(engine, temporary)
            else:
                _dump_postgresql(engine, temporary)
            with temporary.open("rb+") as written:
                os.fsync(written.fileno())
            temporary.replace(target)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise StoreError(f"the backup {target} cannot be written: {error.strerror}") from error


def _copy_sqlite(engine: Engine, target: Path) -> None:
    with translated("the database cannot be copied"), engine.connect() as connection:
        source = connection.connection.driver_connection
        if not isinstance(source, sqlite3.Connection):
            raise TypeError(type(source).__name__)
        destination = sqlite3.connect(target)
        try:
            source.backup(destination)
        except sqlite3.Error as error:
            raise StoreError(f"the database cannot be copied: {error}") from error
        finally:
            destination.close()


def _dump_postgresql(engine: Engine, target: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise StoreError("pg_dump is not installed here", remedy="install PostgreSQL's client programs")
    url = engine.url
    named = {
        "PGHOST": url.host or str(url.query.get("host", "")),
        "PGPORT": str(url.port or url.query.get("port", "") or ""),
        "PGUSER": url.username,
        "PGPASSWORD": str(url.password) if url.password else None,
        "PGDATABASE": url.database,
        "PGSSLMODE": str(url.query.get("sslmode", "")),
    }
    # The password goes by the environment: arguments can be read by every user of the machine.
    environment = {**os.environ, **{name: value for name, value in named.items() if value}}
    done = subprocess.run(  # noqa: S603 - the program is found on the PATH, its arguments are ours
        [program, "--no-password", "--file", str(target)], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        lines = done.stderr.strip().splitlines() or ["no reason given"]
        raise StoreError(f"pg_dump failed: {lines[-1]}", remedy="its version must not be older than the server's")
