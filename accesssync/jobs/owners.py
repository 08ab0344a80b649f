"""Suggest who may answer for a machine, with the reason. A suggestion is never stored."""

import re
from collections.abc import Iterable

from accesssync.jobs.credentials import credentials, teams
from accesssync.jobs.inventory import Document, View
from accesssync.model.identity import Identity
from accesssync.store import inventory
from accesssync.store.engine import Database

_MOST = 3
_PART = re.compile(r"[^\W\d_]+")


def suggest_owner(database: Database, view: View, machine: Document) -> list[Document]:
    """At most three: who made its keys, the admins of its teams, a person named inside its own name.

    Nobody who is disabled or gone, and no other machine: they can answer for nothing.
    """
    people = _people(database, view, machine["id"])
    found: dict[str, str] = {}
    for key in credentials(database, view):
        maker = people.get(key["created_by_id"] or "")
        if key["owner_id"] == machine["id"] and maker:
            found.setdefault(maker.subject, f"created its key {key['name'] or key['id']!r}")
    for team in teams(database, view):
        if any(one["identity_id"] == machine["id"] for one in team["members"]):
            admins = [people.get(one["identity_id"]) for one in team["members"] if one["role"] == "admin"]
            for admin in admins:
                if admin:
                    found.setdefault(admin.subject, f"admin of its team {team['name'] or team['id']!r}")
    for person, name in _named_inside(people.values(), machine):
        found.setdefault(person, f"{name!r} is part of its name")
    return [{"owner": owner, "reason": reason} for owner, reason in list(found.items())[:_MOST]]


def _people(database: Database, view: View, machine_id: str) -> dict[str, Identity]:
    """Whoever could answer for a machine, by id."""
    return {
        one.identity.id: one.identity
        for one in inventory.list_identities(database, view.moment, classified=True)
        if one.identity.id != machine_id
        and not one.identity.disabled
        and one.classification is not None
        and one.classification.computed in {"human", "unknown"}
    }


def _named_inside(people: Iterable[Identity], machine: Document) -> list[tuple[str, str]]:
    """People whose whole local part, two words at least or tagged with a plus, stands in the machine's name."""
    local = (machine["email"] or "").partition("@")[0].lower()
    own = {tuple(_PART.findall((machine["name"] or "").lower())), tuple(_PART.findall(local))}
    tagged = local.partition("+")[0] if "+" in local else None
    found = []
    for one in people:
        mine = (one.email or "").partition("@")[0].lower()
        words = tuple(_PART.findall(mine))
        if mine and (mine == tagged or (len(words) > 1 and any(_contains(name, words) for name in own))):
            found.append((one.subject, mine))
    return sorted(found)


def _contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))
