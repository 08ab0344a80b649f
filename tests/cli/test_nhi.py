"""`nhi list`, `show` and `decide` as people and scripts call them."""

import json
from pathlib import Path
from typing import Any

import pytest

from accesssync.cli.main import run
from tests.builders import FakeSource, Org, Syncing, identity, open_database

BOT = "deploy-bot@example.com"

Output = pytest.CaptureFixture[bytes]


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An organization with a bot, a shared mailbox and three people, synced once."""
    url = f"sqlite:///{tmp_path / 'accesssync.db'}"
    monkeypatch.setenv("ACCESSSYNC_DATABASE_URL", url)
    monkeypatch.setenv("ACCESSSYNC_OPERATOR", "ada@example.com")
    org = Org()
    org.put(identity(7, name="Deploy Bot", email=BOT), identity(8, name="Support", email="support@example.com"))
    engine = open_database(url)
    Syncing(engine)(FakeSource(org))
    engine.dispose()


def answer(out: Output, *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code
    return json.loads(out.readouterr().out)


def listed(out: Output, *arguments: str) -> dict[str, Any]:
    return {one["email"]: one for one in answer(out, "nhi", "list", *arguments)["nhi"]}


def test_the_list_is_of_machines_and_whom_to_decide(capsysbinary: Output) -> None:
    assert list(listed(capsysbinary)) == ["support@example.com", BOT]
    assert list(listed(capsysbinary, "--label", "nhi")) == [BOT]
    assert list(listed(capsysbinary, "--kind", "shared_mailbox")) == ["support@example.com"]
    assert listed(capsysbinary, "--kind", "synthetic") == {}
    assert list(listed(capsysbinary, "--as-of", "run-1", "--label", "review")) == ["support@example.com"]


def test_the_same_labels_in_the_inventory(capsysbinary: Output) -> None:
    found = answer(capsysbinary, "identities", "--kind", "nhi")["identities"]
    assert [one["email"] for one in found] == [BOT]
    assert found[0]["classification"]["signals"][0].keys() == {"id", "points", "field", "text"}


def test_people_read_every_reason(capsysbinary: Output) -> None:
    assert run(["nhi", "show", BOT]) == 0
    shown = capsysbinary.readouterr().out.decode()
    assert "'bot': a word for automation" in shown
    assert "nhi decide user-0007" in shown


def test_the_table_ends_with_what_there_is_and_what_to_do(capsysbinary: Output) -> None:
    assert run(["nhi", "list"]) == 0
    shown = capsysbinary.readouterr().out.decode()
    assert "1 to decide, 1 inferred, 2 without an owner" in shown
    assert "next: accesssync nhi show" in shown
    assert max(map(len, shown.splitlines())) <= 90


def test_the_table_gives_evidence_and_no_arithmetic(capsysbinary: Output) -> None:
    assert run(["nhi", "list", "--label", "nhi"]) == 0
    shown = capsysbinary.readouterr().out.decode()
    assert "'bot'" in shown
    assert "no score is higher" not in shown


def test_csv_holds_no_nested_cell(capsysbinary: Output) -> None:
    assert run(["nhi", "list", "--format", "csv"]) == 0
    header, *rows = capsysbinary.readouterr().out.decode().splitlines()
    assert header.startswith('"org","id","email"')
    assert len(rows) == 2
    assert "{" not in "".join(rows)


def test_a_decision_names_who_and_why(capsysbinary: Output) -> None:
    arguments = ("--nhi", "ci", "--owner", "platform@example.com", "--purpose", "deploys", "--reason", "asked Ada")
    decided = answer(capsysbinary, "nhi", "decide", BOT, *arguments, "--review-by", "2999-01-01")["decision"]
    assert (decided["decided_by"], decided["computed"], decided["review"]) == ("ada@example.com", "nhi", [])
    one = listed(capsysbinary)[BOT]
    assert (one["owner"], one["purpose"]) == ("platform@example.com", "deploys")
    assert (one["classification"]["kind"], one["classification"]["basis"]) == ("ci", "override")
    answer(capsysbinary, "nhi", "decide", BOT, "--human", "--reason", "met", "--by", "bob", "--review-by", "2020-01-01")
    (shown,) = answer(capsysbinary, "nhi", "show", BOT)["nhi"]
    assert [each["decided_by"] for each in shown["decisions"]] == ["ada@example.com", "bob"]
    assert run(["nhi", "list"]) == 0
    assert "DECISION TO REVIEW" in capsysbinary.readouterr().out.decode()


@pytest.mark.parametrize(
    "arguments",
    [
        ("nobody@example.com", "--human", "--reason", "x"),
        (BOT, "--reason", "x"),
        (BOT, "--human", "--nhi", "ci", "--reason", "x"),
        (BOT, "--human"),
        (BOT, "--human", "--reason", " "),
        (BOT, "--human", "--reason", "two\nlines"),
        (BOT, "--human", "--reason", "x", "--review-by", "soon"),
        (BOT, "--nhi", "robot", "--reason", "x"),
    ],
)
def test_what_cannot_be_decided_is_refused_and_nothing_is_stored(
    arguments: tuple[str, ...], capsysbinary: Output
) -> None:
    error = answer(capsysbinary, "nhi", "decide", *arguments, code=2)["error"]
    assert error["message"]
    assert listed(capsysbinary)[BOT]["classification"]["decision"] is None
