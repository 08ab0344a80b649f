"""The commands over keys, tokens, teams and mappings, and the doctor: what they print, and how they end."""

import csv
import io
import json
import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from accesssync.sandbox import READING_SCOPES, AppKey, Organization, SandboxServer, generate
from accesssync.sandbox.faults import Status
from tests.cli.conftest import NOW, Cli, make_cli

COMPLETE = {
    "org", "id", "type", "name", "owner_id", "scopes", "created_at", "last_used_at", "expires_at", "last4",
}  # fmt: skip
SECRET = "deadbeef" * 4 + "c0ffee42"
ADMIN = "Datadog Admin Role"


def furnish(at: Organization) -> None:
    """One of everything that the tests below ask for by name."""
    at.add_user("ada@example.com", name="Ada", roles=[ADMIN], last_login_at=NOW)
    at.add_user("grace@example.com", name="Grace", roles=["Datadog Read Only Role"], last_login_at=NOW)
    robot = at.add_user("robot@example.com", name="deploy robot", roles=[ADMIN], service_account=True)
    old = NOW - timedelta(days=400)
    at.add_application_key(
        "ada@example.com", name="ada all", secret=SECRET, at=old, last_used_at=NOW - timedelta(days=200)
    )
    at.add_application_key("ada@example.com", [], name="ada nothing", at=old)
    at.add_application_key("grace@example.com", ["user_access_manage", "metrics_read"], name="grace sleeping", at=old)
    at.add_application_key(robot.id, ["user_access_manage"], name="robot key", at=NOW, last_used_at=NOW)
    at.place_app_key(AppKey("key-of-nobody", "orphan", "e" * 40, "nobody", None, NOW))
    at.add_token(robot.id, ["metrics_read"], name="robot token", at=NOW)
    at.add_api_key("young api key", created_by="ada@example.com", at=NOW)
    at.add_api_key("old api key", created_by="ada@example.com", at=old)
    at.add_oauth_client("Watcher")
    at.authorize("Watcher", "ada@example.com", ["metrics_read"])
    at.add_team("Rockets")
    at.add_membership("Rockets", "ada@example.com", "admin")
    at.add_membership("Rockets", "grace@example.com")
    at.add_mapping("memberof", "rockets", team="Rockets")
    at.add_mapping("memberof", "admins", role=ADMIN)
    # One e-mail twice, the same in other case, and the same to the eye: four people.
    at.add_user("twin@example.com", name="Twin One")
    at.add_user("twin@example.com", name="Twin Two")
    at.add_user("Twin@Example.com", name="Twin Three")
    at.add_user("tw\u0456n@example.com", name="Twin Four")
    at.add_user('"><b>\x1b[31m@example.com', name="=1+1")


class Inventory:
    """An organization that was synced once, and the database of that."""

    def __init__(self, organization: Organization, server: SandboxServer, database: str) -> None:
        self.organization = organization
        self.server = server
        self.database = database

    @property
    def path(self) -> Path:
        return Path(self.database.removeprefix("sqlite:///"))

    def secrets(self) -> set[str]:
        return {*self.organization.app_keys_by_secret, *self.organization.api_keys_by_secret}


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Inventory]:
    organization = generate(60, 7, NOW)
    furnish(organization)
    database = f"sqlite:///{tmp_path_factory.mktemp('inventory') / 'accesssync.db'}"
    with SandboxServer(organization, activity_share=0, rate_limit=100_000) as server:
        with pytest.MonkeyPatch.context() as patched:
            cli = make_cli(patched, database)
            cli.use(server)
            cli.ok("sync")
        yield Inventory(organization, server, database)


