"""The table of formats. To add one, write its writer in `reports/`, a function here that calls it, and a line below."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO

from msgspec import Struct, json
from msgspec.structs import replace

from accesssync.errors import UsageError
from accesssync.evidence.block import Block, document
from accesssync.jobs.report.bundle import Folder
from accesssync.reports.csv_file import write_csv
from accesssync.reports.dataset import Dataset
from accesssync.reports.json_file import columns, write_json, write_lines, write_ndjson
from accesssync.reports.workbook import write_workbook

Tell = Callable[[str], None]
"""Says what could not be written and why."""

PAGE, PDF = "index.html", "report.pdf"

Write = Callable[[Sequence[Dataset], Block, Folder, Tell], None]
"""Writes the files of one format into a folder: for all datasets of one organization at once."""


class Format(Struct, frozen=True, kw_only=True):
    """One way to write a report. `usual`: it is written unless the caller says which."""

    name: str
    means: str
    write: Write
    usual: bool = True


def _tables(
    ending: str, write: Callable[[Dataset, Block, BinaryIO], int], datasets: Sequence[Dataset], block: Block,
    folder: Folder, _tell: Tell,
) -> None:  # fmt: skip
    for one in datasets:
        name = f"{one.name}.{ending}"
        with folder.file(name) as file:
            count = write(one, block, file)
        folder.rows(name, count)


def _csv(datasets: Sequence[Dataset], block: Block, folder: Folder, tell: Tell) -> None:
    """A file for each dataset, and beside it what it is about: CSV has no place for that."""
    _tables("csv", lambda dataset, _block, file: write_csv(dataset, file), datasets, block, folder, tell)
    for one in datasets:
        meta = {
            "schema": "accesssync.report.meta/1",
            "file": f"{one.name}.csv",
            "title": one.title,
            "row_is": one.row_is,
            "columns": columns(one),
            "about": document(block),
        }
        with folder.file(f"{one.name}.meta.json") as file:
            file.write(json.format(json.encode(meta), indent=1) + b"\n")


def _html(datasets: Sequence[Dataset], block: Block, folder: Folder, _tell: Tell) -> None:
    from accesssync.reports.page.write import write

    with folder.file(PAGE) as file:
        write(datasets, block, file)


def _pdf(browser: str | None, datasets: Sequence[Dataset], block: Block, folder: Folder, tell: Tell) -> None:
    """The page printed; where it is not part of the report, one is made for that alone."""
    from accesssync.jobs.report.print import PrintingError, find_browser, print_page
    from accesssync.reports.page.write import write

    found = find_browser(browser)
    if found is None:
        tell(
            "no PDF: it is printed by Chromium or Chrome, and none is installed; name one by ACCESSSYNC_REPORT__BROWSER"
        )
        return
    with TemporaryDirectory(prefix="accesssync-page-") as made:
        page = folder.path / PAGE
        if not page.exists():
            page = Path(made) / PAGE
            with page.open("wb") as file:
                write(datasets, block, file)
        try:
            print_page(found, page, folder.path / PDF)
        except PrintingError as error:
            tell(f"no PDF: {error}")
            return
    folder.adopt(PDF)


def _xlsx(datasets: Sequence[Dataset], block: Block, folder: Folder, _tell: Tell) -> None:
    """One workbook. Where the tables are in CSV files too, its sheets hold only so much of the long ones."""
    counts = {one.name: count for one in datasets if (count := folder.rows_of(f"{one.name}.csv")) is not None}
    with folder.file("report.xlsx") as file:
        count = write_workbook(datasets, block, file, counts=counts, folder=folder.path)
    folder.rows("report.xlsx", count)


def _ocsf(datasets: Sequence[Dataset], block: Block, folder: Folder, _tell: Tell) -> None:
    """An event a line: one file of identities, one of findings where the report has any."""
    from accesssync.reports.finding_events import finding_events
    from accesssync.reports.inventory_events import inventory_events

    names = {one.name for one in datasets}
    for name, source, events in (
        ("inventory.ocsf.ndjson", "identities", inventory_events),
        ("findings.ocsf.ndjson", "findings", finding_events),
    ):
        if source in names:
            with folder.file(name) as file:
                count = write_lines(events(datasets, block), file)
            folder.rows(name, count)


def _vanta(datasets: Sequence[Dataset], _block: Block, folder: Folder, _tell: Tell) -> None:
    from accesssync.reports.vanta_file import write_vanta

    with folder.file("vanta.csv") as file:
        count = write_vanta(datasets, file)
    folder.rows("vanta.csv", count)


FORMATS: dict[str, Format] = {
    one.name: one
    for one in (
        Format(name="html", means="the page to read, in one file", write=_html),
        Format(name="pdf", means="the page as it is printed by a browser that is installed", write=partial(_pdf, None)),
        Format(name="csv", means="a table for each dataset, with what it is about beside it", write=_csv),
        Format(name="xlsx", means="one workbook with a sheet for each dataset", write=_xlsx),
        Format(name="json", means="a document for each dataset", write=partial(_tables, "json", write_json)),
        Format(
            name="ndjson",
            means="a file for each dataset, a line for each row",
            write=partial(_tables, "ndjson", write_ndjson),
            usual=False,
        ),
        Format(name="ocsf", means="identities and findings as events of OCSF 1.8.0", write=_ocsf, usual=False),
        Format(name="vanta", means="accounts in the layout that Vanta imports", write=_vanta, usual=False),
    )
}
"""Every format by its name, in the order in which they are written."""


def chosen_formats(text: str | None, browser: str | None = None) -> tuple[Format, ...]:
    """The formats of a list with commas; the usual ones where there is none. UsageError for one that there is not.

    `browser` is the one to print with; without it one is looked for.
    """
    return tuple(_with(browser, one) for one in _chosen(text))


def _with(browser: str | None, one: Format) -> Format:
    return replace(one, write=partial(_pdf, browser)) if one.name == "pdf" else one


def _chosen(text: str | None) -> tuple[Format, ...]:
    if text is None:
        return tuple(one for one in FORMATS.values() if one.usual)
    names = [name.strip().lower() for name in text.split(",") if name.strip()]
    for name in names:
        if name not in FORMATS:
            raise UsageError(f"there is no format {name[:20]!r}", remedy=f"choose from {','.join(FORMATS)}")
    if not names:
        raise UsageError("--format names no format", remedy=f"choose from {','.join(FORMATS)}")
    return tuple(one for one in FORMATS.values() if one.name in names)
