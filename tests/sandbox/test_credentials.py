"""Keys, tokens and OAuth clients on the wire: shapes, pages, who may see them, and what moves."""

from datetime import timedelta
from typing import Any

import pytest

from accesssync.sandbox import Deployment, Organization, SandboxServer, UnknownRecordError, generate
from accesssync.sandbox.credentials import ApiKey, AppKey, Token
from accesssync.sandbox.keyring import READING_SCOPES
from tests.sandbox.asking import Asker, asker
from tests.sandbox.conftest import NOW

KEYS = "/api/v2/application_keys"
TOKENS = "/api/v2/personal_access_tokens"
NEEDS = {
    KEYS: "org_app_keys_read",
    "/api/v2/current_user/application_keys": "user_app_keys",
    "/api/v2/api_keys": "api_keys_read",
    TOKENS: "org_app_keys_read",
    "/api/v2/org_authorized_clients": "org_authorized_apps_read",
    "/api/v2/team": "teams_read",
    "/api/v2/authn_mappings": "user_access_read",
}


def _key(ask: Asker, key_id: str) -> dict[str, Any]:
    record: dict[str, Any] = ask.get(f"{KEYS}/{key_id}").json["data"]
    return record


def _with(ask: Asker, key: AppKey) -> dict[str, str]:
    return {**ask.headers, "DD-APPLICATION-KEY": key.secret}


@pytest.mark.parametrize(("path", "permission"), NEEDS.items())
def test_each_listing_needs_its_permission(ask: Asker, organization: Organization, path: str, permission: str) -> None:
    admin = next(iter(organization.users))
    assert ask.get(path).status == 200
    assert ask.get(path, headers=_with(ask, organization.add_application_key(admin, [permission]))).status == 200
    scopes = set(READING_SCOPES) | {"user_app_keys"}
    blocked = scopes - ({"org_app_keys_read", "user_app_keys"} if path == TOKENS else {permission})
    assert ask.get(path, headers=_with(ask, organization.add_application_key(admin, blocked))).status == 403
    assert ask.get(path, headers={}).status == 403


def test_the_minimal_key_reads_everything_org_wide_and_no_more(ask: Asker, server: SandboxServer) -> None:
    headers = {**ask.headers, "DD-APPLICATION-KEY": str(server.minimal_app_key)}
    for path in NEEDS:
        expected = 403 if "current_user" in path else 200
        assert ask.get(path, headers=headers).status == expected
    account = next(each for each in server.organization.users.values() if each.service_account).id
    for below in ("application_keys", "access_tokens"):
        path = f"/api/v2/service_accounts/{account}/{below}"
        assert (ask.get(path).status, ask.get(path, headers=headers).status) == (200, 403)


def test_a_hundred_keys_without_parameters_and_never_more_on_a_page(ask: Asker, organization: Organization) -> None:
    owner = next(iter(organization.users))
    for number in range(240 - len(organization.app_keys)):
        organization.add_application_key(owner, name=f"bulk {number % 3}")
    first = ask.get(KEYS)
    assert len(first.ids) == 100
    assert first.json["meta"] == {"page": {"total_filtered_count": 240}, "max_allowed_per_user": 1000}
    assert "included" not in first.json
    assert len(ask.get(KEYS, page_size=500).ids) == 100
    assert sorted(ask.listing(KEYS, size=37)) == sorted(organization.app_keys)
    names = [each["attributes"]["name"].casefold() for each in first.json["data"]]
    assert names == sorted(names)
    assert len(ask.get(KEYS, page_number=2).ids) == 40


