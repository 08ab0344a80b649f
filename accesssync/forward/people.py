"""Which of what is known about people goes along, and what stands in its place.

Ids always go. Everything else needs its word in the settings: `email`, `name` (names, titles, and what people call
their keys), `actor` (who did something) and `text` (what somebody wrote in own words).
"""

import re
from collections.abc import Mapping
from typing import Any

from msgspec import Struct

EVERYTHING = frozenset({"email", "name", "actor", "text"})

PLAIN_KINDS = frozenset({"role", "permission", "team", "organization", "resource"})
"""Subjects whose names are about no person."""

_PLAIN = frozenset(
    {
        "basis", "display_name", "kind", "last_key_use", "last_login_state", "last_used_state", "may", "one_role",
        "permission", "permissions", "lacking", "privileged", "role", "roles", "same_as", "scopes", "scopes_before",
        "state", "status", "team", "tier", "type", "change",
    }
)  # fmt: skip
"""Evidence and fields that name permissions, roles and states, nobody."""

_IMPERSONAL = re.compile(
    r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|\d{4}-\d\d-\d\d(T[\d:.]+(Z|[+-]\d\d:\d\d))?|(run|c|F)-[0-9A-Za-z]+"
)
"""Ids and times."""

Personal = frozenset[str]


class Person(Struct, frozen=True):
    """An identity as Datadog knows it."""

    id: str
    email: str | None = None
    name: str | None = None


def usr(person: Person | None, personal: Personal) -> dict[str, Any]:
    """Datadog's standard attributes of a user; nothing where there is none."""
    if person is None:
        return {}
    told = {"id": person.id}
    if person.email and "email" in personal:
        told["email"] = person.email
    if person.name and "name" in personal:
        told["name"] = person.name
    return {"usr": told}


def called(kind: str, subject_id: str, subject: str, personal: Personal) -> str:
    """What to call a subject: as people do where that may be told, else by its id."""
    if kind in PLAIN_KINDS or allowed(subject, personal):
        return subject
    return subject_id


def allowed(text: str, personal: Personal) -> bool:
    """Whether a text that names somebody may go: an address needs `email`, anything else `name`."""
    return ("email" if "@" in text else "name") in personal


def told(values: Mapping[str, Any], personal: Personal) -> dict[str, Any]:
    """Evidence, or the fields of a change: everything where everything may go; else what is about no person, and
    texts as far as they may go."""
    if personal >= EVERYTHING:
        return dict(values)
    return {name: _told(name, value, personal) for name, value in values.items() if _goes(name, value, personal)}


def _goes(name: str, value: Any, personal: Personal) -> bool:
    if isinstance(value, str):
        return name in _PLAIN or _IMPERSONAL.fullmatch(value) is not None or _may(name, value, personal)
    return True


def _may(name: str, text: str, personal: Personal) -> bool:
    if name in ("reason", "explanation", "purpose", "why"):
        return "text" in personal
    if name in ("actor", "approver"):
        return "actor" in personal
    return allowed(text, personal)


def _told(name: str, value: Any, personal: Personal) -> Any:
    if isinstance(value, Mapping):
        return told(value, personal)
    if isinstance(value, list | tuple):
        kept = [_told(name, one, personal) for one in value if _goes(name, one, personal)]
        return kept if len(kept) == len(value) else [*kept, f"{len(value) - len(kept):,} not told"]
    return value