@pytest.fixture
def cli(inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> Iterator[Cli]:
    """Over the synced inventory, which no test changes."""
    made = make_cli(monkeypatch, inventory.database)
    made.use(inventory.server)
    yield made
    said = "".join(made.said)
    assert not [secret for secret in inventory.secrets() if secret in said]


def one(documents: Any, name: str) -> dict[str, Any]:
    [found] = [each for each in documents if each["name"] == name]
    assert isinstance(found, dict)
    return found


def names(documents: Any) -> set[str]:
    return {each["name"] for each in documents}


class TestCredentials:
    def test_json_has_the_keys_of_the_contract(self, cli: Cli, inventory: Inventory) -> None:
        document = cli.ok("credentials")
        assert document["schema"] == "accesssync.credentials/1"
        found = document["credentials"]
        held = inventory.organization
        assert len(found) == len({*held.app_keys, *held.api_keys, *held.tokens, *held.oauth_clients})
        assert all(each.keys() >= COMPLETE for each in found)
        assert {each["type"] for each in found} <= {
            "application_key", "api_key", "personal_access_token", "service_access_token", "oauth_client",
        }  # fmt: skip
        assert {each["org"] for each in found} == {"default"}
        assert all(each["first_seen_baseline"] for each in found)

    def test_unscoped_is_null_and_scoped_to_nothing_is_an_empty_list(self, cli: Cli) -> None:
        found = cli.ok("credentials")["credentials"]
        assert (one(found, "ada all")["scopes"], one(found, "ada nothing")["scopes"]) == (None, [])
        assert one(found, "grace sleeping")["scopes"] == ["metrics_read", "user_access_manage"]

    def test_times_are_in_utc(self, cli: Cli) -> None:
        found = one(cli.ok("credentials")["credentials"], "ada all")
        assert found["created_at"].endswith("Z")
        assert found["last_used_at"].endswith("Z")
        assert found["last_used_state"] == "seen"

    @pytest.mark.parametrize("kind", ["application_key", "api_key", "service_access_token", "oauth_client"])
    def test_by_kind(self, cli: Cli, kind: str) -> None:
        everything = cli.ok("credentials")["credentials"]
        found = cli.ok("credentials", "--kind", kind)["credentials"]
        assert found == [each for each in everything if each["type"] == kind] != []

    def test_unscoped_are_keys_that_nothing_narrows_and_no_api_keys_or_clients(self, cli: Cli) -> None:
        found = cli.ok("credentials", "--unscoped")["credentials"]
        assert {each["type"] for each in found} == {"application_key"}
        assert all(each["scopes"] is None for each in found)
        assert names(found) & {"ada all", "ada nothing", "grace sleeping"} == {"ada all"}

    @pytest.mark.parametrize("whose", ["ada@example.com", "ADA@Example.com", "id"])
    def test_by_owner_with_the_api_keys_that_it_made(self, cli: Cli, inventory: Inventory, whose: str) -> None:
        owner = inventory.organization.user("ada@example.com").id if whose == "id" else whose
        found = cli.ok("credentials", "--owner", owner)["credentials"]
        assert names(found) == {"ada all", "ada nothing", "young api key", "old api key"}

    @pytest.mark.parametrize("whose", ["robot@example.com", "deploy robot"])
    def test_a_service_account_is_found_by_its_e_mail_too(self, cli: Cli, whose: str) -> None:
        found = cli.ok("credentials", "--owner", whose)["credentials"]
        assert names(found) == {"robot key", "robot token"}

    def test_an_owner_that_no_listing_shows_is_marked_and_found_by_id(self, cli: Cli) -> None:
        [found] = cli.ok("credentials", "--owner", "nobody")["credentials"]
        assert (found["id"], found["owner"], found["owner_known"]) == ("key-of-nobody", None, False)
        assert "nobody (not listed)" in cli("credentials", "--owner", "nobody").out

    def test_unused_for_counts_from_the_last_use_or_else_from_the_making(self, cli: Cli) -> None:
        found = names(cli.ok("credentials", "--unused-for", "30")["credentials"])
        assert {"ada all", "ada nothing", "grace sleeping", "old api key"} <= found
        # Made today: nothing can have been unused for longer than it is there.
        assert not {"robot key", "robot token", "young api key"} & found

    def test_of_an_api_key_nobody_knows_more_than_ninety_days(self, cli: Cli) -> None:
        assert "old api key" in names(cli.ok("credentials", "--unused-for", "90")["credentials"])
        found = cli.ok("credentials", "--unused-for", "150")["credentials"]
        assert "ada all" in names(found)
        assert "old api key" not in names(found)

    @pytest.mark.parametrize(("days", "weeks"), [("28d", "4w"), ("91", "13w")])
    def test_how_long_unused_is_written_in_days_or_weeks(self, cli: Cli, days: str, weeks: str) -> None:
        found = cli.ok("credentials", "--unused-for", days)
        assert found["credentials"]
        assert found == cli.ok("credentials", "--unused-for", weeks)

    @pytest.mark.parametrize("text", ["0", "-3", "3h", "soon", "1e3", "99999999"])
    def test_what_is_no_number_of_days_is_refused(self, cli: Cli, text: str) -> None:
        ended = cli("credentials", "--unused-for", text, "--json")
        assert (ended.code, ended.error["code"]) == (2, "usage")

    def test_privileged_are_those_that_can_do_it_now(self, cli: Cli) -> None:
        found = names(cli.ok("credentials", "--privileged")["credentials"])
        assert {"ada all", "robot key"} <= found
        # Scopes of somebody who holds no such role, no scopes at all, keys that no role is asked about.
        assert not {"grace sleeping", "ada nothing", "robot token", "old api key"} & found

    def test_csv_tells_unscoped_from_scoped_to_nothing(self, cli: Cli) -> None:
        rows = list(csv.DictReader(io.StringIO(cli("credentials", "--format", "csv").out)))
        assert len(rows) == len(cli.ok("credentials")["credentials"])
        assert set(rows[0]) >= COMPLETE
        scoping = {row["name"]: (row["scoping"], row["scopes"]) for row in rows}
        assert scoping["ada all"] == ("unscoped", "")
        assert scoping["ada nothing"] == ("scoped", "")
        assert scoping["grace sleeping"] == ("scoped", "metrics_read;user_access_manage")
        assert scoping["old api key"] == ("organization", "")

    def test_the_table_says_unscoped_loudly(self, cli: Cli) -> None:
        out = cli("credentials", "--owner", "ada@example.com").out
        assert "UNSCOPED" in next(line for line in out.splitlines() if line.startswith("ada all"))
        assert "nothing" in next(line for line in out.splitlines() if line.startswith("ada nothing"))

    def test_before_the_first_run_nothing_was_known_and_that_is_said(self, cli: Cli) -> None:
        for command in ("credentials", "teams", "mappings"):
            ended = cli(command, "--as-of", "2020-01-01", "--json")
            assert ended.code == 2
            assert "nothing was known yet" in ended.error["message"]
            assert "run-1" in ended.error["remedy"]

    def test_as_of_a_run_and_after_a_change(self, monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> None:
        organization = generate(20, 9, NOW)
        key = organization.add_application_key(next(iter(organization.users)), ["metrics_read"], name="ci")
        with SandboxServer(organization, activity_share=0, rate_limit=100_000) as server:
            cli = make_cli(monkeypatch, sqlite_url)
            cli.use(server)
            cli.ok("sync")
            organization.rescope_key(key.id, None)
            organization.delete_team(next(iter(organization.teams)))
            organization.add_mapping("group", "new", role=ADMIN)
            cli.ok("sync")
        assert one(cli.ok("credentials", "--as-of", "run-1")["credentials"], "ci")["scopes"] == ["metrics_read"]
        assert one(cli.ok("credentials")["credentials"], "ci")["scopes"] is None
        assert len(cli.ok("teams", "--as-of", "run-1")["teams"]) == len(cli.ok("teams")["teams"]) + 1
        values = {each["attribute_value"] for each in cli.ok("mappings", "--as-of", "run-1")["mappings"]}
        assert "new" in {each["attribute_value"] for each in cli.ok("mappings")["mappings"]} - values
        kinds = {each["kind"] for each in cli.ok("changes", "--since", "run-1")["changes"]}
        assert kinds >= {"credential.updated", "team.removed", "mapping.added"}
        [change] = [each for each in cli.ok("changes")["changes"] if each["kind"] == "credential.updated"]
        assert change["fields"] == {"scopes": [["metrics_read"], None]}
        assert (change["cause"], change["subject_id"]) == ("org", key.id)


class TestOneCredential:
    @pytest.mark.parametrize("which", ["grace sleeping", "id", "last4"])
    def test_by_name_id_or_last_characters(self, cli: Cli, inventory: Inventory, which: str) -> None:
        key = next(each for each in inventory.organization.app_keys.values() if each.name == "grace sleeping")
        text = {"id": key.id, "last4": key.secret[-4:]}.get(which, which)
        found = one(cli.ok("credential", "show", text)["credentials"], "grace sleeping")
        assert (found["id"], found["owner"]) == (key.id, "grace@example.com")
        assert found["reach"]["scoping"] == "scoped"
        # She may not do it, and could from the day on that somebody makes her an administrator.
        assert "user_access_manage" in found["reach"]["dead"]
        assert ADMIN in found["reach"]["sleeping"]["user_access_manage"]
        assert "user_access_manage" not in found["reach"]["effective"]

    def test_that_nothing_is_called(self, cli: Cli) -> None:
        ended = cli("credential", "show", "no such key", "--json")
        assert (ended.code, ended.error["code"]) == (2, "usage")
        assert "accesssync credentials" in ended.error["remedy"]

    def test_of_an_owner_that_is_gone(self, cli: Cli) -> None:
        [found] = cli.ok("credential", "show", "key-of-nobody")["credentials"]
        assert (found["owner"], found["reach"]["standing"]) == (None, "unknown")
        assert "not listed" in found["reach"]["reason"]
        assert cli("credential", "show", "key-of-nobody").code == 0

    def test_whose_a_found_key_is(self, cli: Cli, inventory: Inventory, monkeypatch: pytest.MonkeyPatch) -> None:
        files = sorted(inventory.path.parent.iterdir())
        monkeypatch.setattr(sys, "stdin", io.StringIO(f"  {SECRET}\n"))
        document = cli.ok("credential", "identify", "--stdin")
        found = one(document["matches"], "ada all")
        assert (found["type"], found["owner"], found["last4"]) == ("application_key", "ada@example.com", "ee42")
        monkeypatch.setattr(sys, "stdin", io.StringIO(SECRET))
        ended = cli("credential", "identify", "--stdin")
        assert "ada all" in ended.out
        assert SECRET not in "".join(cli.said)
        assert SECRET[:-4] not in "".join(cli.said)
        assert sorted(inventory.path.parent.iterdir()) == files
        assert SECRET.encode() not in b"".join(each.read_bytes() for each in files)

    @pytest.mark.parametrize("text", ["", "   \n", "f" * 40, "hunter2", "\x1b[31m" + "f" * 5000])
    def test_what_is_no_known_key_is_not_repeated_either(
        self, cli: Cli, monkeypatch: pytest.MonkeyPatch, text: str
    ) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))
        ended = cli("credential", "identify", "--stdin", "--json")
        assert ended.code == (0 if text.strip() else 2)
        assert not text.strip() or ended.json["matches"] == []
        assert not text.strip() or text.strip() not in "".join(cli.said)

    def test_a_key_is_never_taken_from_the_command_line(self, cli: Cli) -> None:
        # Other people of a machine can read what a command was called with.
        ended = cli("credential", "identify", "ffff")
        assert ended.code == 2

    def test_what_stops_when_it_is_revoked(self, cli: Cli) -> None:
        [found] = cli.ok("revoke-preview", "robot key")["previews"]
        assert (found["works"], found["urgency"]) == (True, "now")
        assert "user_access_manage" in found["stops"]
        assert [each["subject"] for each in found["owners"]] == ["deploy robot"]
        assert cli("revoke-preview", "robot key").code == 0
        assert cli("revoke-preview", "no such key").code == 2

    def test_what_dies_and_lives_on_when_somebody_leaves(self, cli: Cli) -> None:
        [found] = cli.ok("offboard-preview", "ADA@example.com")["previews"]
        assert {each["name"] for each in found["dies"]} >= {"ada all", "ada nothing"}
        assert {each["name"] for each in found["lives_on"]} == {"young api key", "old api key"}
        assert [(each["team"], each["last_admin"]) for each in found["teams"]] == [("Rockets", True)]
        out = cli("offboard-preview", "ada@example.com").out
        assert "ada all" in out
        assert "Rockets" in out
        assert cli("offboard-preview", "nobody@example.com").code == 2


