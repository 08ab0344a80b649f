"""Findings through the command line: opened, shown, accepted, expired, resolved and opened again across syncs."""

import csv
import io
import json
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from accesssync.sandbox.generate import ADMIN
from tests.cli.conftest import NOW, Cli

FINDING = {
    "id", "check", "severity", "status", "org", "subject_id", "subject", "opened_at", "reopened", "evidence",
}  # fmt: skip
LATER = NOW + timedelta(minutes=5)


@pytest.fixture
def insider(organization: Organization) -> str:
    """A person who is there every day and holds nothing of power."""
    one = organization.add_user("wendy@" + organization.domain, name="Wendy Wells", roles=["Datadog Standard Role"])
    one.created_at, one.last_login_at = NOW - timedelta(days=900), LATER
    return one.id


def of(cli: Cli, subject: str, check: str, *more: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = cli.ok("findings", "list", "--subject", subject, "--check", check, *more)["findings"]
    return found


def sync(cli: Cli) -> dict[str, Any]:
    found: dict[str, Any] = cli.ok("sync")["runs"][0]
    return found


def clock(cli: Cli, moment: datetime) -> None:
    """The command line's only clock stands at a moment."""
    for module in (
        "options",
        "sync",
        "status",
        *(f"findings.{name}" for name in ("listing", "showing", "accepting", "judging")),
    ):
        cli.monkeypatch.setattr(f"accesssync.cli.{module}.now", lambda: moment)


def test_the_contract_of_the_list(cli: Cli) -> None:
    run = sync(cli)
    document = cli.ok("findings", "list")
    assert document["schema"].startswith("accesssync.findings/")
    found = document["findings"]
    assert all(one.keys() >= FINDING for one in found)
    assert {one["status"] for one in found} == {"open"}
    assert run["findings"].keys() >= {"opened", "open", "resolved"}
    assert run["findings"]["opened"] == run["findings"]["open"] == len(found)
    order = ["critical", "high", "medium", "low", "info"]
    assert [order.index(one["severity"]) for one in found] == sorted(order.index(one["severity"]) for one in found)
    assert len({one["id"] for one in found}) == len(found)
    (status,) = cli.ok("status")["organizations"]
    assert sum(status["findings"].values()) == len(found)
    rows = list(csv.DictReader(io.StringIO(cli("findings", "list", "--format", "csv").out)))
    assert [row["id"] for row in rows] == [one["id"] for one in found]


def test_one_finding_through_its_whole_life(either: Cli, organization: Organization, insider: str) -> None:
    cli = either
    sync(cli)
    assert of(cli, insider, "AS-PRIV-04") == []
    organization.grant_role(insider, ADMIN)
    run = sync(cli)
    assert run["findings"]["opened"] >= 1
    (one,) = of(cli, insider, "AS-PRIV-04")
    assert (one["severity"], one["status"], one["cause"], one["reopened"]) == ("high", "open", "org", False)
    shown = cli.ok("findings", "show", one["id"].lower())["finding"]
    assert shown["seen_run"] == run["run_id"]
    assert shown["evidence"]["role"] == ADMIN
    assert shown["remediation"]["command"].startswith(f"accesssync changes explain {shown['evidence']['change']}")
    assert "CC6.3" in shown["controls"]["SOC 2 (2017, revised 2022)"]
    until = (NOW + timedelta(days=20)).date().isoformat()
    given = ("--owner", "wendy", "--approver", "ada", "--until", until, "--reason", "covers for Ada", "--by", "ada")
    assert cli("findings", "waive", one["id"], *given).code == 0
    assert [each["status"] for each in of(cli, insider, "AS-PRIV-04")] == ["waived"]
    sync(cli)
    assert [each["status"] for each in of(cli, insider, "AS-PRIV-04")] == ["waived"]
    clock(cli, NOW + timedelta(days=21))
    assert [each["status"] for each in of(cli, insider, "AS-PRIV-04")] == ["open"], "past its last day, unevaluated"
    sync(cli)
    (again,) = of(cli, insider, "AS-PRIV-04")
    assert (again["id"], again["status"], again["reopened"], again["cause"]) == (one["id"], "open", True, "policy")
    organization.revoke_role(insider, ADMIN)
    assert sync(cli)["findings"]["resolved"] >= 1
    assert of(cli, insider, "AS-PRIV-04") == []
    (gone,) = of(cli, insider, "AS-PRIV-04", "--status", "resolved")
    assert (gone["id"], gone["resolved_because"]) == (one["id"], "no longer found")
    history = cli.ok("findings", "show", one["id"])["finding"]["history"]
    assert [each["event"] for each in history] == ["waived", "waiver_ended", "resolved"]


def test_resolved_and_opened_again_by_the_same_name(cli: Cli, organization: Organization, insider: str) -> None:
    sync(cli)
    names = []
    for reopened in (False, True):
        organization.change_email(insider, "wendy@gmail.com")
        sync(cli)
        (one,) = of(cli, insider, "AS-ID-09")
        assert one["reopened"] is reopened
        names.append(one["id"])
        organization.change_email(insider, f"wendy@{organization.domain}")
        sync(cli)
        assert of(cli, insider, "AS-ID-09") == []
    assert names[0] == names[1]


def test_what_was_not_looked_at_is_not_resolved(cli: Cli, server: SandboxServer) -> None:
    def of_keys() -> set[str]:
        found = cli.ok("findings", "list", "--check", "AS-KEY-01", "--check", "AS-KEY-02", "--check", "AS-KEY-03")
        return {one["id"] for one in found["findings"]}

    sync(cli)
    before = of_keys()
    assert before
    server.faults.add(f.Status(403), path="/api/v2/application_keys", times=None)
    assert cli("sync").code == 5
    assert of_keys() == before
    denied = cli.ok("findings", "list", "--check", "AS-GOV-01")["findings"]
    assert "application_keys" in [one["subject_id"] for one in denied]
    checks = {one["id"]: one["states"][0] for one in cli.ok("findings", "checks")["checks"]}
    assert checks["AS-KEY-02"]["state"] == "not_evaluated"
    assert "application_keys denied" in checks["AS-KEY-02"]["reason"]


def test_pipelines_fail_on_what_they_choose(cli: Cli) -> None:
    sync(cli)
    worst = cli.ok("findings", "list")["findings"][0]
    ended = cli("findings", "list", "--fail-on", worst["severity"], "--json")
    assert ended.code == 11
    assert ended.json["findings"]
    assert ended.error["code"] == "threshold"
    assert cli("findings", "list", "--fail-on", worst["severity"]).code == 11
    for one in cli.ok("findings", "list", "--severity", "critical")["findings"]:
        until = (NOW + timedelta(days=9)).date().isoformat()
        assert (
            cli(
                "findings", "waive", one["id"], "--owner", "a", "--approver", "b", "--until", until, "--reason", "r"
            ).code
            == 0
        )
    assert cli("findings", "list", "--fail-on", "critical").code == 0


@pytest.mark.parametrize("days", [-1, 400])
def test_a_waiver_ends_within_a_year(cli: Cli, days: int) -> None:
    sync(cli)
    one = cli.ok("findings", "list")["findings"][0]["id"]
    until = (datetime.now() + timedelta(days=days)).date().isoformat()  # noqa: DTZ005
    ended = cli("findings", "waive", one, "--owner", "a", "--approver", "b", "--until", until, "--reason", "r")
    assert ended.code == 2
    assert "year" in ended.err


def test_waivers_become_a_file_and_count_from_it(cli: Cli, tmp_path: Path) -> None:
    sync(cli)
    one = cli.ok("findings", "list")["findings"][0]["id"]
    until = (NOW + timedelta(days=9)).date().isoformat()
    cli("findings", "waive", one, "--owner", "a", "--approver", "b", "--until", until, "--reason", "the vault has it")
    exported = cli("findings", "export-waivers").out
    folder = tmp_path / "governance"
    folder.mkdir()
    (folder / "waivers.yaml").write_text(exported)
    assert cli("validate", str(folder)).code == 0
    assert cli("findings", "unwaive", one, "--reason", "kept in the file now").code == 0
    assert cli.ok("findings", "show", one)["finding"]["status"] == "open"
    cli.env(ACCESSSYNC_GOVERNANCE_DIR=str(folder))
    assert cli("findings", "evaluate").code == 0
    shown = cli.ok("findings", "show", one)["finding"]
    assert (shown["status"], shown["waiver"]["source"]) == ("waived", "waivers.yaml")
    assert cli("findings", "unwaive", one, "--reason", "no").code == 2


def test_the_policy_is_tried_on_the_past_and_then_in_force(cli: Cli, tmp_path: Path) -> None:
    sync(cli)
    folder = tmp_path / "governance"
    folder.mkdir()
    policy = folder / "policy.yaml"
    policy.write_text(
        "version: 1\nchecks:\n  AS-PRIV-01: {most: 1}\n  AS-KEY-03:\n    off: true\n    reason: rotated elsewhere\n"
    )
    (tried,) = cli.ok("findings", "what-if", str(policy), "--since", "1d")["organizations"]
    assert {one["check"] for one in tried["would_not_open"]} == {"AS-KEY-03"}
    cli.env(ACCESSSYNC_GOVERNANCE_DIR=str(folder))
    before = cli.ok("findings", "list")["findings"]
    (done,) = cli.ok("findings", "evaluate")["evaluations"]
    assert done["findings"]["resolved"] == sum(one["check"] == "AS-KEY-03" for one in before) > 0
    checks = {one["id"]: one["states"][0] for one in cli.ok("findings", "checks")["checks"]}
    assert (checks["AS-KEY-03"]["state"], checks["AS-KEY-03"]["reason"]) == ("off", "rotated elsewhere")


def test_what_people_read_is_short_and_leads_on(cli: Cli) -> None:
    ended = cli("sync")
    line = next(one for one in ended.out.splitlines() if one.startswith("findings "))
    assert " opened (" in line
    assert line.endswith("open")
    name = ended.out.splitlines()[-1].split()[-1]
    assert f"next: accesssync findings show {name}" in ended.out
    listed = cli("findings", "list").out
    assert len(listed.splitlines()) < 60
    assert "not evaluated" in listed
    shown = cli("findings", "show", name).out
    for text in ("seen by run-1", "to do:", "in Datadog:", "accept it:"):
        assert text in shown


def test_ocsf_is_a_list_of_compliance_findings(cli: Cli) -> None:
    sync(cli)
    events = json.loads(cli("findings", "list", "--format", "ocsf").out)
    assert len(events) == len(cli.ok("findings", "list")["findings"])
    assert {one["class_uid"] for one in events} == {2003}


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "F-XXXX"),
        ("waive", "F-XXXX", "--owner", "a", "--approver", "b", "--until", "2026-12-01", "--reason", "r"),
    ],
)
def test_a_name_that_is_no_findings(cli: Cli, arguments: tuple[str, ...]) -> None:
    sync(cli)
    ended = cli("findings", *arguments)
    assert ended.code == 2
    assert "F-XXXX" in ended.err


