"""Write many rows at the speed of the driver: no object per row, no statement per row."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from sqlite3 import sqlite_version_info
from typing import Any, Final, TypeVar

from msgspec import json
from sqlalchemy import JSON, Boolean, Connection, Date
from sqlalchemy import Table as SqlTable
from sqlmodel.sql.sqltypes import UTCDateTime

Row = Sequence[Any]
T = TypeVar("T")

AT_ONCE = 500
"""Values in one IN list: far below every database's limit on parameters, far above the cost of a statement."""


PARAMETERS: Final = 4_000 if sqlite_version_info >= (3, 32) else 900
"""Values in one INSERT of several rows, fewer than any SQLite of that age takes. The driver lets go of the interpreter
and takes it back for each statement, and has to wait for it while threads that read are at work."""

Insertion = Callable[[Connection], None]
"""Inserts into the database of a connection what was made ready before."""


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
    """Insert `rows` at once; for the rest see `insertion`."""
    insertion(connection.dialect.name, table, columns, rows, shared)(connection)


def insertion(
    dialect: str,
    table: SqlTable,
    columns: Sequence[str],
    rows: Sequence[Row],
    shared: Mapping[str, Any] | None = None,
) -> Insertion:
    """What inserts `rows`, each holding the values of `columns` in that order; `shared` is what all have in common.

    Datetimes must be aware and in UTC. The interpreter's part of the work is done here and now, as far as the
    database lets it, so that a thread of its own can be left with little but the database's.
    """
    common = shared or {}
    return (_copied if dialect == "postgresql" else _inserted)(table, columns, rows, common)


def _copied(table: SqlTable, columns: Sequence[str], rows: Sequence[Row], common: Mapping[str, Any]) -> Insertion:
    names, fixed = (*common, *columns), tuple(common.values())
    lists = [n for n, name in enumerate(names) if isinstance(table.c[name].type, JSON)]

    def insert(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        with driver.cursor() as cursor, cursor.copy(f'COPY "{table.name}" ({_names(names)}) FROM STDIN') as copy:
            for row in rows:
                whole = (*fixed, *row)
                copy.write_row(_with_json(whole, lists) if lists else whole)

    return insert


def _inserted(table: SqlTable, columns: Sequence[str], rows: Sequence[Row], common: Mapping[str, Any]) -> Insertion:
    """Several rows by one statement, in which what they have in common stands once."""
    fixed = tuple(_column(table, name, [value])[0] for name, value in common.items())
    # Names come from our own table definitions, never from data.
    begin = f'INSERT INTO "{table.name}" ({_names((*common, *columns))}) VALUES '  # noqa: S608
    work: list[tuple[str, list[tuple[Any, ...]]]] = []
    start = 0
    for together in _sizes(len(fixed), len(columns)):
        end = start + (len(rows) - start) // together * together
        if end > start:
            packs = list(_packed(table, columns, rows[start:end], together, fixed))
            work.append((begin + _marks(len(fixed), len(columns), together), packs))
            start = end

    def insert(connection: Connection) -> None:
        for statement, packs in work:
            connection.exec_driver_sql(statement, packs)

    return insert


def _sizes(fixed: int, width: int) -> Iterator[int]:
    """Rows of one statement, the largest first: few different numbers, since each is prepared once and then kept."""
    most = max(1, (PARAMETERS - fixed) // width)
    size = 4 ** (most.bit_length() // 2 + 1)
    while size > 1:
        size //= 4
        if size <= most:
            yield size


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
