"""Whatever strangers call themselves, their keys and their roles: in every format it stays a text, on its own line."""

import csv
import gzip
import io
import json
import re
from base64 import b64decode
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from typing import Any, BinaryIO

import pytest

from accesssync.evidence.block import Block
from accesssync.reports.csv_file import write_csv
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets.credentials import COLUMNS as KEYS
from accesssync.reports.datasets.findings import COLUMNS as FINDINGS
from accesssync.reports.datasets.grants import COLUMNS as GRANTS
from accesssync.reports.datasets.identities import COLUMNS as IDENTITIES
from accesssync.reports.datasets.roles import COLUMNS as ROLES
from accesssync.reports.finding_events import finding_events
from accesssync.reports.inventory_events import inventory_events
from accesssync.reports.json_file import write_json, write_lines, write_ndjson
from accesssync.reports.page.write import write as write_page
from accesssync.reports.vanta_file import write_vanta
from accesssync.reports.workbook import write_workbook
from tests.reports.builders import AT, block, dataset
from tests.reports.test_workbook import opened

TEXTS = {
    "formula": "=HYPERLINK(\"http://evil.example\",\"click\")",
    "plus": "+1+cmd|' /C calc'!A0",
    "minus": "-2+3",
    "at": "@SUM(1)",
    "tab": "\t=1",
    "return": "\r=1",
    "wide": "\uff1d1",
    "spaces": "   =1",
    "script": "</script><script>alert(1)</script>",
    "image": "<img src=x onerror=alert(1)>",
    "quotes": "\"'><svg onload=alert(1)>",
    "comment": "<!--<script>",
    "template": "{{ 7*7 }}{% raw %}",
    "path": "../../../etc/passwd",
    "escape": "\x1b]0;owned\x07\x1b[2J",
    "nul": "a\x00b",
    "lines": "a\r\nfake,row\n{\"schema\": 1}\u2028x",
    "bidi": "\u202egpj.exe\u2066",
    "half": "a\ud800b",
    "noncharacter": "\ufffe\uffff",
    "empty": "",
    "right to left": "שלום عليكم",
    "long": "x" * 1_000_000,
}  # fmt: skip
FORMULA = set("=+-@\t\r\n")
CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")


def row(columns: tuple[Column, ...], text: str) -> Row:
    """A row with the text in every cell that strangers fill."""
    fill: dict[str, Callable[[], Any]] = {
        "text": lambda: text,
        "id": lambda: text,
        "list": lambda: (text, text),
        "json": lambda: {text[:50]: text, "deep": [{"name": text}]},
        "moment": lambda: AT,
        "day": AT.date,
        "flag": lambda: True,
        "count": lambda: 3,
        "number": lambda: 0.5,
    }
    return tuple(fill[column.kind]() for column in columns)


def tables(text: str) -> list[Dataset]:
    wanted = {"identities": IDENTITIES, "grants": GRANTS, "roles": ROLES, "keys_tokens": KEYS, "findings": FINDINGS}
    return [dataset(columns, [row(columns, text)] * 2, name) for name, columns in wanted.items()]


def told(text: str) -> Block:
    short = text[:500]
    return block(org_name=short, generated_by=short, host=short, limitations=(short,), credentials_used=(short,))


def content(write: Callable[[BinaryIO], object]) -> bytes:
    file = io.BytesIO()
    write(file)
    return file.getvalue()


@pytest.fixture(params=list(TEXTS.values()), ids=list(TEXTS))
def text(request: pytest.FixtureRequest) -> str:
    chosen: str = request.param
    return chosen


def cells(written: bytes) -> Iterator[str]:
    limit = csv.field_size_limit(10_000_000)
    try:
        for line in csv.reader(io.StringIO(written.decode(), newline=""), strict=True):
            yield from line
    finally:
        csv.field_size_limit(limit)


def test_csv(text: str) -> None:
    for one in tables(text):
        written = content(lambda file, one=one: write_csv(one, file))  # type: ignore[misc]
        found = list(cells(written))
        assert len(found) == 3 * len(one.columns)
        assert not [cell for cell in found if cell[:1] in FORMULA and cell]
        assert not [cell for cell in found if CONTROLS.search(cell) or "\n" in cell or "\r" in cell]
        assert written.count(b"\r\n") == 3