def test_the_catalogue_needs_no_database(cli: Cli) -> None:
    assert len(cli.ok("findings", "checks")["checks"]) > 60


class TestExplanations:
    @pytest.fixture
    def granted(self, cli: Cli, organization: Organization, insider: str) -> str:
        """The id of the change that gave somebody the administrator role."""
        sync(cli)
        organization.grant_role(insider, ADMIN)
        sync(cli)
        (one,) = cli.ok("changes", "--subject", insider, "--kind", "grant.added")["changes"]
        return str(one["id"])

    def test_an_explained_change_is_no_finding(self, cli: Cli, insider: str, granted: str) -> None:
        assert len(of(cli, insider, "AS-PRIV-04")) == 1
        told = ("--ticket", "T-17", "--reason", "covers for Ada")
        (done,) = cli.ok("changes", "explain", granted, *told, "--by", "grace")["explanations"]
        assert (done["id"], done["explanation"], done["by"]) == (granted, "T-17: covers for Ada", "grace")
        (one,) = cli.ok("changes", "--subject", insider, "--kind", "grant.added")["changes"]
        assert one["explanation"] == "T-17: covers for Ada"
        cli.ok("findings", "evaluate")
        assert of(cli, insider, "AS-PRIV-04") == []
        assert cli("audit", "verify").code == 0

    def test_many_from_a_file(self, cli: Cli, insider: str, granted: str, tmp_path: Path) -> None:
        file = tmp_path / "explained.csv"
        file.write_text(f'id,ticket,reason\n{granted},T-1,"one, two"\n')
        assert cli("changes", "explain", "--from", str(file)).code == 0
        (one,) = cli.ok("changes", "--subject", insider, "--kind", "grant.added")["changes"]
        assert one["explanation"] == "T-1: one, two"

    def test_all_or_nothing(self, cli: Cli, insider: str, granted: str, tmp_path: Path) -> None:
        file = tmp_path / "explained.csv"
        for text, said in (
            (f"id,ticket,reason\n{granted},T-1,r\nc-unknown,T-2,r\n", "c-unknown"),
            (f"id,ticket,reason\n{granted},T-1,r\n{granted},T-2,r\n", "explained.csv:3"),
            (f"id,ticket\n{granted},T-1\n", "reason"),
        ):
            file.write_text(text)
            ended = cli("changes", "explain", "--from", str(file))
            assert ended.code == 2
            assert said in ended.err
        (one,) = cli.ok("changes", "--subject", insider, "--kind", "grant.added")["changes"]
        assert one["explanation"] is None

    def test_half_a_command_is_refused(self, cli: Cli) -> None:
        assert cli("changes", "explain", "c-1", "--ticket", "T").code == 2
        assert cli("changes", "explain").code == 2
