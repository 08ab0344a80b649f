"""Look at a database from outside the program that writes it: what its rows are, and which of them a run wrote.

`rows FILE` compares the database with what FILE remembers of it and brings FILE up to date. `create NAME` and
`drop NAME` are for servers. The database is the one that ACCESSSYNC_DATABASE_URL names.
"""

import json
import os
import pickle
import sys
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path

from sqlalchemy import Engine, create_engine, inspect

Rows = dict[str, dict[bytes, bytes]]
"""Of each table: a digest of each row by a digest of its key."""


def main() -> None:
    """One of the three commands."""
    command, name = sys.argv[1:]
    engine = create_engine(os.environ["ACCESSSYNC_DATABASE_URL"])
    if command == "rows":
        remembered = Path(name)
        before: Rows = pickle.loads(remembered.read_bytes()) if remembered.exists() else {}  # noqa: S301  our own file
        after = read(engine)
        remembered.write_bytes(pickle.dumps(after))
        print(json.dumps(written(before, after)))
    else:
        action = {"create": "CREATE DATABASE", "drop": "DROP DATABASE IF EXISTS"}[command]
        force = " WITH (FORCE)" if command == "drop" else ""
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            quoted = engine.dialect.identifier_preparer.quote(name)
            connection.exec_driver_sql(f"{action} {quoted}{force}")


def read(engine: Engine) -> Rows:
    """Every row of every table."""
    found: Rows = {}
    inspector = inspect(engine)
    quote = engine.dialect.identifier_preparer.quote
    for table in inspector.get_table_names():
        names = [column["name"] for column in inspector.get_columns(table)]
        keys = inspector.get_pk_constraint(table)["constrained_columns"] or names
        positions = [names.index(key) for key in keys]
        rows = found[table] = {}
        with engine.connect().execution_options(stream_results=True, yield_per=5_000) as connection:
            columns = ", ".join(map(quote, names))
            for row in connection.exec_driver_sql(f"SELECT {columns} FROM {quote(table)}"):  # noqa: S608  its own names
                rows[_digest([row[at] for at in positions])] = _digest(list(row))
    return found


def written(before: Rows, after: Rows) -> Mapping[str, Mapping[str, int]]:
    """Of each table: its rows now, and how many were inserted, updated and deleted."""
    told = {}
    for table in sorted(before.keys() | after.keys()):
        old, new = before.get(table, {}), after.get(table, {})
        told[table] = {
            "rows": len(new),
            "inserted": len(new.keys() - old.keys()),
            "updated": sum(1 for key in new.keys() & old.keys() if new[key] != old[key]),
            "deleted": len(old.keys() - new.keys()),
        }
    return told


def _digest(values: list[object]) -> bytes:
    return blake2b(repr(values).encode("utf-8", "surrogatepass"), digest_size=12).digest()


if __name__ == "__main__":
    main()
