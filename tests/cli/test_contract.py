"""What scripts rely on: the keys of every document, the forms of WHEN, tables, CSV."""

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.cli.conftest import Cli

IDENTITY = {
    "org", "id", "email", "handle", "name", "title", "status", "disabled", "verified", "mfa_enabled",
    "service_account", "created_at", "last_login_at", "roles", "classification",
}  # fmt: skip
GRANT = {"org", "identity_id", "role_id", "role", "since", "until", "since_baseline"}
CHANGE = {
    "id", "org", "run_id", "observed_after", "observed_before", "kind", "cause", "subject_id", "subject", "fields",
    "actor", "explanation",
}  # fmt: skip
CREDENTIAL = {
    "org", "id", "type", "name", "owner_id", "scopes", "created_at", "last_used_at", "expires_at", "last4",
}  # fmt: skip


@pytest.fixture
def synced(cli: Cli, organization: Organization) -> Cli:
    """Two runs: a baseline, and one that saw a person renamed and a role granted."""
    assert cli("sync").code == 0
    person = next(one for one in organization.users.values() if one.status == "Active" and one.name)
    organization.rename(person.id, "Somebody Else")
    organization.grant_role(person.id, organization.add_role("Night Shift").id)
    assert cli("sync").code == 0
    return cli


def is_time(value: Any) -> bool:
    return value is None or (value.endswith("Z") and datetime.fromisoformat(value).tzinfo == UTC)


@pytest.mark.parametrize("command", ["upgrade", "current", "check", "backup"])
def test_every_document_about_the_database_carries_its_schema_and_the_revision_apart(cli: Cli, command: str) -> None:
    assert cli("sync").code == 0
    document = cli.ok("db", command)
    assert document["schema"] == "accesssync.db/1"
    assert command == "backup" or document["revision"] == document["wanted"]


def test_a_timeline_as_csv(synced: Cli, organization: Organization) -> None:
    who = next(iter(organization.users))
    rows = list(csv.DictReader(io.StringIO(synced("timeline", who, "--format", "csv").out)))
    assert [row["kind"] for row in rows] == [each["kind"] for each in synced.ok("timeline", who)["events"]]
    assert all(row["at"] and row["org"] == "default" for row in rows)


def test_identities(synced: Cli, organization: Organization) -> None:
    document = synced.ok("identities")
    assert document["schema"].startswith("accesssync.identities/")
    assert len(document["identities"]) == len(organization.users)
    for one in document["identities"]:
        assert one.keys() >= IDENTITY
        assert one["classification"].keys() >= {"label", "kind", "score", "basis", "signals"}
        assert one["classification"]["label"] in {"human", "nhi", "review", "unknown"}
        assert one["classification"]["basis"] in {"declared", "override", "inferred"}
        assert is_time(one["created_at"])
        assert is_time(one["last_login_at"])
        truth = organization.users[one["id"]]
        assert one["roles"] == sorted(organization.roles[each].name for each in truth.role_ids)
        assert datetime.fromisoformat(one["created_at"]) == truth.created_at


def test_grants(synced: Cli) -> None:
    grants = synced.ok("grants")["grants"]
    assert all(one.keys() >= GRANT and one["until"] is None and is_time(one["since"]) for one in grants)
    assert [one["role"] for one in grants if not one["since_baseline"]] == ["Night Shift"]


def test_credentials(synced: Cli, organization: Organization) -> None:
    credentials = synced.ok("credentials")["credentials"]
    assert credentials
    types = {"application_key", "api_key", "personal_access_token", "service_access_token", "oauth_client"}
    for one in credentials:
        assert one.keys() >= CREDENTIAL
        assert one["type"] in types
        assert one["scopes"] is None or isinstance(one["scopes"], list)
    secrets = [
        *(one.secret for one in organization.api_keys.values()),
        *(one.secret for one in organization.app_keys.values()),
    ]
    assert not [secret for secret in secrets if secret in str(credentials)]


