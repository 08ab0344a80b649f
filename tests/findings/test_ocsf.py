"""Events follow the Compliance Finding (2003) of OCSF 1.8.0: what is required is there, each number with its caption.

The schema here is our own transcription of the published attributes that accesssync uses.
"""

from typing import Any

import pytest

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.ocsf import event

REQUIRED: dict[str, type] = {
    "activity_id": int, "category_uid": int, "class_uid": int, "metadata": dict, "severity_id": int, "time": int,
    "type_uid": int, "finding_info": dict, "compliance": dict,
}  # fmt: skip
OPTIONAL: dict[str, type] = {
    "activity_name": str, "category_name": str, "class_name": str, "type_name": str, "severity": str, "status": str,
    "status_id": int, "message": str, "resources": list, "evidences": list, "remediation": dict, "comment": str,
}  # fmt: skip
OBJECTS: dict[str, tuple[dict[str, type], dict[str, type]]] = {
    "metadata": (
        {"version": str, "product": dict}, {"event_code": str, "uid": str, "log_name": str, "tenant_uid": str},
    ),
    "metadata.product": ({"name": str}, {"vendor_name": str, "version": str}),
    "finding_info": (
        {"uid": str},
        {"title": str, "desc": str, "analytic": dict, "created_time": int, "first_seen_time": int, "modified_time": int,
         "types": list},
    ),
    "finding_info.analytic": ({"type_id": int}, {"type": str, "uid": str, "name": str}),
    "compliance": (
        {"standards": list}, {"requirements": list, "control": str, "status_id": int, "status": str, "checks": list},
    ),
    "remediation": ({"desc": str}, {}),
}  # fmt: skip
SEVERITY = {1: "Informational", 2: "Low", 3: "Medium", 4: "High", 5: "Critical"}
STATUS = {1: "New", 2: "In Progress", 3: "Suppressed", 4: "Resolved"}
ACTIVITY = {1: "Create", 2: "Update", 3: "Close"}
COMPLIANCE = {1: "Pass", 2: "Warning", 3: "Fail"}


def told(**facts: Any) -> dict[str, Any]:
    """A finding as the list tells it."""
    usual = {
        "id": "F-7Q2K", "check": "AS-KEY-01", "title": "Leaked credential", "severity": "critical", "status": "open",
        "org": "acme", "subject_kind": "credential", "subject_id": "k1", "subject": "ci ..a1b2", "reopened": False,
        "opened_at": "2026-11-20T12:00:00Z", "reopened_at": None, "resolved_at": None, "waiver": None,
        "evidence": {"works": True},
    }  # fmt: skip
    return {**usual, **facts}


WAIVER = {"owner": "a", "approver": "b", "reason": "r", "expires": "2027-01-01", "source": "command"}
FINDINGS = [
    told(),
    told(severity="info", reopened=True, reopened_at="2026-11-21T12:00:00Z"),
    told(severity="low", status="resolved", resolved_at="2026-11-21T12:00:00Z"),
    told(severity="medium", status="waived", waiver=WAIVER),
    told(severity="high", check="AS-GONE-01"),
]


def shape(found: dict[str, Any], required: dict[str, type], optional: dict[str, type]) -> None:
    assert required.keys() <= found.keys() <= required.keys() | optional.keys()
    for name, value in found.items():
        assert type(value) is {**required, **optional}[name], name


@pytest.mark.parametrize("finding", FINDINGS, ids=lambda one: f"{one['status']}-{one['severity']}")
def test_an_event_follows_the_schema(finding: dict[str, Any]) -> None:
    check = BY_ID.get(finding["check"])
    controls = {"SOC 2": ["CC6.1"]} if check else {}
    found = event(finding, check, controls, "accesssync x", program="1.0", tenant="org-1")
    shape(found, REQUIRED, OPTIONAL)
    for path, (required, optional) in OBJECTS.items():
        part: Any = found
        for name in path.split("."):
            part = part.get(name) if part is not None else None
        if part is not None:
            shape(part, required, optional)
    assert (found["category_uid"], found["class_uid"]) == (2, 2003)
    assert found["type_uid"] == 200_300 + found["activity_id"]
    assert ACTIVITY[found["activity_id"]] == found["activity_name"]
    assert SEVERITY[found["severity_id"]] == found["severity"]
    assert STATUS[found["status_id"]] == found["status"]
    assert COMPLIANCE[found["compliance"]["status_id"]] == found["compliance"]["status"]
    assert found["metadata"]["version"] == "1.8.0"
    assert found["metadata"]["tenant_uid"] == "org-1"
    assert found["compliance"]["standards"]
    assert found["time"] >= found["finding_info"]["created_time"] > 1_700_000_000_000
    for one in found["resources"]:
        assert one.keys() & {"name", "uid"}


def test_what_happened_to_a_finding_is_its_status() -> None:
    ended = [event(one, None, {}, "", program="1", tenant=None) for one in FINDINGS]
    assert [one["status_id"] for one in ended] == [1, 1, 4, 3, 1]
    assert [one["activity_id"] for one in ended] == [1, 2, 3, 2, 1]
    assert "tenant_uid" not in ended[0]["metadata"]
