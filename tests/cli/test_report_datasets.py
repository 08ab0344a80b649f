"""Every dataset of a report against what the server really holds, or against plain SQL: never against our own code."""

import csv
import json
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, text

from accesssync.sandbox import Organization
from tests.cli.conftest import Cli

ADMIN, STANDARD, READ_ONLY = "Datadog Admin Role", "Datadog Standard Role", "Datadog Read Only Role"
NAMES = {
    "identities", "grants", "effective_permissions", "roles", "role_permissions", "nhi_inventory", "keys_tokens",
    "findings", "changes", "dormant", "privileged", "external", "sod", "provisioning_log", "sync_runs", "attestations",
}  # fmt: skip
CONTROL = {"user_access_manage", "org_management", "service_account_write", "admin"}

Rows = list[dict[str, Any]]


class Report:
    """A report that was made, read with plain json and csv."""

    def __init__(self, cli: Cli, out: Path, *options: str) -> None:
        self.out = out
        self.document = cli.ok("report", "--out", str(out), "--format", "csv,json,ndjson", *options)

    def __getitem__(self, name: str) -> Rows:
        rows: Rows = json.loads((self.out / f"{name}.json").read_bytes())["rows"]
        return rows

    def about(self) -> dict[str, Any]:
        about: dict[str, Any] = json.loads((self.out / "grants.json").read_bytes())["about"]
        return about


class Story:
    """Two proven runs, and what the server held at each of them."""

    def __init__(self, cli: Cli, organization: Organization, tmp_path: Path) -> None:
        self.cli, self.org, self.tmp_path = cli, organization, tmp_path
        people = [one for one in organization.users.values() if not one.service_account and one.status == "Active"]
        held = {one.id: {organization.roles[role].name for role in one.role_ids} for one in people}
        self.plain = [one for one in people if held[one.id] <= {STANDARD, READ_ONLY}]
        self.run_1 = cli.ok("sync")["runs"][0]["run_id"]
        self.grants_1 = grants_of(organization)
        self.carried_1 = carried_by(organization)
        self.findings_1 = {one["id"]: one for one in cli.ok("findings", "list", "--status", "all")["findings"]}
        self.drift()
        self.run_2 = cli.ok("sync")["runs"][0]["run_id"]

    def drift(self) -> None:
        promoted, leaver = self.plain[:2]
        self.org.grant_role(promoted.id, ADMIN)
        self.org.disable(leaver.id)
        self.org.grant_permission(READ_ONLY, "logs_delete_data")
        self.promoted, self.leaver = promoted, leaver
        self.waived = next(one for one in self.findings_1.values() if one["check"] == "AS-KEY-02")
        self.cli.ok(
            "findings", "waive", self.waived["id"], "--owner", "ada@example.com", "--reason", "known",
            "--approver", "bob@example.com", "--until", f"{datetime.now(UTC).date() + timedelta(days=30)}",
        )  # fmt: skip

    def report(self, name: str, *options: str) -> Report:
        return Report(self.cli, self.tmp_path / name, *options)


def grants_of(organization: Organization) -> set[tuple[str, str]]:
    return {(one.id, role) for one in organization.users.values() for role in one.role_ids}


def carried_by(organization: Organization) -> set[tuple[str, str]]:
    names = {one.id: one.name for one in organization.permissions.values()}
    return {(role.id, names[one]) for role in organization.roles.values() for one in role.permission_ids}


@pytest.fixture
def story(either: Cli, organization: Organization, tmp_path: Path) -> Story:
    return Story(either, organization, tmp_path)


def test_every_dataset_says_what_the_server_holds(story: Story) -> None:
    report = story.report("now")
    names = {Path(one["name"]).stem for one in report.document["files"] if one["name"].endswith(".json")}
    assert names >= NAMES
    identities_are_the_users(story, report)
    grants_are_the_roles_of_users(story, report)
    permissions_are_those_of_roles(story, report)
    credentials_are_the_keys_tokens_and_clients(story, report)
    findings_are_those_in_the_table(story, report)
    changes_are_what_was_done(story, report)
    those_to_be_looked_at_are_found_by_other_means(story, report)
    the_log_is_what_the_tables_say(story, report)
    every_format_has_the_same_rows(report)


