"""What is wrong, what was accepted, and what was put right."""

from collections.abc import Iterator, Mapping
from functools import partial

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.check import Check
from accesssync.findings.separation import controls
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets import columns as shared
from accesssync.reports.material import FindingAt, Material

COLUMNS = (
    shared.ORG,
    Column("finding_id", "id", "The finding's own name: the same for as long as it is the same finding."),
    Column("check_id", "id", "The check that found it."),
    Column("title", "text", "What the check looks for."),
    Column("severity", "text", "critical, high, medium, low or info."),
    Column("status", "text", "open, reopened (open again), waived (accepted until a day) or resolved, at the run."),
    Column("subject_type", "text", "What it is about: an identity, role, credential and so on."),
    Column("subject_id", "id", "The id of that.", personal=True),
    Column("subject_name", "text", "What people call it.", personal=True),
    Column("evidence", "json", "The observed fields that it rests on, as they were last told.", personal=True),
    Column("first_seen_at", "moment", "When it was first found."),
    Column("last_seen_at", "moment", "When it was last still found."),
    Column("age_days", "count", "Whole days from the first to the run, or until it was resolved."),
    Column("reopened_times", "count", "How often it came back."),
    Column("resolved_at", "moment", "When it was no longer found."),
    Column("resolved_because", "text", "Why it was resolved."),
    Column("remediation", "text", "What to do about it."),
    Column("control_ids", "list", "The controls that it is relevant evidence for, by framework."),
    Column("waiver_source", "text", "Where it was accepted: the file, or by command."),
    Column("waiver_approver", "text", "Who approved that.", personal=True),
    Column("waiver_reason", "text", "Why it was accepted.", personal=True),
    Column("waiver_expires_at", "day", "The last day on which that counts."),
    Column("owner", "text", "Who answers for the accepted risk, else for the subject.", personal=True),
    Column("ticket", "text", "Empty: findings have no tickets of their own."),
    Column("ruleset_version", "id", "The version of the checks."),
)


def findings(material: Material) -> Dataset:
    """Every finding that there was up to the run: the most pressing first, and what was resolved at the end."""
    return Dataset("findings", "Findings", "finding", COLUMNS, partial(_rows, material))


def _rows(material: Material) -> Iterator[Row]:
    refs = {check.id: _controls(check) for check in BY_ID.values()}
    settled = 0
    for one in material.findings():
        if one.status == "resolved":
            settled += 1
        else:
            yield _row(material, one, refs)
    # Read again rather than kept: there may be any number of them.
    for one in material.findings() if settled else ():
        if one.status == "resolved":
            yield _row(material, one, refs)


def _row(material: Material, one: FindingAt, refs: Mapping[str, tuple[str, ...]]) -> Row:
    check = BY_ID.get(one.check)
    waiver = one.waiver if one.waiver and one.status == "waived" else {}
    ended = one.resolved_at if one.status == "resolved" else None
    return (
        material.org, one.id, one.check, check.title if check else one.check, one.severity, _status(one),
        one.subject_kind, one.subject_id, one.subject, one.evidence, one.opened_at, one.last_seen_at,
        max(0, ((ended or material.at) - one.opened_at).days), one.reopened, ended,
        one.resolved_because if ended else None, check.remedy.text if check else None, refs.get(one.check, ()),
        waiver.get("source"), waiver.get("approver"), waiver.get("reason"),
        one.waived_until if waiver else None, waiver.get("owner") or _owner(material, one), None, material.ruleset,
    )  # fmt: skip


def _status(one: FindingAt) -> str:
    return "reopened" if one.status == "open" and one.reopened else one.status


def _owner(material: Material, one: FindingAt) -> str | None:
    identity = material.picture.access.identities.get(one.subject_id) if one.subject_kind == "identity" else None
    return material.picture.known(identity).owner if identity is not None else None


def _controls(check: Check) -> tuple[str, ...]:
    known = controls()
    found = (
        f"{framework} {one}"
        for name in check.controls
        for framework, ids in known.groups[name].references(known.frameworks)
        for one in ids
    )
    return tuple(dict.fromkeys(found))