class TestTeamsAndMappings:
    def test_a_team_has_its_members_and_admins(self, cli: Cli) -> None:
        found = one(cli.ok("teams")["teams"], "Rockets")
        assert found["admins"] == ["ada@example.com"]
        members = {each["subject"]: (each["role"], each["since_baseline"]) for each in found["members"]}
        assert members == {"ada@example.com": ("admin", True), "grace@example.com": (None, True)}
        assert "Rockets" in cli("teams", "--limit", "0").out
        assert "Rockets" in cli("teams", "--format", "csv").out

    def test_a_mapping_says_what_it_gives_by_name(self, cli: Cli) -> None:
        found = {each["attribute_value"]: each for each in cli.ok("mappings")["mappings"]}
        assert (found["rockets"]["team"], found["rockets"]["role"]) == ("Rockets", None)
        assert (found["admins"]["team"], found["admins"]["role"]) == (None, ADMIN)
        assert "memberof=rockets" in cli("mappings", "--limit", "0").out
        assert "memberof" in cli("mappings", "--format", "csv").out

    @pytest.mark.parametrize("whose", ["ada@example.com", "ADA@example.com"])
    def test_the_teams_that_somebody_is_in(self, cli: Cli, whose: str) -> None:
        assert names(cli.ok("teams", "--subject", whose)["teams"]) == {"Rockets"}
        ended = cli("teams", "--subject", "nobody@example.com")
        assert (ended.code, ended.out.strip()) == (0, "0 teams")
        assert "nobody is called nobody@example.com" in ended.err

    def test_the_mappings_that_give_a_role(self, cli: Cli) -> None:
        found = cli.ok("mappings", "--role", ADMIN.upper())["mappings"]
        assert {each["role"] for each in found} == {ADMIN}
        assert "admins" in {each["attribute_value"] for each in found}