def identities_are_the_users(story: Story, report: Report) -> None:
    told = {one["identity_id"]: one for one in report["identities"]}
    users, org = story.org.users, story.org
    assert told.keys() == users.keys()
    teams: dict[str, set[str]] = defaultdict(set)
    for team in org.teams.values():
        for user_id in team.members:
            teams[user_id].add(team.name)
    keys = Counter(one.owner_id for one in org.app_keys.values())
    tokens = Counter(one.owner_id for one in org.tokens.values())
    allowed = [each for one in org.oauth_clients.values() for each in one.authorizations.values()]
    clients = Counter(one.user_id for one in allowed if not one.disabled)
    for one in users.values():
        row = told[one.id]
        facts = (one.name, one.email, one.handle, one.title, one.status, one.disabled, one.verified)
        assert (
            tuple(row[name] for name in ("name", "email", "handle", "title", "status", "disabled", "verified")) == facts
        )
        assert set(row["roles"]) == {org.roles[role].name for role in one.role_ids}
        assert row["role_count"] == len(one.role_ids)
        assert set(row["teams"]) == teams[one.id]
        assert (row["app_keys"], row["tokens"], row["oauth_authorizations"]) == (
            keys[one.id], tokens[one.id], clients[one.id],
        )  # fmt: skip
        assert (row["last_login_at"] is None) == (one.last_login_at is None)
        assert row["last_login_state"] == ("never" if one.last_login_at is None else "seen")
        assert row["email_domain"] == one.email.rpartition("@")[2].lower()
        assert row["mfa_enabled"] is None
        assert row["mfa_known"] is False
        assert not one.service_account or row["type"] == "service_account"
        assert row["first_seen_is_baseline"] is True
    admins = {one.id for one in users.values() if org.role(ADMIN).id in one.role_ids}
    assert all(told[one]["privilege_tier"] == "T0" and told[one]["is_privileged"] for one in admins)
    control = {org.permissions_by_name[name].id for name in CONTROL if name in org.permissions_by_name}
    holding = {role.id for role in org.roles.values() if control & set(role.permission_ids)}
    assert {one for one, row in told.items() if row["privilege_tier"] == "T0"} == {
        one.id for one in users.values() if holding & set(one.role_ids)
    }


def grants_are_the_roles_of_users(story: Story, report: Report) -> None:
    rows = report["grants"]
    assert {(one["identity_id"], one["role_id"]) for one in rows} == grants_of(story.org)
    assert len({one["grant_id"] for one in rows}) == len(rows)
    mapped = {one.role_id for one in story.org.mappings.values()}
    for one in rows:
        assert one["role_name"] == story.org.roles[one["role_id"]].name
        assert one["source"] == ("saml_mapping_possible" if one["role_id"] in mapped else "direct")
        new = (one["identity_id"], one["role_id"]) not in story.grants_1
        assert one["first_seen_is_baseline"] is not new
    [given] = [one for one in rows if not one["first_seen_is_baseline"]]
    assert (given["identity_id"], given["role_name"]) == (story.promoted.id, ADMIN)
    users = {one["identity_id"]: one["role_count"] for one in report["identities"]}
    assert Counter(one["identity_id"] for one in rows) == Counter({one: count for one, count in users.items() if count})


def permissions_are_those_of_roles(story: Story, report: Report) -> None:
    assert {(one["role_id"], one["permission"]) for one in report["role_permissions"]} == carried_by(story.org)
    users = list(story.org.users.values())
    for one in report["roles"]:
        role = story.org.roles[one["role_id"]]
        holders = [user for user in users if role.id in user.role_ids]
        assert one["user_count_observed"] == len(holders)
        assert one["active_user_count"] == sum(not user.disabled for user in holders)
        assert one["permission_count"] == len(role.permission_ids)
        assert one["role_type"] == ("managed" if role.managed else "custom")
    everything = story.report("all", "--all-permissions")
    told = {(one["identity_id"], one["permission"]) for one in everything["effective_permissions"]}
    names = {one.id: one.name for one in story.org.permissions.values()}
    carried = {one.id: {names[each] for each in one.permission_ids} for one in story.org.roles.values()}
    assert told == {(user.id, name) for user in users for role in user.role_ids for name in carried[role]}
    usual = {(one["identity_id"], one["permission"]) for one in report["effective_permissions"]}
    assert usual == {
        (one["identity_id"], one["permission"]) for one in everything["effective_permissions"] if one["privileged"]
    }
    # Of a permission that a role gained later the grant's own age says nothing.
    gained = [
        one for one in everything["effective_permissions"]
        if one["permission"] == "logs_delete_data" and one["via_roles"] == [READ_ONLY]
    ]  # fmt: skip
    assert gained
    assert {one["first_seen_is_baseline"] for one in gained} == {False}
    assert any(text.startswith("effective_permissions:") for text in report.about()["filters_applied"])
    assert not any(text.startswith("effective_permissions:") for text in everything.about()["filters_applied"])


