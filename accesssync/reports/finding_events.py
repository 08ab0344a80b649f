"""Findings of a dataset as Compliance Findings (class 2003) of the Open Cybersecurity Schema Framework."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from accesssync.evidence.block import Block
from accesssync.findings.catalogue import BY_ID, references
from accesssync.findings.check import command_of
from accesssync.findings.ocsf import event
from accesssync.model.when import as_text
from accesssync.reports.dataset import Dataset
from accesssync.reports.inventory_events import rows_of


def finding_events(datasets: Sequence[Dataset], block: Block) -> Iterator[dict[str, Any]]:
    """An event for each finding of the datasets; none where the findings are not among them."""
    dataset = next((one for one in datasets if one.name == "findings"), None)
    for one in rows_of(dataset) if dataset else ():
        check = BY_ID.get(one["check_id"])
        command = command_of(check, one["subject_id"], one["subject_name"], one["evidence"] or {}) if check else ""
        known = references(check) if check else {}
        yield event(_told(one), check, known, command, program=block.tool_version, tenant=block.org_id)


def _told(one: Mapping[str, Any]) -> dict[str, Any]:
    """The finding as commands tell it."""
    again = one["status"] == "reopened"
    waived = one["status"] == "waived"
    return {
        "id": one["finding_id"],
        "check": one["check_id"],
        "title": one["title"],
        "severity": one["severity"],
        "status": "open" if again else one["status"],
        "org": one["org"],
        "subject_kind": one["subject_type"],
        "subject_id": one["subject_id"],
        "subject": one["subject_name"],
        "reopened": again,
        "opened_at": as_text(one["first_seen_at"]),
        "reopened_at": as_text(one["last_seen_at"]) if again and one["last_seen_at"] else None,
        "resolved_at": as_text(one["resolved_at"]) if one["resolved_at"] else None,
        "waiver": {"expires": one["waiver_expires_at"], "reason": one["waiver_reason"] or ""} if waived else None,
        "evidence": one["evidence"] or {},
    }
