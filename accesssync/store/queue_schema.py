"""The tables of the queue that several workers share: procrastinate's own, made and renewed by us.

Its SQL comes with its package: the whole schema for a new database, and one file per step for an older one. Which
step a database has reached is written on its main table, as a comment.
"""

from importlib.util import find_spec
from pathlib import Path

import psycopg
from sqlalchemy import Connection, Engine, text

from accesssync.errors import StoreError
from accesssync.store.engine import translated
from accesssync.store.schema import alone

PREFIX = "procrastinate_"
_MARK = "accesssync: "


def wanted() -> str:
    """The newest step of the installed package."""
    return _steps()[-1]


def current(engine: Engine) -> str | None:
    """The step a database has reached; None where it has no queue, and on SQLite, which cannot have one."""
    if engine.dialect.name != "postgresql":
        return None
    with translated("the queue's tables cannot be read"), engine.connect() as connection:
        return _current(connection)


def ensure(engine: Engine) -> None:
    """Make the queue's tables where there are none. StoreError for those of another version."""
    found = current(engine)
    if found is None:
        upgrade(engine)
    elif found != wanted():
        raise StoreError(
            f"the queue's tables have the version {found}, this version needs {wanted()}",
            remedy="run: accesssync db upgrade" if found in _steps() else "use the newer version of accesssync",
        )


def upgrade(engine: Engine) -> None:
    """Make the queue's tables, or bring them to the wanted step; one process at a time.

    Each step is a transaction of its own, as its makers mean it: a new value of a type cannot be used in the one that
    adds it. One that breaks off is continued by the next try.
    """
    with translated("the queue's tables cannot be made"), alone(engine), engine.connect() as connection:
        found = _current(connection)
        steps = _steps()
        if found is not None and found not in steps:
            raise StoreError(
                f"the queue's tables have the version {found}, which is newer than this accesssync knows",
                remedy="use the newer version of accesssync",
            )
        if found is None:
            _run(connection, _folder() / "schema.sql", steps[-1])
        else:
            for step in steps[steps.index(found) + 1 :]:
                _run(connection, _folder() / "migrations" / f"{step}.sql", step)


def _current(connection: Connection) -> str | None:
    name = f"{PREFIX}jobs"
    if connection.execute(text("SELECT to_regclass(:name)"), {"name": name}).scalar() is None:
        return None
    comment = connection.execute(text("SELECT obj_description(to_regclass(:name))"), {"name": name}).scalar()
    if not comment or not str(comment).startswith(_MARK):
        raise StoreError(
            "the database holds a queue that accesssync did not make", remedy="give accesssync a database of its own"
        )
    return str(comment).removeprefix(_MARK)


def _run(connection: Connection, path: Path, step: str) -> None:
    driver = connection.connection.driver_connection
    if driver is None:
        raise LookupError("no connection")
    try:
        # As one text without parameters: it holds percent signs and bodies of functions.
        driver.execute(path.read_text("utf-8"))
        # A comment takes no parameter; the name of a file of a package is no stranger's text.
        driver.execute(f"COMMENT ON TABLE {PREFIX}jobs IS '{_MARK}{step}'")
        driver.commit()
    except psycopg.Error as error:
        driver.rollback()
        raise StoreError(
            f"the queue's tables cannot be made ({step}): {type(error).__name__}",
            remedy="check that the database's user may make tables, types and functions",
        ) from error


def _steps() -> list[str]:
    return sorted(path.stem for path in (_folder() / "migrations").glob("*.sql"))


def _folder() -> Path:
    # Found without importing it: that costs more than many a command.
    found = find_spec("procrastinate")
    if found is None or found.origin is None:
        raise StoreError("the queue's package is not part of this installation", remedy="install accesssync again")
    return Path(found.origin).parent / "sql"
