"""How old keys and tokens are."""

from datetime import datetime

from accesssync.reports.columns import Table
from accesssync.reports.figures.shape import Groups, Series, bucket, counted, percent, spans

EDGES = (30, 90, 180, 365)

KINDS = {
    "application_key": "Application keys",
    "api_key": "API keys",
    "service_access_token": "Service access tokens",
    "personal_access_token": "Personal access tokens",
    "oauth_authorization": "OAuth authorizations",
    "oauth_client": "OAuth clients",
}

_AGES = ("age-1", "age-2", "age-3", "age-4", "age-5", "unknown")


def credential_ages(keys: Table | None, as_of: datetime) -> Groups | None:
    """Credentials of each kind by age."""
    if keys is None:
        return None
    names = (*spans(EDGES), "unknown")
    found: dict[str, list[int]] = {}
    for kind, created in keys.rows("kind", "created_at"):
        days = max(0, (as_of - created).days) if isinstance(created, datetime) else None
        found.setdefault(str(kind), [0] * len(names))[bucket(days, EDGES)] += 1
    order = [*(one for one in KINDS if one in found), *sorted(set(found) - set(KINDS))]
    everything = sum(map(sum, found.values()))
    old = sum(counts[4] for counts in found.values())
    return Groups(
        title="Age of credentials",
        says=(
            f"{percent(old, everything).capitalize()} of {counted(everything, 'credential', 'credentials')} "
            f"({old:,}) are more than a year old."
            if everything
            else "There are no credentials, or none could be read."
        ),
        about="Days since each was created. OAuth clients have no such day.",
        first="Credentials",
        groups=tuple(KINDS.get(one, one) for one in order),
        series=tuple(
            Series(key, f"{name} days" if name != "unknown" else "not known", tuple(found[one][place] for one in order))
            for place, (key, name) in enumerate(zip(_AGES, names, strict=True))
        ),
    )