def test_changes(synced: Cli) -> None:
    changes = synced.ok("changes")["changes"]
    assert sorted(one["kind"] for one in changes if not one["kind"].startswith("role_p")) == [
        "grant.added", "identity.updated", "role.added",
    ]  # fmt: skip
    for one in changes:
        assert one.keys() >= CHANGE
        assert one["cause"] in {"org", "coverage", "ruleset", "policy"}
        assert all(len(pair) == 2 for pair in one["fields"].values())
        assert is_time(one["observed_after"])
        assert one["observed_after"] < one["observed_before"]
        assert (one["run_id"], one["explanation"]) == ("run-2", None)
        # Whom Datadog's own Audit Trail names.
        assert "@" in one["actor"]
    assert [one["id"] for one in synced.ok("changes")["changes"]] == [one["id"] for one in changes]
    baseline = synced.ok("changes", "--baseline", "--until", "run-1")["changes"]
    assert {one["observed_after"] for one in baseline} == {None}
    assert {one["run_id"] for one in baseline} == {"run-1"}


def test_roles_admins_identity_timeline_status(synced: Cli, organization: Organization) -> None:
    roles = synced.ok("roles")["roles"]
    assert {one["id"] for one in roles} == set(organization.roles)
    assert all(one.keys() >= {"org", "id", "name", "permissions", "identities"} for one in roles)
    admin = organization.role("Datadog Admin Role").id
    able = {one.id for one in organization.users.values() if admin in one.role_ids and not one.disabled}
    admins = synced.ok("admins")["admins"]
    assert able <= {one["id"] for one in admins}
    assert all(one["privileged"] and one["roles"] for one in admins)
    somebody = next(one for one in organization.users.values() if one.id in able)
    [shown] = synced.ok("identity", "show", somebody.email)["identities"]
    assert shown.keys() >= IDENTITY
    assert {one["role_id"] for one in shown["grants"]} == set(somebody.role_ids)
    assert synced.ok("identity", "show", somebody.id)["identities"] == [shown]
    events = synced.ok("timeline", somebody.email)["events"]
    assert "identity.added" in [one["kind"] for one in events]
    assert [one["at"] for one in events] == sorted(one["at"] for one in events)
    [status] = synced.ok("status")["organizations"]
    assert status.keys() >= {"org", "proven_at", "proven_age_seconds", "coverage", "last_run", "counts"}
    assert (status["proven_run"], status["last_run"]["status"]) == ("run-2", "succeeded")
    assert status["counts"]["users"] == len(organization.users)


@pytest.mark.parametrize(
    "command",
    [("identities",), ("grants",), ("roles",), ("admins",), ("changes", "--baseline"), ("credentials",), ("status",)],
)
def test_every_list_is_one_document_a_table_and_a_csv(synced: Cli, command: tuple[str, ...]) -> None:
    document = synced.ok(*command)
    assert document["schema"].startswith("accesssync.")
    [found] = [value for name, value in document.items() if name != "schema"]
    table = synced(*command, *(("--limit", "0") if command != ("status",) else ()))
    assert (table.code, table.err) == (0, "")
    assert len(table.out.splitlines()) >= len(found)
    if command != ("status",):
        rows = list(csv.reader(io.StringIO(synced(*command, "--format", "csv").out)))
        assert len(rows) == len(found) + 1
        assert len({len(row) for row in rows}) == 1


@pytest.mark.parametrize("columns", ["80", "60"])
def test_the_first_column_of_a_table_is_there_at_any_width(synced: Cli, columns: str) -> None:
    synced.env(COLUMNS=columns)
    for command in ("identities", "admins", "grants", "roles"):
        lines = synced(command, "--limit", "5").out.splitlines()
        assert lines[0].split()[0] in {"WHO", "ROLE"}
        assert max(map(len, lines[:-1])) <= int(columns)
        assert all(line[:8].strip() for line in lines[1:-1])


