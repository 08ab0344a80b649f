"""A sample for an auditor: drawn by a rule that anybody can follow again with the files and the seed.

The rule. For each row of a table take the text `seed`, a line feed, the table's name, a line feed, the row's id, in
UTF-8, and of that the SHA-256. The rows whose digests come first in the order of their hexadecimal letters are the
sample. The order of the rows does not count, nor does anything but their ids; a row drawn in a sample of 25 is drawn in
one of 40 as well.
"""

from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from heapq import nsmallest

from msgspec import Struct

from accesssync.reports.dataset import Cell, Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG

RULE = (
    "of each table the rows with the smallest SHA-256 of seed, line feed, name of the table, line feed, id of the row "
    "(docs/periods.md shows how to follow it)"
)

TO_FILL_IN = (
    Column("seen_in_datadog", "text", "For the auditor: what Datadog shows."),
    Column("agrees", "text", "For the auditor: yes or no."),
    Column("authorized_by", "text", "For the auditor: the ticket, request or approval."),
    Column("checked_by", "text", "For the auditor.", personal=True),
    Column("checked_on", "day", "For the auditor."),
    Column("remark", "text", "For the auditor."),
)

COLUMNS = (
    ORG,
    Column("population", "text", "The table that it was drawn from."),
    Column("population_size", "count", "How many rows that table has."),
    Column("number", "count", "Its place in the sample of that table, from 1."),
    Column("id", "id", "The row's id there."),
    Column("subject", "text", "Whom or what the row is about.", personal=True),
    Column("access", "text", "The role, the kind of credential or the kind of change, where the row has one."),
    Column("row", "json", "The row as that table has it, without what is empty.", personal=True),
    Column("digest", "text", "What it was chosen by."),
    *TO_FILL_IN,
)


_SUBJECT = ("email", "subject", "name", "identity_id")
_ACCESS = ("role_name", "role", "kind")


class Population(Struct, frozen=True):
    """A table to draw from, and the column that holds its rows' ids."""

    dataset: Dataset
    id: str


def digest_of(seed: str, table: str, one: str) -> str:
    """What a row is chosen by."""
    return sha256(f"{seed}\n{table}\n{one}".encode()).hexdigest()


def draw(org: str, populations: Sequence[Population], size: int, seed: str) -> Dataset:
    """So many rows of each table, or all where there are not as many."""

    def read() -> Iterator[Row]:
        for one in populations:
            table = one.dataset
            at = [column.name for column in table.columns].index(one.id)
            counted = _Counted(table.read())
            chosen = nsmallest(
                size, ((digest_of(seed, table.name, str(row[at])), str(row[at]), row) for row in counted), key=_first
            )
            for number, (digest, row_id, row) in enumerate(chosen, start=1):
                told = {column.name: cell for column, cell in zip(table.columns, row, strict=True) if cell is not None}
                about = _named(told, _SUBJECT), _named(told, _ACCESS)
                empty = (None,) * len(TO_FILL_IN)
                yield org, table.name, counted.count, number, row_id, *about, told, digest, *empty

    return Dataset(
        "sample", "Sample for an auditor", f"row of a table that the seed {seed} drew, {size} of each", COLUMNS, read
    )


def _named(row: Mapping[str, Cell], columns: Sequence[str]) -> str | None:
    """The first of these columns that the row has."""
    return next((str(row[name]) for name in columns if row.get(name)), None)


def _first(candidate: tuple[str, str, Row]) -> tuple[str, str]:
    return candidate[0], candidate[1]


class _Counted:
    """Rows, counted as they pass."""

    def __init__(self, rows: Iterator[Row]) -> None:
        self._rows = rows
        self.count = 0

    def __iter__(self) -> Iterator[Row]:
        for row in self._rows:
            self.count += 1
            yield row
