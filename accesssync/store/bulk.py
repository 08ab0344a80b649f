"""Write many rows at the speed of the driver: no object per row, no statement per row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from sqlite3 import SQLITE_LIMIT_VARIABLE_NUMBER
from typing import Any, Final, TypeVar

from msgspec import json
from sqlalchemy import JSON, Boolean, Connection, Date
from sqlalchemy import Table as SqlTable
from sqlmodel.sql.sqltypes import UTCDateTime

Row = Sequence[Any]
T = TypeVar("T")

AT_ONCE = 500
"""Values in one IN list: far below every database's limit on parameters, far above the cost of a statement."""


PARAMETERS: Final = 4_000
"""Values in one INSERT of several rows, where the database takes as many. The driver lets go of the interpreter and
takes it back for each statement, and has to wait for it while threads that read are at work."""

TOGETHER: Final = (2_048, 256, 32, 4, 1)
"""Rows of one INSERT. Few different numbers, since each is a statement to prepare; then it is kept."""


def batches(values: Sequence[T]) -> Iterator[Sequence[T]]:
    """`values` in pieces small enough for one statement."""
    for start in range(0, len(values), AT_ONCE):
        yield values[start : start + AT_ONCE]


def insert_rows(
    connection: Connection,
    table: SqlTable,
    columns: Sequence[str],
    rows: Sequence[Row],
    shared: Mapping[str, Any] | None = None,
) -> None:
    """Insert `rows`, each holding the values of `columns` in that order; `shared` is what all of them have in common.

    Datetimes must be aware and in UTC.
    """
    if not rows:
        return
    common = shared or {}
    if connection.dialect.name == "postgresql":
        _copy(connection, table, columns, rows, common)
    else:
        _insert(connection, table, columns, rows, common)


def _copy(
    connection: Connection, table: SqlTable, columns: Sequence[str], rows: Sequence[Row], common: Mapping[str, Any]
) -> None:
    names, fixed = (*common, *columns), tuple(common.values())
    lists = [n for n, name in enumerate(names) if isinstance(table.c[name].type, JSON)]
    driver: Any = connection.connection.driver_connection
    with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({_names(names)}) FROM STDIN') as copy:
        for row in rows:
            whole = (*fixed, *row)
            copy.write_row(_with_json(whole, lists) if lists else whole)


def _insert(
    connection: Connection, table: SqlTable, columns: Sequence[str], rows: Sequence[Row], common: Mapping[str, Any]
) -> None:
    """Several rows by one statement, in which what they have in common stands once."""
    fixed = tuple(_column(table, name, [value])[0] for name, value in common.items())
    driver: Any = connection.connection.driver_connection
    room = min(PARAMETERS, driver.getlimit(SQLITE_LIMIT_VARIABLE_NUMBER)) - len(fixed)
    # Names come from our own table definitions, never from data.
    insert = f'INSERT INTO "{table.name}" ({_names((*common, *columns))}) VALUES '  # noqa: S608
    start = 0
    for together in TOGETHER:
        count = (len(rows) - start) // together
        if count and (together == 1 or together * len(columns) <= room):
            end = start + count * together
            packs = list(_packed(table, columns, rows[start:end], together, fixed))
            connection.exec_driver_sql(insert + _marks(len(fixed), len(columns), together), packs)
            start = end


def _names(columns: Sequence[str]) -> str:
    return ", ".join(f'"{name}"' for name in columns)


def _marks(fixed: int, width: int, rows: int) -> str:
    """The places of the parameters: the first ones are the same in every row."""
    same = [f"?{number}" for number in range(1, fixed + 1)]
    starts = range(fixed + 1, fixed + 1 + rows * width, width)
    return ", ".join(f"({', '.join([*same, *(f'?{start + n}' for n in range(width))])})" for start in starts)


def _with_json(row: Row, lists: Sequence[int]) -> Row:
    """The row with its tuples as JSON text; None stays null."""
    values = list(row)
    for n in lists:
        values[n] = _jsons([values[n]])[0]
    return values


def _packed(
    table: SqlTable, columns: Sequence[str], rows: Sequence[Row], together: int, fixed: tuple[Any, ...]
) -> Iterator[tuple[Any, ...]]:
    """What all rows have in common, and the values of so many of them one after another, as they are stored."""
    width = len(columns)
    other = [(n, name) for n, name in enumerate(columns) if isinstance(table.c[name].type, _WRITTEN_AS)]
    for start in range(0, len(rows), together):
        values = list(chain.from_iterable(rows[start : start + together]))
        for n, name in other:
            values[n::width] = _column(table, name, values[n::width])
        yield (*fixed, *values)


def _column(table: SqlTable, name: str, values: list[Any]) -> list[Any]:
    """The values of one column as SQLAlchemy writes them in SQLite.

    So those written here and those written by it compare as text.
    """
    kind = table.c[name].type
    return next((write(values) for known, write in _WRITE.items() if isinstance(kind, known)), values)


def _times(values: list[Any]) -> list[Any]:
    # Many at once, which takes a tenth of the time of a call for each; it leaves out a fraction that is none.
    texts: list[str | None] = json.decode(json.encode(values).replace(b"T", b" ").replace(b"Z", b""))
    return [text if text is None or len(text) == _TIME else f"{text}.000000" for text in texts]


_TIME: Final = len("2026-04-07 12:32:51.895546")


def _days(values: list[Any]) -> list[Any]:
    return [one if one is None else one.isoformat() for one in values]


def _jsons(values: list[Any]) -> list[Any]:
    return [one if one is None else json.encode(one).decode() for one in values]


def _bits(values: list[Any]) -> list[Any]:
    # The driver would look for somebody to adapt each.
    return [one if one is None else int(one) for one in values]


_WRITE: Final[Mapping[type, Callable[[list[Any]], list[Any]]]] = {
    UTCDateTime: _times,
    Date: _days,
    JSON: _jsons,
    Boolean: _bits,
}
_WRITTEN_AS: Final = tuple(_WRITE)