def credentials_are_the_keys_tokens_and_clients(story: Story, report: Report) -> None:
    org = story.org
    told = {(one["kind"], one["credential_id"]): one for one in report["keys_tokens"]}
    kinds = {"personal_access_tokens": "personal_access_token", "service_access_tokens": "service_access_token"}
    truth: dict[tuple[str, str], Any] = {
        **{("application_key", one.id): one for one in org.app_keys.values()},
        **{("api_key", one.id): one for one in org.api_keys.values()},
        **{(kinds[one.kind], one.id): one for one in org.tokens.values()},
        **{("oauth_client", one.id): one for one in org.oauth_clients.values()},
    }
    assert told.keys() == truth.keys()
    for (kind, _), row in told.items():
        one = truth[kind, row["credential_id"]]
        assert row["name"] == one.name
        if kind in ("application_key", "api_key"):
            assert row["last4_or_public_portion"] == one.secret[-4:]
        if kind == "application_key":
            owner = org.users.get(one.owner_id)
            assert row["unscoped"] is (one.scopes is None)
            assert row["scopes"] == (None if one.scopes is None else sorted(one.scopes))
            assert row["owner_status"] == (owner.status if owner else "unlisted")
            works = "unknown" if owner is None else "stopped" if owner.disabled else "works"
            assert row["standing"] == works
    whole = "".join(path.read_text() for path in report.out.iterdir() if path.suffix in (".csv", ".json"))
    secrets = [one.secret for one in org.app_keys.values()] + [one.secret for one in org.api_keys.values()]
    assert not [secret for secret in secrets if secret in whole]
    accounts = {one.id for one in org.users.values() if one.service_account}
    inventory = {one["nhi_id"]: one for one in report["nhi_inventory"]}
    suspected = {one["identity_id"] for one in report["identities"] if one["type"] in ("nhi", "nhi_suspected")}
    assert inventory.keys() == accounts | suspected | org.oauth_clients.keys()
    now = datetime.now(UTC)
    alive = [one.owner_id for one in org.tokens.values() if one.expires_at is None or one.expires_at > now]
    working = Counter(one.owner_id for one in org.app_keys.values()) + Counter(alive)
    for account in accounts:
        assert inventory[account]["keys_active"] == (0 if org.users[account].disabled else working[account])


def findings_are_those_in_the_table(story: Story, report: Report) -> None:
    told = {one["finding_id"]: one for one in report["findings"]}
    with create_engine(story.cli.database, poolclass=NullPool).connect() as connection:
        rows = connection.execute(text("SELECT id, check_id, severity, status, subject_id, opened_at FROM findings"))
        stored = {row.id: row for row in rows}
    assert told.keys() == stored.keys()
    for one in stored.values():
        row = told[one.id]
        assert (row["check_id"], row["severity"], row["subject_id"]) == (one.check_id, one.severity, one.subject_id)
        assert {"reopened": "open"}.get(row["status"], row["status"]) == one.status
        assert row["control_ids"]
        assert row["remediation"]
    assert told[story.waived["id"]]["status"] == "waived"
    assert told[story.waived["id"]]["waiver_approver"] == "bob@example.com"
    open_of = Counter(
        one["subject_id"] for one in told.values()
        if one["subject_type"] == "identity" and one["status"] in ("open", "reopened")
    )  # fmt: skip
    assert {one["identity_id"]: one["open_findings"] for one in report["identities"] if one["open_findings"]} == open_of


def changes_are_what_was_done(story: Story, report: Report) -> None:
    told = Counter((one["kind"], one["subject_id"]) for one in report["changes"])
    read_only = story.org.role(READ_ONLY)
    assert told == Counter(
        [
            ("grant.added", story.promoted.id),
            ("identity.updated", story.leaver.id),
            ("role_permission.added", read_only.id),
        ]
    )
    by_kind = {one["kind"]: one for one in report["changes"]}
    assert by_kind["grant.added"]["tier_delta"] == "+T0"
    assert by_kind["grant.added"]["after"]["role"] == ADMIN
    assert by_kind["role_permission.added"]["tier_delta"] == "+T1"
    assert by_kind["identity.updated"]["before"]["status"] == "Active"
    assert by_kind["identity.updated"]["after"]["status"] == "Disabled"
    for one in report["changes"]:
        assert one["window_start"] < one["window_end"]


