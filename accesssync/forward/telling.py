"""What is the same for everything that is told of one organization."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from msgspec import Struct

from accesssync.findings.severity import Severity
from accesssync.forward.people import Personal

STATUS: Final[Mapping[Severity, str]] = {
    "critical": "critical",
    "high": "error",
    "medium": "warn",
    "low": "notice",
    "info": "info",
}
"""Datadog's own word for each severity."""


class About(Struct, frozen=True, kw_only=True):
    """The organization that is told of: its name, the site where its pages are, and what may be said of people."""

    org: str
    site: str
    personal: Personal


def told_body(message: str, severity: Severity, name: str, category: str, outcome: str, **more: Any) -> dict[str, Any]:
    """The body that every entry has; None and what is empty are left out."""
    body: dict[str, Any] = {
        "message": message,
        "status": STATUS[severity],
        "severity": severity,
        "evt": {"name": name, "category": category, "outcome": outcome},
    }
    body.update((key, value) for key, value in more.items() if value not in (None, {}, "", []))
    return body


def moment_text(at: datetime) -> str:
    """A time as everything published has it: RFC 3339 in UTC, to the millisecond."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
