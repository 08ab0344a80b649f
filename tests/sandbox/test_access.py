"""Keys, scopes and the choice between 401 and 403."""

import pytest

from accesssync.sandbox import Organization, SandboxServer
from tests.sandbox.asking import Asker

BOTH = [
    "/api/v2/users",
    "/api/v2/roles",
    "/api/v2/permissions",
    "/api/v2/current_user",
    "/api/v2/validate_keys",
]


@pytest.mark.parametrize("path", BOTH)
@pytest.mark.parametrize("left_out", ["DD-API-KEY", "DD-APPLICATION-KEY"])
@pytest.mark.parametrize("value", [None, "wrong"])
def test_without_a_valid_key_pair(ask: Asker, path: str, left_out: str, value: str | None) -> None:
    headers = {name: text for name, text in ask.headers.items() if name != left_out}
    if value:
        headers[left_out] = value
    answer = ask.get(path, headers=headers)
    if path in {"/api/v2/current_user", "/api/v2/validate_keys"}:
        assert (answer.status, answer.json) == (401, {"errors": ["Unauthorized"]})
    else:
        assert (answer.status, answer.json) == (403, {"errors": ["Forbidden"]})


def test_the_api_key_alone(ask: Asker) -> None:
    alone = {"DD-API-KEY": ask.headers["DD-API-KEY"]}
    assert ask.get("/api/v1/validate", headers=alone).json == {"valid": True}
    assert ask.get("/api/v2/validate", headers=alone).json["data"]["attributes"]["valid"] is True
    missing = ask.get("/api/v1/validate", headers={})
    assert (missing.status, missing.json) == (403, {"errors": ["API key required"]})


@pytest.mark.parametrize(
    ("scopes", "status"), [(["user_access_read"], 200), (["teams_read"], 403), ([], 403), (None, 200)]
)
def test_scopes_cut_what_a_key_may_do(
    ask: Asker, organization: Organization, scopes: list[str] | None, status: int
) -> None:
    owner = next(each for each in organization.users.values() if each.status == "Active")
    key = organization.add_application_key(owner.id, scopes)
    headers = {**ask.headers, "DD-APPLICATION-KEY": key.secret}
    assert ask.get("/api/v2/users", headers=headers).status == status
    assert ask.get("/api/v2/current_user", headers=headers).status == 200


def test_roles_decide_once_the_catalogue_lists_the_permission(
    ask: Asker, organization: Organization, server: SandboxServer
) -> None:
    owner = next(iter(organization.app_keys.values())).owner_id
    organization.add_permission("user_access_read")
    assert ask.get("/api/v2/users").status == 403
    role = organization.add_role("Readers", ["user_access_read"])
    organization.grant_role(owner, role.id)
    assert ask.get("/api/v2/users").status == 200
    organization.revoke_permission("Readers", "user_access_read")
    assert ask.get("/api/v2/users").status == 403
    assert [each.status for each in server.requests] == [403, 200, 403]


def test_a_disabled_or_vanished_owner_stops_the_key(ask: Asker, organization: Organization) -> None:
    owner = next(iter(organization.app_keys.values())).owner_id
    organization.disable(owner)
    assert ask.get("/api/v2/users").status == 403
    organization.enable(owner)
    assert ask.get("/api/v2/users").status == 200
    organization.remove_user(owner)
    assert ask.get("/api/v2/users").status == 403


def test_a_removed_key_stops(ask: Asker, organization: Organization) -> None:
    organization.delete_api_key(next(iter(organization.api_keys)))
    assert ask.get("/api/v1/validate").status == 403
