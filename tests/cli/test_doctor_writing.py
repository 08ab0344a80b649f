"""`accesssync check` for what may be written: whether the provisioning key covers it, and nothing else."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from accesssync.errors import UsageError
from accesssync.model.operation import PROVISIONING, PUBLISHING
from accesssync.reach.features import minimal, needed, writing
from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox.faults import Status
from accesssync.sandbox.keyring import READING_SCOPES
from tests.cli.conftest import NOW, Cli, make_cli

Lines = dict[str, dict[str, Any]]
INVITING = ("create_user", "send_invitation")
INVITING_SCOPES = ("user_access_invite", "user_access_read")


@dataclass
class Doctor:
    """Runs `check` on an organization that has a provisioner: a service account with an administrator's role."""

    cli: Cli
    organization: Organization
    server: SandboxServer
    provisioner: str

    def key(self, scopes: tuple[str, ...] | None, *, owner: str | None = None, ending: str = "") -> str:
        """Make a provisioning key and set it."""
        secret = f"{self.organization.rng.getrandbits(160):040x}"
        secret = secret[: 40 - len(ending)] + ending
        self.organization.add_application_key(owner or self.provisioner, scopes, name="provisioning", secret=secret)
        self.cli.env(ACCESSSYNC_PROVISION_APP_KEY=secret)
        return secret

    def allow(self, *operations: str) -> None:
        self.cli.env(ACCESSSYNC_ALLOWED_OPERATIONS=",".join(operations))

    def examine(self, code: int) -> Lines:
        ended = self.cli("check", "--json")
        assert ended.code == code, ended.out
        lines = ended.json["checks"]
        assert all(line["fix"] for line in lines if line["status"] != "ok"), "what is wrong has a way out"
        by_id = {line["id"]: line for line in lines}
        assert len(by_id) == len(lines)
        return by_id


@pytest.fixture
def doctor(monkeypatch: pytest.MonkeyPatch, sqlite_url: str) -> Iterator[Doctor]:
    organization = generate(25, 3, NOW)
    admin = next(role.name for role in organization.roles.values() if role.name == "Datadog Admin Role")
    provisioner = organization.add_user(
        "provisioner@example.com", name="provisioner", service_account=True, roles=[admin]
    )
    with SandboxServer(organization, activity_share=0, rate_limit=100_000) as server:
        cli = make_cli(monkeypatch, sqlite_url)
        cli.use(server)
        cli.env(DD_APP_KEY=server.minimal_app_key or "")
        yield Doctor(cli, organization, server, provisioner.id)
        said = "".join(cli.said)
        assert not [each for each in organization.app_keys_by_secret if each in said]


def faults(lines: Lines) -> set[str]:
    return {name for name, line in lines.items() if line["status"] == "fail"}


def test_without_a_key_and_with_nothing_allowed_it_is_read_only(doctor: Doctor) -> None:
    line = doctor.examine(0)["writing"]
    assert line["status"] == "ok"
    assert "read-only" in line["message"]


def test_a_key_that_covers_what_is_allowed_and_nothing_else_is_sound(doctor: Doctor) -> None:
    doctor.key(INVITING_SCOPES)
    doctor.allow(*INVITING)
    lines = doctor.examine(0)
    about = {name: line for name, line in lines.items() if "provision" in name}
    assert {line["status"] for line in about.values()} == {"ok"}
    assert about.keys() == {
        "key.provision", "key.provision.scopes", "feature.provision.read_back",
        "feature.provision.create_user", "feature.provision.send_invitation",
    }  # fmt: skip
    assert "service account provisioner" in about["key.provision"]["message"]


def test_everything_at_once_is_covered_by_the_list_that_the_documents_give(doctor: Doctor) -> None:
    doctor.key(minimal("provision"))
    doctor.allow(*PROVISIONING, *PUBLISHING)
    lines = doctor.examine(0)
    assert len([name for name in lines if name.startswith("feature.provision.")]) == len(PROVISIONING) + 1


@pytest.mark.parametrize("operation", PROVISIONING)
def test_a_scope_that_an_operation_lacks_is_named(doctor: Doctor, operation: str) -> None:
    *_, feature = writing([operation])
    doctor.key(tuple(set(minimal("provision")) - {feature.permissions[0]}))
    doctor.allow(operation)
    lines = doctor.examine(6)
    assert faults(lines) == {f"feature.provision.{operation}"}
    line = lines[f"feature.provision.{operation}"]
    assert f"the key lacks the scope {feature.permissions[0]}" in line["message"]
    assert operation in line["fix"]
    assert "ACCESSSYNC_ALLOWED_OPERATIONS" in line["fix"]