def those_to_be_looked_at_are_found_by_other_means(story: Story, report: Report) -> None:
    org, rows = story.org, {one["identity_id"]: one for one in report["identities"]}
    able = {one.id for one in org.users.values() if not one.disabled}
    assert {one["identity_id"] for one in report["privileged"]} == {one for one in able if rows[one]["is_privileged"]}
    [promoted] = [one for one in report["privileged"] if one["identity_id"] == story.promoted.id]
    assert promoted["first_privileged_is_baseline"] is False
    assert ADMIN in promoted["via_roles"]
    mine = {one["email_domain"] for one in rows.values() if one["is_external"] is False}
    assert {one["identity_id"] for one in report["external"]} == {
        one for one in able if not any((org.users[one].email.lower()).endswith(domain) for domain in mine)
    }
    at = datetime.fromisoformat(report.about()["as_of"].replace("Z", "+00:00"))
    asleep = {
        one.id for one in org.users.values()
        if one.status == "Active" and not one.service_account
        and (one.last_login_at is None or one.last_login_at < at - timedelta(days=90))
    }  # fmt: skip
    assert {one["identity_id"] for one in report["dormant"] if one["basis"] == "last_login"} == asleep
    by_rule: dict[str, set[str]] = defaultdict(set)
    for one in report["sod"]:
        by_rule[one["rule_id"]].add(one["identity_id"])
    wanted = {"billing_edit", "usage_edit"}
    names = {one.id: one.name for one in org.permissions.values()}
    carried = {one.id: {names[each] for each in one.permission_ids} for one in org.roles.values()}
    assert by_rule["AS-SOD-12"] == {
        one for one in able
        if wanted <= {name for role in org.users[one].role_ids for name in carried[role]}
        and not any(wanted <= carried[role] and org.roles[role].managed for role in org.users[one].role_ids)
    }  # fmt: skip
    assert not {one["identity_id"] for one in report["sod"]} & {
        one.id for one in org.users.values() if org.role(ADMIN).id in one.role_ids
    }


def the_log_is_what_the_tables_say(story: Story, report: Report) -> None:
    with create_engine(story.cli.database, poolclass=NullPool).connect() as connection:
        seen = connection.execute(text("SELECT run_id, resource, state, received, expected FROM coverage")).all()
    assert {
        (one["run_id"], one["collection"], one["state"], one["fetched"], one["api_total_last"])
        for one in report["sync_runs"]
    } == {(f"run-{row.run_id}", row.resource, row.state, row.received, row.expected) for row in seen}
    assert report["provisioning_log"] == []
    assert report["attestations"] == []
    assert "attestations is empty: no access reviews are recorded" in report.about()["limitations"]


def every_format_has_the_same_rows(report: Report) -> None:
    for name in sorted(NAMES):
        rows = report[name]
        lines = [json.loads(line) for line in (report.out / f"{name}.ndjson").read_bytes().splitlines()]
        assert [{key: value for key, value in one.items() if key != "schema"} for one in lines] == rows
        with (report.out / f"{name}.csv").open(encoding="utf-8", newline="") as file:
            cells = list(csv.DictReader(file, strict=True))
        assert len(cells) == len(rows)
        meta = json.loads((report.out / f"{name}.meta.json").read_bytes())
        columns = [one["name"] for one in meta["columns"]]
        for one, row in zip(cells, rows, strict=True):
            assert list(one) == columns == list(row)
            assert all((one[key] == "") == (row[key] in (None, "", [])) for key in columns)


def test_the_past_is_told_as_it_was(story: Story) -> None:
    report = story.report("then", "--as-of", story.run_1)
    assert report.document["runs"][0]["run_id"] == story.run_1
    assert {(one["identity_id"], one["role_id"]) for one in report["grants"]} == story.grants_1
    assert {(one["role_id"], one["permission"]) for one in report["role_permissions"]} == story.carried_1
    status = {one["identity_id"]: one["status"] for one in report["identities"]}
    assert status[story.leaver.id] == "Active"
    assert story.promoted.id not in {one["identity_id"] for one in report["privileged"]}
    assert report["changes"] == []
    told = {one["finding_id"]: one["status"] for one in report["findings"]}
    assert told == {one["id"]: one["status"] for one in story.findings_1.values()}
    assert told[story.waived["id"]] == "open"
    with pytest.raises(AssertionError, match="nothing was known yet at that time"):
        story.report("before", "--as-of", "2020-01-01")
    assert not (story.tmp_path / "before").exists()


def test_the_same_run_gives_the_same_report(story: Story) -> None:
    first, second = story.report("one"), story.report("two")
    for path in sorted(first.out.iterdir()):
        if path.suffix in {".csv", ".ndjson"}:
            assert path.read_bytes() == (second.out / path.name).read_bytes(), path.name
    for name in NAMES:
        one, other = (json.loads((each.out / f"{name}.json").read_bytes()) for each in (first, second))
        for about in (one["about"], other["about"]):
            for key in ("report_id", "generated_at", "previous_manifest"):
                del about[key]
        assert one == other
