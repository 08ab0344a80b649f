"""The workbook opens as it was written, with every cell what it is and nothing in it that acts."""

import errno
import io
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import pytest
from defusedxml import ElementTree
from openpyxl import load_workbook
from openpyxl.utils.escape import unescape
from openpyxl.workbook import Workbook

from accesssync.reports import workbook
from accesssync.reports.about_sheet import INCOMPLETE, NAME
from accesssync.reports.dataset import Dataset, Row
from accesssync.reports.workbook import LONGEST, write_workbook
from tests.reports.builders import AT, block, column, dataset

KINDS = (
    column("id", "id"), column("name", "text", personal=True), column("made", "moment"), column("day", "day"),
    column("on", "flag"), column("keys", "count"), column("share", "number"), column("roles", "list"),
    column("evidence", "json"),
)  # fmt: skip


def written(*datasets: Dataset, tmp: Path | None = None, counts: dict[str, int] | None = None, **facts: Any) -> bytes:
    file = io.BytesIO()
    write_workbook(datasets, block(**facts), file, counts=counts, folder=tmp)
    return file.getvalue()


def opened(content: bytes) -> Workbook:
    """The workbook, after proof that every part of it is sound XML without anything that acts."""
    with ZipFile(io.BytesIO(content)) as parts:
        assert parts.testzip() is None
        for name in parts.namelist():
            text = parts.read(name)
            ElementTree.fromstring(text)
            assert b"<f>" not in text
            assert b"<hyperlink" not in text
            assert "externalLink" not in name
    return load_workbook(io.BytesIO(content))


def sheet(content: bytes, name: str = "identities") -> list[tuple[Any, ...]]:
    return list(opened(content)[name].iter_rows(values_only=True))


def test_every_kind_of_cell_is_what_it_says_and_unknown_stays_empty() -> None:
    rows: list[Row] = [
        ("u1", "Ada", AT, date(2026, 1, 2), True, 3, 0.5, ("Admin", "Reader"), {"b": 1, "a": [2]}),
        ("u2", "", None, None, False, 0, None, (), {}),
        ("u3", *(None,) * 8),
    ]
    head, first, second, third = sheet(written(dataset(KINDS, rows)))
    assert head == tuple(one.name for one in KINDS)
    assert first == (
        "u1", "Ada", AT.replace(tzinfo=None), datetime(2026, 1, 2), True, 3, 0.5, "Admin; Reader", '{"a":[2],"b":1}',  # noqa: DTZ001
    )  # fmt: skip
    assert second == ("u2", "", None, None, False, 0, None, "", "{}")
    assert third == ("u3", *(None,) * 8)


def test_numbers_and_times_that_a_workbook_cannot_hold_are_texts() -> None:
    rows: list[Row] = [
        ("u", "x", datetime(1899, 1, 1, tzinfo=UTC), date(1, 1, 1), True, 2**60 + 1, float("nan"), (), {}),
        ("u", "x", None, None, True, -(2**53), float("-inf"), (), {}),
    ]
    _, first, second = sheet(written(dataset(KINDS, rows)))
    assert first[2:7] == ("1899-01-01T00:00:00+00:00", "0001-01-01", True, str(2**60 + 1), "nan")
    assert second[5:7] == (-(2**53), "-inf")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("=1+1", "=1+1"),
        ("=HYPERLINK(\"http://x\")", "=HYPERLINK(\"http://x\")"),
        ("+1", "+1"),
        ("@SUM(1)", "@SUM(1)"),
        ("{=1}", "{=1}"),
        ("http://example.com", "http://example.com"),
        ("mailto:a@b", "mailto:a@b"),
        ("007", "007"),
        ("1e5", "1e5"),
        ("<b>&amp;</b>", "<b>&amp;</b>"),
        ("_x0041_", "_x0041_"),
        ("a\x00b\x1b[2J", "a\\x00b\\x1b[2J"),
        ("a\tb\r\nc", "a\\x09b\\x0d\\x0ac"),
        ("\u202egpj", "\\u202egpj"),
        ("x\ud800y", "x\\ud800y"),
        ("\ufffe", "\\ufffe"),
        ("\U0001f600 名前 שם", "\U0001f600 名前 שם"),
        (" lead", " lead"),
    ],
)  # fmt: skip
def test_a_strangers_text_is_that_text_and_never_acts(text: str, shown: str) -> None:
    content = written(dataset([column("name"), column("list", "list")], [(text, (text,))]))
    book = opened(content)
    row = book["identities"][2]
    assert [unescape(str(cell.value)) for cell in row] == [shown, shown]
    assert [cell.data_type for cell in row] == ["s", "s"]
    assert [cell.hyperlink for cell in row] == [None, None]
    assert row[0].quotePrefix == (text[0] in "=+@")


