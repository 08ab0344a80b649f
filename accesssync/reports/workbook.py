"""All datasets in one workbook (XLSX): a sheet for each, behind a first one that says what they are about.

No cell is a formula or a link, whatever it begins with, and nothing in it hides from a reader. Sheets hold a bounded
number of rows, so that the workbook opens; one that was cut says so in its last row and on the first sheet.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from itertools import chain, islice
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final

from msgspec import Struct

from accesssync.evidence.block import Block
from accesssync.model.visible import visible
from accesssync.reports.about_sheet import NAME as ABOUT
from accesssync.reports.about_sheet import Sheet, write_about
from accesssync.reports.dataset import Cell, Column, Dataset, Kind, Row
from accesssync.reports.json_text import as_text

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

MOST_ROWS: Final = 1_048_576 - 2
"""What a sheet can hold beside its header and the line that says that it was cut."""

MOST_CELLS: Final = 1_000_000
"""Cells of a workbook whose datasets are in CSV files beside it: enough to look around in, and quick to write and open.
Short datasets are whole, the long ones share what is left."""

LONGEST: Final = 32_767
"""Characters that a cell can hold."""

_LONGEST_NAME: Final = 31
_MOST_EXACT: Final = 2**53
_SAMPLE: Final = 200
_WIDEST: Final = 60
_FORMULA: Final = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20")
_KEPT: Final = 50_000
_SHORT: Final = 200
"""Characters of a text that is worth remembering."""

_WIDTHS: Final[Mapping[Kind, int]] = {"moment": 19, "day": 11, "flag": 7, "count": 7, "number": 9}

Write = Callable[[int, int, Any], object]
"""Writes a cell that is known: row, column, value."""


def write_workbook(
    datasets: Sequence[Dataset],
    block: Block,
    file: BinaryIO,
    *,
    counts: Mapping[str, int] | None = None,
    folder: Path | None = None,
) -> int:
    """Write the workbook and give the number of rows in it. The file stays open, and has to be one that can seek.

    `counts` has the rows of those datasets that are in a CSV file beside it; their sheets hold MOST_CELLS together.
    `folder` is where what is not yet in the file may lie meanwhile: memory does not grow with the rows. Raises OSError
    where either is full.
    """
    from xlsxwriter.exceptions import FileCreateError
    from xlsxwriter.workbook import Workbook

    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
        **({"tmpdir": str(folder)} if folder else {}),
    }
    target = _Target(file)
    book = Workbook(target, options)
    book.use_zip64()
    try:
        count = _fill(book, datasets, block, counts or {})
        book.close()
    except FileCreateError as error:
        # It wraps what the file system said, which whoever called waits for.
        raise error.args[0] from None
    finally:
        target.over = True
        for sheet in book.worksheets():
            with suppress(OSError):
                sheet.row_data_fh.close()
    return count


class _Target:
    """The file, until the workbook is done or has failed: its archive would go on writing when it is forgotten."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.over = file, False

    def write(self, content: bytes) -> int:
        return len(content) if self.over else self._file.write(content)

    def tell(self) -> int:
        return 0 if self.over else self._file.tell()

    def seek(self, place: int, whence: int = 0) -> int:
        return 0 if self.over else self._file.seek(place, whence)

    def flush(self) -> None:
        if not self.over:
            self._file.flush()


def _fill(book: "Workbook", datasets: Sequence[Dataset], block: Block, counts: Mapping[str, int]) -> int:
    book.set_properties(
        {"title": visible(block.report_name), "author": "accesssync", "created": _naive(block.generated_at)}
    )
    first = book.add_worksheet(ABOUT)
    styles = _Styles.of(book)
    most = _shares({one.name: (counts[one.name], len(one.columns)) for one in datasets if one.name in counts})
    sheets = [
        _write_sheet(book, styles, one, block, most.get(one.name, MOST_ROWS), counts.get(one.name)) for one in datasets
    ]
    write_about(book, first, block, sheets)
    return sum(one.written for one in sheets)


class _Styles(Struct, frozen=True):
    """How cells look."""

    header: "Format"
    moment: "Format"
    day: "Format"
    text: "Format"
    """Of a text that begins like a formula: it stays a text even when somebody edits it."""
    cut: "Format"

    @classmethod
    def of(cls, book: "Workbook") -> "_Styles":
        def style(**facts: Any) -> "Format":
            return book.add_format(facts)

        return cls(
            header=style(bold=True, bg_color="#E8ECF4", bottom=1, valign="top", text_wrap=True),
            moment=style(num_format="yyyy-mm-dd hh:mm:ss"),
            day=style(num_format="yyyy-mm-dd"),
            text=style(quote_prefix=True),
            cut=style(bold=True, font_color="#9C0006"),
        )


