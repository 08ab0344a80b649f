"""Findings as Compliance Findings (class 2003) of the Open Cybersecurity Schema Framework 1.8.0."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from accesssync.findings.check import Check
from accesssync.findings.severity import Severity

VERSION: Final = "1.8.0"
CATEGORY, CLASS = 2, 2003

_SEVERITY: Final[dict[Severity, tuple[int, str]]] = {
    "critical": (5, "Critical"),
    "high": (4, "High"),
    "medium": (3, "Medium"),
    "low": (2, "Low"),
    "info": (1, "Informational"),
}
_STATUS: Final = {"open": (1, "New"), "waived": (3, "Suppressed"), "resolved": (4, "Resolved")}
_ACTIVITY: Final = {1: "Create", 2: "Update", 3: "Close"}


def event(
    told: Mapping[str, Any],
    check: Check | None,
    references: Mapping[str, Sequence[str]],
    command: str,
    *,
    program: str,
    tenant: str | None,
) -> dict[str, Any]:
    """One finding, as its document tells it, as an event. Times are milliseconds since 1970, as the schema wants.

    `references` are the controls by framework, `program` is our version, `tenant` Datadog's id of the organization.
    What is said about compliance is said of our check: "Fail" while it finds something, "Pass" once it no longer does.
    """
    severity_id, severity = _SEVERITY[told["severity"]]
    status_id, status = _STATUS[told["status"]]
    activity = 3 if told["status"] == "resolved" else 2 if told["reopened"] or told["status"] == "waived" else 1
    opened, changed = _milliseconds(told["opened_at"]), _milliseconds(_last(told))
    controls = [one for ids in references.values() for one in ids]
    title = told["title"]
    found: dict[str, Any] = {
        "activity_id": activity,
        "activity_name": _ACTIVITY[activity],
        "category_uid": CATEGORY,
        "category_name": "Findings",
        "class_uid": CLASS,
        "class_name": "Compliance Finding",
        "type_uid": CLASS * 100 + activity,
        "type_name": f"Compliance Finding: {_ACTIVITY[activity]}",
        "time": changed,
        "severity_id": severity_id,
        "severity": severity,
        "status_id": status_id,
        "status": status,
        "message": f"{title}: {told['subject']}",
        "metadata": {
            "version": VERSION,
            "product": {"name": "accesssync", "vendor_name": "accesssync", "version": program},
            "event_code": told["check"],
            "uid": f"{told['org']}/{told['id']}",
            "log_name": told["org"],
        },
        "finding_info": {
            "uid": told["id"],
            "title": title,
            "desc": check.logic if check else title,
            "analytic": {"type_id": 1, "type": "Rule", "uid": told["check"], "name": title},
            "created_time": opened,
            "first_seen_time": opened,
            "modified_time": changed,
            "types": [told["check"]],
        },
        "compliance": {
            "standards": sorted(references) or ["accesssync"],
            "requirements": controls,
            "control": controls[0] if controls else told["check"],
            "status_id": 3 if told["status"] != "resolved" else 1,
            "status": "Fail" if told["status"] != "resolved" else "Pass",
            "checks": [{"uid": told["check"], "name": title, "severity": severity, "severity_id": severity_id}],
        },
        "resources": [
            {"uid": told["subject_id"], "name": told["subject"], "type": told["subject_kind"], "data": told["evidence"]}
        ],
        "evidences": [{"data": told["evidence"]}],
    }
    if tenant:
        found["metadata"]["tenant_uid"] = tenant
    if check:
        found["remediation"] = {"desc": f"{check.remedy.text}; {command}; in Datadog: {check.remedy.place}"}
    if told["waiver"]:
        found["comment"] = f"accepted until {told['waiver']['expires']}: {told['waiver']['reason']}"
    return found


def _last(told: Mapping[str, Any]) -> str:
    return str(told["resolved_at"] or told["reopened_at"] or told["opened_at"])


def _milliseconds(text: str) -> int:
    return round(datetime.fromisoformat(text).timestamp() * 1000)
