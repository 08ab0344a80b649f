"""CSV files that people write for us: which forms are read, and what is refused by its line."""

import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.errors import InputError
from accesssync.parse.problems import Problems
from accesssync.parse.rows import Columns, csv_rows

PEOPLE = Columns(required=("email",), optional=("roles", "left_on"), spellings={"email": ("e-mail",)})
PLAIN = "email,roles,left_on\nada@acme.example,Admin; Reader,2027-03-31\n\nbob@acme.example,,\n"


def read(content: bytes | str, columns: Columns = PEOPLE) -> list[tuple[int, str, tuple[str, ...], str]]:
    problems = Problems()
    stream = io.BytesIO(content if isinstance(content, bytes) else content.encode())
    found = [
        (row.line, row.email("email"), row.optional_texts("roles"), str(row.optional_day("left_on") or ""))
        for row in csv_rows(stream, "p.csv", columns, problems)
    ]
    problems.raise_any()
    assert not stream.closed
    return found


def refused(content: bytes | str, columns: Columns = PEOPLE) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        read(content, columns)
    return caught.value.problems


@pytest.mark.parametrize(
    "content",
    [
        PLAIN.encode(),
        b"\xef\xbb\xbf" + PLAIN.encode(),
        PLAIN.encode("utf-16"),
        PLAIN.replace(",", "\t").encode(),
        b'email;roles;left_on\nada@acme.example;"Admin; Reader";2027-03-31\n;;\nbob@acme.example\n',
        PLAIN.replace("\n", "\r\n").encode(),
        PLAIN.replace("email,roles,left_on", '"email","roles","left_on"').encode(),
        PLAIN.replace("email,roles", " E-Mail ,ROLES").encode(),
        PLAIN.replace("ada@", '"ada@').replace("example,A", 'example",A').encode(),
    ],
)
def test_the_same_rows_are_read_from_every_form(content: bytes) -> None:
    assert read(content) == [
        (2, "ada@acme.example", ("Admin", "Reader"), "2027-03-31"),
        (4, "bob@acme.example", (), ""),
    ]


def test_the_separator_is_the_one_that_gives_known_columns() -> None:
    assert read("email;roles\nx@acme.example;A, B\n")[0][2] == ("A, B",)
    columns = Columns(required=("email",), others_ignored=True)
    stream = io.BytesIO(b"a, b, c;email\n1, 2, 3;x@acme.example\n")
    assert [row.email("email") for row in csv_rows(stream, "p.csv", columns, Problems())] == ["x@acme.example"]


def test_a_line_that_names_the_separator_is_obeyed() -> None:
    assert read("sep=;\nemail;roles\nx@acme.example;A\n")[0][:2] == (3, "x@acme.example")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", ["1: the file is empty; it needs a header that names the columns"]),
        ("mail,roles\n", ["1: the column email is missing; 'mail' may be meant for it"]),
        ("roles\nx\n", ["1: the column email is missing"]),
        ("email,rols\nx@acme.example,y\n", ["1: no column is called 'rols'; did you mean roles?"]),
        ("email,email\n", ["1: the column email is there twice"]),
        ("email\nada\n", ["2: email: 'ada' is no e-mail address"]),
        ("email,roles\n,Admin\n", ["2: email is missing"]),
        ("email\nx@acme.example,y\n", ["2: 2 cells, though the header has 1; quote cells that hold a separator"]),
        ("email,left_on\nx@acme.example,soon\ny@acme.example,2027-1-1\n", ["2: left_on: ", "3: left_on: "]),
        ('email\n"x@acme.example\n', ["2: a quote is not closed"]),
        ('email\n"x" y\n', ["2: text after a closing quote"]),
        ("email\nx\x00@acme.example\n", ["2: column 1: a NUL is hidden here"]),
        ("email\nx\u202e@acme.example\n", ["2: column 1: the character U+202E is hidden here"]),
        (b"email\nok@acme.example\nx\xff@acme.example\n", ["3: column 1: not text in UTF-8"]),
        ("email,roles\nx@acme.example," + "x" * 10_001, ["2: column 2: a cell longer than 10,000 characters"]),
        ("email\n" + "x" * 17_000_000, ["2: a cell is too long"]),
        ('email,roles\nx@acme.example,"two\nlines"\ny,\n', ["2: roles: a text of one line", "4: email: 'y'"]),
    ],
)
def test_what_is_refused_is_named_by_its_line(content: bytes | str, says: list[str]) -> None:
    found = refused(content)
    assert len(found) == len(says)
    for problem, start in zip(found, says, strict=True):
        assert problem.startswith(f"p.csv:{start}")


def test_columns_of_another_system_are_passed_over_where_that_is_wanted() -> None:
    columns = Columns(required=("email",), optional=("roles", "left_on"), others_ignored=True)
    assert read("id,email,team\n1,x@acme.example,y\n", columns)[0][1] == "x@acme.example"
    assert "'emial' may be meant" in refused("id,emial\n1,x\n", columns)[0]


def test_reading_stops_where_nobody_would_read_on() -> None:
    problems = Problems()
    stream = io.BytesIO(b"email\n" + b"x\n" * 10_000)
    read_rows = sum(1 for row in csv_rows(stream, "p.csv", PEOPLE, problems) if row.email("email"))
    assert read_rows == 100


def test_the_limit_of_the_csv_library_stays_as_it_was() -> None:
    before = csv.field_size_limit()
    problems = Problems()
    for _row in csv_rows(io.BytesIO(PLAIN.encode()), "p.csv", PEOPLE, problems):
        assert csv.field_size_limit() == before


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: f"email\n{text}".encode()))
def test_any_bytes_give_rows_or_an_input_error(content: bytes) -> None:
    try:
        read(content)
    except InputError as error:
        assert all(problem.startswith("p.csv:") for problem in error.problems)  # noqa: PT017 - either is welcome


_CELLS = st.text(st.characters(categories=("L", "N", "P", "Zs")), max_size=12).map(str.strip)


@given(st.lists(st.tuples(_CELLS, _CELLS), min_size=1, max_size=8), st.sampled_from(",;\t"))
def test_what_a_csv_writer_writes_is_read_back(rows: list[tuple[str, str]], separator: str) -> None:
    content = io.StringIO(newline="")
    writer = csv.writer(content, delimiter=separator)
    writer.writerows([("a", "b"), *rows])
    problems = Problems()
    columns = Columns(required=("a", "b"))
    stream = io.BytesIO(content.getvalue().encode())
    found = [
        (row.optional_text("a") or "", row.optional_text("b") or "")
        for row in csv_rows(stream, "p.csv", columns, problems)
    ]
    assert not problems.found()
    assert found == [row for row in rows if any(row)]
