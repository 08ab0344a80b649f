"""People come, change and leave by file, through the real command line and against the look-alike server."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

from accesssync.cli.main import run
from accesssync.sandbox import Organization, SandboxServer, User
from accesssync.sandbox import faults as f
from tests.cli.conftest import Cli, Ended
from tests.provision.builders import public_half

OPERATIONS = (
    "create_user,update_user,disable_user,enable_user,send_invitation,delete_invitation,grant_role,revoke_role,"
    "create_service_account"
)
STANDARD, READ, ADMIN = "Datadog Standard Role", "Datadog Read Only Role", "Datadog Admin Role"
USERS, MAILS = "/api/v2/users", "/api/v2/user_invitations"


@pytest.fixture
def desk(cli: Cli, server: SandboxServer) -> Cli:
    """A command line that may provision, of an organization that nobody has looked at yet."""
    cli.env(
        ACCESSSYNC_PROVISION_APP_KEY=str(server.provision_app_key),
        ACCESSSYNC_ALLOWED_OPERATIONS=OPERATIONS,
        ACCESSSYNC_OPERATOR="ada@example.com",
    )
    return cli


@pytest.fixture
def synced(desk: Cli, server: SandboxServer) -> Cli:
    """The same, of an organization that was looked at."""
    assert desk("sync").code == 0
    server.forget_requests()
    return desk


@pytest.fixture
def ordinary(organization: Organization) -> list[User]:
    """People who hold the Standard role and nothing else."""
    [role] = [one.id for one in organization.roles.values() if one.name == STANDARD]
    return [
        one
        for one in organization.users.values()
        if one.role_ids == (role,) and one.status == "Active" and not one.service_account and one.email.isascii()
    ]


def write(lines: str, name: str = "access.yaml", mode: str = "additive") -> str:
    Path(name).write_text(f"version: 1\norg: default\nmode: {mode}\n{lines}")
    return name


def user(email: str, *roles: str) -> str:
    return f"  - {{email: {email}, roles: [{', '.join(roles)}]}}\n"


def planned(cli: Cli, lines: str, code: int = 0, mode: str = "additive") -> Any:
    """The plan of these lines; its file is plan.json."""
    ended = cli("provision", "plan", write(lines, mode=mode), "--json")
    assert ended.code == code, ended.out + ended.err
    assert Path("plan.json").is_file()
    return ended.json


def apply(cli: Cli, code: int = 0, *more: str) -> Any:
    ended = cli("provision", "apply", "plan.json", "--yes", "--json", *more)
    assert ended.code == code, ended.out + ended.err
    return ended.json


def outcomes(document: Any) -> dict[tuple[str, str], str]:
    return {(one["operation"], one["subject"]): one["outcome"] for one in document["results"]}


def role_names(organization: Organization, one: User) -> set[str]:
    return {str(organization.roles[role_id].name) for role_id in organization.users[one.id].role_ids}


def posts(server: SandboxServer, path: str) -> int:
    return sum(one.method == "POST" and one.path == path for one in server.writes)


def found(organization: Organization, email: str) -> User:
    [one] = [each for each in organization.users.values() if each.email == email and not each.service_account]
    return one


# The whole story


def test_from_an_export_to_people_who_came_changed_and_left(
    desk: Cli, server: SandboxServer, organization: Organization, ordinary: list[User]
) -> None:
    changed, leaver = ordinary[0], ordinary[1]
    assert desk("provision", "export", "-o", "access.yaml").code == 0
    assert desk.ok("provision", "plan", "access.yaml")["actions"] == []
    text = Path("access.yaml").read_text()
    new = "".join(f"  - email: new{number}@example.com\n    roles: [{STANDARD}, {READ}]\n" for number in range(3))
    text = text.replace("users:\n", "users:\n" + new, 1).replace("absent: []", f"absent:\n  - email: {leaver.email}")
    start = text.index(f"  - email: {leaver.email}\n    ")
    text = text[:start] + text[text.index("  - ", start + 5) :]
    start = text.index(f"  - email: {changed.email}\n")
    here = text.index(f"[{STANDARD}]", start)
    text = text[:here] + f"[{STANDARD}, {READ}]" + text[here + len(STANDARD) + 2 :]
    Path("access.yaml").write_text(text)

    plan = desk.ok("provision", "plan", "access.yaml")
    assert [one["operation"] for one in plan["actions"]].count("create_user") == 3
    assert {one["operation"] for one in plan["actions"]} == {
        "create_user",
        "send_invitation",
        "grant_role",
        "disable_user",
    }
    assert plan["refusals"] == []
    assert json.loads(Path("plan.json").read_text())["digest"] == plan["digest"]
    assert not server.writes
    done = apply(desk)
    assert set(outcomes(done).values()) == {"succeeded"}
    assert done["digest"] == plan["digest"]
    # Two writes for each who is new, one for each of the others.
    assert len(server.writes) == 3 * 2 + 2
    desk.ok("sync")
    assert desk.ok("provision", "plan", "access.yaml")["actions"] == []
    assert role_names(organization, found(organization, "new1@example.com")) == {STANDARD, READ}
    assert organization.users[leaver.id].disabled
    assert role_names(organization, changed) == {STANDARD, READ}
    changes = desk.ok("changes")["changes"]
    assert {one["explanation"] for one in changes} == {f"plan {plan['digest'][:12]}"}
    assert {one["actor"] for one in changes} == {"ada@example.com"}
    assert desk("audit", "verify").code == 0


def test_a_plan_reads_like_a_review_at_eighty_columns(synced: Cli, ordinary: list[User]) -> None:
    synced.env(COLUMNS="80")
    lines = "users:\n" + user("eve@example.com", STANDARD) + user(ordinary[0].email, ADMIN)
    ended = synced("provision", "plan", write(lines + f"absent:\n  - email: {ordinary[1].email}\n"))
    assert ended.code == 0
    assert max(map(len, ended.out.splitlines())) <= 80
    for said in (
        "+ eve@example.com",
        "access.yaml:5",
        f"create with {STANDARD}; invite",
        "PRIVILEGED",
        f"gains {ADMIN}",
        f"disable; holds {STANDARD}",
        "4 writes to 3 subjects",
        "removals            1 of",
        "accesssync provision apply plan.json",
    ):
        assert said in ended.out, said


def test_what_happened_is_told_to_people_too(synced: Cli, server: SandboxServer) -> None:
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    ended = synced("provision", "apply", "plan.json", "--yes")
    assert (ended.code, "2 succeeded" in ended.out) == (0, True)
    status = synced("provision", "status")
    assert "2 confirmed" in status.out
    mails = synced.ok("provision", "invitations")["invitations"]
    assert [(one["email"], one["state"]) for one in mails] == [("eve@example.com", "sent")]
    assert mails[0]["invitation_id"]
    assert str(server.provision_app_key) not in "".join(synced.said)


def test_nobody_is_waited_for_where_nobody_can_answer(synced: Cli, server: SandboxServer) -> None:
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    ended = synced("provision", "apply", "plan.json")
    assert (ended.code, "--yes" in ended.err) == (2, True)
    assert not server.writes


# F48: what people write


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"version: 1\norg: default\n", "names nobody"),
        (b"version: 1\nusers:\n  - {email: a@example.com, roles: []}\n", "org is missing"),
        (b"version: 1\norg: acme\nusers:\n  - {email: a@example.com, roles: []}\n", "access.yaml:2: "),
        (b"a: &a [x]\nb: &b [*a,*a]\nc: [*b,*b]\n", "aliases"),
        (b"version: 1\nversion: 1\norg: default\n", "access.yaml:2: "),
        (b"version: 1\norg: default\nuserz:\n  - {email: a@example.com}\n", "did you mean users"),
        (b"version: 1\norg: d\xff\n", "UTF-8"),
        (b"version: 1\norg: default\nusers:\n  - {email: a@x.io, roles: [Datadog Standart Role]}\n", "access.yaml:4: "),
    ],
)
def test_f48_a_broken_file_is_refused_before_any_request(
    synced: Cli, server: SandboxServer, content: bytes, said: str
) -> None:
    Path("access.yaml").write_bytes(content)
    ended = synced("provision", "plan", "access.yaml")
    assert ended.code == 2
    assert said in ended.err
    assert server.requests == []
    assert not Path("plan.json").exists()


# F49, F50: guards


def test_f49_too_much_at_once_writes_nothing(synced: Cli, server: SandboxServer, ordinary: list[User]) -> None:
    lines = "absent:\n" + "".join(f"  - email: {one.email}\n" for one in ordinary[:25])
    plan = planned(synced, lines, code=4)
    assert {one["rule"] for one in plan["refusals"]} == {"removals"}
    assert plan["error"]["code"] == "refused"
    assert f"provision override {plan['digest'][:12]}" in plan["error"]["remedy"]
    apply(synced, 4)
    assert not server.writes
    assert synced("provision", "override", "plan.json", "--reason", "HR-1182").code == 0
    assert set(outcomes(apply(synced)).values()) == {"succeeded"}
    # It was used up, and the day's budget with it.
    planned(synced, f"absent:\n  - email: {ordinary[-1].email}\n", code=4)
    assert synced("provision", "override", "plan.json", "--rule", "min_admins", "--reason", "x").code == 4


def admins(organization: Organization) -> list[User]:
    manage = next(one.id for one in organization.permissions.values() if one.name == "user_access_manage")
    holding = {one.id for one in organization.roles.values() if manage in one.permission_ids}
    return [
        one
        for one in organization.users.values()
        if holding & set(one.role_ids) and one.status == "Active" and not one.service_account
    ]


def test_f50_nobody_cuts_off_admins_protected_people_or_our_own_keys(
    synced: Cli, server: SandboxServer, organization: Organization, ordinary: list[User]
) -> None:
    who = admins(organization)
    lines = "absent:\n" + "".join(f"  - email: {one.email}\n" for one in who)
    assert "min_admins" in {one["rule"] for one in planned(synced, lines, code=4)["refusals"]}
    synced.env(ACCESSSYNC_REQUIRED_ADMINS=who[0].email, ACCESSSYNC_PROTECTED=ordinary[0].email)
    ended = synced("provision", "plan", "access.yaml")
    assert "cannot be overridden" in ended.err
    required = planned(synced, f"absent:\n  - email: {who[0].email}\n", code=4)
    assert "required_admin" in {one["rule"] for one in required["refusals"]}
    protected = planned(synced, f"absent:\n  - email: {ordinary[0].email}\n", code=4)
    assert {one["rule"] for one in protected["refusals"]} == {"protected"}
    own = next(one for one in organization.app_keys.values() if one.secret == server.provision_app_key).owner_id
    mine = organization.users[own]
    wanted = (
        f"service_accounts:\n  - {{name: {mine.name}, email: {mine.email}, roles: [], owner: x}}\n"
        if mine.service_account
        else "users:\n" + user(mine.email)
    )
    rules = {one["rule"] for one in planned(synced, wanted, code=4, mode="authoritative")["refusals"]}
    assert "self" in rules
    apply(synced, 4)
    assert not server.writes


def test_f51_two_plans_that_each_pass_do_not_together_take_the_last_admin(
    synced: Cli, server: SandboxServer, organization: Organization
) -> None:
    synced.env(ACCESSSYNC_MIN_ADMINS=str(len(admins(organization)) - 1))
    first, second = admins(organization)[:2]
    planned(synced, f"absent:\n  - email: {first.email}\n")
    Path("plan.json").rename("first.json")
    planned(synced, f"absent:\n  - email: {second.email}\n")
    assert synced("provision", "apply", "first.json", "--yes").code == 0
    ended = synced("provision", "apply", "plan.json", "--yes")
    assert (ended.code, "min_admins" in ended.err) == (4, True)
    assert len(server.writes) == 1


# F52: stale plans


def test_f52_a_subject_that_somebody_moved_is_skipped(
    synced: Cli, organization: Organization, ordinary: list[User]
) -> None:
    one, other = ordinary[:2]
    planned(synced, "users:\n" + user(one.email, STANDARD, READ) + user(other.email, STANDARD, READ))
    organization.grant_role(one.id, ADMIN)
    done = apply(synced, 4)
    assert outcomes(done) == {("grant_role", one.email): "skipped", ("grant_role", other.email): "succeeded"}
    assert role_names(organization, one) == {STANDARD, ADMIN}


@pytest.mark.parametrize("spoil", ["edited", "cut", "version", "org"])
def test_f52_a_file_that_is_not_what_was_planned_is_refused(
    synced: Cli, server: SandboxServer, ordinary: list[User], spoil: str
) -> None:
    planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    text = Path("plan.json").read_text()
    changes = {
        "edited": text.replace(ordinary[0].email, ordinary[1].email),
        "cut": text[:-40],
        "version": text.replace("provision_plan/1", "provision_plan/9"),
        "org": text.replace('"org": "default"', '"org": "emea"'),
    }
    assert changes[spoil] != text
    Path("plan.json").write_text(changes[spoil])
    apply(synced, 4)
    assert not server.writes


def test_f52_a_plan_is_applied_once_and_to_its_own_organization(synced: Cli, ordinary: list[User]) -> None:
    planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    assert synced("provision", "apply", "plan.json", "--yes", "--org", "default").code == 0
    apply(synced, 4)
    assert synced("provision", "apply", "plan.json", "--yes", "--org", "emea").code == 4


def test_f52_a_plan_expires(synced: Cli, ordinary: list[User], monkeypatch: pytest.MonkeyPatch) -> None:
    from datetime import UTC, datetime, timedelta

    planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    later = datetime.now(UTC) + timedelta(hours=1, seconds=1)
    monkeypatch.setattr("accesssync.cli.writes.now", lambda: later)
    assert "expired" in apply(synced, 4)["error"]["message"]


# F53: taken addresses


@pytest.mark.parametrize("there", ["active", "disabled", "not allowed", "substring", "two"])
def test_f53_an_address_that_was_taken_meanwhile(
    synced: Cli, server: SandboxServer, organization: Organization, there: str
) -> None:
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    email = "eve@example.com.au" if there == "substring" else "eve@example.com"
    made = organization.add_user(email, name="Eve", roles=[READ])
    if there in ("disabled", "not allowed"):
        organization.disable(made.id)
    if there == "not allowed":
        allowed = OPERATIONS.replace("enable_user,", "")
        synced.env(ACCESSSYNC_ALLOWED_OPERATIONS=allowed)
    if there == "substring":
        server.faults.add(f.Status(409), path=USERS, method="POST")
    if there == "two":
        twin = organization.add_user("twin@example.com", name="Twin")
        organization.change_email(twin.id, "eve@example.com")
    good = there in ("active", "disabled")
    done = apply(synced, 0 if good else 4)
    assert posts(server, USERS) == 1
    if good:
        assert role_names(organization, made) == {READ, STANDARD}
        assert not organization.users[made.id].disabled
    else:
        assert outcomes(done)["create_user", "eve@example.com"] == "skipped"
        assert posts(server, MAILS) == 0


# F12, F13, F17, F54 to F58: answers that never come, or say no


@pytest.mark.parametrize(("fault", "sent"), [("before", 2), ("after", 1)])
def test_f12_f13_a_create_without_an_answer_is_read_back(
    synced: Cli, server: SandboxServer, organization: Organization, fault: str, sent: int
) -> None:
    effect = f.Lost() if fault == "before" else f.Reset()
    server.faults.add(effect, path=USERS, method="POST")
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    assert set(outcomes(apply(synced)).values()) == {"succeeded"}
    assert posts(server, USERS) == sent
    assert role_names(organization, found(organization, "eve@example.com")) == {STANDARD}


def test_f17_a_disable_without_an_answer_is_read_back(
    synced: Cli, server: SandboxServer, organization: Organization, ordinary: list[User]
) -> None:
    server.faults.add(f.Reset(), path=USERS + "/*", method="DELETE")
    planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    assert set(outcomes(apply(synced)).values()) == {"succeeded"}
    assert [one.method for one in server.writes] == ["DELETE"]
    assert organization.users[ordinary[0].id].disabled


def test_f55_an_invitation_without_an_answer_is_sent_once_and_told(synced: Cli, server: SandboxServer) -> None:
    server.faults.add(f.Reset(), path=MAILS, method="POST")
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    done = apply(synced, 10)
    assert outcomes(done)["send_invitation", "eve@example.com"] == "unknown"
    assert done["error"]["code"] == "unknown_outcome"
    assert synced("provision", "resume").code == 0
    synced.ok("sync")
    again = planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    assert again["actions"] == []
    assert posts(server, MAILS) == 1
    [unknown] = synced.ok("provision", "status")["orgs"][0]["unknown"]
    assert unknown["operation"] == "send_invitation"
    # Either she comes, or somebody says so.
    assert synced("provision", "invitations", "--resend", "eve@example.com", "--yes").code == 0
    assert posts(server, MAILS) == 2
    assert synced.ok("provision", "status")["orgs"][0]["unknown"] == []


@pytest.mark.parametrize(("status", "code"), [(400, 5), (403, 6)])
def test_f56_a_refused_invitation_leaves_the_user_and_is_finished_later(
    synced: Cli, server: SandboxServer, organization: Organization, status: int, code: int
) -> None:
    server.faults.add(f.Status(status), path=MAILS, method="POST")
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    done = apply(synced, code)
    assert outcomes(done) == {
        ("create_user", "eve@example.com"): "succeeded",
        ("send_invitation", "eve@example.com"): "failed",
    }
    assert found(organization, "eve@example.com").status == "Pending"
    resumed = synced.ok("provision", "resume")
    assert outcomes(resumed)["send_invitation", "eve@example.com"] == "succeeded"
    assert posts(server, USERS) == 1


def test_f57_a_role_that_cannot_be_taken_locks_nobody_out(
    synced: Cli, server: SandboxServer, organization: Organization, ordinary: list[User]
) -> None:
    server.faults.add(f.Status(400), path="/api/v2/roles/*/users", method="DELETE")
    lines = "users:\n" + user(ordinary[0].email, READ)
    planned(synced, lines, mode="authoritative")
    done = apply(synced, 5)
    assert outcomes(done) == {
        ("grant_role", ordinary[0].email): "succeeded",
        ("revoke_role", ordinary[0].email): "failed",
    }
    assert role_names(organization, ordinary[0]) == {STANDARD, READ}
    synced.ok("provision", "resume")
    assert role_names(organization, ordinary[0]) == {READ}


@pytest.mark.parametrize(("gone", "code"), [(False, 0), (True, 5)])
def test_f58_a_404_to_a_disable_is_told_apart(
    synced: Cli,
    server: SandboxServer,
    organization: Organization,
    ordinary: list[User],
    gone: bool,
    code: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from accesssync.datadog.write import DatadogGateway

    planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    real = DatadogGateway.disable_user

    def overtaken(gateway: DatadogGateway, user_id: str) -> Any:
        # Between our last look and our write somebody else is faster.
        (organization.remove_user if gone else organization.disable)(user_id)
        return real(gateway, user_id)

    monkeypatch.setattr(DatadogGateway, "disable_user", overtaken)
    apply(synced, code)
    assert [one.decided for one in server.writes] == [404]


def test_f59_what_the_key_may_not_is_not_tried_again(synced: Cli, server: SandboxServer) -> None:
    synced.env(ACCESSSYNC_CONCURRENCY="1")
    server.faults.add(f.Status(403), path=MAILS, method="POST", times=None)
    planned(synced, "users:\n" + "".join(user(f"new{number}@example.com", STANDARD) for number in range(3)))
    done = apply(synced, 6)
    assert posts(server, MAILS) == 1
    assert list(outcomes(done).values()).count("not_attempted") == 2


def test_the_scopes_of_the_key_are_asked_before_the_first_write(
    synced: Cli, server: SandboxServer, organization: Organization
) -> None:
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    key = next(one for one in organization.app_keys.values() if one.secret == server.provision_app_key)
    organization.rescope_key(key.id, ["user_access_invite", "user_access_read"])
    assert "user_access_manage" in apply(synced, 6)["error"]["message"]
    organization.rescope_key(key.id, None)
    assert "not scoped" in apply(synced, 4)["error"]["message"]
    assert not server.writes


def test_nothing_is_written_that_is_not_allowed(synced: Cli, server: SandboxServer) -> None:
    synced.env(ACCESSSYNC_ALLOWED_OPERATIONS="create_user")
    plan = planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    assert [one["rule"] for one in plan["refusals"]] == ["operation_not_allowed"]
    apply(synced, 4)
    assert not server.writes


def test_f74_where_the_audit_log_cannot_be_written_nothing_is_sent(
    synced: Cli, server: SandboxServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from accesssync.errors import StoreError
    from accesssync.store.audit import append

    planned(synced, "users:\n" + user("eve@example.com", STANDARD))

    def failing(connection: Any, entry: Any) -> Any:
        if entry.kind == "write.intended":
            raise StoreError("the database is full", remedy="free some disk space")
        return append(connection, entry)

    with monkeypatch.context() as patched:
        patched.setattr("accesssync.store.intents.append", failing)
        done = apply(synced, 9)
    assert not server.writes
    assert set(outcomes(done).values()) == {"not_attempted"}
    assert set(outcomes(synced.ok("provision", "resume")).values()) == {"succeeded"}


def test_f73_a_changed_audit_log_is_found(synced: Cli, database_file: Path) -> None:
    import sqlite3

    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    apply(synced)
    assert synced("audit", "verify").code == 0
    with sqlite3.connect(database_file) as connection:
        connection.execute("UPDATE audit SET body = replace(body, 'write.confirmed', 'write.rejected')")
    connection.close()
    assert synced("audit", "verify").code == 12


def test_f79_a_key_of_somebody_else_than_the_one_that_planned(
    synced: Cli, server: SandboxServer, organization: Organization, ordinary: list[User]
) -> None:
    planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    scopes = ["user_access_read", "user_access_invite", "user_access_manage", "service_account_write"]
    other = organization.add_application_key(ordinary[0].id, scopes, name="rotated")
    synced.env(ACCESSSYNC_PROVISION_APP_KEY=other.secret)
    assert apply(synced, 4)["error"]["code"] == "refused"
    assert not server.writes


# Approvals


def test_a_plan_that_needs_an_approval_is_signed_by_somebody_else(
    synced: Cli, ordinary: list[User], tmp_path: Path
) -> None:
    key = tmp_path / "bob.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(key)], check=True)  # noqa: S607
    synced.env(ACCESSSYNC_APPROVAL="removals", ACCESSSYNC_APPROVERS=f"bob@example.com={public_half(key.read_bytes())}")
    plan = planned(synced, f"absent:\n  - email: {ordinary[0].email}\n")
    assert plan["approval"]
    assert "approval" in apply(synced, 4)["error"]["message"]
    approve = ("provision", "approve", "plan.json")
    assert synced(*approve, "--by", "bob@example.com").code == 2
    assert synced(*approve, "--key", str(key), "--by", "ada@example.com").code == 4
    assert synced(*approve, "--key", str(key), "--by", "dan@example.com").code == 4
    assert synced.ok(*approve, "--key", str(key), "--by", "bob@example.com")["verified"] is True
    assert set(outcomes(apply(synced)).values()) == {"succeeded"}
    assert "BEGIN PRIVATE" not in "".join(synced.said)


def test_without_keys_an_approval_is_only_declared(synced: Cli) -> None:
    synced.env(ACCESSSYNC_APPROVAL="always")
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    ended = synced("provision", "approve", "plan.json", "--by", "bob@example.com")
    assert "declared, not verified" in ended.out
    apply(synced)


# Invitations


def test_expired_invitations_are_sent_again_and_in_the_end_cleaned_up(
    synced: Cli, server: SandboxServer, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    from datetime import UTC, datetime, timedelta

    planned(synced, "users:\n" + user("eve@example.com", STANDARD) + user("fay@example.com", STANDARD))
    apply(synced)
    organization.accept_invitation(found(organization, "fay@example.com").id)
    synced.ok("sync")
    states = {one["email"]: one["state"] for one in synced.ok("provision", "invitations")["invitations"]}
    assert states == {"eve@example.com": "sent", "fay@example.com": "accepted"}
    assert synced("provision", "invitations", "--resend-expired", "--yes").code == 0
    assert posts(server, MAILS) == 2

    def at(**later: float) -> None:
        moment = datetime.now(UTC) + timedelta(**later)
        monkeypatch.setattr("accesssync.cli.mails.now", lambda: moment)
        monkeypatch.setattr("accesssync.cli.provisioning.now", lambda: moment)
        monkeypatch.setattr("accesssync.cli.writes.now", lambda: moment)

    at(days=3)
    assert synced("provision", "invitations", "--resend-expired", "--yes").code == 0
    assert posts(server, MAILS) == 3
    at(days=40)
    plan = synced.ok("provision", "invitations", "--clean-up", "30d")
    assert [one["operation"] for one in plan["actions"]] == ["delete_invitation", "disable_user"]
    assert set(outcomes(apply(synced)).values()) == {"succeeded"}
    assert found(organization, "eve@example.com").disabled
    assert not found(organization, "fay@example.com").disabled


def test_nobody_gets_a_fourth_mail(synced: Cli, server: SandboxServer) -> None:
    planned(synced, "users:\n" + user("eve@example.com", STANDARD))
    apply(synced)
    resend = ("provision", "invitations", "--resend", "eve@example.com", "--yes")
    assert [synced(*resend).code for _ in range(3)] == [0, 0, 4]
    assert posts(server, MAILS) == 3


# Reconcile


def test_reconciling_plans_always_and_applies_only_what_adds(
    synced: Cli, server: SandboxServer, organization: Organization, ordinary: list[User]
) -> None:
    assert synced("provision", "reconcile").code == 2
    lines = "users:\n" + user("eve@example.com", STANDARD) + f"absent:\n  - email: {ordinary[0].email}\n"
    synced.env(ACCESSSYNC_ACCESS_FILES=write(lines))
    [one] = synced.ok("provision", "reconcile")["files"]
    assert (one["actions"], one["applied"]) == (3, False)
    assert not server.writes
    synced.env(ACCESSSYNC_RECONCILE_APPLY="true")
    [one] = synced.ok("provision", "reconcile")["files"]
    assert (one["actions"], one["applied"]) == (2, True)
    assert posts(server, MAILS) == 1
    assert not organization.users[ordinary[0].id].disabled
    [one] = synced.ok("provision", "reconcile")["files"]
    assert (one["applied"], one["why"]) == (False, "nothing to do")


def test_a_csv_file_does_and_needs_the_organization_named(synced: Cli) -> None:
    Path("people.csv").write_text(f"email,name,title,roles\neve@example.com,Eve,,{STANDARD};{READ}\n")
    plan = synced.ok("provision", "plan", "people.csv", "--mode", "authoritative")
    assert [one["operation"] for one in plan["actions"]] == ["create_user", "send_invitation"]
    assert plan["mode"] == "authoritative"


def test_an_unproven_listing_takes_nothing_from_anybody(desk: Cli, server: SandboxServer, ordinary: list[User]) -> None:
    desk.ok("sync")
    server.faults.add(f.Status(500), path=USERS, method="GET", page=1, times=None)
    assert desk("sync").code == 7
    server.forget_requests()
    plan = planned(desk, f"absent:\n  - email: {ordinary[0].email}\n", code=4)
    assert [one["rule"] for one in plan["refusals"]] == ["unproven_listing"]
    apply(desk, 4)
    assert not server.writes


# A process that is killed


def program(*arguments: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "accesssync", *arguments]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "NO_COLOR": "1"}
    )


@pytest.mark.parametrize("writes", [1, 4, 7])
def test_f54_a_process_that_is_killed_in_the_middle_is_finished_by_resume(
    synced: Cli, server: SandboxServer, organization: Organization, ordinary: list[User], writes: int
) -> None:
    synced.env(ACCESSSYNC_CONCURRENCY="1", ACCESSSYNC_READ_TIMEOUT="30", ACCESSSYNC_REQUEST_DEADLINE="60")
    lines = "users:\n" + "".join(user(f"new{number}@example.com", STANDARD, READ) for number in range(3))
    lines += user(ordinary[0].email, STANDARD, READ) + f"absent:\n  - email: {ordinary[1].email}\n"
    planned(synced, lines)
    held = server.faults.add(f.Hang(60), method="POST", nth=writes, times=1)
    running = program("provision", "apply", "plan.json", "--yes")
    deadline = time.monotonic() + 60
    while not held.matched >= writes and time.monotonic() < deadline:
        time.sleep(0.01)
    assert held.matched >= writes
    running.send_signal(signal.SIGKILL)
    running.communicate(timeout=30)
    server.faults.clear()
    assert running.returncode == -signal.SIGKILL
    ended = synced("provision", "apply", "plan.json", "--yes")
    assert ended.code == 4
    resumed: Ended = synced("provision", "resume", "--json")
    unknown = [one for one in resumed.json["results"] if one["outcome"] == "unknown"]
    assert resumed.code == (10 if unknown else 0), resumed.out + resumed.err
    assert {one["operation"] for one in unknown} <= {"send_invitation"}
    for number in range(3):
        assert role_names(organization, found(organization, f"new{number}@example.com")) == {STANDARD, READ}
    assert role_names(organization, ordinary[0]) == {STANDARD, READ}
    assert organization.users[ordinary[1].id].disabled
    synced.ok("sync")
    assert planned(synced, lines)["actions"] == []
    assert synced("audit", "verify").code == 0


def test_a_signal_lets_the_write_under_way_end_and_begins_no_other(
    synced: Cli, server: SandboxServer, organization: Organization
) -> None:
    synced.env(ACCESSSYNC_CONCURRENCY="1", ACCESSSYNC_READ_TIMEOUT="30", ACCESSSYNC_REQUEST_DEADLINE="60")
    planned(synced, "users:\n" + "".join(user(f"new{number}@example.com", STANDARD) for number in range(3)))
    held = server.faults.add(f.Hang(1), method="POST", nth=2, times=1)
    running = program("provision", "apply", "plan.json", "--yes")
    deadline = time.monotonic() + 60
    while held.matched < 2 and time.monotonic() < deadline:
        time.sleep(0.01)
    running.send_signal(signal.SIGTERM)
    _, said = running.communicate(timeout=30)
    assert running.returncode == 143
    assert "provision resume" in said
    assert "not published" not in said
    assert len(server.writes) == 2
    server.faults.clear()
    # The second write was let to end, so that nothing is unknown.
    resumed = synced.ok("provision", "resume")
    assert set(outcomes(resumed).values()) == {"succeeded"}
    assert posts(server, USERS) == posts(server, MAILS) == 3
    assert len(organization.invitations) == 3


def test_the_commands_say_how_they_are_used() -> None:
    for name in ("export", "plan", "approve", "override", "apply", "resume", "status", "invitations", "reconcile"):
        assert run(["provision", name, "--help"]) == 0
