"""`nhi score`: any CSV in, one answer per row out, or one clear error."""

import csv
import io
import json
import threading
from datetime import UTC, datetime
from os import mkfifo
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accesssync.cli.nhi import nhi
from accesssync.errors import ConfigurationError, InputError
from accesssync.jobs.nhi import score, scoring

USED = scoring(datetime(2026, 7, 1, tzinfo=UTC))


def scored(path: Path, content: str | bytes) -> list[dict[str, Any]]:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return [found for found, _ in score(path, USED)]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(nhi, ["score", *arguments])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "people.csv"


PEOPLE = "email,name,handle\nada@acme.example,Ada Lovelace,\n,,ledger-bot\n\nsvc@acme.example,,\n"


@pytest.mark.parametrize(
    "content",
    [
        PEOPLE.encode(),
        b"\xef\xbb\xbf" + PEOPLE.encode(),
        PEOPLE.encode("utf-16"),
        b"\xfe\xff" + PEOPLE.encode("utf-16-be"),
        PEOPLE.replace(",", ";").encode(),
        PEOPLE.replace(",", "\t").encode(),
        PEOPLE.replace("\n", "\r\n").encode(),
        PEOPLE.replace("\n", "\r").encode(),
        PEOPLE.replace("email,name,handle", " E-Mail , Display Name ,LOGIN").encode(),
        b"\n\n" + PEOPLE.encode(),
    ],
)
def test_the_same_rows_are_read_from_every_form(path: Path, content: bytes) -> None:
    found = scored(path, content)
    assert [(one["row"], one["label"]) for one in found] == [(1, "human"), (2, "review"), (3, "review")]


def test_columns_may_be_missing_or_unknown_and_rows_short_or_long(path: Path) -> None:
    found = scored(path, "team,handle\nledger,ledger-bot\nledger\nledger,ada,more,and more\n")
    assert [one["label"] for one in found] == ["review", "unknown", "unknown"]


def test_huge_fields_nuls_and_marks_are_read(path: Path) -> None:
    huge = "x" * 1_000_000
    found = scored(
        path, f'name,email\n"{huge}",a@acme.example\nb\x00ot,\n"\u202eledger-bot\u202c",\n\u200f小野寺 翔,\n'
    )
    assert [one["label"] for one in found] == ["human", "review", "review", "human"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "1: the file is empty"),
        ("\n \n", "1: the file is empty"),
        ("id,role\n1,2\n", "1: no column is called email, name or handle"),
        ('name\nAda\n"Bob\nEve\n', "3: a quote is not closed"),
        ('name\nAda\n"Bob" the\n', "3: text after a closing quote"),
        ('"name\n', "a quote is not closed"),
        ("name,email,handle,last_login_time\nAda,,,yesterday\n", "2: last_login_time is not a time"),
        ("name,service_account\nAda,perhaps\n", "2: service_account has to be true or false"),
    ],
)
def test_a_broken_file_is_refused_by_file_and_line_before_any_answer(path: Path, content: str, says: str) -> None:
    path.write_text(content, newline="")
    answers = score(path, USED)
    with pytest.raises(InputError) as caught:
        next(answers)
    assert caught.value.message.startswith(str(path))
    assert says in caught.value.message


def test_a_field_that_does_not_end_is_refused(path: Path) -> None:
    path.write_text('name\n"' + "x" * 17_000_000)
    with pytest.raises(InputError, match="too long"):
        next(score(path, USED))


def test_bytes_that_are_no_text_stand_for_unknown_letters(path: Path) -> None:
    assert [one["row"] for one in scored(path, "name\nJos\xe9 Marsh\n".encode("latin-1"))] == [1]
    assert [one["row"] for one in scored(path, b"\xff\xfen\x00a\x00m\x00e\x00\n\x00\x00\xd8x")] == [1]


