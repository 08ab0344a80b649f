"""The datasets of an invented organization of any size, the same every time."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import Any

from accesssync.reports.dataset import Column, Dataset, Kind, Row
from tests.reports.builders import AT

ROLES = ("Datadog Admin Role", "Datadog Standard Role", "Datadog Read Only Role", "Incident Commander")
TIERS = ("T0", "T2", "T3", "T1")
PERMISSIONS = (
    ("role-0", "user_access_manage", "T0", True),
    ("role-0", "org_management", "T0", True),
    ("role-0", "logs_write_archives", "T1b", True),
    ("role-1", "dashboards_write", "T2", False),
    ("role-2", "dashboards_read", "T3", False),
    ("role-3", "api_keys_read", "T1a", True),
)

Rows = list[dict[str, Any]]


def name_of(number: int) -> str:
    """The id of an identity."""
    return f"{number:08x}-0000-4000-8000-{number * 7919:012x}"


def identities(count: int) -> Rows:
    """People with every ninth a machine; some pending, disabled, dormant, and never or nobody knows when seen."""
    found = []
    for number in range(count):
        machine = number % 9 == 0
        login = None if number % 11 in (0, 5) else AT - timedelta(days=number % 230, minutes=number)
        roles = sorted({1 + number % 2, *((0,) if number % 97 == 0 else ()), *((3,) if number % 31 == 0 else ())})
        tier = min((TIERS[role] for role in roles), default="T3")
        found.append(
            {
                "identity_id": name_of(number),
                "type": ("service_account" if number % 2 else "nhi")
                if machine
                else "unknown"
                if number == 4
                else "human",
                "name": f"Person {number}",
                "email": f"person-{number:06d}@acme.example",
                "status": "Disabled" if number % 10 == 3 else "Pending" if number % 25 == 7 else "Active",
                "disabled": number % 10 == 3,
                "created_at": AT - timedelta(days=1 + number % 900),
                "last_login_at": login,
                "last_login_state": "seen" if login else "never" if number % 11 == 0 else "unknown",
                "mfa_enabled": None if number % 3 else number % 2 == 0,
                "is_external": number % 40 == 0,
                "teams": (f"Team {number % 12}",),
                "roles": tuple(ROLES[role] for role in roles),
                "is_privileged": tier in ("T0", "T1"),
                "privilege_tier": tier,
                "open_findings": int(number % 13 == 0),
            }
        )
    return found


def grants(people: Rows) -> Rows:
    """A row for each of their roles."""
    return [
        {
            "grant_id": f"{one['identity_id']}:{role}",
            "identity_id": one["identity_id"],
            "email": one["email"],
            "role_id": f"role-{ROLES.index(role)}",
            "role_name": role,
            "privilege_tier": TIERS[ROLES.index(role)],
            "source": "direct",
            "first_seen_at": one["created_at"],
        }
        for one in people
        for role in one["roles"]
    ]


def keys(people: Rows) -> Rows:
    """A key for every fifth of them."""
    kinds = ("application_key", "api_key", "personal_access_token", "service_access_token")
    return [
        {
            "credential_id": f"key-{number}",
            "kind": kinds[number % 4],
            "name": f"key {number}",
            "owner_id": one["identity_id"],
            "owner_email": one["email"],
            "created_at": None if number % 50 == 0 else AT - timedelta(days=number * 3 % 800),
            "unscoped": number % 3 == 0,
            "effective_tier": one["privilege_tier"],
        }
        for number, one in enumerate(people[::5])
    ]


def findings(people: Rows) -> Rows:
    """One about every thirteenth of them, of a few checks."""
    checks = (("AS-ID-01", "medium"), ("AS-PRIV-06", "critical"), ("AS-ID-05", "high"), ("AS-ID-14", "low"))
    found = []
    for number, one in enumerate(people[::13]):
        check, severity = checks[number % 4]
        days = number * 5 % 300
        found.append(
            {
                "finding_id": f"F-{number:04X}",
                "check_id": check,
                "title": f"What {check} looks for",
                "severity": severity,
                "status": ("open", "open", "waived", "resolved", "reopened")[number % 5],
                "subject_type": "identity",
                "subject_id": one["identity_id"],
                "subject_name": one["email"],
                "evidence": {"status": "Active", "roles": list(one["roles"]), "days": days},
                "first_seen_at": AT - timedelta(days=days),
                "age_days": days,
                "remediation": "do something about it",
                "owner": None,
            }
        )
    return found


def changes(people: Rows) -> Rows:
    """A grant that was added for every seventh of them."""
    return [
        {
            "change_id": f"C-{number}",
            "observed_at": AT - timedelta(hours=number),
            "kind": "grant.added",
            "cause": "org",
            "subject_id": one["identity_id"],
            "subject": one["email"],
            "before": {},
            "after": {"role": one["roles"][0]},
            "actor": None,
        }
        for number, one in enumerate(people[::7])
    ]


def trend() -> Rows:
    """Thirty runs, a day between them."""
    return [
        {
            "at": AT - timedelta(days=29 - number),
            "run_id": 383 + number,
            "privileged_people": 10 + number % 4,
            "privileged_machines": 4 + number // 10,
            "people": 100 + number,
            "machines": 12,
            "joined": number % 5,
            "left": number % 3,
        }
        for number in range(30)
    ]


_ROLE_ROWS: Rows = [
    {
        "role_id": f"role-{place}",
        "name": name,
        "role_type": "managed",
        "active_user_count": 10 * place,
        "tier0_count": 0,
    }
    for place, name in enumerate(ROLES)
]
_PERMISSION_ROWS: Rows = [
    {
        "role_id": role,
        "role_name": ROLES[int(role[-1])],
        "permission": permission,
        "tier": tier,
        "privileged": privileged,
    }
    for role, permission, tier, privileged in PERMISSIONS
]

_KINDS: Mapping[str, Kind] = {
    "identity_id": "id", "created_at": "moment", "last_login_at": "moment", "first_seen_at": "moment", "at": "moment",
    "observed_at": "moment", "evidence": "json", "before": "json", "after": "json", "roles": "list", "teams": "list",
    "age_days": "count", "open_findings": "count", "disabled": "flag", "mfa_enabled": "flag", "is_external": "flag",
    "is_privileged": "flag", "unscoped": "flag", "privileged": "flag", "finding_id": "id", "subject_id": "id",
    "since_at": "moment", "change": "count", "active_user_count": "count", "tier0_count": "count", "run_id": "id",
}  # fmt: skip


def dataset(name: str, rows: Rows, columns: Sequence[str] | None = None) -> Dataset:
    """These rows as a dataset."""
    names = tuple(columns or rows[0])

    def read() -> Iterator[Row]:
        return (tuple(one[column] for column in names) for one in rows)

    told = tuple(Column(name=one, kind=_KINDS.get(one, "text"), means=f"What {one} says.") for one in names)
    return Dataset(name=name, title=name.replace("_", " ").capitalize(), row_is="thing", columns=told, read=read)


def whole(count: int = 300) -> dict[str, Rows]:
    """Everything of an organization with so many identities, by dataset."""
    people = identities(count)
    return {
        "identities": people,
        "grants": grants(people),
        "keys_tokens": keys(people),
        "findings": findings(people),
        "changes": changes(people),
        "dormant": [one for one in people if one["last_login_state"] == "seen"][:20],
        "external": [one for one in people if one["is_external"]],
        "privileged": [one for one in people if one["is_privileged"]],
        "roles": _ROLE_ROWS,
        "role_permissions": _PERMISSION_ROWS,
        "trend": trend(),
        "previous": [
            {"figure": "privileged_people", "now": 4, "before": 3, "change": 1, "since_at": AT - timedelta(days=30)}
        ],
    }


def datasets(rows: Mapping[str, Rows]) -> list[Dataset]:
    """All of them as datasets."""
    return [dataset(name, one) for name, one in rows.items() if one]
