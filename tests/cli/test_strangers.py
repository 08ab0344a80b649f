"""Names are written by strangers, keys belong to us: neither gets where it must not."""

import csv
import io
import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from accesssync.model.visible import spreadsheet_safe, visible
from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from accesssync.sandbox.faults import HOSTILE_NAMES
from tests.cli.conftest import USERS, Cli

ACTS_OR_HIDES = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]"
)


@pytest.fixture
def hostile(cli: Cli, organization: Organization) -> Cli:
    """People and roles with every hostile name, before and after a baseline."""
    for number, name in enumerate(HOSTILE_NAMES.values()):
        text = name.replace("\ud800", "\ufffd").replace("\x00", "\ufffd")
        organization.add_user(f"stranger{number}@evil.example", name=text, title=text)
        organization.add_role(text)
    somebody = organization.add_user("renamed@evil.example", name="Ann", roles=[HOSTILE_NAMES["escape"]])
    assert cli("sync").code == 0
    organization.rename(somebody.id, HOSTILE_NAMES["right_to_left"])
    organization.change_email(somebody.id, "x\x1b[2J\u202e@evil.example")
    organization.revoke_role(somebody.id, HOSTILE_NAMES["escape"])
    organization.grant_role(somebody.id, HOSTILE_NAMES["lines"])
    return cli


def test_a_terminal_sees_no_escape_and_no_line_too_many(hostile: Cli, organization: Organization) -> None:
    ended = hostile("sync")
    assert ended.code == 0
    everybody = len(organization.users)
    outputs = {
        "sync": ended,
        **{each: hostile(each, "--limit", "0") for each in ("identities", "grants", "roles", "admins", "changes")},
        "baseline": hostile("changes", "--baseline", "--limit", "0"),
        "show": hostile("identity", "show", "stranger0@evil.example"),
        "timeline": hostile("timeline", "renamed@evil.example"),
        "status": hostile("status"),
        "unknown": hostile("identity", "show", HOSTILE_NAMES["escape"]),
        "org": hostile("identities", "--org", HOSTILE_NAMES["escape"]),
        "when": hostile("changes", "--since", HOSTILE_NAMES["right_to_left"]),
        "command": hostile(HOSTILE_NAMES["escape"]),
    }
    for name, said in outputs.items():
        assert not ACTS_OR_HIDES.findall(said.out), name
        assert not ACTS_OR_HIDES.findall(said.err), name
    assert len(outputs["identities"].out.splitlines()) == everybody + 2
    assert "\\x1b[31mRed" in outputs["roles"].out
    assert not re.search(r"^2026-01-01 INFO forged", "".join(one.out for one in outputs.values()), re.MULTILINE)


@pytest.mark.parametrize("command", [("identities",), ("roles",), ("changes", "--baseline"), ("grants",)])
def test_a_spreadsheet_sees_no_formula(hostile: Cli, command: tuple[str, ...]) -> None:
    assert hostile("sync").code == 0
    rows = list(csv.reader(io.StringIO(hostile(*command, "--format", "csv").out)))
    cells = [cell for row in rows[1:] for cell in row]
    assert cells
    assert not [cell for cell in cells if cell.strip()[:1] in set("=+-@|%") and cell.strip() != "-"]
    if command == ("identities",):
        assert "'=cmd|' /C calc'!A0" in cells


def test_json_gives_the_names_as_they_are(hostile: Cli, organization: Organization) -> None:
    assert hostile("sync").code == 0
    names = {one["id"]: one["name"] for one in hostile.ok("identities")["identities"]}
    assert names == {one.id: one.name for one in organization.users.values()}


@pytest.mark.parametrize("which", HOSTILE_NAMES)
def test_any_hostile_name_from_the_wire_is_stored_and_shown(cli: Cli, server: SandboxServer, which: str) -> None:
    fault = server.faults.add(f.HostileName(which), path=USERS, times=None)
    assert cli("sync").code == 0
    assert fault.fired > 0
    said = cli("identities", "--limit", "0")
    assert not ACTS_OR_HIDES.findall(said.out)
    assert cli("sync", "--detailed-exitcode").code == 0


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("Ada Lovelace", "Ada Lovelace"), ("Zo\xeb \u674e \U0001f389", "Zo\xeb \u674e \U0001f389"), ("", ""),
        ("\x1b[31m", "\\x1b[31m"), ("a\r\nb", "a\\x0d\\x0ab"), ("\x9b31m", "\\x9b31m"), ("\ud800", "\\ud800"),
        ("\u202eabc", "\\u202eabc"), ("a\u200bb", "a\\u200bb"), ("a\u2028b", "a\\u2028b"),
        ("\U000e0041", "\\U000e0041"), ("a\u200db", "a\\u200db"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
    ],
)  # fmt: skip
def test_what_acts_or_hides_is_shown_as_what_it_is(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("text", ["=1", "+1", "-1", "@x", "\t=1", "\r=1", " =1", "\u00a0=1", "\uff1d1", "|x", "%x"])
def test_a_cell_that_would_be_a_formula_is_text(text: str) -> None:
    assert spreadsheet_safe(text).startswith("'")


@pytest.mark.parametrize("text", ["Ada", "a=b", "1+1", "", None, "ada@example.com"])
def test_an_ordinary_cell_stays_as_it_is(text: str | None) -> None:
    assert spreadsheet_safe(text) == (text or "")


def test_no_key_is_in_anything_that_is_printed_or_stored(
    cli: Cli, server: SandboxServer, organization: Organization, database_file: Path, tmp_path: Path
) -> None:
    keys = [
        *(one.secret for one in organization.api_keys.values()),
        *(one.secret for one in organization.app_keys.values()),
    ]
    echo = json.dumps({"errors": [f"key {server.api_key} of {server.app_key}"]})
    assert cli("sync").code == 0
    for effect in (
        f.Status(500, echo),
        f.Status(403, echo),
        f.Status(401, echo),
        f.Body(echo),
        f.Redirect(f"http://x/{server.app_key}"),
    ):
        server.faults.add(effect, path=USERS, times=None)
        assert cli("sync", "--json").code in (5, 6, 7)
        assert cli("status").code == 0
        server.faults.clear()
    cli("sync", "--log-format", "json")
    cli.env(DD_APP_KEY="f" * 40)
    cli("sync")
    cli.env(ACCESSSYNC_DATABASE_URL=f"sqlite:///{tmp_path / 'other.db'}")
    cli("sync", "--debug")
    for command in ("status", "identities", "credentials", "changes"):
        cli(command, "--json")
    with closing(sqlite3.connect(database_file)) as connection:
        stored = "\n".join(connection.iterdump())
    sinks = [
        *cli.said,
        stored,
        *(path.read_bytes().decode("latin-1") for path in tmp_path.rglob("*") if path.is_file()),
    ]
    for key in [*keys, "f" * 40]:
        assert not [sink for sink in sinks if key in sink]
    assert any("HTTP 500" in sink for sink in cli.said)
