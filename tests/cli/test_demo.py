"""The demonstration: what it says is what was measured, and it looks after its folder."""

import fcntl
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any

import pytest

from accesssync.cli.main import run
from accesssync.jobs.demo import acts
from accesssync.jobs.demo.meddle import Made, as_made, compare, meddle
from accesssync.jobs.demo.stage import Stage
from accesssync.model.change import Cause, Change
from accesssync.sandbox import generate
from accesssync.sandbox.generate import ADMIN

USERS = 120
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def played(capsysbinary: pytest.CaptureFixture[bytes], *arguments: str, code: int = 0) -> dict[str, Any]:
    """The document of a demonstration that ended with `code`."""
    assert run(["demo", "--json", "--users", str(USERS), *arguments]) == code
    document: dict[str, Any] = json.loads(capsysbinary.readouterr().out)
    return document


def figures(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {act["name"]: act["figures"] for act in document["acts"]}


def test_every_promise_is_kept_with_exact_figures(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    document = played(capsysbinary, "--dir", str(tmp_path / "demo"))

    assert document["schema"] == "accesssync.demo/1"
    assert document["kept"] is True
    assert all(act["kept"] for act in document["acts"])
    measured = figures(document)
    assert measured["baseline"]["users"] == USERS
    assert measured["drift"]["made"] == measured["drift"]["found"] == 14
    assert measured["drift"]["missed"] == measured["drift"]["invented"] == 0
    # Two people joined in the drift; of 122 the sandbox sends 61, and a plain loop loses the other 61.
    assert measured["half list"]["expected"] == USERS + 2
    assert measured["half list"]["sent"] == measured["half list"]["plain_loop_false_leavers"] == 61
    assert measured["half list"]["removed"] == 0
    assert measured["half list"]["exit_code"] == 7
    assert measured["false sum"]["removed"] == measured["false sum"]["changes_once_healed"] == 0
    assert measured["false sum"]["exit_codes"][-1] == 4
    assert measured["findings"]["missed"] == measured["findings"]["invented"] == 0
    assert measured["findings"]["known"] > 5
    assert measured["findings"]["revoked"] > 0
    assert measured["leaver"]["removed_at_first"] == 0
    assert measured["leaver"]["removed"] == measured["leaver"]["not_found"] == 1
    assert measured["invite"] == {"planned": 3, "applied": 3, "mails": 3, "planned_again": 0}
    assert measured["again"]["changes"] == 0
    assert measured["report"]["tampered"] == 1
    report = tmp_path / "demo" / "report"
    assert measured["report"]["files"] == len(list(report.iterdir()))
    assert (report / "index.html").is_file()


def test_what_it_leaves_can_be_explored_with_the_commands_it_prints(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    document = played(capsysbinary, "--dir", str(tmp_path / "demo"))

    monkeypatch.setenv("ACCESSSYNC_DATABASE_URL", document["database_url"])
    for command in document["explore"][1:]:
        assert run(command.split()[1:]) == 0
    capsysbinary.readouterr()
    assert run(["changes", "--since", "run-1", "--json"]) == 0
    reported = json.loads(capsysbinary.readouterr().out)["changes"]
    leaver = figures(document)["leaver"]["subject"]
    gone = [change for change in reported if change["kind"] == "identity.removed"]
    assert [change["subject"] for change in gone] == [leaver]


def test_a_second_demonstration_replaces_the_first_in_the_same_folder(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    folder = tmp_path / "demo"
    first = played(capsysbinary, "--dir", str(folder))
    (folder / "my-notes.txt").write_text("mine")

    second = played(capsysbinary, "--dir", str(folder))

    assert figures(second)["drift"] == figures(first)["drift"]
    assert second["kept"] is True
    assert (folder / "my-notes.txt").read_text() == "mine"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_folder_with_other_things_in_it_is_left_alone(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]
) -> None:
    database = tmp_path / "accesssync.db"
    database.write_text("somebody's history")

    document = played(capsysbinary, "--dir", str(tmp_path), code=4)

    assert document["error"]["code"] == "refused"
    assert [path.name for path in tmp_path.iterdir()] == ["accesssync.db"]
    assert database.read_text() == "somebody's history"


def test_a_folder_that_is_a_file_is_a_usage_error(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    (tmp_path / "file").touch()

    assert played(capsysbinary, "--dir", str(tmp_path / "file"), code=2)["error"]["code"] == "usage"


def test_two_demonstrations_do_not_share_a_folder(tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes]) -> None:
    with _held(tmp_path / ".accesssync-demo"):
        document = played(capsysbinary, "--dir", str(tmp_path), code=8)

    assert document["error"]["code"] == "locked"


def test_no_setting_of_the_user_reaches_it(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DD_API_KEY", "canary-canary-canary")
    monkeypatch.setenv("DD_APP_KEY", "canary-canary-canary")
    monkeypatch.setenv("DD_SITE", "no such site")
    monkeypatch.setenv("ACCESSSYNC_SKIP", "users")
    monkeypatch.setenv("ACCESSSYNC_DATABASE_URL", f"sqlite:///{tmp_path / 'real.db'}")

    assert played(capsysbinary, "--dir", str(tmp_path / "demo"))["kept"] is True
    assert not (tmp_path / "real.db").exists()


def test_a_broken_promise_is_reported_and_fails(
    tmp_path: Path, capsysbinary: pytest.CaptureFixture[bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Stage, "changes", lambda _stage, _synced: [])

    document = played(capsysbinary, "--dir", str(tmp_path / "demo"), code=12)

    assert document["kept"] is False
    assert figures(document)["drift"]["missed"] == 14
    assert document["error"]["code"] == "verification"


def test_people_see_a_line_for_every_act_and_no_escape_sequence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(["demo", "--users", str(USERS), "--dir", str(tmp_path / "demo")]) == 0

    printed = capsys.readouterr().out
    assert "14 changes made behind our back: 14 found, 0 invented" in printed
    assert "every promise kept" in printed
    assert "\x1b" not in printed
    assert "\\x1b[1A" in printed
    started = [line[:10].strip() for line in printed.split("\n\n")[0].splitlines()]
    labels = [
        "baseline",
        "drift",
        "half list",
        "false sum",
        "robots",
        "findings",
        "leaver",
        "invite",
        "again",
        "report",
    ]
    assert [label for label in started if label] == labels
    assert len(acts.ACTS) == len(labels)


def test_the_comparison_sees_what_was_missed_and_what_was_invented() -> None:
    organization = generate(USERS, 1, NOW)
    made = meddle(organization, next(iter(organization.users)), Random(1))  # noqa: S311
    faithful = [_reported(one) for one in made]

    assert [as_made(change) for change in faithful] == made
    assert compare(made, faithful).exact
    assert compare(made, faithful[1:]).missed == 1
    assert compare(made, [*faithful, faithful[0]]).invented == 1
    wrong = [_reported(Made(one.kind, one.subject_id + "x", one.differences)) for one in made]
    assert compare(made, wrong).found == 0


def test_the_meddler_spares_our_own_key_and_really_changes_the_organization() -> None:
    for seed in range(20):
        organization = generate(60, seed, NOW)
        reader = next(iter(organization.app_keys.values())).owner_id
        made = meddle(organization, reader, Random(seed))  # noqa: S311

        assert reader not in {one.subject_id for one in made}
        for one in made:
            if one.kind == "grant.added" and one.differences[0][2] == ADMIN:
                assert organization.role(ADMIN).id in organization.users[one.subject_id].role_ids


def _reported(made: Made) -> Change:
    return Change(
        id="c-1",
        org="demo",
        run_id=2,
        observed_after=NOW,
        observed_before=NOW,
        kind=made.kind,
        cause=Cause.ORG,
        subject_id=made.subject_id,
        subject="somebody",
        fields={name: (before, after) for name, before, after in made.differences},
    )


@contextmanager
def _held(path: Path) -> Iterator[None]:
    """Hold a file's lock, as another process would."""
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def test_commands_are_printed_as_the_reader_can_call_them(monkeypatch: pytest.MonkeyPatch) -> None:
    from accesssync.cli import demo

    monkeypatch.setattr("sys.argv", [".venv/bin/accesssync", "demo"])
    monkeypatch.setenv("PATH", "")
    assert demo._program() == ".venv/bin/accesssync"
    monkeypatch.setattr("sys.argv", ["/usr/lib/accesssync/__main__.py", "demo"])
    assert demo._program() == "accesssync"