class TestWhoHoldsWhat:
    def test_privileged_identities_are_the_admins(self, cli: Cli) -> None:
        found = cli.ok("identities", "--privileged")["identities"]
        assert {each["id"] for each in found} == {each["id"] for each in cli.ok("admins")["admins"]}
        assert {"ada@example.com"} <= {each["email"] for each in found}
        assert "grace@example.com" not in {each["email"] for each in found}

    def test_who_has_not_logged_in_for_so_long(self, cli: Cli) -> None:
        idle = {each["id"] for each in cli.ok("identities", "--unused-for", "90d")["identities"]}
        emails = {each["id"]: each["email"] for each in cli.ok("identities")["identities"]}
        assert idle
        assert not {"ada@example.com", "grace@example.com", "robot@example.com"} & {emails[each] for each in idle}
        admins = {each["id"] for each in cli.ok("admins", "--unused-for", "90d")["admins"]}
        assert admins == idle & {each["id"] for each in cli.ok("admins")["admins"]}

    @pytest.mark.parametrize("command", ["identities", "grants", "admins"])
    @pytest.mark.parametrize("written", [ADMIN, "datadog ADMIN role", "id"])
    def test_a_role_is_known_by_its_name_in_any_case_and_by_its_id(
        self, cli: Cli, inventory: Inventory, command: str, written: str
    ) -> None:
        role = next(each for each in inventory.organization.roles.values() if each.name == ADMIN)
        found = cli.ok(command, "--role", role.id if written == "id" else written)[command]
        assert found
        assert all(ADMIN in (each["role"] if command == "grants" else each["roles"]) for each in found)

    @pytest.mark.parametrize("command", ["identities", "grants", "admins", "mappings"])
    def test_a_role_that_nobody_knows_is_told_and_not_just_empty(self, cli: Cli, command: str) -> None:
        ended = cli(command, "--role", "Datadog Admim Role\x1b[31m")
        assert ended.code == 0
        assert ended.out.startswith("0 ")
        assert "no role is called Datadog Admim Role\\x1b[31m" in ended.err

    def test_privileged_grants_are_those_of_privileged_roles(self, cli: Cli) -> None:
        harmful = {each["id"] for each in cli.ok("roles", "--privileged")["roles"]}
        found = cli.ok("grants", "--privileged")["grants"]
        assert found == [each for each in cli.ok("grants")["grants"] if each["role_id"] in harmful] != []

    def test_the_help_of_admins_shows_its_examples_line_by_line(self, cli: Cli) -> None:
        lines = [line.strip() for line in cli("admins", "--help").out.splitlines()]
        assert "accesssync admins" in lines