def test_keys_in_every_order_and_through_every_filter(ask: Asker, organization: Organization) -> None:
    by_age = sorted(organization.app_keys.values(), key=lambda key: (key.created_at, key.id))
    assert ask.get(KEYS, sort="created_at").ids == [each.id for each in by_age]
    assert ask.get(KEYS, sort="-created_at").ids == [each.id for each in reversed(by_age)]
    last4 = [each["attributes"]["last4"] for each in ask.get(KEYS, sort="last4").json["data"]]
    assert last4 == sorted(last4)
    owner = by_age[0].owner_id
    assert set(ask.get(KEYS, {"filter[owned_by]": owner}).ids) == {each.id for each in by_age if each.owner_id == owner}
    assert set(ask.get(KEYS, {"filter[created_at][end]": by_age[2].created_at.isoformat()}).ids) == {
        each.id for each in by_age[:3]
    }
    assert ask.get(KEYS, filter="SANDBOX MIN").ids == [organization.minimal_key_id]
    for query in ("sort=age", "page[size]=0", "filter[created_at][start]=soon", "include=everything"):
        answer = ask.send("GET", f"{KEYS}?{query}", headers=ask.headers)
        assert (answer.status, answer.json) == (400, {"errors": ["Invalid input "]})


def test_no_scopes_is_not_an_empty_list_of_scopes(ask: Asker, organization: Organization) -> None:
    owner = next(iter(organization.users))
    for scopes in (None, [], ["monitors_write", "dashboards_read"]):
        key = organization.add_application_key(owner, scopes)
        assert _key(ask, key.id)["attributes"]["scopes"] == scopes
        expected = 200 if scopes is None else 403
        assert ask.get("/api/v2/users", headers=_with(ask, key)).status == expected
        organization.rescope_key(key.id, ["user_access_read"])
        assert _key(ask, key.id)["attributes"]["scopes"] == ["user_access_read"]
        assert ask.get("/api/v2/users", headers=_with(ask, key)).status == 200


def test_last_use_is_present_null_or_absent() -> None:
    for deployment, present in ((Deployment(), True), (Deployment(last_used_at=False), False)):
        organization = generate(400, 3, NOW, deployment=deployment)
        with SandboxServer(organization, activity_share=0.0, clock=lambda: NOW) as server:
            shown = [each["attributes"] for each in asker(server).get(KEYS).json["data"]]
        assert {"last_used_at" in each for each in shown} == {present}
        if present:
            assert None in {each["last_used_at"] for each in shown} != {None}


def test_the_keys_that_call_are_used(ask: Asker, organization: Organization) -> None:
    key = organization.add_application_key(next(iter(organization.users)), ["teams_read"], name="caller")
    assert _key(ask, key.id)["attributes"]["last_used_at"] is None
    ask.get("/api/v2/users", headers=_with(ask, key))
    assert _key(ask, key.id)["attributes"]["last_used_at"] == NOW.isoformat(timespec="microseconds")
    api_key = organization.add_api_key("agent")
    ask.get("/api/v1/validate", headers={"DD-API-KEY": api_key.secret})
    shown = ask.get(f"/api/v2/api_keys/{api_key.id}").json["data"]["attributes"]
    assert shown["used_in_last_24_hours"] is True


def test_a_key_outlives_its_owner_but_opens_nothing(ask: Asker, organization: Organization) -> None:
    owner = organization.add_user("leaver@corp.example")
    key = organization.add_application_key(owner.id)
    organization.remove_user(owner.id)
    assert _key(ask, key.id)["relationships"]["owned_by"]["data"]["id"] == owner.id
    included = ask.get(KEYS, include="owned_by").json["included"]
    assert owner.id not in {each["id"] for each in included}
    assert ask.get("/api/v2/users", headers=_with(ask, key)).status == 403
    organization.delete_application_key(key.id)
    assert ask.get(f"{KEYS}/{key.id}").json == {"errors": ["Application key not found"]}


def test_only_asking_for_one_api_key_gives_its_secret_away(ask: Asker, organization: Organization) -> None:
    secrets = [each.encode() for each in [*organization.api_keys_by_secret, *organization.app_keys_by_secret]]
    for path in ("/api/v2/api_keys", KEYS, "/api/v2/current_user/application_keys"):
        body = ask.get(path, page_size=100).body
        assert not any(each in body for each in secrets)
    key = next(iter(organization.api_keys.values()))
    assert ask.get(f"/api/v2/api_keys/{key.id}").json["data"]["attributes"]["key"] == key.secret
    assert (
        organization.app_keys[organization.minimal_key_id].secret.encode()
        not in ask.get(f"{KEYS}/{organization.minimal_key_id}").body
    )


