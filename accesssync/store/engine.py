"""Open a database so that it is private, durable and safe to share between processes."""

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, exc
from sqlalchemy.engine import URL, make_url

from accesssync.errors import ConfigurationError, StoreError

Database = Engine
"""What jobs hold of a database: something to hand back to this room."""

BUSY_SECONDS = 10
"""How long a writer waits for another one; chunks are small, so a live writer never holds on this long."""


def parse_url(text: str) -> URL:
    """The URL of a database accesssync can use, or ConfigurationError. Never repeats the password."""
    try:
        url = make_url(text)
    except (exc.ArgumentError, ValueError) as error:
        raise ConfigurationError(
            "ACCESSSYNC_DATABASE_URL is not a database URL",
            remedy="for example sqlite:////var/lib/accesssync/accesssync.db or postgresql+psycopg://user@host/name",
        ) from error
    if url.drivername in {"postgresql", "postgres"}:
        url = url.set(drivername="postgresql+psycopg")
    if url.drivername == "postgresql+psycopg":
        return url
    if url.drivername in {"sqlite", "sqlite+pysqlite"} and url.database and url.database != ":memory:":
        return url.set(drivername="sqlite")
    raise ConfigurationError(
        f"ACCESSSYNC_DATABASE_URL names {url.drivername!r} without a file or a driver that is supported",
        remedy="for example sqlite:////var/lib/accesssync/accesssync.db or postgresql+psycopg://user@host/name",
    )


def sqlite_path(url: URL) -> Path | None:
    """The file of an SQLite database, None for any other."""
    return Path(url.database) if url.get_backend_name() == "sqlite" and url.database else None


def libpq_url(engine: Engine) -> str:
    """The address of a PostgreSQL database as its own library takes it, with the password: not to be shown."""
    return engine.url.set(drivername="postgresql").render_as_string(hide_password=False)


def connect(url: URL) -> Engine:
    """An engine whose writers queue up instead of failing, and whose errors never show a row's values."""
    if sqlite_path(url) is not None:
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    return create_engine(
        url,
        hide_parameters=True,
        pool_pre_ping=True,
        # A worker with many slots holds a few connections for each; idle ones beyond the first five are closed.
        max_overflow=250,
        connect_args={"connect_timeout": BUSY_SECONDS, "application_name": "accesssync"},
    )


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # Transactions are begun by _begin_sqlite: the driver's own begin late and never IMMEDIATE.
    connection.isolation_level = None
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_SECONDS * 1000}")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA cache_size = -8192")
    # Pages go from the log into the file every 32 MiB instead of every 4: each time costs two waits for the disk.
    cursor.execute("PRAGMA wal_autocheckpoint = 8192")
    cursor.close()


def _begin_sqlite(connection: Connection) -> None:
    # A reader that turns writer in mid-transaction fails at once with SQLITE_BUSY_SNAPSHOT, however long it is
    # ready to wait. So whoever means to write says so at the start.
    writes = connection.get_execution_options().get("accesssync_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def create_private(path: Path) -> None:
    """Make an empty database file that only its owner can read, in a directory likewise."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        if path.stat().st_size == 0:
            path.chmod(0o600)
    except OSError as error:
        raise StoreError(
            f"the database {path} cannot be created: {error.strerror}",
            remedy="choose a writable place with ACCESSSYNC_DATABASE_URL",
        ) from error


def open_lock(name: str) -> int:
    """The handle of a private file to lock; never one that a link leads to."""
    try:
        return os.open(name, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise StoreError(
            f"the lock file {name} cannot be opened: {error.strerror}",
            remedy="make the database's directory writable for this user, with nothing of that name in it",
        ) from error


def refuse_exposed(path: Path) -> None:
    """Raise StoreError when others than the owner can read a database."""
    mode = stat.S_IMODE(path.stat().st_mode)
    if mode & 0o077:
        raise StoreError(
            f"the database {path} can be read by others (mode {mode:04o})", remedy=f"run: chmod 600 {path}"
        )


@contextmanager
def translated(what: str) -> Iterator[None]:
    """Turn whatever the database layer raises into a StoreError that says `what` could not be done."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        raise StoreError(f"{what}: {_reason(error)}", remedy=_remedy(error)) from error


def _reason(error: exc.SQLAlchemyError) -> str:
    cause = error.orig if isinstance(error, exc.DBAPIError) else error
    lines = str(cause).strip().splitlines()
    return lines[0] if lines else type(cause).__name__


def _remedy(error: exc.SQLAlchemyError) -> str:
    text = _reason(error)
    if "locked" in text:
        return "another process is writing; try again"
    if "not a database" in text or "malformed" in text:
        return "nothing was changed; restore the file from a backup (accesssync db backup makes them)"
    if "readonly" in text or "read-only" in text:
        return "make the file and its directory writable for this user"
    if "full" in text or "disk I/O" in text:
        return "free some disk space, then run again: unfinished work is undone by itself"
    return "check ACCESSSYNC_DATABASE_URL and that the database is running"