class TestLookAlikes:
    def test_those_that_a_reader_takes_for_each_other_are_marked_and_never_merged(self, cli: Cli) -> None:
        found = cli.ok("identities")["identities"]
        twins = {each["name"]: each for each in found if (each["name"] or "").startswith("Twin")}
        assert set(twins) == {"Twin One", "Twin Two", "Twin Three", "Twin Four"}
        assert len({each["id"] for each in twins.values()}) == 4
        for name, twin in twins.items():
            assert set(twin["look_alikes"]) == {each["id"] for other, each in twins.items() if other != name}
        assert one(found, "Ada")["look_alikes"] == []

    def test_asking_for_one_shows_all_that_answer_to_it(self, cli: Cli) -> None:
        shown = cli.ok("identity", "show", "twin@example.com")["identities"]
        # What only looks the same does not answer to the name.
        assert names(shown) == {"Twin One", "Twin Two", "Twin Three"}

    def test_hostile_names_reach_neither_terminal_nor_spreadsheet(self, cli: Cli) -> None:
        assert "\x1b[31m" not in cli("identities", "--limit", "0").out
        rows = list(csv.DictReader(io.StringIO(cli("identities", "--format", "csv").out)))
        [hostile] = [row for row in rows if row["name"].endswith("=1+1")]
        assert hostile["name"] != "=1+1"


class TestWhoCan:
    def test_json_has_the_keys_of_the_contract(self, cli: Cli) -> None:
        document = cli.ok("who-can", "user_access_manage")
        assert document.keys() >= {"schema", "permission", "as_of", "identities", "credentials"}
        assert (document["permission"], document["as_of"][-1]) == ("user_access_manage", "Z")
        assert all(each.keys() >= {"org", "id", "email", "via"} for each in document["identities"])
        assert all(
            each.keys() >= {"org", "id", "type", "owner_id", "scopes", "via"} for each in document["credentials"]
        )

    def test_who_and_what_can_and_by_which_role(self, cli: Cli) -> None:
        document = cli.ok("who-can", "user_access_manage")
        by_mail = {each["email"]: each["via"] for each in document["identities"]}
        assert by_mail["ada@example.com"] == [ADMIN]
        assert "grace@example.com" not in by_mail
        found = names(document["credentials"])
        assert {"ada all", "robot key"} <= found
        assert not {"ada nothing", "grace sleeping", "orphan"} & found

    def test_indirect_says_how_and_says_it_once(self, cli: Cli) -> None:
        direct, wider = cli.ok("who-can", "org_management"), cli.ok("who-can", "org_management", "--indirect")
        assert {each["id"] for each in direct["identities"]} <= {each["id"] for each in wider["identities"]}
        more = [each for each in wider["identities"] if not each["direct"]]
        assert more
        for each in (*wider["identities"], *wider["credentials"]):
            assert each["via"]
            assert len(each["via"]) == len(set(each["via"]))

    def test_as_of_a_date_before_the_first_run_is_not_nobody(self, cli: Cli) -> None:
        assert cli("who-can", "user_access_manage", "--as-of", "2020-01-01").code == 2
        assert cli.ok("who-can", "user_access_manage", "--as-of", "run-1")["identities"]

    def test_a_misspelled_permission_is_told_and_not_answered_with_nobody(self, cli: Cli) -> None:
        ended = cli("who-can", "user_acess_manage", "--json")
        assert (ended.code, ended.error["code"]) == (2, "usage")
        assert "did you mean user_access_manage" in ended.error["remedy"]
        assert len(ended.err.strip().splitlines()) == 1

    def test_as_a_table(self, cli: Cli) -> None:
        ended = cli("who-can", "user_access_manage", "--limit", "0")
        assert ended.code == 0
        [ada] = [line for line in ended.out.splitlines() if line.startswith("ada@example.com")]
        assert ada.split(maxsplit=1)[1] == ADMIN
        assert "robot key" in ended.out

    def test_as_csv_with_identities_and_credentials_told_apart(self, cli: Cli) -> None:
        document = cli.ok("who-can", "user_access_manage")
        rows = list(csv.DictReader(io.StringIO(cli("who-can", "user_access_manage", "--format", "csv").out)))
        assert [row["id"] for row in rows if row["type"] == "identity"] == [one["id"] for one in document["identities"]]
        assert len(rows) == len(document["identities"]) + len(document["credentials"])
        [ada] = [row for row in rows if row["email"] == "ada@example.com"]
        assert (ada["via"], ada["direct"]) == (ADMIN, "true")