def test_use_of_an_api_key_is_forgotten_after_ninety_days(ask: Asker, organization: Organization) -> None:
    seen = {}
    for days in (0, 2, 89, 91):
        used = NOW - timedelta(days=days)
        key = organization.add_api_key(f"used {days}", last_used_at=used, at=NOW - timedelta(days=200))
        shown = ask.get(f"/api/v2/api_keys/{key.id}").json["data"]["attributes"]
        expected = used.isoformat(timespec="microseconds") if days < 90 else None
        assert shown["date_last_used"] == shown["last_used_date"]["timestamp"] == expected
        assert shown["last_used_date"]["description"]
        seen[days] = shown["used_in_last_24_hours"]
    assert seen == {0: True, 2: False, 89: False, 91: False}


def test_api_keys_are_ten_to_a_page_with_their_makers(ask: Asker, organization: Organization) -> None:
    answer = ask.get("/api/v2/api_keys", include="created_by")
    assert len(answer.ids) == 10
    assert answer.json["meta"] == {"page": {"total_filtered_count": 11}, "max_allowed": 200}
    assert {each["type"] for each in answer.json["included"]} == {"users"}
    modified = [each["relationships"]["modified_by"]["data"] for each in answer.json["data"]]
    assert None in modified
    enabled = ask.get("/api/v2/api_keys", {"filter[remote_config_read_enabled]": "false"}).json["data"]
    assert not any(each["attributes"]["remote_config_read_enabled"] for each in enabled)
    assert ask.get("/api/v2/api_keys", {"filter[category]": "other"}).ids == []
    organization.delete_api_key(answer.ids[-1])
    assert ask.get(f"/api/v2/api_keys/{answer.ids[-1]}").json == {"errors": ["API key not found"]}


def test_tokens_are_told_to_the_nanosecond(ask: Asker, organization: Organization) -> None:
    account = next(each for each in organization.users.values() if each.service_account)
    token = organization.add_token(account.id, ["apm_read"], name="zz", last_used_at=NOW)
    shown = next(each for each in ask.get(TOKENS, page_size=100).json["data"] if each["id"] == token.id)
    attributes = shown["attributes"]
    assert attributes["created_at"] == "2026-11-01T12:00:00.000000Z"
    assert attributes["last_used_at"].startswith("2026-11-01T12:00:00.000000")
    assert len(attributes["last_used_at"]) == len("2026-11-01T12:00:00.000000000Z")
    assert attributes["expires_at"] is None
    assert attributes["public_portion"].startswith("ddsat_")
    assert shown["relationships"]["owned_by"]["data"] == {"type": "service_account", "id": account.id}
    assert ask.get(f"{TOKENS}/{token.id}").status == 404
    assert ask.get(f"/api/v2/service_accounts/{account.id}/access_tokens/{token.id}").status == 200
    person = organization.add_user("someone@corp.example")
    personal = organization.add_token(person.id, [])
    assert ask.get(f"{TOKENS}/{personal.id}").json["data"]["attributes"]["expires_at"] == "2027-01-30T12:00:00Z"
    organization.delete_token(personal.id)
    assert ask.get(f"{TOKENS}/{personal.id}").status == 404


def test_without_the_overall_permission_only_own_tokens_are_listed(ask: Asker, organization: Organization) -> None:
    admin = next(iter(organization.users))
    own = organization.add_token(admin, ["apm_read"])
    headers = _with(ask, organization.add_application_key(admin, ["user_app_keys"]))
    answer = ask.get(TOKENS, headers=headers, page_size=100)
    assert answer.ids == [each.id for each in organization.tokens.values() if each.owner_id == admin]
    assert own.id in answer.ids
    assert answer.page == {"total_filtered_count": len(answer.ids)}
    other = next(each for each in organization.tokens if each not in answer.ids)
    assert ask.get(f"{TOKENS}/{other}", headers=headers).status == 404