def test_optional_columns_are_evidence(path: Path) -> None:
    header = "email,name,status,service_account,mfa_enabled,created_at,last_login_time\n"
    rows = "svc@acme.example,svc,Active,,true,2020-01-01,2026-06-30T00:00:00Z\n"
    rows += "ada@acme.example,Ada Byron,Active,true,,,never\n"
    found = scored(path, header + rows)
    assert [(one["label"], one["basis"]) for one in found] == [("review", "inferred"), ("nhi", "declared")]
    assert "B5" in [signal["id"] for signal in found[0]["signals"]]


def test_a_pipe_is_read_as_a_file_is(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    mkfifo(pipe)
    writer = threading.Thread(target=lambda: pipe.write_text(PEOPLE))
    writer.start()
    assert len(list(score(pipe, USED))) == 3
    writer.join()


def test_the_limit_of_the_csv_library_is_put_back(path: Path) -> None:
    before = csv.field_size_limit()
    scored(path, PEOPLE)
    assert csv.field_size_limit() == before


@given(st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"name,email\n{text}".encode()))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_any_bytes_give_answers_or_a_usage_error(path: Path, content: bytes) -> None:
    try:
        found = scored(path, content)
    except InputError as error:
        assert error.message.startswith(f"{path}:")  # noqa: PT017 - answers are as welcome as the error
    else:
        assert [one["row"] for one in found] == list(range(1, len(found) + 1))


@given(st.lists(st.tuples(st.text(max_size=30), st.text(max_size=30), st.text(max_size=30)), min_size=1, max_size=10))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_every_row_that_a_csv_writer_writes_has_its_answer(path: Path, rows: list[tuple[str, str, str]]) -> None:
    clean = [[cell.encode("utf-8", "ignore").decode() for cell in row] for row in rows]
    content = io.StringIO(newline="")
    writer = csv.writer(content, quoting=csv.QUOTE_ALL)
    writer.writerows([["email", "name", "handle"], *clean])
    assert len(scored(path, content.getvalue())) == len(rows)


def test_the_command_prints_the_contract(path: Path) -> None:
    path.write_text(PEOPLE)
    result = run("--input", str(path), "--json")
    assert result.exit_code == 0, result.output
    document = json.loads(result.stdout)
    assert document["schema"] == "accesssync.nhi_score/1"
    assert [one["row"] for one in document["results"]] == [1, 2, 3]
    for one in document["results"]:
        assert one.keys() >= {"row", "label", "score", "kind", "signals"}
        assert one["score"] == sum(signal["points"] for signal in one["signals"])
        assert all(signal.keys() == {"id", "points", "field", "text"} for signal in one["signals"])


def test_the_command_prints_a_table_with_counts_and_hides_nothing_behind_control_characters(path: Path) -> None:
    path.write_text(PEOPLE + ",\x1b[31mledger bot,\n", newline="")
    result = run("--input", str(path))
    assert result.exit_code == 0, result.output
    assert "nhi 0, review 3, human 1, unknown 0" in result.output
    assert "\x1b[31m" not in result.output


def test_the_command_prints_csv(path: Path) -> None:
    path.write_text(PEOPLE)
    rows = list(csv.DictReader(run("--input", str(path), "--format", "csv").output.splitlines()))
    assert [row["label"] for row in rows] == ["human", "review", "review"]


def test_a_file_of_changes_is_applied_or_named(path: Path, tmp_path: Path) -> None:
    path.write_text("handle\nzephyr\n")
    changes = tmp_path / "ours.toml"
    changes.write_text("[groups.N1]\nadd = ['zephyr']\n")
    arguments = ("--input", str(path), "--lexicon", str(changes), "--json")
    assert json.loads(run(*arguments).stdout)["results"][0]["label"] == "review"
    changes.write_text("[groups.N1]\nadd = ['Zephyr']\n")
    error = run(*arguments).exception
    assert isinstance(error, ConfigurationError)
    assert "line 2" in error.message


def test_a_missing_file_is_a_matter_of_usage() -> None:
    assert run("--input", "nowhere.csv").exit_code == click.UsageError.exit_code == 2