def test_vanta(text: str) -> None:
    written = content(lambda file: write_vanta(tables(text), file))
    found = list(cells(written))
    assert len(found) == 3 * 6
    assert not [cell for cell in found if cell[:1] in FORMULA and cell]
    assert not [cell for cell in found if CONTROLS.search(cell)]


def test_json(text: str) -> None:
    for one in tables(text):
        document = json.loads(content(lambda file, one=one: write_json(one, told(text), file)))  # type: ignore[misc]
        names = [column.name for column in one.columns]
        assert [list(each) for each in document["rows"]] == [names, names]
        first = next(column.name for column in one.columns if column.kind == "text")
        assert document["rows"][0][first] == text.replace("\ud800", "\\ud800")


def test_lines_of_json(text: str) -> None:
    for one in tables(text):
        written = content(lambda file, one=one: write_ndjson(one, told(text), file))  # type: ignore[misc]
        assert written.count(b"\n") == 2
        assert [json.loads(line)["schema"] for line in written.splitlines()] == [f"accesssync.report.{one.name}/1"] * 2


def test_ocsf(text: str) -> None:
    for events, count in ((inventory_events, 2), (finding_events, 2)):
        made = [dataset(one.columns, [_sound(one, line) for line in one.read()], one.name) for one in tables(text)]
        written = content(lambda file, events=events, made=made: write_lines(events(made, told(text)), file))  # type: ignore[misc]
        assert written.count(b"\n") == count
        assert all(json.loads(line)["metadata"]["version"] == "1.8.0" for line in written.splitlines())


def _sound(one: Dataset, line: Row) -> Row:
    """What is ours in a finding stays ours: strangers write neither severities nor states."""
    ours = {"severity": "high", "status": "open", "check_id": "AS-KEY-01"}
    names = [column.name for column in one.columns]
    if one.name != "findings":
        return line
    return tuple(ours.get(name, cell) for name, cell in zip(names, line, strict=True))


def test_workbook(text: str) -> None:
    book = opened(content(lambda file: write_workbook(tables(text), told(text), file)))
    for sheet in book.worksheets:
        for line in sheet.iter_rows():
            for cell in line:
                assert cell.data_type in ("s", "n", "d", "b")
                assert cell.hyperlink is None
                assert not CONTROLS.search(str(cell.value))


class _Page(HTMLParser):
    """Collects what a browser would do something with."""

    def __init__(self) -> None:
        super().__init__()
        self.acting: list[str] = []
        self.scripts: list[str] = []
        self._script = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.acting += [f"{tag} {name}" for name, _ in attrs if name.startswith("on")]
        self.acting += [f"{tag} src" for name, _ in attrs if name == "src"]
        self.acting += [
            f"{tag} {value}"
            for name, value in attrs
            if name in ("href", "xlink:href", "action") and not re.match(r"#|https://[a-z0-9.]*datadog", value or "")
        ]
        self._script = tag == "script"
        if tag == "script":
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._script = self._script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._script:
            self.scripts[-1] += data


def page(text: str) -> tuple[str, _Page]:
    made = [dataset(one.columns, [_sound(one, line) for line in one.read()], one.name) for one in tables(text)]
    html = content(lambda file: write_page(made, told(text), file)).decode()
    parsed = _Page()
    parsed.feed(html)
    return html, parsed


def test_page(text: str) -> None:
    html, parsed = page(text)
    _, plain = page("ada")
    assert parsed.acting == plain.acting
    assert len(parsed.scripts) == len(plain.scripts)
    assert not CONTROLS.search(html)
    for script, other in zip(parsed.scripts, plain.scripts, strict=True):
        packed = script.strip()
        if re.fullmatch(r"[A-Za-z0-9+/=\s]{20,}", packed):
            json.loads(gzip.decompress(b64decode(packed)))
        elif packed[:1] in "{[" and packed:
            json.loads(packed)
        else:
            assert script == other, "code is made of nobody's text"
