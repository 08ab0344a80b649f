"""Accept a risk by command, take it back, and write what was accepted as a file."""

from collections.abc import Sequence
from datetime import date, datetime

from accesssync.errors import UsageError
from accesssync.findings.waiver import LONGEST
from accesssync.jobs.findings.listing import named
from accesssync.jobs.inventory import Document, chosen_orgs
from accesssync.store import findings
from accesssync.store.engine import Database


def waive(
    engine: Database,
    names: Sequence[str],
    text: str,
    *,
    owner: str,
    reason: str,
    approver: str,
    expires: date,
    by: str,
    now: datetime,
) -> Document:
    """Accept a finding until a day, that day included. UsageError for a resolved one, and for more than a year."""
    if not now.date() <= expires <= now.date() + LONGEST:
        raise UsageError(
            f"a risk is accepted from today on for a year at most, not until {expires.isoformat()}",
            remedy=f"give --until a day up to {(now.date() + LONGEST).isoformat()}",
        )
    org, one = named(engine, names, text)
    if one.status == "resolved":
        raise UsageError(f"{one.id} is resolved: there is nothing to accept", org=org.name)
    given = {"owner": owner, "reason": reason, "approver": approver, "expires": expires}
    findings.add_waiver(engine, org.name, org.id, one, {**given, "created_at": now, "created_by": by})
    return {"org": org.name, "id": one.id, "check": one.check_id, "subject": one.subject, **_shown(given), "by": by}


def _shown(given: Document) -> Document:
    return {**given, "expires": given["expires"].isoformat()}


def unwaive(engine: Database, names: Sequence[str], text: str, *, reason: str, by: str, now: datetime) -> Document:
    """Take a waiver that was given by command back; the finding is open again."""
    org, one = named(engine, names, text)
    findings.end_waiver(engine, org.name, org.id, one, now, by, reason)
    return {"org": org.name, "id": one.id, "check": one.check_id, "subject": one.subject, "reason": reason, "by": by}


def export_waivers(engine: Database, names: Sequence[str]) -> str:
    """What was accepted by command and counts still, as a waivers.yaml."""
    import yaml

    entries = [
        {
            "finding": one.finding_id,
            "org": org.name,
            "owner": one.owner,
            "reason": one.reason,
            "approver": one.approver,
            "expires": one.expires.isoformat(),
        }
        for org in chosen_orgs(engine, names)
        for one in findings.list_waivers(engine, org.id)
    ]
    return yaml.safe_dump({"version": 1, "waivers": entries}, sort_keys=False, allow_unicode=True, width=110)
