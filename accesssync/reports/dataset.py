"""A table as data: columns that say what they mean, and rows that can be read more than once.

Every format, every figure and every chart is made from the same datasets, so that no two of them can disagree.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from typing import Any, Literal

from msgspec import Struct

Kind = Literal["id", "text", "count", "number", "flag", "moment", "day", "list", "json"]
"""How a cell is to be read: `moment` is an aware UTC datetime, `list` a tuple of texts, `json` a map."""

Cell = str | int | float | bool | date | datetime | tuple[str, ...] | Mapping[str, Any] | None
"""None is "not known", in every format: a value that is known to be empty is an empty text or an empty tuple."""

Row = tuple[Cell, ...]


class Column(Struct, frozen=True):
    """One column. Names are stable: people build on them."""

    name: str
    kind: Kind
    means: str
    """One sentence for somebody who reads the file without us."""
    personal: bool = False
    """Whether it names or describes a person: what pseudonyms replace."""


class Dataset(Struct, frozen=True):
    """One export. `read` may be called as often as wanted and gives the same rows in the same order."""

    name: str
    """Its stable name, and that of its file without the ending."""
    title: str
    row_is: str
    """What one row stands for, such as "identity x role"."""
    columns: tuple[Column, ...]
    read: Callable[[], Iterator[Row]]
