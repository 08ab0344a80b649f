"""Check a governance directory without keys, database or network."""

from datetime import datetime
from pathlib import Path

from accesssync.jobs.governance.directory import (
    DECISIONS,
    OWNERS,
    PEOPLE,
    POLICY,
    WAIVERS,
    Governance,
    load_governance,
)
from accesssync.jobs.inventory import Document


def validate_directory(path: Path, now: datetime) -> Document:
    """What the directory says, in a line for each file, and what to look at though nothing is wrong with it.

    InputError with everything that is wrong.
    """
    found = load_governance(path, now.date())
    says = {
        POLICY: _policy(found),
        OWNERS: f"{len(found.owners):,} owners",
        DECISIONS: f"{len(found.decisions):,} decisions",
        WAIVERS: f"{len(found.waivers):,} waivers",
        PEOPLE: f"{len(found.people or ()):,} people",
    }
    files = [{"file": name, "says": says.get(name, "sound"), "sha256": found.digests[name]} for name in found.digests]
    return {"directory": str(path), "valid": True, "files": files, "notes": _notes(found, now)}


def _policy(found: Governance) -> str:
    policies = {"everybody": found.policy.everybody, **found.policy.organizations}
    parts = [f"{len(one.checks):,} checks changed for {name}" for name, one in policies.items() if one.checks]
    rules = sum(len(one.rules) for one in policies.values())
    return "; ".join([*parts, *([f"{rules:,} separations of duties of its own"] if rules else [])]) or "sound"


def _notes(found: Governance, now: datetime) -> list[str]:
    notes = [
        f"{WAIVERS}: the waiver of {one.name} expired on {one.expires.isoformat()} and does not count"
        for one in found.waivers
        if not one.valid(now.date())
    ]
    if found.people is not None:
        age, most = found.people.age_days(now), found.policy.everybody.people_max_age_days
        if age is not None and age > most:
            notes.append(f"{PEOPLE}: written {age:,} days ago, which is stale: the policy allows {most:,}")
    return notes