class TestWhen:
    def ids(self, cli: Cli, *when: str) -> set[str]:
        return {one["name"] for one in cli.ok("identities", *when)["identities"] if one["name"]}

    def test_as_of_takes_every_form(self, synced: Cli) -> None:
        today = datetime.now(UTC).date().isoformat()
        for when, renamed in (
            ("run-1", False), ("run-2", True), ("0s", True), (today, True), (datetime.now(UTC).isoformat(), True),
        ):  # fmt: skip
            assert ("Somebody Else" in self.ids(synced, "--as-of", when)) is renamed, when

    def test_a_time_selects_the_last_run_that_had_ended(self, synced: Cli) -> None:
        first = synced.ok("changes", "--baseline", "--until", "run-1")["changes"]
        ended = datetime.fromisoformat(max(one["observed_before"] for one in first)) + timedelta(seconds=0.02)
        assert "Somebody Else" in self.ids(synced)
        assert synced("identities", "--as-of", ended.isoformat()).code in (0, 2)

    def test_since_excludes_its_run_and_until_includes_it(self, synced: Cli) -> None:
        assert synced.ok("changes", "--since", "run-2")["changes"] == []
        assert synced.ok("changes", "--until", "run-1")["changes"] == []
        both = synced.ok("changes", "--since", "run-1", "--until", "run-2")["changes"]
        assert both == synced.ok("changes")["changes"] == synced.ok("changes", "--since", "1d")["changes"]
        assert synced.ok("changes", "--until", "1d")["changes"] == []

    @pytest.mark.parametrize("option", ["--since", "--until"])
    @pytest.mark.parametrize("when", ["run-99", "yesterday", "2026-02-30", ""])
    def test_what_cannot_be_meant_is_a_usage_error(self, synced: Cli, option: str, when: str) -> None:
        ended = synced("changes", option, when, "--json")
        assert ended.code == 2
        assert ended.error["code"] == "usage"

    @pytest.mark.parametrize("when", ["run-99", "2020-01-01", "1000d", "nonsense"])
    def test_nothing_is_invented_for_a_time_before_the_first_run(self, synced: Cli, when: str) -> None:
        for command in ("identities", "grants", "roles", "admins"):
            ended = synced(command, "--as-of", when, "--json")
            assert ended.code == 2
            assert ended.error["remedy"] or "run-99" in ended.error["message"]


def test_json_on_stdout_and_everything_else_on_stderr(cli: Cli, server: SandboxServer) -> None:
    # A busy machine must not add a timeout of its own.
    cli.env(ACCESSSYNC_READ_TIMEOUT="30", ACCESSSYNC_REQUEST_DEADLINE="60")
    server.faults.add(f.Status(503), path="/api/v2/users")
    ended = cli("sync", "--json", "--log-format", "json")
    assert ended.code == 0
    assert ended.json["runs"]
    logged = [json.loads(line) for line in ended.err.splitlines()]
    assert [one["event"] for one in logged] == ["retry"]
    assert "503" in str(logged[0])


def test_what_was_proven_is_told_beside_a_try_that_read_nothing(synced: Cli) -> None:
    [before] = synced.ok("status")["organizations"]
    synced.env(DD_APP_KEY="0" * 40)
    assert synced("sync").code == 6
    [after] = synced.ok("status")["organizations"]
    assert after["last_run"]["status"] == "failed"
    assert after["coverage"] == before["coverage"] != {}
    assert "10/10 resources  last try FAILED" in synced("status").out


