"""Read a CSV file that people wrote for us: known columns, sound cells, one record of fields per row."""

from collections.abc import Iterator, Mapping
from typing import IO

from msgspec import Struct

from accesssync.parse.cells import Cells, plain_name
from accesssync.parse.fields import Fields
from accesssync.parse.letters import fault_in
from accesssync.parse.problems import Problems, nearest, shown
from accesssync.parse.tree import Entry, Scalar
from accesssync.parse.tree import Mapping as Tree

LONGEST_CELL = 10_000
"""Characters of a cell."""

MOST_COLUMNS = 200


class Columns(Struct, frozen=True, kw_only=True):
    """What the columns of a file are called, in any order; capitals, and spaces for `_`, make no difference.

    `spellings`: other names that a column goes by. `ignored`: columns that are known and passed over. `others_ignored`:
    so is every other column, for files that another system exports. `separator` cuts a cell into a list where a list is
    asked for.
    """

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    spellings: Mapping[str, tuple[str, ...]] = {}
    ignored: tuple[str, ...] = ()
    others_ignored: bool = False
    separator: str = ";"

    def by_name(self) -> dict[str, str]:
        """Every column by each name it goes by."""
        own = (*self.required, *self.optional)
        return {name: column for column in own for name in (column, *self.spellings.get(column, ()))}


def csv_rows(content: IO[bytes], file: str, columns: Columns, problems: Problems) -> Iterator[Fields]:
    """The fields of each row that is not blank, as the file is read. What is wrong is noted and passed over.

    `content` has to be seekable. A row shorter than the header lacks its last cells; a longer one is refused.
    """
    known = columns.by_name()
    cells = Cells(content, file, known, problems)
    try:
        places = _places(cells, file, columns, known, problems)
        if places is None or cells.header is None:
            return
        width = len(cells.header.names)
        for line, row in cells.rows():
            if problems.full:
                return
            if not any(cell.strip() for cell in row):
                continue
            if _sound(row, width, file, line, problems):
                entries = {column: Entry(line, Scalar(row[at], line)) for column, at in places.items() if at < len(row)}
                yield Fields(file, Tree(entries, line), problems, separator=columns.separator, closed=False)
    finally:
        cells.detach()


def _places(
    cells: Cells, file: str, columns: Columns, known: Mapping[str, str], problems: Problems
) -> dict[str, int] | None:
    header = cells.header
    if header is None:
        return None
    if len(header.names) > MOST_COLUMNS:
        problems.add(file, header.line, f"more than {MOST_COLUMNS} columns")
        return None
    places: dict[str, int] = {}
    strange = []
    for at, name in enumerate(header.names):
        fault = fault_in(name)
        if fault:
            problems.add(file, header.line, f"column {at + 1}: {fault}")
        column = known.get(plain_name(name))
        if column is None:
            strange += [name.strip()] if plain_name(name) not in columns.ignored else []
        elif column in places:
            problems.add(file, header.line, f"the column {column} is there twice")
        else:
            places[column] = at
    meant = _strangers(strange, places, file, header.line, columns, problems)
    for column in columns.required:
        if column not in places and column not in meant:
            problems.add(file, header.line, f"the column {column} is missing")
    return places if all(column in places for column in columns.required) else None


def _strangers(
    strange: list[str], places: Mapping[str, int], file: str, line: int, columns: Columns, problems: Problems
) -> set[str]:
    """Columns that were probably meant by names nobody knows, each of which is told."""
    absent = [column for column in (*columns.required, *columns.optional) if column not in places]
    meant = set()
    for name in strange:
        near = nearest(name, absent) if name else None
        if near in columns.required:
            problems.add(file, line, f"the column {near} is missing; {shown(name)} may be meant for it")
            meant.add(near)
        elif not columns.others_ignored and name:
            hint = f"; did you mean {near}?" if near else f"; known are {', '.join(columns.by_name())}"
            problems.add(file, line, f"no column is called {shown(name)}{hint}")
    return {column for column in meant if column}


def _sound(row: list[str], width: int, file: str, line: int, problems: Problems) -> bool:
    if any(cell.strip() for cell in row[width:]):
        problems.add(file, line, f"{len(row)} cells, though the header has {width}; quote cells that hold a separator")
        return False
    for at, cell in enumerate(row[:width], start=1):
        if len(cell) > LONGEST_CELL:
            problems.add(file, line, f"column {at}: a cell longer than {LONGEST_CELL:,} characters")
            return False
        fault = fault_in(cell)
        if fault:
            problems.add(file, line, f"column {at}: {fault}")
            return False
    return True
