"""Findings as the contract writes them, and everything about one of them."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from accesssync import __version__
from accesssync.errors import UsageError
from accesssync.findings.catalogue import BY_ID, references
from accesssync.findings.check import Check, command_of
from accesssync.findings.identify import typed
from accesssync.findings.ocsf import event
from accesssync.findings.severity import RANK
from accesssync.jobs.inventory import Document, chosen_orgs, time_or_none
from accesssync.store import findings, runs
from accesssync.store.engine import Database
from accesssync.store.findings import FindingRecord

STATUSES = ("open", "waived", "resolved")


def list_findings(
    engine: Database,
    names: Sequence[str],
    *,
    statuses: Sequence[str],
    now: datetime,
    checks: Sequence[str] = (),
    severities: Sequence[str] = (),
    subject: str | None = None,
) -> Iterator[Document]:
    """The findings of the chosen organizations, the most pressing first, then by check."""
    found: list[Document] = []
    for org in chosen_orgs(engine, names):
        # What is kept as waived may be open by now.
        kept = tuple({*statuses, *(("waived",) if "open" in statuses else ())})
        for one in findings.list_findings(engine, org.id, kept):
            told = document(one, org.name, now)
            if told["status"] not in statuses or (severities and one.severity not in severities):
                continue
            if checks and one.check_id not in checks:
                continue
            if subject is None or subject in (one.subject_id, one.subject):
                found.append(told)
    yield from sorted(
        found, key=lambda one: (RANK[one["severity"]], one["check"], one["org"], one["subject"], one["id"])
    )


def document(one: FindingRecord, org: str, now: datetime) -> Document:
    """A finding as the contract writes it. A waiver that is past its last day does not count, evaluated or not."""
    check = BY_ID.get(one.check_id)
    lapsed = one.status == "waived" and one.waived_until is not None and one.waived_until < now.date()
    return {
        "id": one.id,
        "check": one.check_id,
        "title": check.title if check else one.check_id,
        "severity": one.severity,
        "status": "open" if lapsed else one.status,
        "cause": one.cause,
        "org": org,
        "subject_kind": one.subject_kind,
        "subject_id": one.subject_id,
        "subject": one.subject,
        "opened_at": time_or_none(one.opened_at),
        "opened_run": f"run-{one.opened_run}",
        "seen_run": f"run-{one.seen_run}",
        "reopened": one.reopened > 0 or lapsed,
        "reopened_times": one.reopened,
        "reopened_at": time_or_none(one.reopened_at),
        "resolved_at": time_or_none(one.resolved_at),
        "resolved_run": f"run-{one.resolved_run}" if one.resolved_run else None,
        "resolved_because": one.why,
        "waiver": one.waiver,
        "evidence": one.evidence,
    }


def named(engine: Database, names: Sequence[str], text: str) -> tuple[runs.OrgRecord, FindingRecord]:
    """The one finding that is called so; UsageError where there is none, or where several organizations have one."""
    wanted = typed(text)
    matches = []
    for org in chosen_orgs(engine, names):
        one = findings.find_finding(engine, org.id, wanted)
        if one is not None:
            matches.append((org, one))
    if not matches:
        raise UsageError(
            f"there is no finding {text[:40]!r}", remedy="accesssync findings list --status all names them"
        )
    if len(matches) > 1:
        orgs = ", ".join(org.name for org, _ in matches)
        raise UsageError(f"{wanted} is a finding of {orgs}", remedy="say which with --org")
    return matches[0]


def show_finding(engine: Database, names: Sequence[str], text: str, now: datetime) -> Document:
    """Everything about one finding: what it rests on, the runs, what happened to it, what to do, and what it is
    evidence for."""
    org, one = named(engine, names, text)
    told = document(one, org.name, now)
    seen = runs.get_run(engine, one.seen_run)
    last = findings.last_evaluation(engine, org.id)
    outcome = last.outcomes.get(one.check_id) if last else None
    told["observed_at"] = time_or_none(seen.finished_at) if seen else None
    told["evaluated_at"] = time_or_none(last.at) if last else None
    told["evaluated_run"] = f"run-{last.run_id}" if last else None
    told["check_state"] = {"state": outcome[0], "reason": outcome[1]} if outcome else None
    told["history"] = [
        {
            "at": time_or_none(each.at),
            "event": each.event,
            "run_id": f"run-{each.run_id}" if each.run_id else None,
            "cause": each.cause,
            "by": each.actor,
            "detail": each.detail,
        }
        for each in findings.events_of(engine, org.id, one.id)
    ]
    check = BY_ID.get(one.check_id)
    told.update(_about(check, one) if check else {})
    return told


def _about(check: Check, one: FindingRecord) -> Document:
    return {
        "logic": check.logic,
        "remediation": {
            "text": check.remedy.text,
            "command": command_of(check, one.subject_id, one.subject, one.evidence),
            "place": check.remedy.place,
        },
        "controls": references(check),
        "caveats": list(check.caveats),
    }


def events(engine: Database, told: Sequence[Document]) -> Iterator[Document]:
    """Findings as events of the Open Cybersecurity Schema Framework."""
    tenants = {org.name: org.datadog_id for org in runs.find_orgs(engine)}
    for one in told:
        check = BY_ID.get(one["check"])
        command = command_of(check, one["subject_id"], one["subject"], one["evidence"]) if check else ""
        known = references(check) if check else {}
        yield event(one, check, known, command, program=__version__, tenant=tenants.get(one["org"]))


def check_states(engine: Database, names: Sequence[str]) -> dict[str, list[Document]]:
    """What the last evaluation of each organization made of each check."""
    found: dict[str, list[Document]] = {}
    for org in chosen_orgs(engine, names):
        last = findings.last_evaluation(engine, org.id)
        for check, (state, reason, raised, _) in (last.outcomes if last else {}).items():
            told = {"org": org.name, "state": state, "reason": reason, "raised": raised}
            found.setdefault(check, []).append({**told, "run_id": f"run-{last.run_id}" if last else None})
    return found


def not_evaluated(engine: Database, names: Sequence[str]) -> list[Document]:
    """How many checks of each organization could not be evaluated, and which failed."""
    found: dict[str, Document] = {}
    for check, states in check_states(engine, names).items():
        for one in states:
            told = found.setdefault(one["org"], {"org": one["org"], "not_evaluated": 0, "failed": []})
            told["not_evaluated"] += one["state"] == "not_evaluated"
            told["failed"] += [check] if one["state"] == "failed" else []
    return list(found.values())


def open_counts(engine: Database, org_id: int, now: datetime) -> dict[str, int]:
    """How many findings of an organization are open, by severity; zeros included."""
    counts = findings.open_by_severity(engine, org_id, now.date())
    return {name: counts.get(name, 0) for name in RANK}