def test_an_organization_that_was_never_synced_is_told_where_it_is_watched_for(
    synced: Cli, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("DEFAULT", "EMEA"):
        synced.env(**{f"ACCESSSYNC_ORGS__{name}__API_KEY": server.api_key})
        synced.env(**{f"ACCESSSYNC_ORGS__{name}__APP_KEY": server.app_key})
    known, unknown = synced.ok("status")["organizations"]
    assert (known["org"], unknown["org"]) == ("default", "emea")
    assert unknown.keys() == known.keys()
    assert (unknown["proven_at"], unknown["last_run"]) == (None, None)
    assert "NEVER PROVEN  never synced" in synced("status").out
    assert synced("status", "--max-age", "1d").code == 11
    assert synced("status", "--max-age", "1d", "--org", "default").code == 0
    # Without keys it is a name and nothing that could be synced.
    monkeypatch.delenv("ACCESSSYNC_ORGS__EMEA__APP_KEY")
    assert synced("status", "--max-age", "1d").code == 0


@pytest.fixture
def two(cli: Cli, server: SandboxServer) -> Cli:
    """Two organizations on one server: one name with good keys, one with an application key that is wrong."""
    for name in ("DD_API_KEY", "DD_APP_KEY"):
        cli.monkeypatch.delenv(name)
    for org, app_key in (("ACME", server.app_key), ("EMEA", "0" * 40)):
        prefix = f"ACCESSSYNC_ORGS__{org}__"
        cli.env(**{f"{prefix}API_KEY": server.api_key, f"{prefix}APP_KEY": app_key})
    return cli


def test_several_organizations(two: Cli, server: SandboxServer) -> None:
    ended = two("sync", "--json")
    assert ended.code == 5
    runs = {one["org"]: one for one in ended.json["runs"]}
    assert {name: one["status"] for name, one in runs.items()} == {"acme": "succeeded", "emea": "failed"}
    assert runs["emea"]["error"]["code"] == "authentication"
    assert ended.error["org"] == "emea"
    assert two("sync", "--org", "acme").code == 0
    assert two("sync", "--org", "EMEA").code == 6
    assert two("status", "--org", "acme").code == 0
    assert {one["org"] for one in two.ok("identities", "--org", "acme")["identities"]} == {"acme"}
    two.env(ACCESSSYNC_ORGS__EMEA__APP_KEY=server.app_key)
    assert two("sync").code == 0
    everybody = two.ok("identities")["identities"]
    assert {one["org"] for one in everybody} == {"acme", "emea"}


def test_grants_of_somebody_by_any_name_that_shows(cli: Cli, organization: Organization) -> None:
    account = next(one for one in organization.users.values() if one.service_account and one.role_ids)
    assert cli("sync").code == 0
    grants = cli.ok("grants", "--subject", account.id)["grants"]
    assert {one["role_id"] for one in grants} == set(account.role_ids)
    for called in (account.email, account.email.upper(), account.name):
        assert cli.ok("grants", "--subject", str(called))["grants"] == grants
    assert cli.ok("grants", "--subject", "nobody@nowhere.example")["grants"] == []


def test_the_fields_of_a_change_are_json_in_a_csv_cell_too(synced: Cli) -> None:
    rows = list(csv.DictReader(io.StringIO(synced("changes", "--format", "csv").out)))
    told = {one["id"]: one["fields"] for one in synced.ok("changes")["changes"]}
    assert {row["id"]: json.loads(row["fields"]) for row in rows} == told


def test_a_service_account_shows_what_its_credentials_can_do_together(cli: Cli, organization: Organization) -> None:
    account = next(one for one in organization.users.values() if one.service_account and one.role_ids)
    key = organization.add_application_key(account.id, scopes=["dashboards_read"], name="narrow")
    assert cli("sync").code == 0
    [shown] = cli.ok("identity", "show", account.id)["identities"]
    assert set(shown["reach"]["usable"]) <= {one["permission"] for one in shown["permissions"]}
    assert key.id in {one["credential_id"] for one in shown["reach"]["credentials"]}
    assert key.id not in shown["reach"]["unscoped"]
    assert "its credentials together can use" in cli("identity", "show", account.id).out
