"""Write many rows at the speed of the driver: no object per row, no statement per row."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import json
from sqlalchemy import JSON, Connection, Date
from sqlalchemy import Table as SqlTable
from sqlmodel.sql.sqltypes import UTCDateTime

Row = tuple[Any, ...]

AT_ONCE = 500
"""Values in one IN list: far below every database's limit on parameters, far above the cost of a statement."""


def batches(values: Sequence[str]) -> Iterator[Sequence[str]]:
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
    times = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, UTCDateTime)]
    days = [n for n, name in enumerate(columns) if isinstance(table.c[name].type, Date)]
    plain = _for_sqlite(rows, times, days) if times or days else rows
    marks = ", ".join("?" * len(columns))
    # Names come from our own table definitions, never from data.
    connection.exec_driver_sql(f'INSERT INTO "{table.name}" ({names}) VALUES ({marks})', list(plain))  # noqa: S608


def _with_json(row: Row, lists: Sequence[int]) -> Row:
    """The row with its tuples as JSON text; None stays null."""
    values = list(row)
    for n in lists:
        if values[n] is not None:
            values[n] = json.encode(values[n]).decode()
    return tuple(values)


def _for_sqlite(rows: Sequence[Row], times: Sequence[int], days: Sequence[int]) -> list[Row]:
    """The rows with times as SQLAlchemy writes them in SQLite, so that both compare as text."""
    if len(times) == 1 and not days:
        n = times[0]
        return [row if row[n] is None else (*row[:n], _text(row[n]), *row[n + 1 :]) for row in rows]
    converted = []
    for row in rows:
        values = list(row)
        for n in times:
            if values[n] is not None:
                values[n] = _text(values[n])
        for n in days:
            if values[n] is not None:
                values[n] = values[n].isoformat()
        converted.append(tuple(values))
    return converted


def _text(moment: datetime) -> str:
    # A time in UTC ends in an offset of six characters.
    return moment.isoformat(" ", "microseconds")[:-6]
