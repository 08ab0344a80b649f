"""List and show who is not a person."""

from collections import Counter
from collections.abc import Iterator

from accesssync.jobs.credentials import credentials
from accesssync.jobs.inventory import Document, View, admins, identities, show_identity
from accesssync.jobs.owners import suggest_owner
from accesssync.jobs.vendors import of_identity, own_names
from accesssync.jobs.verdict import decision_document
from accesssync.store import decisions
from accesssync.store.engine import Database

LISTED = (
    "org", "id", "email", "name", "label", "nhi_kind", "score", "basis", "state", "owner", "purpose", "reasons",
    "last_login_at", "roles", "privileged", "credentials_held", "unscoped_held", "vendor", "excesses",
)  # fmt: skip
"""The columns of the list as CSV. Filled in, it is given back to `nhi decide --from`."""

_FLAGGED = {"nhi", "review"}


def list_machines(database: Database, view: View, label: str | None, kind: str | None) -> Iterator[Document]:
    """Who is, or may be, not a person; those to be looked at first. With `label`, exactly those who have it.

    Each comes with what it holds: `privileged` permissions, `credentials_held` and how many of these have no scopes,
    its `vendor`, and `excesses`: where it or a key of it has more than the vendor needs.
    """
    found = []
    for one in identities(database, view):
        told = one["classification"]
        wanted = told["label"] == label if label else told["label"] in _FLAGGED or _review(told)
        if wanted and (kind is None or told["kind"] == kind):
            found.append(one)
    held = _held(database, view)
    privileged = {one["id"]: one["privileged"] for one in admins(database, view)}
    names = own_names(view.org)
    for one in found:
        one["privileged"] = privileged.get(one["id"], [])
        keys = held.get(one["id"], [])
        one["credentials_held"] = len(keys)
        one["unscoped_held"] = sum(key["scoping"] == "unscoped" for key in keys)
        one.update(of_identity(names, one, one["privileged"]))
        own = [one["broader_than_needed"]] if one["broader_than_needed"] else []
        one["excesses"] = own + [key["broader_than_needed"] for key in keys if key["broader_than_needed"]]
    yield from sorted(found, key=_urgency)


def _held(database: Database, view: View) -> dict[str, list[Document]]:
    found: dict[str, list[Document]] = {}
    for key in credentials(database, view):
        if key["owner_id"]:
            found.setdefault(key["owner_id"], []).append(key)
    return found


def declared_credentials(database: Database, view: View) -> Counter[str]:
    """How many credentials there are of each type: every one acts for a machine, whoever owns it."""
    return Counter(one["type"] for one in credentials(database, view))


def _review(told: Document) -> list[str]:
    decision = told["decision"]
    return decision["review"] if decision else []


def _urgency(one: Document) -> tuple[int, int, int, int, str]:
    """What people have to say something about first; of the others, who could do most harm."""
    told = one["classification"]
    if _review(told):
        place = 0
    elif told["label"] == "review":
        place = 1
    else:
        place = {"inferred": 2, "override": 3}.get(told["basis"], 4)
    harm = 2 * bool(one["privileged"]) + bool(one["unscoped_held"])
    return place, -harm, -len(one["excesses"]), -(told["score"] or 0), one["email"] or one["id"]


def show_machine(database: Database, view: View, text: str) -> list[Document]:
    """Everything that speaks for and against the identities whose id, e-mail or handle is `text`."""
    found = show_identity(database, view, text)
    if not found:
        return []
    everything = list(credentials(database, view))
    names = own_names(view.org)
    for one in found:
        one.update(of_identity(names, one, one["privileged"]))
        owned = [key for key in everything if key["owner_id"] == one["id"]]
        one["credentials"] = [{name: key[name] for name in _OF_A_KEY} for key in owned]
        history = decisions.decisions_of(database, view.org.id, one["id"])
        until = view.decided_until
        one["decisions"] = [
            decision_document(record, None, record.decided_at)
            for record in history
            if until is None or record.decided_at <= until
        ]
        flagged = one["classification"]["label"] in _FLAGGED
        one["owner_suggestions"] = suggest_owner(database, view, one) if flagged and not one["owner"] else []
    return found


_OF_A_KEY = (
    "id", "type", "name", "last4", "scopes", "scopes_known", "created_at", "last_used_at", "last_used_state", "vendor",
    "broader_than_needed", "excess_verified",
)  # fmt: skip
