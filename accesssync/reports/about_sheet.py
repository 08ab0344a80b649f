"""The first sheet of a workbook: where the report comes from, whether it adds up, what it cannot say."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from accesssync.evidence.block import Block, recipe
from accesssync.model.visible import visible
from accesssync.model.when import as_text
from accesssync.reports.dataset import Dataset

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.workbook import Workbook
    from xlsxwriter.worksheet import Worksheet

NAME: Final = "About this report"
UNKNOWN: Final = "not known"
INCOMPLETE: Final = "NOT PROVEN COMPLETE: not every listing was whole, so that some of it may be missing here"
_LONGEST: Final = 2_000


class Sheet(Struct, frozen=True):
    """One dataset as it stands in the workbook. `total` is None where nobody counted what was cut off."""

    name: str
    dataset: Dataset
    written: int
    total: int | None


class _Writer:
    """Writes down the sheet line by line."""

    def __init__(self, book: "Workbook", sheet: "Worksheet") -> None:
        self._sheet, self._row = sheet, 0
        self.title = book.add_format({"bold": True, "font_size": 16})
        self.heading = book.add_format({"bold": True, "font_size": 12, "top": 1})
        self.label = book.add_format({"bold": True, "valign": "top"})
        self.wrapped = book.add_format({"text_wrap": True, "valign": "top"})
        self.bad = book.add_format({"bold": True, "bg_color": "#FFC7CE", "font_color": "#9C0006", "text_wrap": True})
        self.good = book.add_format({"bg_color": "#E2F0D9"})

    def line(self, *cells: object, style: "Format | None" = None, last: "Format | None" = None) -> None:
        """One row of texts and numbers; `last` is the style of its last cell."""
        for number, cell in enumerate(cells):
            look = last if last and number == len(cells) - 1 else style
            if isinstance(cell, int) and not isinstance(cell, bool):
                self._sheet.write_number(self._row, number, cell, look)
            elif cell is not None:
                self._sheet.write_string(self._row, number, visible(cell)[:_LONGEST], look)
        self._row += 1

    def part(self, title: str, *columns: str) -> None:
        """Begin a part, with the names of its columns."""
        self._row += 1
        self.line(title, style=self.heading)
        if columns:
            self.line(*columns, style=self.label)


def write_about(book: "Workbook", sheet: "Worksheet", block: Block, sheets: Sequence[Sheet]) -> None:
    """Fill the sheet."""
    out = _Writer(book, sheet)
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 44)
    sheet.set_column(2, 7, 18)
    sheet.hide_gridlines(2)
    sheet.set_paper(9)
    sheet.set_landscape()
    sheet.fit_to_pages(1, 0)
    out.line(block.report_name, style=out.title)
    if not block.complete:
        out.line(INCOMPLETE, style=out.bad)
    _origin(out, block)
    _listings(out, block)
    _reconciliation(out, block)
    out.part("What this report cannot say")
    for text in block.limitations or ("nothing is known to be missing",):
        out.line(text)
    out.part("What was left out")
    for text in block.filters_applied or ("nothing",):
        out.line(text)
    out.part("How to check it against Datadog")
    for number, step in enumerate(recipe(block), start=1):
        out.line(f"{number}. {step}")
    _sheets(out, sheets)


def _origin(out: _Writer, block: Block) -> None:
    out.part("Where it comes from")
    told: list[tuple[str, Any]] = [
        ("Organization", block.org if block.org_name is None else f"{block.org} ({block.org_name})"),
        ("Datadog's id of it", block.org_id or UNKNOWN),
        ("Source", f"{block.source_system}, {block.site}, {block.environment}"),
        ("As of (UTC)", as_text(block.as_of)),
        ("Run", f"run-{block.run_id}, {as_text(block.run_started_at)} to {as_text(block.run_finished_at)}"),
        ("Made (UTC)", f"{as_text(block.generated_at)} by {block.generated_by} on {block.host}"),
        ("Read with", "; ".join(block.credentials_used) or UNKNOWN),
        ("Program", f"accesssync {block.tool_version}, files of version {block.schema_version}"),
        ("Report", block.report_id),
        ("Hash of the configuration", block.config_hash),
        ("Rules", block.ruleset_hash),
        ("Manifest of the report before", block.previous_manifest or "none"),
        ("Times", "All times are in UTC. An empty cell is not known, never no."),
    ]
    for label, text in told:
        out.line(label, text, style=out.label, last=out.wrapped)


def _listings(out: _Writer, block: Block) -> None:
    out.part(
        "How it was read", "Resource", "Request", "State", "Received", "Datadog says", "Stored", "Passes", "Because"
    )
    for one in block.listings:
        asked = "&".join(f"{name}={value}" for name, value in one.parameters.items())
        request = f"{one.method} {one.path}{'?' if asked else ''}{asked}"
        expected = UNKNOWN if one.expected is None else one.expected
        out.line(
            one.resource, request, one.state, one.received, expected, one.stored, one.passes, one.reason or "",
            style=None if one.state == "complete" else out.bad,
        )  # fmt: skip


def _reconciliation(out: _Writer, block: Block) -> None:
    out.part("Whether it adds up", "Check", "What is compared", "Left", "Right", "Outcome")
    outcomes = {True: ("agrees", out.good), False: ("DIFFERS", out.bad), None: (UNKNOWN, out.wrapped)}
    for check in block.reconciliation:
        word, style = outcomes[check.passed]
        left, right = (UNKNOWN if side is None else side for side in (check.left, check.right))
        out.line(check.id, check.means, left, right, word, last=style)


def _sheets(out: _Writer, sheets: Sequence[Sheet]) -> None:
    out.part("The sheets", "Sheet", "What a row is", "Rows here", "Rows in all", "")
    for one in sheets:
        cut = one.total is None or one.total > one.written
        total = "more" if one.total is None else one.total
        told = f"CUT: all of it is in {one.dataset.name}.csv" if cut else ""
        out.line(one.name, one.dataset.row_is, one.written, total, told, last=out.bad if cut else None)
    out.part("The columns", "Sheet", "What the column says", "Column", "Kind", "Describes a person")
    for one in sheets:
        for column in one.dataset.columns:
            out.line(one.name, column.means, column.name, column.kind, "yes" if column.personal else "")
