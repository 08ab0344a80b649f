"""Bring a database to the schema this version needs, or say why it cannot be used."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.engine import URL

from accesssync.errors import StoreError
from accesssync.store import engine as engines

MIGRATION_LOCK = 4_710_251
"""The PostgreSQL advisory lock that lets one process at a time migrate. An arbitrary number of our own."""


def migrations() -> Path:
    """The folder of migrations: inside the package where it was installed, at the top of a checkout."""
    here = Path(__file__).resolve().parent
    for folder in (here / "migrations", here.parents[1] / "alembic"):
        if (folder / "env.py").is_file():
            return folder
    raise StoreError("the migrations are not part of this installation", remedy="install accesssync again")


def open_for_writing(url: URL) -> Engine:
    """An engine on a database with the present schema. Makes and migrates a missing or empty one by itself.

    An older schema is refused, naming `db upgrade`; a newer one is refused. Two processes may do this at
    the same time.
    """
    path = engines.sqlite_path(url)
    if path is not None:
        engines.create_private(path)
        engines.refuse_exposed(path)
    with _opening(url) as engine:
        if current(engine) is None:
            upgrade(engine)
        require_head(engine)
    return engine


def open_for_reading(url: URL) -> Engine:
    """An engine on an existing database with the present schema. Never makes one."""
    engine = open_as_it_is(url)
    try:
        require_head(engine)
    except BaseException:
        engine.dispose()
        raise
    return engine


def open_as_it_is(url: URL) -> Engine:
    """An engine on an existing database of whatever schema, for what has to work before it is upgraded."""
    path = engines.sqlite_path(url)
    if path is not None:
        if not path.exists() or path.stat().st_size == 0:
            raise StoreError(f"there is no database at {path} yet", remedy="run: accesssync sync")
        engines.refuse_exposed(path)
    with _opening(url) as engine:
        if current(engine) is None:
            raise StoreError("the database is empty", remedy="run: accesssync sync")
    return engine


@contextmanager
def _opening(url: URL) -> Iterator[Engine]:
    """An engine that is closed again where the database turns out not to be usable."""
    engine = engines.connect(url)
    try:
        with engines.translated("the database cannot be opened"):
            yield engine
    except BaseException:
        engine.dispose()
        raise


def require_head(engine: Engine) -> None:
    """Raise StoreError unless the database has exactly the schema of this version."""
    found, wanted = current(engine), head()
    if found == wanted:
        return
    if found in known():
        raise StoreError(
            f"the database has the older schema {found}, this version needs {wanted}",
            remedy="run: accesssync db backup, then: accesssync db upgrade",
        )
    raise StoreError(
        f"the database has the schema {found}, which this version does not know",
        remedy="a newer accesssync wrote it: use that version, or restore a backup",
    )


def current(engine: Engine) -> str | None:
    """The revision a database is at; None for one without tables. StoreError for somebody else's database."""
    with engines.translated("the database cannot be read"), engine.connect() as connection:
        return _revision(connection)


def _revision(connection: Connection) -> str | None:
    tables = set(inspect(connection).get_table_names())
    if "alembic_version" in tables:
        row = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if row is not None:
            return str(row)
    if tables - {"alembic_version"}:
        raise StoreError(
            "the database holds tables that accesssync did not make",
            remedy="give accesssync a database of its own with ACCESSSYNC_DATABASE_URL",
        )
    return None


def head() -> str:
    """The revision this version needs."""
    return _revisions()[-1]


def known() -> frozenset[str]:
    """Every revision this version can upgrade from."""
    return frozenset(_revisions())


def _revisions() -> list[str]:
    """The revisions in their order, read from the names of the files: each begins with its number.

    Asking Alembic costs more than syncing a small organization: it imports a template engine and a
    syntax highlighter. It is imported where something is migrated.
    """
    found = sorted(path.name.partition("_")[0] for path in (migrations() / "versions").glob("[0-9]*_*.py"))
    if not found:
        raise StoreError("this installation has no migrations", remedy="install accesssync again")
    return found


def upgrade(engine: Engine) -> None:
    """Migrate to `head()` in one transaction: a crash leaves the old schema or the new one, never a mixture."""
    from alembic import command
    from alembic.config import Config

    try:
        with engines.translated("the database cannot be migrated"), alone(engine), engine.connect() as connection:
            if connection.dialect.name == "sqlite":
                # Readers and one writer at a time; kept in the file, so once is enough.
                connection.exec_driver_sql("COMMIT")
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
                # Rebuilding a table drops the old one, which would delete what refers to it.
                connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
                connection.exec_driver_sql("BEGIN IMMEDIATE")
            found = _revision(connection)
            if found is not None and found not in known():
                require_head(engine)
            config = Config()
            config.set_main_option("script_location", str(migrations()))
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
            if connection.dialect.name == "sqlite" and connection.exec_driver_sql("PRAGMA foreign_key_check").first():
                raise StoreError("the migration would leave references to nothing", remedy="nothing was changed")
            connection.commit()
    finally:
        # The connection that migrated does not check references; the next one does again.
        engine.dispose()


def differences(engine: Engine) -> list[str]:
    """How the tables differ from what this version defines, in words; empty where they are right."""
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    from accesssync.store.tables import metadata

    with engines.translated("the database cannot be read"), engine.connect() as connection:
        # The queue's tables have an owner and versions of their own: accesssync.store.queue_schema.
        opts = {"compare_type": True, "include_name": lambda name, *_: not str(name).startswith("procrastinate_")}
        context = MigrationContext.configure(connection, opts=opts)
        return [str(difference) for difference in compare_metadata(context, metadata)]


@contextmanager
def alone(engine: Engine) -> Iterator[None]:
    """Hold off every other process that wants to migrate the same database."""
    path = engines.sqlite_path(engine.url)
    if path is not None:
        handle = engines.open_lock(f"{path}.migrate")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)
        return
    with engine.connect() as connection:
        connection.execute(text("SELECT pg_advisory_lock(:lock)"), {"lock": MIGRATION_LOCK})
        connection.commit()
        try:
            yield
        finally:
            connection.execute(text("SELECT pg_advisory_unlock(:lock)"), {"lock": MIGRATION_LOCK})
            connection.commit()


def trouble(engine: Engine, now: datetime) -> str | None:
    """Why this database cannot be worked with just now, in a few words; None where it can. Leaves nothing behind."""
    from accesssync.store.lease import writing
    from accesssync.store.tables import job_states

    try:
        with engines.translated("the database cannot be used"):
            if current(engine) != head():
                return "the database has another schema than this version needs"
            with writing(engine) as connection, connection.begin_nested() as attempt:
                row = {"job": "", "org": "", "next_at": now, "changed_at": now, "failures": 0, "deferrals": 0}
                connection.execute(job_states.insert(), row)
                attempt.rollback()
    except StoreError:
        return "the database cannot be written"
    return None
