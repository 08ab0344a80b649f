"""A dataset as CSV (RFC 4180, UTF-8, no byte order mark): for spreadsheets, auditors and their tools.

What is not known is an empty cell. Lists are joined by semicolons; one within a text is written `\\x3b`. No cell can be
taken for a formula, and nothing in it acts on a terminal or hides from a reader.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import islice
from typing import Any, BinaryIO

from accesssync.model.visible import spreadsheet_safe, visible
from accesssync.model.when import as_text
from accesssync.reports import json_text
from accesssync.reports.dataset import Dataset, Kind, Row

KEPT = 50_000
"""Cells of one kind whose text is remembered: most are the same as many others."""

AT_ONCE = 2_000

_HARMLESS = re.compile(r"[0-9A-Za-z_(][ !#-+\--~]*")
"""What needs no second look: it begins with nothing that a spreadsheet acts on, and all of it is ASCII without comma or
quotation mark."""


class _Texts(dict[Any, str]):
    """Every cell of some kind as it stands in the file, made when it is first asked for. What is not known is empty."""

    def __init__(self, make: Callable[[Any], str]) -> None:
        super().__init__({None: ""})
        self._make = make

    def __missing__(self, cell: Any) -> str:
        if len(self) >= KEPT:
            self.clear()
            self[None] = ""
        text = self[cell] = self._make(cell)
        return text


def write_csv(dataset: Dataset, file: BinaryIO) -> int:
    """Write a dataset and give the number of its rows. The file stays open."""
    shown = _shown()
    convert = tuple(shown[column.kind] for column in dataset.columns)
    file.write(_lines([[column.name for column in dataset.columns]]))
    count = 0
    for rows in _batches(dataset.read()):
        # Column by column, a function of C for each, instead of a step of Python for each cell: there are millions. The
        # csv module would look at every letter of each of them once more.
        cells = [map(texts, column) for texts, column in zip(convert, zip(*rows, strict=True), strict=True)]
        file.write(_lines(zip(*cells, strict=True)))
        count += len(rows)
    return count


def _lines(rows: Iterable[Sequence[str]]) -> bytes:
    return ("\r\n".join(map(",".join, rows)) + "\r\n").encode("utf-8", "backslashreplace")


def _batches(rows: Iterable[Row]) -> Iterator[Sequence[Row]]:
    reading = iter(rows)
    while batch := list(islice(reading, AT_ONCE)):
        yield batch


def _shown() -> Mapping[Kind, Callable[[Any], str]]:
    texts = _Texts(_safe).__getitem__
    numbers = _Texts(str).__getitem__
    return {
        "id": texts,
        "text": texts,
        "count": numbers,
        "number": numbers,
        "flag": _Texts(lambda flag: "true" if flag else "false").__getitem__,
        "moment": _Texts(as_text).__getitem__,
        "day": _Texts(date.isoformat).__getitem__,
        "list": _Texts(_joined).__getitem__,
        "json": lambda cell: "" if cell is None else _safe(json_text.as_text(cell)),
    }


def _safe(text: str) -> str:
    if _HARMLESS.fullmatch(text):
        return text
    shown = spreadsheet_safe(visible(text))
    return '"' + shown.replace('"', '""') + '"' if '"' in shown or "," in shown else shown


def _joined(parts: Sequence[str]) -> str:
    return _safe(";".join([part.replace(";", "\\x3b") for part in parts]))
