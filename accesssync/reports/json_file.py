"""A dataset as JSON: one document with all rows, or a line for each row. Written as it is read: memory stays flat."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, BinaryIO

from msgspec import Struct, defstruct, json, to_builtins

from accesssync.evidence.block import Block, document
from accesssync.reports.dataset import Dataset
from accesssync.reports.json_text import encoded

SCHEMA = "accesssync.report.{name}/1"
"""The schema of the document of a dataset."""


def write_json(dataset: Dataset, block: Block, file: BinaryIO) -> int:
    """Write `{"schema", "about", "columns", "rows": [...]}`; each row is an object, what is not known is null."""
    encoder = json.Encoder()
    head = {"schema": SCHEMA.format(name=dataset.name), "about": document(block), "columns": columns(dataset)}
    file.write(encoder.encode(head)[:-1] + b',"rows":[')
    count = _lines(dataset, file, encoder, b",\n", b"\n")
    file.write(b"\n]}\n")
    return count


def write_ndjson(dataset: Dataset, block: Block, file: BinaryIO) -> int:  # noqa: ARG001 - it is written beside it
    """Write a line with an object for each row, which names its schema. The block is in the file beside it."""
    encoder = json.Encoder()
    count = _lines(dataset, file, encoder, b"\n", b"", schema=SCHEMA.format(name=dataset.name))
    if count:
        file.write(b"\n")
    return count


def write_lines(documents: Iterable[Mapping[str, Any]], file: BinaryIO) -> int:
    """Write a line for each document, and give how many there were."""
    count = 0
    for one in documents:
        file.write(encoded(one) + b"\n")
        count += 1
    return count


def columns(dataset: Dataset) -> list[dict[str, Any]]:
    """What the columns of a dataset mean."""
    return [to_builtins(column) for column in dataset.columns]


def _lines(
    dataset: Dataset, file: BinaryIO, encoder: json.Encoder, between: bytes, first: bytes, schema: str | None = None
) -> int:
    make = _row_type(dataset, schema)
    count = 0
    waiting = bytearray()
    for row in dataset.read():
        waiting += between if count else first
        before = len(waiting)
        try:
            encoder.encode_into(make(*row), waiting, -1)
        except UnicodeEncodeError:
            del waiting[before:]
            waiting += encoded(make(*row))
        count += 1
        if len(waiting) > 1 << 18:
            file.write(waiting)
            waiting.clear()
    file.write(waiting)
    return count


def _row_type(dataset: Dataset, schema: str | None) -> Callable[..., Struct]:
    """A struct with the names of the columns: written three times as fast as a map."""
    names = [(f"c{number}", Any) for number in range(len(dataset.columns))]
    rename = {f"c{number}": column.name for number, column in enumerate(dataset.columns)}
    if schema is None:
        return defstruct("Row", names, rename=rename, gc=False)
    return defstruct("Row", names, rename=rename, gc=False, tag_field="schema", tag=schema)
