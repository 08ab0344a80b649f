"""Read the cells of a CSV file row by row, with the line of each, whatever program wrote the file."""

import csv
import io
import re
from collections.abc import Collection, Iterator
from typing import IO

from msgspec import Struct

from accesssync.parse.problems import Problems

LONGEST_CELL = 16 * 1024 * 1024
"""Characters of a cell, and of a line, from which the file is taken for broken."""

_SEPARATORS = (",", ";", "\t", "|")
_TELLS_SEPARATOR = re.compile(r'"?sep=([,;\t|])"?')


class Header(Struct, frozen=True):
    """The names of the columns as they were written, and the line they stand in."""

    names: tuple[str, ...]
    line: int


def plain_name(text: str) -> str:
    """A column's name as names are compared: ` E-Mail ` is `e-mail`, `Full Name` is `full_name`."""
    return "_".join(text.strip().strip("\ufeff").casefold().split())


class Cells:
    """A CSV file that is read once, as a stream; memory does not grow with it.

    `header` is None where the file is empty or broken from its beginning. Reading ends at the first place where the
    form itself is broken (a quote that is not closed, a cell without end): it is noted as a problem. A BOM, the
    separators `,` `;` tab `|`, UTF-16 and each kind of line end are read; bytes that are no text become U+FFFD.
    """

    def __init__(self, content: IO[bytes], file: str, known: Collection[str], problems: Problems) -> None:
        """`known` are the names of columns to tell the separator by, as `plain_name` gives them."""
        start = content.read(2)
        content.seek(0)
        encoding = "utf-16" if start in {b"\xff\xfe", b"\xfe\xff"} else "utf-8-sig"
        self._lines = io.TextIOWrapper(content, encoding=encoding, errors="replace", newline="")
        self._file = file
        self._problems = problems
        self._line = 1
        self._separator = ","
        self.header = self._header(known)

    def rows(self) -> Iterator[tuple[int, list[str]]]:
        """Every row that has a cell, with the line where it begins."""
        if self.header is None:
            return
        reader = csv.reader(self._bounded(), delimiter=self._separator, strict=True)
        first = number = self._line
        while True:
            try:
                cells = _next(reader)
            except csv.Error as error:
                self._problems.add(self._file, number, _why(error))
                return
            if cells is None:
                return
            if cells:
                yield number, cells
            number = first + reader.line_num

    def detach(self) -> None:
        """Leave the underlying file open when this is gone."""
        self._lines.detach()

    def _header(self, known: Collection[str]) -> Header | None:
        separator = None
        while line := self._lines.readline(LONGEST_CELL):
            number, self._line = self._line, self._line + 1
            text = line.replace("\x00", "").strip("\r\n")
            told = _TELLS_SEPARATOR.fullmatch(text)
            if told and separator is None:
                separator = told[1]
            elif text.strip():
                return self._names(line.replace("\x00", ""), number, separator, known)
        self._problems.add(self._file, 1, "the file is empty; it needs a header that names the columns")
        return None

    def _names(self, text: str, number: int, separator: str | None, known: Collection[str]) -> Header | None:
        best: list[str] | None = None
        faults = []
        for other in (separator,) if separator else _SEPARATORS:
            try:
                names = _cut(text, other)
            except csv.Error as error:
                faults.append(error)
                continue
            if best is None or (_known(names, known), len(names)) > (_known(best, known), len(best)):
                best, self._separator = names, other
        if best is None:
            self._problems.add(self._file, number, _why(faults[0]))
            return None
        return Header(tuple(best), number)

    def _bounded(self) -> Iterator[str]:
        """Lines, each no longer than a cell may be: what has no end must not be read into memory."""
        while line := self._lines.readline(LONGEST_CELL + 1):
            if len(line) > LONGEST_CELL:
                raise csv.Error("limit")
            yield line


def _cut(text: str, separator: str) -> list[str]:
    return next(csv.reader([text], delimiter=separator, strict=True), [])


def _known(names: list[str], known: Collection[str]) -> int:
    return sum(plain_name(name) in known for name in names)


def _next(reader: "Iterator[list[str]]") -> list[str] | None:
    # The limit belongs to the whole process: it is put back before anybody else runs.
    before = csv.field_size_limit(LONGEST_CELL)
    try:
        return next(reader, None)
    finally:
        csv.field_size_limit(before)


def _why(error: csv.Error) -> str:
    text = str(error)
    if "limit" in text:
        return "a cell is too long, or a quote is not closed"
    if "end of data" in text:
        return "a quote is not closed"
    return "text after a closing quote; quote cells as CSV does, doubling inner quotes"
