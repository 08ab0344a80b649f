"""Suggest who may answer for a machine, with the reason. A suggestion is never stored."""

import re

from accesssync.jobs.credentials import credentials, teams
from accesssync.jobs.inventory import Document, View
from accesssync.store import inventory
from accesssync.store.engine import Database

_MOST = 3
_PART = re.compile(r"[^\W\d_]+")


def suggest_owner(database: Database, view: View, machine: Document) -> list[Document]:
    """At most three: who made its keys, the admins of its teams, a person named inside its own name."""
    found: dict[str, str] = {}
    for key in credentials(database, view):
        maker = key["created_by"]
        if key["owner_id"] == machine["id"] and maker and key["created_by_id"] != machine["id"]:
            found.setdefault(maker, f"created its key {key['name'] or key['id']!r}")
    for team in teams(database, view):
        if any(one["identity_id"] == machine["id"] for one in team["members"]):
            for admin in team["admins"]:
                if admin != machine["email"]:
                    found.setdefault(admin, f"admin of its team {team['name'] or team['id']!r}")
    for person, name in _named_inside(database, view, machine):
        found.setdefault(person, f"{name!r} is part of its name")
    return [{"owner": owner, "reason": reason} for owner, reason in list(found.items())[:_MOST]]


def _named_inside(database: Database, view: View, machine: Document) -> list[tuple[str, str]]:
    """People whose whole local part, two words at least or tagged with a plus, stands in the machine's name."""
    local = (machine["email"] or "").partition("@")[0].lower()
    own = {tuple(_PART.findall((machine["name"] or "").lower())), tuple(_PART.findall(local))}
    tagged = local.partition("+")[0] if "+" in local else None
    found = []
    for one in inventory.list_identities(database, view.moment, classified=True):
        person = one.classification is not None and one.classification.computed == "human"
        email = one.identity.email
        if one.identity.id == machine["id"] or not person or not email:
            continue
        mine = email.partition("@")[0].lower()
        words = tuple(_PART.findall(mine))
        if mine == tagged or (len(words) > 1 and any(_contains(one, words) for one in own)):
            found.append((email, mine))
    return sorted(found)


def _contains(words: tuple[str, ...], part: tuple[str, ...]) -> bool:
    return any(words[at : at + len(part)] == part for at in range(len(words) - len(part) + 1))
