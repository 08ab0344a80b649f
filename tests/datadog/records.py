"""The records beside users that Datadog would send, as its answers have them."""

from typing import Any

CANARY = "c4n4ry00" * 5
OWNER = "00000000-0000-0000-0000-00000000000a"


def application_key(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "application_keys",
        "id": f"key-{number}",
        "attributes": {
            "name": f"Key {number}",
            "created_at": "2023-10-03T19:27:33.054116+00:00",
            "last4": "ab12",
            "scopes": None,
            "last_used_at": "2025-09-06T19:03:18.487091+00:00",
            **attributes,
        },
        "relationships": {
            "owned_by": {"data": {"type": "users", "id": OWNER}},
            "leak_information": {"data": None},
        },
    }


def api_key(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "api_keys",
        "attributes": {
            "created_at": "2024-02-09T08:00:00.120000+00:00",
            "last4": "cd34",
            "modified_at": "2024-02-09T08:00:00.120000+00:00",
            "remote_config_read_enabled": True,
            "category": "default",
            "name": f"API key {number}",
            "date_last_used": None,
            "used_in_last_24_hours": False,
            "last_used_date": {"timestamp": None, "description": "not in the last 90 days"},
            **attributes,
        },
        "relationships": {
            "created_by": {"data": {"type": "users", "id": OWNER}},
            "modified_by": {"data": None},
            "leak_information": {"data": None},
        },
        "id": f"api-{number}",
    }


def token(number: int = 1, kind: str = "personal_access_tokens", **attributes: Any) -> dict[str, Any]:
    owner = "users" if kind == "personal_access_tokens" else "service_account"
    return {
        "id": f"token-{number}",
        "type": kind,
        "attributes": {
            "created_at": "2026-04-08T08:58:54.688182Z",
            "expires_at": "2026-04-09T08:58:54Z",
            "last_used_at": "2026-04-08T08:58:55.302839705Z",
            "name": f"Token {number}",
            "public_portion": "2ySDERb6wx1YqV1udJl61q",
            "scopes": ["monitors_read", "dashboards_read"],
            **attributes,
        },
        "relationships": {"owned_by": {"data": {"id": OWNER, "type": owner}}},
    }


def oauth_client(number: int = 1, authorizations: tuple[str, ...] = ("a1", "a2"), **attributes: Any) -> dict[str, Any]:
    return {
        "type": "org_authorized_clients",
        "id": f"client-{number}",
        "attributes": {
            "disabled": False,
            "last_exercised": "2026-10-01T10:00:00.5Z",
            "user_count": len(authorizations),
            **attributes,
        },
        "relationships": {
            "oauth2_client": {"data": {"type": "oauth2_clients", "id": f"oauth-{number}"}},
            "user_authorized_clients": {
                "data": [{"type": "user_authorized_clients", "id": each} for each in authorizations],
                "links": {"related": "/api/v2/org_authorized_clients/client-1/user_authorized_clients"},
            },
        },
    }


def oauth_application(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "oauth2_clients",
        "id": f"oauth-{number}",
        "attributes": {"name": f"App {number}", "client_secret": CANARY, **attributes},
    }


def authorization(identifier: str, user: str, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "user_authorized_clients",
        "id": identifier,
        "attributes": {"disabled": False, "last_exercised": None, **attributes},
        "relationships": {"user": {"data": {"type": "users", "id": user}}},
    }


def team(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "team",
        "id": f"team-{number}",
        "attributes": {
            "name": f"Team {number}",
            "handle": f"team-{number}",
            "created_at": "2024-01-02T03:04:05.678901+00:00",
            "user_count": 2,
            "summary": None,
            **attributes,
        },
        "relationships": {"user_team_permissions": {"links": {"related": "/api/v2/team/team-1/permissions"}}},
    }


def membership(user: str, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "team_memberships",
        "id": "TeamMembership-something",
        "attributes": {"role": None, "provisioned_by": None, **attributes},
        "relationships": {"user": {"data": {"type": "users", "id": user}}},
    }


def mapping(number: int = 1, given: str = "role", **attributes: Any) -> dict[str, Any]:
    return {
        "type": "authn_mappings",
        "id": f"mapping-{number}",
        "attributes": {"created_at": "2024-01-02T03:04:05.678901+00:00", **attributes},
        "relationships": {
            given: {"data": {"type": {"role": "roles"}.get(given, given), "id": f"{given}-1"}},
            "saml_assertion_attribute": {"data": {"type": "saml_assertion_attributes", "id": f"saml-{number}"}},
        },
    }


def assertion(number: int = 1, **attributes: Any) -> dict[str, Any]:
    return {
        "type": "saml_assertion_attributes",
        "id": f"saml-{number}",
        "attributes": {"attribute_key": "member-of", "attribute_value": f"group-{number}", **attributes},
    }


def without(record: dict[str, Any], part: str, name: str) -> dict[str, Any]:
    return {**record, part: {key: value for key, value in record[part].items() if key != name}}


def teams_page(*records: Any, total: Any) -> dict[str, Any]:
    pagination = {
        "first_number": 0,
        "last_number": 1,
        "next_number": 2,
        "number": 1,
        "prev_number": 0,
        "size": 100,
        "total": total,
        "type": "number_size",
    }
    links = {"next": "http://127.0.0.1:9/api/v2/team?page[number]=2", "self": None}
    return {"data": list(records), "links": links, "meta": {"pagination": pagination}}
