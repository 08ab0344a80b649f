"""Reports through the command line, as a person who prepares a review makes them."""

import csv
import json
import stat
from pathlib import Path

from accesssync.sandbox import Organization
from tests.cli.conftest import Cli


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
