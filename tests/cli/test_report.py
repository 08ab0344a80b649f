"""Reports through the command line, as a person who prepares a review makes them."""

import csv
import json
import re
import stat
from pathlib import Path

import pytest

from accesssync.errors import StoreError
from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.cli.conftest import NOW, USERS, Cli


def rows(path: Path) -> list[dict[str, str]]:
    """The rows of a CSV file, as a strict reader has them."""
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, strict=True))


def test_a_report_holds_the_whole_organization_and_is_private(
    either: Cli, organization: Organization, tmp_path: Path
) -> None:
    either.ok("sync")
    out = tmp_path / "report"
    document = either.ok("report", "--out", str(out), "--format", "csv,json")

    assert document["schema"] == "accesssync.report/1"
    assert document["directory"] == str(out)
    assert document["runs"][0]["complete"] is True
    people = rows(out / "identities.csv")
    assert {one["identity_id"]: one["email"] for one in people} == {
        one.id: one.email or "" for one in organization.users.values()
    }
    held = {(one["identity_id"], one["role_id"]) for one in rows(out / "grants.csv")}
    assert held == {(one.id, role) for one in organization.users.values() for role in one.role_ids}
    told = json.loads((out / "identities.json").read_bytes())
    assert [one["identity_id"] for one in told["rows"]] == [one["identity_id"] for one in people]
    assert told["about"]["run_id"] == int(document["runs"][0]["run_id"].removeprefix("run-"))
    assert stat.S_IMODE(out.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in out.iterdir()} == {0o600}
    assert {one["name"]: one["rows"] for one in document["files"]}["identities.csv"] == len(organization.users)


def test_without_a_proven_run_there_is_no_report_unless_it_may_be_incomplete(
    cli: Cli, server: SandboxServer, tmp_path: Path
) -> None:
    out = tmp_path / "report"
    server.faults.add(f.HalfListing(), path=USERS, times=None)
    assert cli("sync").code == 7
    ended = cli("report", "--out", str(out), "--json")
    assert (ended.code, ended.error["code"]) == (7, "incomplete")
    assert "users incomplete" in ended.error["message"]
    assert "--allow-incomplete" in ended.error["remedy"]
    assert not out.exists()

    document = cli.ok("report", "--out", str(out), "--format", "csv,json", "--allow-incomplete")
    assert document["runs"][0]["complete"] is False
    assert any("not proven complete" in text for text in document["warnings"])
    assert json.loads((out / "identities.meta.json").read_bytes())["about"]["complete"] is False
    assert json.loads((out / "identities.json").read_bytes())["about"]["complete"] is False
    shown = cli("report", "--out", str(out), "--format", "csv", "--allow-incomplete")
    assert "NOT PROVEN COMPLETE" in shown.out

    server.faults.clear()
    proven = cli.ok("sync")["runs"][0]["run_id"]
    server.faults.add(f.HalfListing(), path=USERS, times=None)
    assert cli("sync").code == 7
    document = cli.ok("report", "--out", str(out), "--format", "csv")
    assert (document["runs"][0]["run_id"], document["runs"][0]["complete"]) == (proven, True)
    assert any(f"the report rests on {proven}" in text for text in document["warnings"])
    assert cli("report", "--as-of", "run-3", "--out", str(out)).code == 7


def test_an_organization_without_anybody_has_a_report(either: Cli, organization: Organization, tmp_path: Path) -> None:
    either.ok("sync")
    out = tmp_path / "report"
    for one in list(organization.users):
        organization.remove_user(one)
    for command in (("sync", "--accept-removals", "1000"),) * 2:
        either(*command)
    document = either.ok("report", "--out", str(out), "--format", "csv,json,ndjson", "--allow-incomplete")
    assert {one["name"]: one["rows"] for one in document["files"]}["attestations.ndjson"] == 0
    assert (out / "attestations.ndjson").read_bytes() == b""
    assert json.loads((out / "attestations.json").read_bytes())["rows"] == []


HOSTILE = (
    "=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\x1b[2J", "\u202egnp.exe", "a\x00b", "a;b", 'a"b,c',
    "line\nbreak", "../../etc/passwd", "</script><script>alert(1)</script>", "\uff1d1", "x" * 1_000_000,
    "\u0627\u062d\u0645\u062f",
)  # fmt: skip


