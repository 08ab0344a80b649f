"""`nhi decide --from`, `nhi export-decisions` and the governance directory, as people call them."""

import json
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accesssync.cli.main import run
from accesssync.jobs.opening import targets
from accesssync.nhi.lexicon import base_lexicon
from accesssync.settings import load
from tests.builders import FakeSource, Org, Syncing, identity, open_database

BOT = "deploy-bot@example.com"
BOX = "support@example.com"

Output = pytest.CaptureFixture[bytes]


@pytest.fixture(autouse=True)
def stored(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An organization with a bot, a shared mailbox and three people, synced once."""
    url = f"sqlite:///{tmp_path / 'accesssync.db'}"
    monkeypatch.setenv("ACCESSSYNC_DATABASE_URL", url)
    monkeypatch.setenv("ACCESSSYNC_OPERATOR", "ada@example.com")
    org = Org()
    org.put(identity(7, name="Deploy Bot", email=BOT), identity(8, name="Support", email=BOX))
    engine = open_database(url)
    Syncing(engine)(FakeSource(org))
    engine.dispose()


def answer(out: Output, *arguments: str, code: int = 0) -> Any:
    assert run([*arguments, "--json"]) == code
    return json.loads(out.readouterr().out)


def decided(out: Output) -> dict[str, Any]:
    found = {one["email"]: one for one in answer(out, "identities")["identities"]}
    return {email: found[email]["classification"]["decision"] for email in (BOT, BOX)}


def test_a_whole_file_is_decided_or_nothing_of_it(tmp_path: Path, capsysbinary: Output) -> None:
    file = tmp_path / "decided.csv"
    good = f"id;label;kind;reason;owner\n{BOT};nhi;ci;asked Ada;platform\n"
    file.write_text(
        good + f"nobody@example.com;nhi;ci;x;\n{BOX};robot;;x;\nuser-0008;human;ci;x;\n{BOT.upper()};human;;x;\n"
    )
    error = answer(capsysbinary, "nhi", "decide", "--from", str(file), code=2)["error"]
    assert [problem.removeprefix(f"{file}:")[:28] for problem in error["problems"]] == [
        "3: nobody has 'nobody@exampl",
        "4: label: 'robot' is not all",
        "5: kind: a person has no kin",
        "6: line 2 decides about depl",
    ]
    assert decided(capsysbinary) == {BOT: None, BOX: None}
    file.write_text("\ufeff" + good + f"{BOX};human;;met them;\n", encoding="utf-8")
    assert run(["nhi", "decide", "--from", str(file), "--by", "grace"]) == 0
    assert capsysbinary.readouterr().out.decode() == "2 decided, for good: 1 human, 1 nhi\n"
    found = decided(capsysbinary)
    assert [(found[one]["label"], found[one]["decided_by"]) for one in (BOT, BOX)] == [
        ("nhi", "grace"),
        ("human", "grace"),
    ]


def test_the_list_can_be_filled_in_and_given_back(tmp_path: Path, capsysbinary: Output) -> None:
    assert run(["nhi", "list", "--label", "nhi", "--format", "csv"]) == 0
    header, row = capsysbinary.readouterr().out.decode().splitlines()
    file = tmp_path / "filled.csv"
    file.write_text(f'{header},"reason"\n{row},"asked Ada"\n')
    assert len(answer(capsysbinary, "nhi", "decide", "--from", str(file))["decisions"]) == 1
    assert decided(capsysbinary)[BOT]["kind"] == "ci"


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "the file is empty"),
        ("id,label\nx,nhi\n", "the column reason is missing"),
        ("id,lable,reason\n", "the column label is missing; 'lable' may be meant for it"),
        ("id,label,reason\nx\x00,human,y\n", "a NUL is hidden here"),
        ("id,label,reason\nx\u200f,human,y\n", "the character U+200F is hidden here"),
    ],
)
def test_a_broken_file_is_named_by_its_line(tmp_path: Path, capsysbinary: Output, content: str, says: str) -> None:
    file = tmp_path / "decided.csv"
    file.write_text(content)
    assert says in answer(capsysbinary, "nhi", "decide", "--from", str(file), code=2)["error"]["message"]


@pytest.mark.parametrize(
    "arguments", [(), (BOT,), ("--from", "x.csv"), (BOT, "--human", "--reason", "y", "--from", "here.csv")]
)
def test_a_call_that_says_too_little_or_too_much_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Output, arguments: tuple[str, ...]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("here.csv").write_text("id,label,reason\n")
    assert answer(capsysbinary, "nhi", "decide", *arguments, code=2)["error"]["message"]


def test_decisions_move_to_the_governance_directory_which_wins(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Output
) -> None:
    assert run(["nhi", "decide", BOT, "--nhi", "ci", "--owner", "ops", "--reason", "asked: Ada"]) == 0
    capsysbinary.readouterr()
    assert run(["nhi", "export-decisions"]) == 0
    exported = capsysbinary.readouterr().out
    directory = tmp_path / "governance"
    directory.mkdir()
    (directory / "decisions.yaml").write_bytes(exported)
    monkeypatch.setenv("ACCESSSYNC_GOVERNANCE_DIR", str(directory))
    told = decided(capsysbinary)[BOT]
    assert (told["source"], told["kind"], told["owner"], told["reason"]) == ("file", "ci", "ops", "asked: Ada")
    assert run(["nhi", "decide", BOT, "--human", "--reason", "met it"]) == 0
    assert "decisions.yaml decides otherwise, and it wins" in capsysbinary.readouterr().err.decode()
    assert decided(capsysbinary)[BOT]["label"] == "nhi"
    entries = answer(capsysbinary, "audit", "list", "--kind", "identity.decided")["audit"]
    assert [(one["facts"]["label"], one["subject_id"]) for one in entries] == [
        ("nhi", "user-0007"),
        ("human", "user-0007"),
    ]


def test_a_faulty_directory_stops_every_command_that_reads_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Output
) -> None:
    monkeypatch.setenv("ACCESSSYNC_GOVERNANCE_DIR", str(tmp_path))
    (tmp_path / "owners.yaml").write_text("version: 1\nowners:\n  - match: [x]\n    ownr: y\n  - {}\n")
    assert run(["nhi", "list"]) == 2
    assert capsysbinary.readouterr().err.decode().splitlines() == [
        "error: owners.yaml:4: 'ownr' is not known here; did you mean owner?",
        "error: owners.yaml:5: match or credentials is missing: of what somebody is the owner",
        "error: owners.yaml:5: owner is missing",
    ]
    assert answer(capsysbinary, "nhi", "decide", BOT, "--human", "--reason", "x", code=2)["error"]["code"] == "input"


@pytest.mark.parametrize(
    ("setting", "content", "says"),
    [
        ("ACCESSSYNC_NHI_LEXICON", "[groups.N1]\nadd = ['Zephyr']\n", "line 2: groups.N1"),
        ("ACCESSSYNC_NHI_LEXICON", "[groups.N99]\nadd = ['zephyr']\n", "a new group needs title and points"),
        ("ACCESSSYNC_GOVERNANCE_DIR", "version: 1\ndecisions:\n  - match: *a\n", ":3: "),
    ],
)
def test_a_sync_with_a_faulty_file_ends_before_anything_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsysbinary: Output, setting: str, content: str, says: str
) -> None:
    file = tmp_path / "decisions.yaml"
    file.write_text(content)
    monkeypatch.setenv(setting, str(tmp_path if setting.endswith("DIR") else file))
    # Nobody listens there: had a request been made, the error would be another one.
    monkeypatch.setenv("ACCESSSYNC_API_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("DD_API_KEY", "0" * 32)
    monkeypatch.setenv("DD_APP_KEY", "0" * 40)
    error = answer(capsysbinary, "sync", code=2)["error"]
    assert says in error["message"]


def test_the_lexicon_of_the_settings_is_what_a_sync_judges_by(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    changes = tmp_path / "ours.toml"
    changes.write_text("[groups.N1]\nadd = ['zephyr']\n[thresholds]\nreview = 40\n")
    monkeypatch.setenv("ACCESSSYNC_NHI_LEXICON", str(changes))
    monkeypatch.setenv("ACCESSSYNC_ORG_DOMAINS", "acme.example")
    monkeypatch.setenv("DD_API_KEY", "0" * 32)
    monkeypatch.setenv("DD_APP_KEY", "0" * 40)
    (target,) = targets(
        load(), [], sleep=lambda _s: None, monotonic=lambda: 0.0, rng=Random(1),  # noqa: S311 - waits that are never made
        on_event=lambda _event: None
    )  # fmt: skip
    lexicon = target.judging.lexicon
    assert lexicon is not None
    assert lexicon.version != base_lexicon().version
    assert (lexicon.words["zephyr"], lexicon.review) == ("N1", 40)
    assert set(target.judging.org_domains) == {"acme.example"}
