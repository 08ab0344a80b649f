"""The stream of the audit log: every entry of it, with its place in the chain.

Whoever holds the entries elsewhere can tell when ours were changed: the hash of each is in it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from msgspec import json

from accesssync.audit.entry import Sealed
from accesssync.findings.severity import Severity
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.people import Personal
from accesssync.forward.telling import About, told_body

_NEEDS: Final[Mapping[str, str]] = {
    "actor": "actor",
    "owner": "actor",
    "approver": "actor",
    "subject": "email",
    "email": "email",
    "name": "name",
}
"""Which word of the settings each personal text needs; any other is somebody's own words."""

_LOUD: Final[Mapping[str, tuple[Severity, str]]] = {
    "run.failed": ("medium", "failure"),
    "run.abandoned": ("medium", "failure"),
    "write.rejected": ("medium", "failure"),
    "write.unknown": ("high", "unknown"),
    "guard.overridden": ("high", "success"),
}


def of_audit(sealed: Sealed, about: About) -> Entry:
    """One entry of the audit log, its personal part as far as it may go."""
    severity, outcome = _LOUD.get(sealed.kind, ("info", "success"))
    chained: dict[str, Any] = json.decode(sealed.body)
    personal = _personal(sealed.personal, about.personal)
    actor = personal.get("actor")
    body = told_body(
        f"{sealed.kind}{f' {sealed.subject_id}' if sealed.subject_id else ''}{f' by {actor}' if actor else ''}",
        severity,
        sealed.kind,
        "audit",
        outcome,
        usr={"id": actor} if actor else None,
        audit={
            "seq": sealed.seq,
            "hash": sealed.hash,
            "previous": chained.get("previous"),
            "subject_id": sealed.subject_id,
            "facts": chained.get("facts", {}),
            "personal": personal,
        },
        command="accesssync audit verify",
    )
    at: datetime = sealed.at
    return Entry(
        stream=Stream.AUDIT,
        org=about.org,
        dedup_id=f"audit-{sealed.seq}-{sealed.hash[:16]}",
        observed_at=at,
        body=body,
        severity=severity,
    )


def _personal(stored: str, allowed: Personal) -> dict[str, str]:
    """The personal texts that may go; those of a person who was erased are there no more."""
    clear: dict[str, Any] = json.decode(stored) if stored else {}
    return {
        name: one["value"]
        for name, one in clear.items()
        if isinstance(one, dict) and isinstance(one.get("value"), str) and _NEEDS.get(name, "text") in allowed
    }