def test_strangers_names_stay_text(cli: Cli, organization: Organization, tmp_path: Path) -> None:
    """Every hostile name arrives whole in JSON; in CSV it acts on nobody."""
    people = [one for one in organization.users.values() if not one.service_account][: len(HOSTILE)]
    for one, name in zip(people, HOSTILE, strict=True):
        organization.rename(one.id, name)
    cli.ok("sync")
    out = tmp_path / "report"
    cli.ok("report", "--out", str(out), "--format", "csv,json,ndjson")
    told = {one["identity_id"]: one["name"] for one in json.loads((out / "identities.json").read_bytes())["rows"]}
    stored = {one["id"]: one["name"] for one in cli.ok("identities")["identities"]}
    assert {told[one.id] for one in people} == {stored[one.id] for one in people}
    for path in out.glob("*.csv"):
        content = path.read_bytes().decode("utf-8")
        body = content.replace("\r\n", "")
        assert not [char for char in "\x00\x1b\u202e\r\n\t" if char in body], path.name
        with path.open(encoding="utf-8", newline="") as file:
            csv.field_size_limit(10_000_000)
            cells = [cell for row in csv.reader(file, strict=True) for cell in row]
        assert not [cell[:20] for cell in cells if cell.startswith(("=", "+", "-", "@", "\uff1d"))], path.name
    names = {one["identity_id"]: one["name"] for one in rows(out / "identities.csv")}
    assert names[people[0].id] == "'" + HOSTILE[0]
    assert names[people[15].id] == stored[people[15].id]
    assert {path.name for path in out.iterdir() if not path.name.isascii() or "/" in path.name} == set()


def test_one_organization_that_is_not_proven_does_not_keep_the_others_waiting(
    cli: Cli, server: SandboxServer, tmp_path: Path
) -> None:
    with SandboxServer(generate(20, 3, NOW), max_page_size=100, rate_limit=100_000) as other:
        for name, one in (("ACME", server), ("EMEA", other)):
            variables = {"API_URL": one.url, "API_KEY": one.api_key, "APP_KEY": one.app_key}
            cli.env(**{f"ACCESSSYNC_ORGS__{name}__{key}": value for key, value in variables.items()})
        for name in ("DD_API_KEY", "DD_APP_KEY", "ACCESSSYNC_API_URL"):
            cli.monkeypatch.delenv(name)
        other.faults.add(f.HalfListing(), path=USERS, times=None)
        assert cli("sync").code == 5
    out = tmp_path / "report"
    ended = cli("report", "--out", str(out), "--format", "csv", "--json")
    assert ended.code == 5
    assert [one["org"] for one in ended.json["runs"]] == ["acme"]
    assert "emea" in ended.error["message"]
    assert (out / "identities.csv").exists()
    assert cli("report", "--out", str(out), "--org", "emea").code == 7
    both = cli.ok("report", "--out", str(out), "--format", "csv", "--allow-incomplete")
    assert [one["org"] for one in both["runs"]] == ["acme", "emea"]
    assert {one["org"] for one in rows(out / "emea" / "identities.csv")} == {"emea"}
    assert not (out / "identities.csv").exists()
    assert cli("evidence", "verify", str(out)).code == 0
    shown = cli("report", "--out", str(out), "--format", "csv,json", "--allow-incomplete").out
    count = sum(len(rows(out / name / "identities.csv")) for name in ("acme", "emea"))
    assert re.search(rf"^  identities +{count}$", shown, re.M)


def test_the_audit_log_knows_a_report_before_anybody_sees_it(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("sync")
    out = tmp_path / "report"

    def fails(*_arguments: object) -> None:
        raise StoreError("the audit log cannot be written: disk I/O error")

    with monkeypatch.context() as patched:
        patched.setattr("accesssync.store.audit.record", fails)
        assert cli("report", "--out", str(out), "--format", "csv").code == 9
    assert not out.exists()
    document = cli.ok("report", "--out", str(out), "--format", "csv", "--by", "ada@example.com")
    [entry] = cli.ok("audit", "list", "--kind", "report")["audit"]
    assert entry["actor"] == "ada@example.com"
    assert entry["facts"]["manifest"] == document["manifest_sha256"]


def test_what_cannot_be_understood_is_said_and_nothing_is_written(cli: Cli, tmp_path: Path) -> None:
    cli.ok("sync")
    out = tmp_path / "report"
    for options, why in (
        (("--format", "docx"), "there is no format 'docx'"),
        (("--format", ","), "names no format"),
        (("--as-of", "yesterday"), "--as-of does not understand"),
        (("--as-of", "2020-01-01"), "nothing was known yet at that time"),
        (("--as-of", "run-99"), "run-99 is not a published run"),
        (("--org", "nowhere"), "no organization is stored as 'nowhere'"),
    ):
        ended = cli("report", "--out", str(out), *options)
        assert ended.code == 2, ended.err
        assert why in ended.err
        assert ended.err.count("\n") == 1
        assert not out.exists()
