"""Each mutation shows on the wire at once, and only where it should."""

import threading
from datetime import timedelta
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer, UnknownRecordError, generate
from tests.sandbox.asking import Asker, asker
from tests.sandbox.conftest import NOW


def _user(ask: Asker, user_id: str) -> dict[str, Any]:
    record: dict[str, Any] = ask.get(f"/api/v2/users/{user_id}").json["data"]
    return record


def _facts(organization: Organization) -> list[object]:
    return [(each.modified_at, each.name, each.role_ids, each.status) for each in organization.users.values()]


def test_facts_of_a_user(ask: Asker, organization: Organization) -> None:
    user = next(each for each in organization.users.values() if each.status == "Active" and not each.service_account)
    ask.listing()
    later = NOW + timedelta(hours=1)
    organization.rename(user.id, "Somebody Else", at=later)
    organization.set_title(user.id, None)
    handle = user.handle
    organization.change_email(user.id, "0@elsewhere.example")
    organization.disable(user.id)
    organization.touch_login(user.id, later)
    attributes = _user(ask, user.id)["attributes"]
    assert (attributes["name"], attributes["title"], attributes["email"]) == (
        "Somebody Else",
        None,
        "0@elsewhere.example",
    )
    assert attributes["handle"] == handle
    assert (attributes["disabled"], attributes["status"]) == (True, "Disabled")
    assert attributes["last_login_time"] == later.isoformat(timespec="microseconds")
    assert ask.get("/api/v2/users").ids[0] == user.id
    organization.enable(user.id)
    assert _user(ask, user.id)["attributes"]["status"] == "Active"


def test_users_come_and_go(ask: Asker, organization: Organization) -> None:
    role = organization.role("Datadog Admin Role")
    count = organization.user_counts[role.id]
    added = organization.add_user("New.Person@corp.example", name="New Person", roles=[role.name], status="Pending")
    assert _user(ask, added.id)["attributes"]["handle"] == "new.person@corp.example"
    assert ask.get("/api/v2/users").page["total_count"] == 61
    assert ask.get(f"/api/v2/roles/{role.id}").json["data"]["attributes"]["user_count"] == count + 1
    organization.remove_user("New.Person@corp.example")
    assert ask.get(f"/api/v2/users/{added.id}").status == 404
    assert added.id not in ask.listing()
    assert ask.get(f"/api/v2/roles/{role.id}").json["data"]["attributes"]["user_count"] == count


def test_roles_and_permissions(ask: Asker, organization: Organization) -> None:
    user = next(iter(organization.users.values()))
    role = organization.add_role("Night Shift", ["monitors_write"])
    ask.listing()
    organization.grant_role(user.id, "Night Shift")
    organization.grant_role(user.id, "Night Shift")
    assert [each["id"] for each in _user(ask, user.id)["relationships"]["roles"]["data"]].count(role.id) == 1
    organization.rename_role(role.id, "Day Shift")
    organization.grant_permission("Day Shift", "logs_delete_data")
    included = ask.get(f"/api/v2/users/{user.id}").json["included"]
    shown = next(each for each in included if each["id"] == role.id)
    assert shown["attributes"]["name"] == "Day Shift"
    assert organization.permission("logs_delete_data").id in str(shown["relationships"])
    organization.revoke_permission("Day Shift", "logs_delete_data")
    assert organization.permission("logs_delete_data").id not in ask.get(f"/api/v2/roles/{role.id}").body.decode()
    organization.revoke_role(user.id, role.id)
    assert role.id not in str(_user(ask, user.id))
    organization.grant_role(user.id, role.id)
    organization.delete_role(role.id)
    assert role.id not in ask.get(f"/api/v2/users/{user.id}").body.decode()
    assert role.id not in ask.listing("/api/v2/roles")


def test_a_new_restricted_permission_arrives_in_every_custom_role(ask: Asker, organization: Organization) -> None:
    added = organization.add_permission("orbits_read", restricted=True)
    assert added.id in ask.get("/api/v2/permissions").ids
    for role in organization.roles.values():
        assert (added.id in role.permission_ids) is not role.managed


def test_unknown_names_are_refused(organization: Organization) -> None:
    with pytest.raises(UnknownRecordError, match="nobody"):
        organization.rename("nobody", "x")
    with pytest.raises(UnknownRecordError, match="nothing"):
        organization.grant_permission("Datadog Admin Role", "nothing")
    with pytest.raises(UnknownRecordError, match="no role"):
        organization.delete_role("no such")
    with pytest.raises(UnknownRecordError, match="no application key"):
        organization.delete_application_key("no such")


def test_changing_while_serving_is_safe(ask: Asker, organization: Organization) -> None:
    stop = threading.Event()

    def churn() -> None:
        while not stop.is_set():
            added = organization.add_user("passing@corp.example", roles=["Datadog Admin Role"])
            organization.rename(added.id, "Passing")
            organization.remove_user(added.id)

    thread = threading.Thread(target=churn)
    thread.start()
    try:
        assert all(ask.get("/api/v2/users", page_size=100).page["total_count"] in {60, 61} for _ in range(40))
    finally:
        stop.set()
        thread.join()


def test_logins_move_between_listings_and_nothing_else_does() -> None:
    def logins(organization: Organization) -> list[object]:
        return [each.last_login_at for each in organization.users.values()]

    runs = []
    for _ in range(2):
        organization = generate(300, 5, NOW)
        before = _facts(organization)
        with SandboxServer(organization, activity_share=0.1, seed=4, clock=lambda: NOW + timedelta(days=1)) as server:
            ask = asker(server)
            first = logins(organization)
            ask.get("/api/v2/users", page_number=1)
            assert logins(organization) == first
            ask.get("/api/v2/users")
            second = logins(organization)
            assert 10 < sum(old != new for old, new in zip(first, second, strict=True)) <= 30
        moved = [each for each in organization.users.values() if each.last_login_at == NOW + timedelta(days=1)]
        assert {(each.status, each.truth.nature) for each in moved} == {("Active", "human")}
        assert before == _facts(organization)
        runs.append(second)
    assert runs[0] == runs[1]


def test_no_activity_when_switched_off(ask: Asker, organization: Organization) -> None:
    before = [each.last_login_at for each in organization.users.values()]
    ask.get("/api/v2/users")
    assert [each.last_login_at for each in organization.users.values()] == before
