"""Identities and findings follow OCSF 1.8.0, and accounts the layout that Vanta imports.

The schema here is our own transcription of the published attributes that accesssync uses.
"""

import csv
import io
from typing import Any

import pytest

from accesssync.findings.catalogue import ALL
from accesssync.model.when import as_text
from accesssync.reports.dataset import Dataset
from accesssync.reports.datasets.credentials import COLUMNS as KEYS
from accesssync.reports.datasets.findings import COLUMNS as FINDINGS
from accesssync.reports.datasets.identities import COLUMNS as IDENTITIES
from accesssync.reports.finding_events import finding_events
from accesssync.reports.inventory_events import inventory_events
from accesssync.reports.vanta_file import COLUMNS, write_vanta
from tests.findings.test_ocsf import OPTIONAL, REQUIRED, SEVERITY, STATUS, shape
from tests.reports.builders import AT, block, dataset

INVENTORY: dict[str, type] = {
    "activity_id": int, "category_uid": int, "class_uid": int, "metadata": dict, "severity_id": int, "time": int,
    "type_uid": int, "user": dict,
}  # fmt: skip
INVENTORY_OPTIONAL: dict[str, type] = {
    "activity_name": str, "category_name": str, "class_name": str, "type_name": str, "severity": str, "unmapped": dict,
}  # fmt: skip
USER: dict[str, type] = {
    "name": str, "full_name": str, "email_addr": str, "uid": str, "type_id": int, "type": str, "org": dict,
    "groups": list, "has_mfa": bool, "programmatic_credentials": list,
}  # fmt: skip
TYPES = {0: "Unknown", 1: "User", 2: "Admin", 3: "System", 4: "Service", 99: "Other"}


def table(name: str, columns: Any, *rows: dict[str, Any]) -> Dataset:
    names = [column.name for column in columns]
    assert all(row.keys() <= set(names) for row in rows)
    return dataset(columns, [tuple(row.get(each) for each in names) for row in rows], name)


ADA = {
    "org": "acme", "identity_id": "u1", "type": "human", "name": "Ada", "email": "ada@acme.example", "handle": "ada",
    "status": "Active", "disabled": False, "roles": ("Datadog Admin Role",), "mfa_enabled": True, "created_at": AT,
    "privilege_tier": "T0", "is_external": False, "last_login_at": AT,
}  # fmt: skip
BOT = {"org": "acme", "identity_id": "u2", "type": "service_account", "name": "ci", "roles": (), "disabled": True}
WHO = {"org": "acme", "identity_id": "u3", "type": "nhi_suspected", "email": "x@y.example", "roles": ("a,b", "c")}
GUEST = {**ADA, "identity_id": "u4", "is_external": True, "status": "Pending", "privilege_tier": "T2"}
PEOPLE = table("identities", IDENTITIES, ADA, BOT, WHO, GUEST)
KEY = {"org": "acme", "credential_id": "k1", "kind": "application_key", "owner_id": "u1", "last_used_at": AT}
CREDENTIALS = table("keys_tokens", KEYS, KEY, {**KEY, "credential_id": "k2", "last_used_at": None})


def test_every_identity_is_an_event_that_follows_the_schema() -> None:
    found = list(inventory_events([PEOPLE, CREDENTIALS], block()))
    assert [one["user"]["uid"] for one in found] == ["u1", "u2", "u3", "u4"]
    for one in found:
        shape(one, INVENTORY, INVENTORY_OPTIONAL)
        shape(one["user"], {}, USER)
        assert (one["category_uid"], one["class_uid"], one["type_uid"]) == (5, 5003, 500_302)
        assert (one["activity_id"], one["activity_name"]) == (2, "Collect")
        assert SEVERITY[one["severity_id"]] == one["severity"]
        assert TYPES[one["user"]["type_id"]] == one["user"]["type"]
        assert one["user"].keys() & {"account", "name", "uid"}
        assert one["metadata"]["version"] == "1.8.0"
        assert one["metadata"]["product"]["name"] == "accesssync"
        assert one["metadata"]["tenant_uid"] == "0b6c1f5e"
        assert one["time"] == round(AT.timestamp() * 1000)
        for key in one["user"].get("programmatic_credentials", ()):
            shape(key, {"uid": str}, {"type": str, "last_used_time": int})
    assert [one["user"]["type"] for one in found] == ["Admin", "Service", "Unknown", "User"]
    assert "has_mfa" not in found[1]["user"]
    assert found[0]["user"]["programmatic_credentials"][0]["last_used_time"] == round(AT.timestamp() * 1000)
    assert "last_used_time" not in found[0]["user"]["programmatic_credentials"][1]
    assert found[0]["unmapped"]["created_at"] == as_text(AT)


@pytest.mark.parametrize("check", ALL, ids=lambda check: check.id)
def test_findings_of_every_check_follow_the_schema(check: Any) -> None:
    usual = {
        "org": "acme", "finding_id": "F-1", "check_id": check.id, "title": check.title, "severity": check.severity,
        "subject_type": "identity", "subject_id": "u1", "subject_name": "ada", "evidence": {"days": 3},
        "first_seen_at": AT, "last_seen_at": AT,
    }  # fmt: skip
    states: list[dict[str, Any]] = [
        {"status": "open"},
        {"status": "reopened", "reopened_times": 1},
        {"status": "waived", "waiver_expires_at": AT.date(), "waiver_reason": "r"},
        {"status": "resolved", "resolved_at": AT},
    ]
    found = list(finding_events([table("findings", FINDINGS, *({**usual, **state} for state in states))], block()))
    for one in found:
        shape(one, REQUIRED, OPTIONAL)
        assert (one["class_uid"], one["type_uid"]) == (2003, 200_300 + one["activity_id"])
        assert STATUS[one["status_id"]] == one["status"]
        assert one["finding_info"]["uid"] == "F-1"
    assert [one["status_id"] for one in found] == [1, 1, 3, 4]
    assert [one["activity_id"] for one in found] == [1, 2, 2, 3]


def test_reports_without_these_datasets_have_no_events() -> None:
    assert list(inventory_events([CREDENTIALS], block())) == []
    assert list(finding_events([PEOPLE], block())) == []


def test_accounts_have_the_layout_that_vanta_imports() -> None:
    file = io.BytesIO()
    owned = {**BOT, "identity_id": "u5", "owner": "platform@acme.example"}
    people = table("identities", IDENTITIES, ADA, BOT, WHO, GUEST, owned, {**WHO, "email": None})
    assert write_vanta([people], file) == 6
    text = file.getvalue().decode()
    head, *lines = csv.reader(io.StringIO(text, newline=""), strict=True)
    assert (
        tuple(head)
        == COLUMNS
        == ("Account name", "Account owner", "Role", "Status", "Date created", "Date deactivated")
    )
    assert lines == [
        ["ada@acme.example", "ada@acme.example", "Datadog Admin Role", "Active", "2026-11-20", ""],
        ["ci", "Not a person", "", "Deactivated", "", ""],
        ["x@y.example", "x@y.example", "a\\x2cb, c", "", "", ""],
        ["ada@acme.example", "External user", "Datadog Admin Role", "Active", "2026-11-20", ""],
        ["ci", "platform@acme.example", "", "Deactivated", "", ""],
        ["u3", "No owner", "a\\x2cb, c", "", "", ""],
    ]