def test_what_no_role_of_the_owner_carries_is_named(doctor: Doctor) -> None:
    reader = next(role.name for role in doctor.organization.roles.values() if role.name == "Datadog Read Only Role")
    other = doctor.organization.add_user("other@example.com", name="other", service_account=True, roles=[reader])
    doctor.key(("user_access_manage", "user_access_read"), owner=other.id)
    doctor.allow("disable_user")
    lines = doctor.examine(6)
    assert faults(lines) == {"feature.provision.disable_user"}
    assert "no role of its owner carries user_access_manage" in lines["feature.provision.disable_user"]["message"]


def test_what_the_key_could_do_beyond_is_told_with_what_suffices(doctor: Doctor) -> None:
    doctor.key((*INVITING_SCOPES, "org_management", "user_access_manage"))
    doctor.allow(*INVITING)
    line = doctor.examine(0)["key.provision.scopes"]
    assert line["status"] == "warn"
    assert "org_management" in line["message"]
    assert "user_access_manage" in line["message"]
    assert line["fix"].endswith(", ".join(needed(writing(INVITING))))


def test_an_unscoped_key_is_refused_with_the_scopes_that_suffice(doctor: Doctor) -> None:
    doctor.key(None)
    doctor.allow(*INVITING)
    lines = doctor.examine(6)
    assert faults(lines) == {"key.provision.scopes"}
    assert "unscoped" in lines["key.provision.scopes"]["message"]
    assert lines["key.provision.scopes"]["fix"].endswith("user_access_invite, user_access_read")


def test_an_unscoped_or_unknown_key_is_a_warning_where_the_settings_permit_it(doctor: Doctor) -> None:
    doctor.cli.env(ACCESSSYNC_ALLOW_UNSCOPED_KEY="true")
    doctor.key(None, ending="beef")
    doctor.allow(*INVITING)
    line = doctor.examine(0)["key.provision.scopes"]
    assert (line["status"], "ACCESSSYNC_ALLOW_UNSCOPED_KEY" in line["message"]) == ("warn", True)
    doctor.key(INVITING_SCOPES, ending="beef")
    assert doctor.examine(0)["key.provision.scopes"]["status"] == "warn"


def test_a_key_scoped_to_nothing_is_not_taken_for_unscoped(doctor: Doctor) -> None:
    doctor.key(())
    doctor.allow("disable_user")
    lines = doctor.examine(6)
    assert faults(lines) == {"feature.provision.read_back", "feature.provision.disable_user"}
    assert "scoped to nothing" in lines["key.provision.scopes"]["message"]


def test_two_keys_of_the_owner_that_end_alike_cannot_be_told_apart(doctor: Doctor) -> None:
    doctor.key(None, ending="beef")
    doctor.key(INVITING_SCOPES, ending="beef")
    doctor.allow(*INVITING)
    lines = doctor.examine(6)
    assert faults(lines) == {"key.provision.scopes"}
    assert "2 of its owner's keys end like it" in lines["key.provision.scopes"]["message"]


def test_a_key_of_somebody_else_that_ends_alike_is_another_key(doctor: Doctor) -> None:
    somebody = next(one.id for one in doctor.organization.users.values() if one.id != doctor.provisioner)
    doctor.key(None, owner=somebody, ending="beef")
    doctor.key(INVITING_SCOPES, ending="beef")
    doctor.allow(*INVITING)
    assert doctor.examine(0)["key.provision.scopes"]["status"] == "ok"


def test_the_key_is_found_beyond_the_first_page(doctor: Doctor) -> None:
    for number in range(120):
        doctor.organization.add_application_key(doctor.provisioner, (), name=f"other {number}", at=NOW)
    doctor.key(INVITING_SCOPES)
    doctor.allow(*INVITING)
    assert doctor.examine(0)["key.provision.scopes"]["status"] == "ok"


def test_scopes_that_the_read_key_cannot_look_up_are_unknown(doctor: Doctor) -> None:
    reader = next(key.owner_id for key in doctor.organization.app_keys.values() if key.secret == doctor.server.app_key)
    scopes = [each for each in READING_SCOPES if each != "org_app_keys_read"]
    doctor.cli.env(
        DD_APP_KEY=doctor.organization.add_application_key(reader, scopes).secret,
        ACCESSSYNC_SKIP="application_keys,access_tokens",
    )
    doctor.key(INVITING_SCOPES)
    doctor.allow(*INVITING)
    lines = doctor.examine(6)
    assert faults(lines) == {"key.provision.scopes"}
    assert "org_app_keys_read" in lines["key.provision.scopes"]["fix"]


