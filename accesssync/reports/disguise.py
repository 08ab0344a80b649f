"""Take the people out of datasets and blocks: pseudonyms in place of names and addresses, everywhere.

Cells of personal columns are replaced as a whole, list entries one by one; every other text, also inside of evidence,
is searched for addresses and known names. Datadog's ids stay: they name nobody to whoever cannot log in there, and
without them nobody could act on the report.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any, Final

from msgspec.structs import replace

from accesssync.evidence.block import Block
from accesssync.reports.dataset import Cell, Column, Dataset, Row
from accesssync.reports.pseudonyms import Pseudonyms

PERSONAL_KEYS: Final = frozenset({
    "name", "email", "handle", "title", "subject", "owner", "owner_email", "actor", "approver", "reviewer", "manager",
    "created_by", "modified_by", "requested_by", "responsible", "sponsor", "local_part", "address", "names", "emails",
    "reason", "explanation", "purpose",
})  # fmt: skip
"""What evidence and changes call a text about a person."""

SAID: Final = "names, addresses, titles and texts about people: pseudonyms in their place; ids of Datadog stay"

_NO_TEXT: Final = frozenset({"id", "count", "number", "flag", "moment", "day"})


def disguise(datasets: Sequence[Dataset], pseudonyms: Pseudonyms) -> tuple[Dataset, ...]:
    """The same datasets about people whom nobody knows. Rows are replaced as they are read."""
    return tuple(replace(one, read=partial(_read, one, pseudonyms)) for one in datasets)


def disguise_block(block: Block, pseudonyms: Pseudonyms) -> Block:
    """The same block without the people in it, and with a note that it is so."""
    return replace(
        block,
        credentials_used=tuple(map(pseudonyms.scrub, block.credentials_used)),
        limitations=tuple(map(pseudonyms.scrub, block.limitations)),
        filters_applied=(*map(pseudonyms.scrub, block.filters_applied), SAID),
        generated_by=pseudonyms.of(block.generated_by),
        host=pseudonyms.of(block.host),
        listings=tuple(
            replace(one, reason=None if one.reason is None else pseudonyms.scrub(one.reason)) for one in block.listings
        ),
    )


def _read(dataset: Dataset, pseudonyms: Pseudonyms) -> Iterator[Row]:
    change = [(number, _changer(column, pseudonyms)) for number, column in enumerate(dataset.columns)]
    changers = [(number, changer) for number, changer in change if changer is not None]
    for row in dataset.read():
        cells = list(row)
        for number, changer in changers:
            if cells[number] is not None:
                cells[number] = changer(cells[number])
        yield tuple(cells)


def _changer(column: Column, pseudonyms: Pseudonyms) -> Callable[[Any], Cell] | None:
    if column.kind in _NO_TEXT:
        return None
    one = pseudonyms.of if column.personal and column.kind != "json" else pseudonyms.scrub
    if column.kind == "list":
        return lambda cell: tuple(map(one, cell))
    if column.kind == "json":
        return lambda cell: _map(cell, pseudonyms)
    return one


def _map(cell: Mapping[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    return {
        pseudonyms.scrub(str(name)): _value(value, pseudonyms, whole=name in PERSONAL_KEYS)
        for name, value in cell.items()
    }


def _value(value: Any, pseudonyms: Pseudonyms, *, whole: bool) -> Any:
    if isinstance(value, str):
        return pseudonyms.of(value) if whole else pseudonyms.scrub(value)
    if isinstance(value, Mapping):
        return _map(value, pseudonyms)
    if isinstance(value, list | tuple):
        return [_value(one, pseudonyms, whole=whole) for one in value]
    return value