class TestAcrossOrganizations:
    def test_who_and_what_is_known_in_several_is_shown_side_by_side(
        self, inventory: Inventory, monkeypatch: pytest.MonkeyPatch, sqlite_url: str
    ) -> None:
        other = generate(20, 8, NOW)
        other.add_user("ADA@example.com", name="Ada there")
        other.add_user("gr\u0430ce@example.com", name="Not Grace")
        other.add_application_key(next(iter(other.users)), name="robot key")
        cli = make_cli(monkeypatch, sqlite_url)
        with SandboxServer(other, activity_share=0, rate_limit=100_000) as server:
            for name, each in (("ACME", inventory.server), ("EMEA", server)):
                keys = {"API_KEY": each.api_key, "APP_KEY": each.app_key, "API_URL": each.url}
                cli.env(**{f"ACCESSSYNC_ORGS__{name}__{key}": value for key, value in keys.items()})
            assert [each["org"] for each in cli.ok("sync")["runs"]] == ["acme", "emea"]
            found = cli.ok("identities", "--across-orgs")["identities"]
            adas = {each["org"]: each for each in found if each["email"].lower() == "ada@example.com"}
            assert {org: each["also_in"] for org, each in adas.items()} == {"acme": ["emea"], "emea": ["acme"]}
            assert adas["acme"]["id"] != adas["emea"]["id"]
            # What only looks the same is not the same person.
            assert not [each for each in found if "ce@example.com" in each["email"]]
            keys_found = cli.ok("credentials", "--across-orgs")["credentials"]
            assert {each["org"] for each in keys_found if each["name"] == "robot key"} == {"acme", "emea"}
            assert "ada all" not in names(keys_found)
            assert "emea" in cli("identities", "--across-orgs").out
            checked = cli.ok("check")["checks"]
            assert {each["org"] for each in checked} == {None, "acme", "emea"}
            assert {each["org"] for each in cli.ok("check", "--org", "emea")["checks"]} == {None, "emea"}


