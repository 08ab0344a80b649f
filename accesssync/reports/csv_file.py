"""A dataset as CSV (RFC 4180, UTF-8, no byte order mark): for spreadsheets, auditors and their tools.

What is not known is an empty cell. Lists are joined by semicolons; one within a text is written `\\x3b`. No cell can be
taken for a formula, and nothing in it acts on a terminal or hides from a reader.
"""

import csv
import io
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any, BinaryIO

from msgspec import json

from accesssync.model.visible import spreadsheet_safe, visible
from accesssync.model.when import as_text
from accesssync.reports.dataset import Cell, Dataset, Kind

KEPT = 50_000
"""Texts whose safe form is remembered: most are the same as many others."""

AT_ONCE = 2_000


class _Safe(dict[str, str]):
    """The safe form of texts."""

    def __missing__(self, text: str) -> str:
        if len(self) >= KEPT:
            self.clear()
        safe = self[text] = spreadsheet_safe(visible(text))
        return safe


class _Moments(dict[datetime, str]):
    """Times as text."""

    def __missing__(self, moment: datetime) -> str:
        if len(self) >= KEPT:
            self.clear()
        text = self[moment] = as_text(moment)
        return text


def write_csv(dataset: Dataset, file: BinaryIO) -> int:
    """Write a dataset and give the number of its rows. The file stays open."""
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    try:
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([column.name for column in dataset.columns])
        shown = _shown()
        convert = tuple(shown[column.kind] for column in dataset.columns)
        count = 0
        waiting: list[list[Any]] = []
        for row in dataset.read():
            waiting.append(["" if cell is None else to_cell(cell) for to_cell, cell in zip(convert, row, strict=True)])
            if len(waiting) >= AT_ONCE:
                writer.writerows(waiting)
                count += len(waiting)
                waiting.clear()
        writer.writerows(waiting)
        return count + len(waiting)
    finally:
        text.detach()


def _shown() -> Mapping[Kind, Callable[[Any], Any]]:
    safe, moments = _Safe(), _Moments()
    plain = safe.__getitem__
    return {
        "id": plain,
        "text": plain,
        "count": _as_it_is,
        "number": _as_it_is,
        "flag": _flag,
        "moment": moments.__getitem__,
        "day": date.isoformat,
        "list": lambda cell: plain(";".join([part.replace(";", "\\x3b") for part in cell])),
        "json": lambda cell: plain(json.encode(cell, order="deterministic").decode()),
    }


def _as_it_is(cell: Cell) -> Cell:
    return cell


def _flag(cell: bool) -> str:
    return "true" if cell else "false"
