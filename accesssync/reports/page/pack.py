"""The rows of a table for the page's own script: by column, every value once, compressed.

A column has its name, kind, heading, meaning and look, its `values`, and `rows`: the place of each row's value, -1
where it is not known. Without `rows` there is one value for each row. With them values are in the order they sort by.
"""

import zlib
from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import json

from accesssync.reports.columns import Held, Table
from accesssync.reports.dataset import Cell
from accesssync.reports.page.layout import Layout
from accesssync.reports.page.rows import heading_of, look_of
from accesssync.reports.page.told import clean, entries, flat

LEVEL = 6
_PIECE = 3 * 65_536


def packed(table: Table, layout: Layout) -> Iterator[str]:
    """The table as gzip in base64, in pieces."""
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    waiting = b""
    for part in _document(table, layout):
        waiting += squeeze.compress(part)
        ready = len(waiting) - len(waiting) % _PIECE
        if ready:
            yield b64encode(waiting[:ready]).decode()
            waiting = waiting[ready:]
    yield b64encode(waiting + squeeze.flush()).decode()


def _document(table: Table, layout: Layout) -> Iterator[bytes]:
    head = {
        "name": table.dataset.name,
        "length": table.length,
        "kept": table.kept,
        "shown": layout.columns,
        "filters": layout.filters,
        "since": layout.since,
        "links": [{"words": one.words, "id": one.id} for one in layout.links],
    }
    yield json.encode(head)[:-1] + b',"columns":['
    first = True
    for name, held in table.columns.items():
        if name in layout.left_out:
            continue
        yield (b"" if first else b",") + json.encode(_column(held))
        first = False
    yield b"]}"


def _column(held: Held) -> dict[str, Any]:
    column = held.column
    about = {
        "name": column.name,
        "kind": column.kind,
        "heading": heading_of(column.name),
        "means": clean(column.means),
        "look": look_of(column.name, column.kind),
    }
    values = [_value(cell) for cell in held.values]
    if len(values) * 2 > len(held) and len(held) > 50:
        return about | {"values": [values[code] for code in held.codes]}
    kept = sorted(
        (place for place, value in enumerate(values) if value is not None), key=lambda one: _rank(values[one])
    )
    places = [-1] * len(values)
    for new, old in enumerate(kept):
        places[old] = new
    return about | {"values": [values[one] for one in kept], "rows": [places[code] for code in held.codes]}


def _value(cell: Cell) -> Any:
    """A cell as JSON: texts made visible, times as seconds since 1970."""
    if cell is None or isinstance(cell, bool | int | float):
        return cell
    if isinstance(cell, str):
        return clean(cell)
    if isinstance(cell, datetime):
        return int(cell.timestamp())
    if isinstance(cell, tuple):
        return entries(cell)
    return flat(cell) if isinstance(cell, dict) else str(cell)


def _rank(value: Any) -> Any:
    if isinstance(value, str):
        return value.casefold(), value
    if isinstance(value, list):
        return [one.casefold() for one in value]
    return value


def in_order(table: Table, layout: Layout) -> None:
    """Put the rows of a table into the order that the page begins with."""
    keys: list[Sequence[float]] = []
    for name, values in layout.order:
        ranks = {value: place for place, value in enumerate(values)}
        held = table.columns[name]
        if values:
            by_code: list[float] = [ranks.get(str(value), len(ranks)) for value in held.values]
        else:
            by_code = [-_number(value) for value in held.values]
        keys.append([by_code[code] for code in held.codes])
    if keys:
        table.reorder([row for *_, row in sorted(zip(*keys, range(table.kept), strict=True))])


def _number(cell: Cell) -> float:
    if isinstance(cell, datetime):
        return cell.timestamp()
    return float(cell) if isinstance(cell, int | float) else float("-inf")