class TestCheck:
    @pytest.fixture
    def doctor(self, inventory: Inventory, cli: Cli) -> Iterator["Doctor"]:
        made = Doctor(inventory, cli)
        yield made
        for key in made.keys:
            inventory.organization.delete_application_key(key)

    def test_all_is_well_with_the_minimal_key(self, doctor: "Doctor") -> None:
        lines = doctor.examine(list(READING_SCOPES), code=0)
        assert {line["status"] for line in lines.values()} <= {"ok", "warn"}
        assert doctor.document["schema"] == "accesssync.check/1"
        assert all(line.keys() == {"id", "org", "status", "message", "fix"} for line in doctor.document["checks"])
        assert lines["site"]["status"] == lines["database"]["status"] == lines["clock"]["status"] == "ok"
        assert "requests" in lines["cost"]["message"]
        assert len([line for line in lines if line.startswith("feature.sync.")]) == 10

    def test_the_number_of_requests_it_foretells_is_what_a_sync_takes(
        self, doctor: "Doctor", monkeypatch: pytest.MonkeyPatch, sqlite_url: str
    ) -> None:
        message = doctor.examine(list(READING_SCOPES))["cost"]["message"]
        cli = make_cli(monkeypatch, sqlite_url)
        cli.use(doctor.inventory.server)
        took = cli.ok("sync")["runs"][0]["requests"]
        assert abs(int(message.split("about ")[1].split()[0].replace(",", "")) - took) <= 2

    def test_a_wrong_key_is_6_and_is_not_repeated(self, doctor: "Doctor") -> None:
        wrong = "0123456789abcdef" * 2 + "01234567"
        lines = doctor.examine(secret=wrong, code=6)
        assert lines["key"]["status"] == "fail"
        assert lines["key"]["fix"]
        assert wrong not in "".join(doctor.cli.said)

    @pytest.mark.parametrize(
        ("permission", "features"),
        [
            ("org_app_keys_read", {"application_keys", "access_tokens"}),
            ("api_keys_read", {"api_keys"}),
            ("teams_read", {"teams", "team_memberships"}),
            ("org_authorized_apps_read", {"oauth_clients"}),
        ],
    )
    def test_a_denied_feature_is_6_and_names_the_permission(
        self, doctor: "Doctor", permission: str, features: set[str]
    ) -> None:
        lines = doctor.examine([each for each in READING_SCOPES if each != permission], code=6)
        failed = {name for name, line in lines.items() if line["status"] == "fail"}
        assert failed == {f"feature.sync.{each}" for each in features}
        for name in failed:
            assert permission in lines[name]["message"]
            assert "ACCESSSYNC_SKIP" in lines[name]["fix"]

    def test_what_only_shows_the_callers_own_tokens_is_not_enough(self, doctor: "Doctor") -> None:
        scopes = [*(each for each in READING_SCOPES if each != "org_app_keys_read"), "user_app_keys"]
        assert doctor.examine(scopes, code=6)["feature.sync.access_tokens"]["status"] == "fail"

    def test_what_is_skipped_is_not_asked_for(self, doctor: "Doctor") -> None:
        doctor.cli.env(ACCESSSYNC_SKIP="application_keys,access_tokens")
        lines = doctor.examine([each for each in READING_SCOPES if each != "org_app_keys_read"], code=0)
        assert "feature.sync.application_keys" not in lines

    def test_a_key_that_can_read_nothing_is_examined_all_the_same(self, doctor: "Doctor") -> None:
        lines = doctor.examine([], code=6)
        features = [line for name, line in lines.items() if name.startswith("feature.sync.")]
        assert {line["status"] for line in features} == {"fail"}
        assert all("needs" in line["message"] for line in features)
        assert lines["site"]["status"] == "ok"
        assert "org_app_keys_read" in lines["key.scopes"]["message"]

    def test_an_unscoped_key_is_told_with_the_scopes_that_suffice(self, doctor: "Doctor") -> None:
        line = doctor.examine(None, code=0)["key.scopes"]
        assert line["status"] == "warn"
        assert "unscoped" in line["message"]
        assert set(READING_SCOPES) >= set(line["fix"].split(": ")[1].split(", ")) >= {
            "user_access_read", "org_app_keys_read", "api_keys_read", "teams_read", "org_authorized_apps_read",
        }  # fmt: skip

    def test_what_a_key_could_do_beyond_its_work_is_told(self, doctor: "Doctor") -> None:
        line = doctor.examine([*READING_SCOPES, "user_access_manage", "org_management"], code=0)["key.excess"]
        assert line["status"] == "warn"
        assert "user_access_manage" in line["message"]
        assert "org_management" in line["message"]
        assert "user_access_read" in line["fix"]

    def test_a_key_of_a_person_is_told(self, doctor: "Doctor") -> None:
        line = doctor.examine(list(READING_SCOPES), owner="ada@example.com")["key.owner"]
        assert line["status"] == "warn"
        assert "ada@example.com" in line["message"]
        assert "service account" in line["fix"]
        assert doctor.examine(list(READING_SCOPES))["key.owner"]["status"] == "ok"

    def test_keys_that_are_not_set_are_named_by_their_variables(
        self, doctor: "Doctor", monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.delenv("DD_APP_KEY")
        ended = doctor.cli("check", "--json")
        assert ended.code == 6
        assert any("DD_APP_KEY" in line["message"] for line in ended.json["checks"])

    def test_a_site_that_does_not_answer_is_7(self, doctor: "Doctor") -> None:
        fault = doctor.inventory.server.faults.add(Status(500), times=None)
        try:
            lines = doctor.examine(secret=doctor.inventory.server.app_key, code=7)
        finally:
            doctor.inventory.server.faults.remove(fault)
        assert lines["site"]["status"] == "fail"

    def test_a_database_that_others_can_read_is_9(self, doctor: "Doctor") -> None:
        doctor.inventory.path.chmod(0o644)
        try:
            line = doctor.examine(list(READING_SCOPES), code=9)["database"]
        finally:
            doctor.inventory.path.chmod(0o600)
        assert line["status"] == "fail"
        assert "chmod 600" in line["fix"]

    @pytest.mark.parametrize(("revision", "fix"), [("0001", "db upgrade"), ("9999", "newer")], ids=["older", "newer"])
    def test_a_database_of_another_version_is_9(
        self, doctor: "Doctor", tmp_path: Path, revision: str, fix: str
    ) -> None:
        path = tmp_path / "other.db"
        with sqlite3.connect(doctor.inventory.path) as source, sqlite3.connect(path) as copy:
            source.backup(copy)
            copy.execute("UPDATE alembic_version SET version_num = ?", (revision,))
        source.close()
        copy.close()
        path.chmod(0o600)
        doctor.cli.env(ACCESSSYNC_DATABASE_URL=f"sqlite:///{path}")
        line = doctor.examine(list(READING_SCOPES), code=9)["database"]
        assert line["status"] == "fail"
        assert fix in line["fix"]

    def test_it_writes_nothing_and_makes_no_database(self, doctor: "Doctor", tmp_path: Path) -> None:
        before = {each: each.read_bytes() for each in doctor.inventory.path.parent.iterdir()}
        doctor.examine(list(READING_SCOPES))
        assert {each: each.read_bytes() for each in doctor.inventory.path.parent.iterdir()} == before
        doctor.cli.env(ACCESSSYNC_DATABASE_URL=f"sqlite:///{tmp_path / 'none' / 'none.db'}")
        assert doctor.examine(list(READING_SCOPES), code=0)["database"]["status"] == "warn"
        assert not (tmp_path / "none").exists()

    def test_people_get_a_line_each_with_the_way_out(self, doctor: "Doctor") -> None:
        doctor.use([each for each in READING_SCOPES if each != "teams_read"])
        ended = doctor.cli("check")
        assert ended.code == 6
        lines = ended.out.splitlines()
        at = next(number for number, line in enumerate(lines) if line.startswith("FAIL") and "teams_read" in line)
        assert "ACCESSSYNC_SKIP=team" in lines[at + 1]
        assert doctor.cli("doctor").code == 6


class Doctor:
    """Runs `check` with keys of all kinds; each is gone again afterwards."""

    def __init__(self, inventory: Inventory, cli: Cli) -> None:
        self.inventory = inventory
        self.cli = cli
        self.document: Any = None
        self.keys: list[str] = []

    def use(self, scopes: list[str] | None, owner: str | None = None) -> None:
        at = self.inventory.organization
        reader = next(key.owner_id for key in at.app_keys.values() if key.secret == self.inventory.server.app_key)
        key = at.add_application_key(owner or reader, scopes, name="read key")
        self.cli.env(DD_APP_KEY=key.secret)
        self.keys.append(key.id)

    def examine(
        self,
        scopes: list[str] | None = None,
        *,
        owner: str | None = None,
        secret: str | None = None,
        code: int | None = None,
    ) -> dict[str, dict[str, Any]]:
        """The lines by id."""
        if secret is None:
            self.use(scopes, owner)
        else:
            self.cli.env(DD_APP_KEY=secret)
        ended = self.cli("check", "--json")
        assert code is None or ended.code == code, ended.out
        self.document = ended.json
        return {line["id"]: line for line in self.document["checks"]}


def test_no_command_shows_a_key_not_even_with_a_traceback(cli: Cli) -> None:
    # The fixture looks for every secret of the organization in all that was printed.
    for command in (
        ["credentials"], ["credentials", "--json"], ["credentials", "--format", "csv"], ["check"],
        ["credential", "show", "ada all"], ["revoke-preview", "ada all"], ["offboard-preview", "ada@example.com"],
        ["who-can", "user_access_manage", "--indirect"], ["teams"], ["mappings"], ["status"],
        ["credential", "show", SECRET[-4:], "--debug"],
    ):  # fmt: skip
        assert cli(*command).code == 0, command
    assert len(cli.said) > 20
    assert SECRET not in "".join(cli.said)


def test_as_a_process_of_its_own(inventory: Inventory) -> None:
    environment = {
        **os.environ,
        "ACCESSSYNC_DATABASE_URL": inventory.database,
        "DD_API_KEY": inventory.server.api_key,
        "DD_APP_KEY": inventory.server.minimal_app_key or "",
        "ACCESSSYNC_API_URL": inventory.server.url,
    }

    def run(*arguments: str, given: str = "") -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "accesssync", *arguments]
        return subprocess.run(
            command, env=environment, input=given, capture_output=True, text=True, timeout=60, check=False
        )

    identified = run("credential", "identify", "--stdin", "--json", given=SECRET)
    assert (identified.returncode, identified.stderr) == (0, "")
    assert one(json.loads(identified.stdout)["matches"], "ada all")["owner"] == "ada@example.com"
    assert SECRET not in identified.stdout
    checked = run("check", "--json")
    assert checked.returncode == 0, checked.stdout
    said = checked.stdout + checked.stderr + identified.stdout
    assert not [secret for secret in inventory.secrets() if secret in said]
    assert run("who-can", "no_such_permission").returncode == 2