def test_leaks_show_and_can_be_asked_for(ask: Asker, organization: Organization) -> None:
    for leaked, path in (
        (next(iter(organization.app_keys)), KEYS),
        (next(iter(organization.api_keys)), "/api/v2/api_keys"),
        (next(iter(organization.tokens)), TOKENS),
    ):
        organization.leak_key(leaked, "npm", at=NOW)
        answer = ask.get(path, page_size=100, include="leak_information").json
        shown = next(each for each in answer["data"] if each["id"] == leaked)
        leak = shown["relationships"]["leak_information"]["data"]
        assert next(each for each in answer["included"] if each["id"] == leak["id"])["attributes"] == {
            "date": NOW.isoformat(timespec="microseconds"),
            "leak_source": "npm",
        }
    assert next(iter(organization.tokens)) in ask.get(TOKENS, {"filter[leaked]": "true"}).ids
    assert ask.get(TOKENS, {"filter[leaked]": "perhaps"}).json["errors"][0]["title"] == "Bad Request"


def test_oauth_clients_come_and_go(ask: Asker, organization: Organization) -> None:
    path = "/api/v2/org_authorized_clients"
    client = organization.add_oauth_client("Wombat Viewer")
    user = next(iter(organization.users.values()))
    organization.authorize(client.name, user.email, ["apm_read"], last_exercised=NOW, at=NOW)
    assert ask.get(path, filter="wombat").ids == [client.id]
    attributes = ask.get(f"{path}/{client.id}").json["data"]["attributes"]
    assert attributes == {
        "disabled": False,
        "last_exercised": NOW.isoformat(timespec="microseconds"),
        "user_count": 1,
    }
    organization.disable_oauth_client(client.id)
    assert client.id in ask.get(path, {"filter[disabled]": "true"}, page_size=100).ids
    allowed = ask.get(f"{path}/{client.id}/user_authorized_clients").json
    assert allowed["meta"]["page"] == {"total_count": 1, "total_filtered_count": 1}
    assert allowed["data"][0]["attributes"]["org_disabled"] is True
    assert ask.get(f"{path}/{client.id}/user_authorized_clients", {"filter[user][email]": "nobody@"}).ids == []
    organization.withdraw(client.id, user.id)
    assert ask.get(f"{path}/{client.id}").json["data"]["attributes"]["last_exercised"] is None
    organization.authorize(client.id, user.id)
    organization.remove_user(user.id)
    assert ask.get(f"{path}/{client.id}").json["data"]["attributes"]["user_count"] == 0
    organization.remove_oauth_client(client.id)
    assert ask.get(f"{path}/{client.id}").status == 404


def test_use_moves_between_listings_and_nothing_else_does() -> None:
    def facts(organization: Organization) -> list[object]:
        keys: list[AppKey | ApiKey | Token] = [*organization.app_keys.values(), *organization.api_keys.values()]
        keys += organization.tokens.values()
        return [(each.id, each.name, each.created_at, each.planted) for each in keys]

    later = NOW + timedelta(hours=30)
    runs = []
    for _ in range(2):
        organization = generate(600, 5, NOW)
        before = facts(organization)
        with SandboxServer(organization, activity_share=0.2, seed=4, clock=lambda: later) as server:
            ask = asker(server)
            ask.get(KEYS, page_number=1)
            assert sum(each.last_used_at == later for each in organization.app_keys.values()) == 1
            for path in (KEYS, "/api/v2/api_keys", TOKENS):
                ask.get(path)
        moved = [each for each in organization.app_keys.values() if each.last_used_at == later]
        assert 5 < len(moved) < 40
        assert {organization.users[each.owner_id].status for each in moved} == {"Active"}
        assert sum(each.last_used_at == later for each in organization.api_keys.values()) > 1
        assert any(each.last_used_at == later for each in organization.tokens.values())
        assert facts(organization) == before
        runs.append([each.id for each in moved])
    assert runs[0] == runs[1]


def test_unknown_credentials_are_refused(organization: Organization) -> None:
    for change, kind in (
        (organization.delete_api_key, "API key"),
        (organization.delete_token, "token"),
        (organization.leak_key, "key"),
        (organization.remove_oauth_client, "OAuth client"),
    ):
        with pytest.raises(UnknownRecordError, match=f"no {kind} nothing"):
            change("nothing")
