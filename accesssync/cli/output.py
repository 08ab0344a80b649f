"""Print: one JSON document, CSV, or lines for people. Tables are in accesssync.cli.table."""

import csv
import io
import sys
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, NoReturn

from accesssync.errors import AccessSyncError
from accesssync.model.visible import spreadsheet_safe

Document = dict[str, Any]


class ToldError(Exception):
    """A command failed after its own document, which says so, was written: stdout takes one document only."""

    def __init__(self, error: AccessSyncError) -> None:
        super().__init__(error.message)
        self.error = error


_begun: list[str] = []
"""What was begun on stdout as JSON; there is never more than one document."""


def begin() -> None:
    """A command begins: nothing was written yet."""
    _begun.clear()


def json_begun() -> bool:
    """Whether a document was begun, so that no other may follow."""
    return bool(_begun)


def print_json(document: Document) -> None:
    """One JSON document on stdout."""
    from msgspec import json

    _begun.append(str(document.get("schema")))
    sys.stdout.buffer.write(json.format(json.encode(document), indent=2) + b"\n")
    sys.stdout.buffer.flush()


def print_json_list(schema: str, key: str, documents: Iterable[Document]) -> None:
    """A JSON document that is one long list, written as the list is read: memory stays flat."""
    from msgspec import json

    _begun.append(schema)
    encoder = json.Encoder()
    out = sys.stdout.buffer
    out.write(b'{"schema": ' + encoder.encode(schema) + b', "' + key.encode() + b'": [')
    failed = None
    try:
        for number, document in enumerate(documents):
            out.write((b",\n" if number else b"\n") + encoder.encode(document))
    except AccessSyncError as error:
        failed = error
    out.write(b"\n]")
    if failed is not None:
        from accesssync.jobs.sync.document import error_document

        out.write(b', "error": ' + encoder.encode(error_document(failed)))
    out.write(b"}\n")
    out.flush()
    if failed is not None:
        raise ToldError(failed)


def print_json_failed(document: Document, error: AccessSyncError) -> NoReturn:
    """The document of a command that did its work and has to report failure all the same."""
    from accesssync.jobs.sync.document import error_document

    print_json({**document, "error": error_document(error)})
    raise ToldError(error)


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
    if isinstance(value, list | tuple):
        return ";".join(str(one) for one in value)
    if isinstance(value, dict):
        from msgspec import json

        return json.encode(value).decode()
    return value


def say(text: str = "") -> None:
    """A line for people on stdout. The caller has made strangers' text visible."""
    sys.stdout.write(text + "\n")


def strong(text: str) -> str:
    """The text in bold on a terminal, as it is anywhere else."""
    return f"\x1b[1m{text}\x1b[0m" if sys.stdout.isatty() else text


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
