"""A report as evidence: what somebody does to it afterwards is named, and it says where it comes from."""

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from accesssync.evidence.sign import new_private_pem, private_key, public_pem
from accesssync.jobs.evidence import verify_bundle
from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox.faults import Status
from accesssync.settings import load
from tests.cli.conftest import Cli

PEM = new_private_pem()


def failed(cli: Cli, code: int, *arguments: str) -> Any:
    """The JSON document of a command that has to end so."""
    ended = cli(*arguments, "--json")
    assert ended.code == code, ended.err
    return ended.json


@pytest.fixture
def report(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A signed report in every usual format."""
    monkeypatch.setenv("ACCESSSYNC_SIGNING_KEY", PEM)
    (tmp_path / "signing.pem.pub").write_text(public_pem(private_key(PEM).public_key()))
    cli.ok("sync")
    cli.ok("report", "--out", str(tmp_path / "report"), "--format", "html,csv,xlsx,json")
    return tmp_path / "report"


def test_one_changed_byte_of_any_file_of_a_report_names_that_file(cli: Cli, report: Path) -> None:
    assert cli.ok("evidence", "verify", str(report), "--public-key", "signing.pem.pub")["verified"]
    files = sorted(path.relative_to(report).as_posix() for path in report.rglob("*") if path.is_file())
    assert {"manifest.json", "SHA256SUMS", "manifest.dsse.json", "VERIFY.txt", "grants.csv"} <= set(files)
    for number, name in enumerate(files):
        path = report / name
        before = path.read_bytes()
        place = len(before) * (number + 1) // (len(files) + 1)
        path.write_bytes(before[:place] + bytes([before[place] ^ 1]) + before[place + 1 :])
        assert verify_bundle(report).changed == (name,)
        path.write_bytes(before)


def test_the_audit_log_knows_the_manifest_and_each_bundle_the_one_before(cli: Cli, report: Path) -> None:
    first = cli.ok("evidence", "verify", str(report))["manifest_sha256"]
    second = cli.ok("report", "--out", str(report), "--format", "csv")["manifest_sha256"]
    noted = [one["facts"] for one in cli.ok("audit", "list", "--kind", "report")["audit"]]
    assert [one["manifest"] for one in noted] == [first, second]
    assert noted[0]["signed_by"] == cli.ok("evidence", "verify", str(report))["signature"]["fingerprint"]
    assert json.loads((report / "manifest.json").read_text())["previous_manifest"] == first
    told = cli.ok("evidence", "verify", str(report), "--manifest-hash", second)
    assert told["organizations"][0]["previous_manifest"] == first


def test_the_block_is_filled_with_what_an_examiner_asks_for(
    cli: Cli, server: SandboxServer, organization: Organization, tmp_path: Path
) -> None:
    cli.ok("sync")
    users = list(organization.users.values())
    cli.ok("report", "--out", str(tmp_path / "report"), "--format", "json")
    told = json.loads((tmp_path / "report" / "identities.json").read_bytes())["about"]
    assert told["reconciled"] is True
    checks = {one["id"]: one for one in told["reconciliation"]}
    assert checks["users.received"]["left"] == checks["users.received"]["right"] == len(users)
    assert checks["users.by_status"]["right"] == len(users)
    assert checks["grants.role_lists"]["left"] == sum(len(one.role_ids) for one in users)
    assert checks["application_keys.by_owner"]["left"] == len(organization.app_keys)
    assert all(one["passed"] for one in checks.values())
    listing = next(one for one in told["listings"] if one["resource"] == "users")
    assert (listing["method"], listing["path"], listing["received"]) == ("GET", "/api/v2/users", len(users))
    assert "page[size]" in listing["parameters"]
    active = sum(one.status == "Active" and not one.service_account for one in users)
    totals = {one["means"]: one["count"] for one in told["totals"]}
    assert totals["people, Active"] == active
    assert totals["application keys"] == len(organization.app_keys)
    assert any(f"Datadog should show {active:,}" in step for step in told["independent_check"])
    assert told["environment"].startswith("127.0.0.1:")
    assert any("is no site of Datadog" in text for text in told["limitations"])
    assert any(f"..{server.app_key[-4:]}" in text for text in told["credentials_used"])
    for secret in (server.app_key, server.api_key):
        assert not [path for path in (tmp_path / "report").iterdir() if secret.encode() in path.read_bytes()]


def test_what_was_denied_is_a_limitation_with_the_permission_that_is_missing(
    cli: Cli, server: SandboxServer, tmp_path: Path
) -> None:
    server.faults.add(Status(403), path="/api/v2/org_authorized_clients", times=None)
    cli("sync")
    cli.ok("report", "--out", str(tmp_path / "report"), "--format", "json", "--allow-incomplete")
    told = json.loads((tmp_path / "report" / "identities.json").read_bytes())["about"]
    assert told["complete"] is False
    assert any(text.startswith("oauth clients were not readable with these keys") for text in told["limitations"])
    assert any("missing: oauth clients" in text for text in told["credentials_used"])


def test_a_report_that_lost_its_signature_or_a_file_is_not_verified(cli: Cli, report: Path, tmp_path: Path) -> None:
    for name in ("manifest.dsse.json", "identities.json"):
        copy = tmp_path / f"without-{name}"
        shutil.copytree(report, copy)
        (copy / name).unlink()
        document = failed(cli, 12, "evidence", "verify", str(copy))
        assert document["missing"] == [name]


def test_a_wrong_signing_key_is_told_before_anything_is_written(
    cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cli.ok("sync")
    monkeypatch.setenv("ACCESSSYNC_SIGNING_KEY", "canary")
    document = failed(cli, 2, "report", "--out", str(tmp_path / "report"))
    assert "ACCESSSYNC_SIGNING_KEY cannot be used" in document["error"]["message"]
    assert not (tmp_path / "report").exists()


def test_the_hash_of_the_configuration_follows_every_setting_but_no_secret() -> None:
    one = load(environ={"DD_API_KEY": "a" * 32, "ACCESSSYNC_SKIP": "teams,api_keys"}).configuration_hash()
    assert load(environ={"DD_API_KEY": "b" * 32, "ACCESSSYNC_SKIP": "api_keys,teams"}).configuration_hash() == one
    assert load(environ={"DD_API_KEY": "a" * 32, "ACCESSSYNC_SKIP": "teams"}).configuration_hash() != one
    org = load(environ={"ACCESSSYNC_ORGS__EMEA__SITE": "datadoghq.eu"}).configuration_hash()
    assert org != load(environ={"ACCESSSYNC_ORGS__EMEA__SITE": "datadoghq.com"}).configuration_hash()