def _shares(sizes: Mapping[str, tuple[int, int]]) -> Mapping[str, int]:
    """The rows that each sheet may hold, by its rows and columns: all of a short one, of long ones as much as fits."""
    shares: dict[str, int] = {}
    left = MOST_CELLS
    for name, (rows, columns) in sorted(sizes.items(), key=lambda one: (one[1][0] * one[1][1], one[0])):
        cells = min(rows * columns, left // (len(sizes) - len(shares)))
        shares[name] = min(rows, cells // columns, MOST_ROWS)
        left -= cells
    return shares


def _write_sheet(
    book: "Workbook", styles: _Styles, dataset: Dataset, block: Block, most: int, count: int | None
) -> Sheet:
    sheet = book.add_worksheet(_name(book, dataset.name))
    columns = dataset.columns
    for number, column in enumerate(columns):
        sheet.write_string(0, number, column.name, styles.header)
    writers = _writers(sheet, styles)
    convert = [writers[column.kind] for column in columns]
    rows = dataset.read()
    sample = list(islice(rows, min(_SAMPLE, most)))
    written = 0
    for row in chain(sample, islice(rows, most - len(sample))):
        written += 1
        for number, cell in enumerate(row):
            if cell is not None:
                convert[number](written, number, cell)
    whole = next(rows, None) is None
    if not whole:
        sheet.write_string(written + 1, 0, _cut_note(dataset.name, written, count), styles.cut)
        sheet.set_tab_color("#9C0006")
    _lay_out(sheet, columns, sample, written, block)
    return Sheet(sheet.get_name(), dataset, written, written if whole else count)


def _cut_note(name: str, written: int, count: int | None) -> str:
    if count is None:
        return f"CUT HERE: a sheet holds no more than {written:,} rows; --format csv writes all of them"
    return f"CUT HERE: {count - written:,} more rows; all {count:,} are in {name}.csv"


def _lay_out(sheet: "Worksheet", columns: Sequence[Column], sample: Sequence[Row], written: int, block: Block) -> None:
    sheet.freeze_panes(1, 0)
    sheet.autofilter(0, 0, max(written, 1), len(columns) - 1)
    for number, column in enumerate(columns):
        widest = max((len(_shown(row[number])) for row in sample), default=0)
        width = _WIDTHS.get(column.kind) or min(widest, _WIDEST)
        sheet.set_column(number, number, max(width, min(len(column.name), 18)) + 2)
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(1, 0)
    sheet.repeat_rows(0)
    whole = "" if block.complete else "  NOT PROVEN COMPLETE"
    about = f"{visible(block.org)}  run-{block.run_id}  as of {block.as_of:%Y-%m-%d %H:%M} UTC{whole}"
    sheet.set_header(f"&L{about[:200].replace('&', '&&')}&R&A")
    sheet.set_footer("&CPage &P of &N")


def _name(book: "Workbook", name: str) -> str:
    taken = {sheet.get_name().casefold() for sheet in book.worksheets()}
    short, number = name[:_LONGEST_NAME], 1
    while short.casefold() in taken:
        number += 1
        short = f"{name[: _LONGEST_NAME - 3]}_{number}"
    return short


class _Texts(dict[str, str]):
    """What a cell shows of each text."""

    def __missing__(self, text: str) -> str:
        if len(self) >= _KEPT:
            self.clear()
        shown = fitting(visible(text))
        if len(text) <= _SHORT:
            self[text] = shown
        return shown


def fitting(text: str) -> str:
    """The text, or its beginning with a note how much is missing where a cell cannot hold it."""
    if len(text) <= LONGEST:
        return text
    note = f" [CUT: {len(text):,} characters]"
    return text[: LONGEST - len(note)] + note


def _writers(sheet: "Worksheet", styles: _Styles) -> Mapping[Kind, Write]:
    texts = _Texts()

    def text(row: int, column: int, value: str) -> None:
        shown = texts[value]
        if shown[:1] in _FORMULA:
            sheet.write_string(row, column, shown, styles.text)
        else:
            sheet.write_string(row, column, shown)

    def moment(row: int, column: int, value: datetime) -> None:
        if value.year < 1900:
            text(row, column, value.isoformat())
        else:
            sheet.write_datetime(row, column, _naive(value), styles.moment)

    def day(row: int, column: int, value: date) -> None:
        if value.year < 1900:
            text(row, column, value.isoformat())
        else:
            sheet.write_datetime(row, column, value, styles.day)

    def number(row: int, column: int, value: float) -> None:
        if isfinite(value) and abs(value) <= _MOST_EXACT:
            sheet.write_number(row, column, value)
        else:
            text(row, column, str(value))

    def listed(row: int, column: int, value: tuple[str, ...]) -> None:
        text(row, column, _shown(value))

    return {
        "id": text,
        "text": text,
        "count": number,
        "number": number,
        "flag": sheet.write_boolean,
        "moment": moment,
        "day": day,
        "list": listed,
        "json": listed,
    }


def _shown(cell: Cell) -> str:
    """The text of a cell of several texts, or of any other."""
    if isinstance(cell, tuple):
        return "; ".join(cell)
    if isinstance(cell, Mapping):
        return as_text(cell)
    return "" if cell is None else str(cell)


def _naive(moment: datetime) -> datetime:
    """The time in UTC, without saying so: a workbook knows no zones."""
    return moment.astimezone(UTC).replace(tzinfo=None)
