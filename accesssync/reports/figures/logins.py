"""When people last logged in."""

from datetime import datetime

from accesssync.reports.columns import Table
from accesssync.reports.figures.population import is_active, is_person
from accesssync.reports.figures.shape import Groups, Series, bucket, percent, spans

EDGES = (30, 45, 90, 180)
NEVER, UNKNOWN = "never", "unknown"


def last_logins(identities: Table | None, as_of: datetime) -> Groups | None:
    """Active people by the age of their last login, with those who never did and those nothing is known about."""
    if identities is None:
        return None
    names = (*spans(EDGES), NEVER, UNKNOWN)
    counts = [0] * len(names)
    recent: dict[datetime, int] = {}
    for kind, status, disabled, at, state in identities.rows(
        "type", "status", "disabled", "last_login_at", "last_login_state"
    ):
        if not is_person(kind) or not is_active(status, disabled):
            continue
        if isinstance(at, datetime):
            if at not in recent:
                recent[at] = bucket(max(0, (as_of - at).days), EDGES)
            counts[recent[at]] += 1
        else:
            counts[-2 if state == NEVER else -1] += 1
    everybody = sum(counts)
    quiet = sum(counts[2:5])
    says = f"{percent(counts[0], everybody).capitalize()} of {everybody:,} active people logged in within 30 days"
    says += f"; {quiet:,} not for more than 45, {counts[-2]:,} never, and of {counts[-1]:,} it is not known."
    return Groups(
        title="Last login of people",
        says=says if everybody else "There are no active people.",
        about="Days since the last login that Datadog shows. Never and unknown are not the same, and neither is a day.",
        first="Days since the last login",
        groups=names,
        series=(Series("people", "Active people", tuple(counts)),),
        apart=(NEVER, UNKNOWN),
    )
