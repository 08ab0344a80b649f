"""A dataset read once, column by column: what figures count and what a page carries.

A column of a hundred thousand cells mostly repeats few values, so each is kept as its distinct values and, per row, the
number of one of them.
"""

from array import array
from collections import Counter
from collections.abc import Collection, Iterator
from itertools import islice

from accesssync.reports.dataset import Cell, Column, Dataset

_CHUNK = 4096


class _Numbers(dict[Cell, int]):
    """Gives every new value the next number."""

    def __missing__(self, value: Cell) -> int:
        self[value] = number = len(self)
        return number


class Held:
    """One column: its distinct values in the order they came, and the number of one of them for every row."""

    def __init__(self, column: Column) -> None:
        self.column = column
        self.values: list[Cell] = []
        self.codes = array("i")
        self._numbers = _Numbers()

    def add(self, cells: tuple[Cell, ...]) -> None:
        """Keep the cells of further rows."""
        if self.column.kind == "json":
            self.codes.extend(range(len(self.values), len(self.values) + len(cells)))
            self.values.extend(cells)
            return
        known = len(self._numbers)
        self.codes.extend(map(self._numbers.__getitem__, cells))
        if len(self._numbers) > known:
            self.values.extend(islice(self._numbers, known, None))

    def __iter__(self) -> Iterator[Cell]:
        return map(self.values.__getitem__, self.codes)

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, row: int) -> Cell:
        return self.values[self.codes[row]]

    def counts(self) -> dict[Cell, int]:
        """How many rows have each value."""
        found: dict[Cell, int] = {}
        for code, count in Counter(self.codes).items():
            value = None if isinstance(self.values[code], dict) else self.values[code]
            found[value] = found.get(value, 0) + count
        return found


class Table:
    """The rows of a dataset, by column. `most` rows are kept, `length` says how many there are."""

    def __init__(self, dataset: Dataset, only: Collection[str] | None = None, most: int | None = None) -> None:
        self.dataset = dataset
        kept = [(place, one) for place, one in enumerate(dataset.columns) if only is None or one.name in only]
        self.columns = {one.name: Held(one) for _, one in kept}
        rows = dataset.read()
        self.length = 0
        while chunk := list(islice(rows, _CHUNK)):
            room = len(chunk) if most is None else max(0, most - self.length)
            self.length += len(chunk)
            if room:
                cells = list(zip(*chunk[:room], strict=True))
                for place, one in kept:
                    self.columns[one.name].add(cells[place])
        self.kept = self.length if most is None else min(self.length, most)

    def __contains__(self, name: str) -> bool:
        return name in self.columns

    def of(self, name: str) -> Iterator[Cell]:
        """The cells of a column in the order of rows; nothing but "not known" where there is no such column."""
        held = self.columns.get(name)
        return iter(held) if held is not None else iter([None] * self.kept)

    def reorder(self, order: list[int]) -> None:
        """Put the rows that are kept into another order."""
        for held in self.columns.values():
            held.codes = array("i", [held.codes[row] for row in order])

    def keep(self, most: int) -> None:
        """Forget the rows after the first so many."""
        if self.kept > most:
            self.kept = most
            for held in self.columns.values():
                held.codes = held.codes[:most]

    def rows(self, *names: str) -> Iterator[tuple[Cell, ...]]:
        """The cells of several columns, row by row."""
        return zip(*(self.of(name) for name in names), strict=True)
