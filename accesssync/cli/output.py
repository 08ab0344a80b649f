"""Print: one JSON document, a table people can read, or CSV."""

import csv
import io
import sys
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from accesssync.cli.visible import spreadsheet_safe, visible

Document = dict[str, Any]

SHOWN = 100
"""Rows of a table before it says how many more there are."""


def print_json(document: Document) -> None:
    """One JSON document on stdout."""
    from msgspec import json

    sys.stdout.buffer.write(json.format(json.encode(document), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def print_json_list(schema: str, key: str, documents: Iterable[Document]) -> None:
    """A JSON document that is one long list, written as the list is read: memory stays flat."""
    from msgspec import json

    encoder = json.Encoder()
    out = sys.stdout.buffer
    out.write(b'{"schema": ' + encoder.encode(schema) + b', "' + key.encode() + b'": [')
    for number, document in enumerate(documents):
        out.write((b",\n" if number else b"\n") + encoder.encode(document))
    out.write(b"\n]}\n")
    out.flush()


def print_csv(columns: Sequence[str], documents: Iterable[Document]) -> None:
    """A header and a row per document; no cell can become a formula. Lists are joined by semicolons."""
    text = io.TextIOWrapper(sys.stdout.buffer, encoding="utf-8", newline="", write_through=True)
    try:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(columns)
        for document in documents:
            writer.writerow([spreadsheet_safe(_flat(document.get(name))) for name in columns])
    finally:
        text.detach()


def _flat(value: object) -> object:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(str(one) for one in value)
    return value


def print_table(headings: Sequence[str], rows: Iterable[Sequence[object]], *, limit: int = SHOWN, what: str) -> None:
    """A table on stdout, at most `limit` rows (0: all); says how many there are of `what` altogether."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    remaining: Iterator[Sequence[object]] = iter(rows)
    table = Table(box=None, padding=(0, 2, 0, 0), header_style="bold", pad_edge=False)
    for number, heading in enumerate(headings):
        table.add_column(heading, overflow="fold" if number == 0 else "ellipsis", no_wrap=number != 0)
    shown = 0
    for row in islice(remaining, limit or None):
        table.add_row(*(Text(_cell(value)) for value in row))
        shown += 1
    more = sum(1 for _ in remaining)
    console = Console(highlight=False, soft_wrap=False)
    if shown:
        console.print(table)
    if more:
        console.print(f"{shown + more:,} {what}; {shown:,} shown: --limit 0, --format csv or --json give all of them")
    else:
        console.print(f"{shown:,} {what}")


def _cell(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(visible(one) for one in value)
    return visible(value)


def say(text: str = "") -> None:
    """A line for people on stdout. The caller has made strangers' text visible."""
    sys.stdout.write(text + "\n")


def complain(text: str) -> None:
    """A line for people on stderr."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()


def age(seconds: float | None) -> str:
    """A duration as people say it: 12 min, 5 h, 3 days."""
    if seconds is None:
        return "never"
    if seconds < 90:
        return f"{seconds:.0f} s"
    if seconds < 90 * 60:
        return f"{seconds / 60:.0f} min"
    if seconds < 36 * 3600:
        return f"{seconds / 3600:.0f} h"
    return f"{seconds / 86400:.0f} days"


def day(text: str | None) -> str:
    """The date of a time that the contract wrote."""
    return text[:10] if text else "-"


def window(after: str | None, before: str | None) -> str:
    """When something happened: between two looks."""
    if before is None:
        return "-"
    end = datetime.fromisoformat(before)
    if after is None:
        return f"by {end:%Y-%m-%d %H:%M}"
    start = datetime.fromisoformat(after)
    if start.date() == end.date():
        return f"{start:%m-%d %H:%M}-{end:%H:%M}"
    return f"{start:%m-%d %H:%M}-{end:%m-%d %H:%M}"