def test_a_listing_of_keys_that_breaks_off_proves_nothing(doctor: Doctor) -> None:
    for number in range(120):
        doctor.organization.add_application_key(doctor.provisioner, (), name=f"other {number}", at=NOW)
    doctor.key(INVITING_SCOPES)
    doctor.allow(*INVITING)
    doctor.server.faults.add(Status(500), path="/api/v2/application_keys", page=1, times=None)
    assert faults(doctor.examine(6)) == {"key.provision.scopes"}


def test_allowed_without_a_key_says_which_variable_is_missing(doctor: Doctor) -> None:
    doctor.allow("grant_role")
    line = doctor.examine(6)["key.provision"]
    assert "grant_role" in line["message"]
    assert "ACCESSSYNC_PROVISION_APP_KEY is not set" in line["message"]


def test_what_is_published_asks_for_no_provisioning_key(doctor: Doctor) -> None:
    doctor.allow("send_log", "write_dashboard")
    assert doctor.examine(0)["writing"]["status"] == "ok"


def test_a_key_without_any_use_is_told(doctor: Doctor) -> None:
    doctor.key(INVITING_SCOPES)
    lines = doctor.examine(0)
    assert lines["writing"]["status"] == "warn"
    assert lines["key.provision"]["status"] == "ok"
    assert lines["key.provision.scopes"]["fix"] == "it needs only: nothing"


def test_a_key_that_datadog_does_not_know_is_6_and_is_not_repeated(doctor: Doctor) -> None:
    wrong = "0123456789abcdef" * 2 + "01234567"
    doctor.cli.env(ACCESSSYNC_PROVISION_APP_KEY=wrong)
    doctor.allow("grant_role")
    line = doctor.examine(6)["key.provision"]
    assert line["status"] == "fail"
    assert "ACCESSSYNC_PROVISION_APP_KEY" in line["fix"]
    assert wrong not in "".join(doctor.cli.said)


def test_the_read_key_and_a_key_of_a_person_are_told(doctor: Doctor) -> None:
    doctor.cli.env(ACCESSSYNC_PROVISION_APP_KEY=doctor.server.minimal_app_key or "")
    assert "is the read key" in doctor.examine(0)["key.provision"]["message"]
    ada = doctor.organization.add_user("ada@example.com", name="Ada", roles=["Datadog Admin Role"])
    doctor.key(INVITING_SCOPES, owner=ada.id)
    line = doctor.examine(0)["key.provision"]
    assert line["status"] == "warn"
    assert "ada@example.com" in line["message"]


def test_each_organization_is_told_its_own_variables(doctor: Doctor) -> None:
    doctor.cli.env(
        ACCESSSYNC_ORGS__EMEA__API_KEY=doctor.server.api_key,
        ACCESSSYNC_ORGS__EMEA__APP_KEY=doctor.server.minimal_app_key or "",
        ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS="grant_role",
    )
    line = doctor.examine(6)["key.provision"]
    assert "ACCESSSYNC_ORGS__EMEA__PROVISION_APP_KEY is not set" in line["message"]
    assert "ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS" in line["fix"]
    doctor.cli.env(ACCESSSYNC_ORGS__EMEA__ALLOWED_OPERATIONS="grant_rolls")
    assert doctor.cli("check", "--json").code == UsageError.exit_code
    assert "did you mean grant_role?" in doctor.cli.said[-2]


def test_which_of_the_two_keys_is_wrong(doctor: Doctor) -> None:
    doctor.cli.env(DD_APP_KEY="0" * 40)
    assert "it is the application key" in doctor.examine(6)["key"]["message"]
    doctor.cli.env(DD_API_KEY="0" * 32)
    assert "not even the API key alone" in doctor.examine(6)["key"]["message"]


def test_an_endpoint_that_fails_is_no_fault_of_the_key(doctor: Doctor) -> None:
    doctor.server.faults.add(Status(500), path="/api/v2/team", times=None)
    lines = doctor.examine(7)
    assert lines["feature.sync.teams"]["status"] == "fail"


def test_where_key_and_database_fail_the_key_comes_first(doctor: Doctor, sqlite_url: str) -> None:
    doctor.cli.ok("sync")
    Path(sqlite_url.removeprefix("sqlite:///")).chmod(0o644)
    assert faults(doctor.examine(9)) == {"database"}
    doctor.cli.env(DD_APP_KEY="0" * 40)
    assert faults(doctor.examine(6)) == {"database", "key"}


def test_the_limit_that_a_sync_uses_most_is_named(doctor: Doctor) -> None:
    for number in range(40):
        doctor.organization.add_team(f"team {number}")
    message = doctor.examine(0)["cost"]["message"]
    assert f"at most {len(doctor.organization.teams)} of a limit of 100,000 per 60 s (list_team_memberships)" in message