def test_a_text_too_long_for_a_cell_is_cut_so_that_everybody_sees_it() -> None:
    _, (cell,) = sheet(written(dataset([column("name")], [("x" * 1_000_000,)])))
    assert len(cell) == LONGEST
    assert cell.endswith("x [CUT: 1,000,000 characters]")
    _, (cell,) = sheet(written(dataset([column("name")], [("x" * LONGEST,)])))
    assert cell == "x" * LONGEST


def test_a_sheet_that_is_cut_says_so_and_where_the_rest_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 20)
    one = dataset([column("id"), column("name")], [(f"u{n}", "x") for n in range(25)])
    rows = sheet(written(one, counts={"identities": 25}))
    assert len(rows) == 1 + 10 + 1
    assert rows[-1][0] == "CUT HERE: 15 more rows; all 25 are in identities.csv"
    told = [row for row in sheet(written(one, counts={"identities": 25}), NAME) if row[0] == "identities"]
    assert told[0][:5] == ("identities", "identity", 10, 25, "CUT: all of it is in identities.csv")
    exact = dataset([column("id"), column("name")], [(f"u{n}", "x") for n in range(10)])
    assert len(sheet(written(exact, counts={"identities": 10}))) == 11


def test_short_sheets_are_whole_and_long_ones_share_what_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 100)
    sizes = {"short": 5, "long": 1000, "longer": 2000}
    made = [dataset([column("id")], [(f"u{n}",) for n in range(count)], name) for name, count in sizes.items()]
    content = written(*made, counts=sizes)
    assert [len(sheet(content, name)) for name in sizes] == [1 + 5, 1 + 47 + 1, 1 + 48 + 1]


def test_without_a_csv_beside_it_a_sheet_holds_all_that_excel_can(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workbook, "MOST_CELLS", 20)
    one = dataset([column("id"), column("name")], [(f"u{n}", "x") for n in range(25)])
    assert len(sheet(written(one))) == 26
    monkeypatch.setattr(workbook, "MOST_ROWS", 15)
    rows = sheet(written(one))
    assert len(rows) == 17
    assert "no more than 15 rows" in rows[-1][0]


def test_the_first_sheet_tells_what_makes_the_rest_evidence() -> None:
    told = [cell for row in sheet(written(dataset(KINDS, [])), NAME) for cell in row if cell is not None]
    for text in (
        "acme (Acme Inc.)", "application key ..a1b2 of reader@acme.example", "agrees", "What the evidence is.",
        "mfa_enabled is not known of 1 user", "GET /api/v2/users?page[size]=1000", "c" * 64,
    ):  # fmt: skip
        assert text in told
    assert any("Datadog should show 3" in str(cell) for cell in told)
    assert INCOMPLETE not in told


def test_an_incomplete_report_says_so_on_every_sheet() -> None:
    book = opened(written(dataset(KINDS, []), complete=False))
    assert INCOMPLETE in [row[0].value for row in book[NAME].iter_rows()]
    assert "NOT PROVEN COMPLETE" in header(book)


def test_sheets_can_be_read_filtered_and_printed() -> None:
    one = dataset(KINDS, [("u1", "Ada", AT, None, True, 3, 0.5, (), {})])
    book = opened(written(one, org="a&b"))
    found = book["identities"]
    assert found.freeze_panes == "A2"
    assert found.auto_filter.ref == "A1:I2"
    assert found.print_title_rows == "$1:$1"
    assert found.column_dimensions["C"].width > 19
    assert "a&&b" in header(book)


def test_names_too_long_for_a_sheet_stay_apart() -> None:
    names = ["a_very_long_name_of_a_dataset_of_now", "a_very_long_name_of_a_dataset_of_then"]
    book = opened(written(*(dataset([column("id")], [(name,)], name) for name in names)))
    assert [book[title]["A2"].value for title in book.sheetnames[1:]] == names


def header(book: Workbook) -> str:
    part = book["identities"].oddHeader
    return (part.left.text or "") if part else ""


def test_nothing_is_left_behind(tmp_path: Path) -> None:
    written(dataset(KINDS, []), tmp=tmp_path)
    assert list(tmp_path.iterdir()) == []


class Full(io.BytesIO):
    """A file on a disk that is full."""

    def write(self, _content: Any) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told_as_that(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No space left") as caught:
        write_workbook([dataset(KINDS, [])], block(), Full(), folder=tmp_path)
    assert caught.value.errno == errno.ENOSPC
