"""A sync as the contract writes it."""

from typing import Any

from accesssync.errors import AccessSyncError, InputError
from accesssync.jobs.findings.evaluate import Evaluated
from accesssync.jobs.sync.run import Synced

COUNTED = (
    "users",
    "service_accounts",
    "roles",
    "permissions",
    "grants",
    "application_keys",
    "api_keys",
    "access_tokens",
    "oauth_clients",
    "teams",
    "team_memberships",
    "authn_mappings",
)


def sync_document(synced: Synced) -> dict[str, Any]:
    """One entry of `runs`."""
    run = synced.run
    document: dict[str, Any] = {
        "org": synced.org,
        "run_id": f"run-{run.id}" if run else None,
        "status": run.status if run else "failed",
        "complete": run.complete if run else False,
        "baseline": run.baseline if run else False,
        "counts": {name: synced.counts.get(name, 0) for name in COUNTED},
        "changes": {
            "added": run.added if run else 0,
            "updated": run.updated if run else 0,
            "removed": run.removed if run else 0,
        },
        "nhi": {name: synced.nhi.get(name, 0) for name in ("total", "declared", "inferred", "review")},
        "org_domains": list(synced.org_domains),
        "governance": {
            "decided": synced.governance.decided,
            "owned": synced.governance.owned,
            "changed": synced.governance.changed,
            "unmatched": list(synced.governance.silent),
        },
        "findings": findings_document(synced.findings),
        "coverage": {
            resource.value: {
                "state": one.coverage.state.value,
                "received": one.coverage.received,
                "expected": one.coverage.expected,
                "passes": one.coverage.passes,
                "reason": one.coverage.reason,
            }
            for resource, one in synced.observed.items()
        },
        "audit_trail": _trail(run.audit_trail if run else None),
        "requests": run.requests if run else 0,
        "duration_seconds": round(run.duration_seconds, 3) if run else 0.0,
    }
    if synced.error is not None:
        document["error"] = error_document(synced.error)
    return document


def _trail(reading: dict[str, Any] | None) -> dict[str, Any]:
    """What reading Datadog's Audit Trail came to: `events` about access, `joined` changes that have an actor by it,
    `unseen` events of which no run saw anything."""
    told = reading or {"state": "off"}
    return {
        "state": told["state"],
        "events": told.get("events", 0),
        "joined": told.get("joined", 0),
        "unseen": told.get("unseen", 0),
        "reason": told.get("reason"),
    }


def findings_document(found: Evaluated | None) -> dict[str, Any]:
    """`opened` counts those that opened again, too; `opened_by_severity` are the same, `worst` the most pressing."""
    return {
        "opened": found.opened if found else 0,
        "open": found.open if found else 0,
        "resolved": found.resolved if found else 0,
        "reopened": found.reopened if found else 0,
        "waived": found.waived if found else 0,
        "opened_by_severity": dict(found.severities) if found else {},
        "worst": found.worst if found else None,
        "failed_checks": list(found.failed) if found else [],
    }


def error_document(error: AccessSyncError) -> dict[str, Any]:
    """An error as the contract writes it."""
    document: dict[str, Any] = {
        "code": error.code,
        "message": error.message,
        "org": error.org,
        "resource": error.resource,
        "remedy": error.remedy,
    }
    if isinstance(error, InputError):
        document["problems"] = list(error.problems)
    return document


def outcome_code(synced: list[Synced], *, detailed: bool) -> int:
    """The exit code of a sync of one or several organizations.

    Several with different outcomes give 5. Changes (3, only when asked for) never outrank a failure.
    """
    codes = {one.error.exit_code if one.error else 0 for one in synced}
    if codes == {0} or not codes:
        changed = any(_changed(one) for one in synced)
        return 3 if detailed and changed else 0
    return codes.pop() if len(codes) == 1 else 5


def _changed(one: Synced) -> bool:
    return one.run is not None and not one.run.baseline and one.alerting > 0
