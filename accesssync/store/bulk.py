"""Write many rows at the speed of the driver: no object per row, no statement per row."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, TypeVar

from msgspec import json
from sqlalchemy import JSON, Connection, Date
from sqlalchemy import Table as SqlTable
from sqlmodel.sql.sqltypes import UTCDateTime

Row = tuple[Any, ...]
T = TypeVar("T")

AT_ONCE = 500
"""Values in one IN list: far below every database's limit on parameters, far above the cost of a statement."""


PARAMETERS = 900
"""Values in one INSERT of several rows: below the limit of every SQLite in use. The driver lets go of the interpreter
and takes it back for each statement; a statement for each row took twice as long beside threads that read."""


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """`values` in pieces small enough for one statement."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


def insert_rows(connection: Connection, table: SqlTable, columns: Sequence[str], rows: Sequence[Row]) -> None:
    """Insert `rows`, each holding the values of `columns` in that order. Datetimes must be aware and in UTC."""
    if not rows:
        return
    names = ", ".join(f'"{name}"' for name in columns)
    lists = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, JSON)]
    if lists:
        rows = [_with_json(row, lists) for row in rows]
    if connection.dialect.name == "postgresql":
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({names}) FROM STDIN') as copy:
            for row in rows:
                copy.write_row(row)
        return
    together = max(1, PARAMETERS // len(columns))
    packs = list(_packed(table, columns, rows, together))
    # Names come from our own table definitions, never from data.
    insert = f'INSERT INTO "{table.name}" ({names}) VALUES '  # noqa: S608
    marks = f"({', '.join('?' * len(columns))})"
    whole = len(rows) // together
    if whole:
        connection.exec_driver_sql(insert + ", ".join([marks] * together), packs[:whole])
    for rest in packs[whole:]:
        connection.exec_driver_sql(insert + ", ".join([marks] * (len(rest) // len(columns))), rest)


def _with_json(row: Row, lists: Sequence[int]) -> Row:
    """The row with its tuples as JSON text; None stays null."""
    values = list(row)
    for n in lists:
        if values[n] is not None:
            values[n] = json.encode(values[n]).decode()
    return tuple(values)


def _packed(table: SqlTable, columns: Sequence[str], rows: Sequence[Row], together: int) -> Iterator[Row]:
    """The values of so many rows at a time, one after another, with times as SQLAlchemy writes them in SQLite.

    So those written here and those written by it compare as text.
    """
    width = len(columns)
    times = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, UTCDateTime)]
    days = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, Date)]
    for start in range(0, len(rows), together):
        values = list(chain.from_iterable(rows[start : start + together]))
        for n in times:
            values[n::width] = [one if one is None else _text(one) for one in values[n::width]]
        for n in days:
            values[n::width] = [one if one is None else one.isoformat() for one in values[n::width]]
        yield tuple(values)


def _text(moment: datetime) -> str:
    # A time in UTC ends in an offset of six characters.
    return moment.isoformat(" ", "microseconds")[:-6]
