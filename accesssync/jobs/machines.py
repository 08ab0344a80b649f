"""List and show who is not a person."""

from collections.abc import Iterator

from accesssync.jobs.credentials import credentials
from accesssync.jobs.inventory import Document, View, identities, show_identity
from accesssync.jobs.owners import suggest_owner
from accesssync.jobs.verdict import decision_document
from accesssync.nhi.vendors import broader_than_needed, recognise_vendor
from accesssync.store import decisions
from accesssync.store.engine import Database

_FLAGGED = {"nhi", "review"}


def list_machines(database: Database, view: View, label: str | None, kind: str | None) -> Iterator[Document]:
    """Who is, or may be, not a person; those to be looked at first. With `label`, exactly those who have it."""
    found = []
    for one in identities(database, view):
        told = one["classification"]
        wanted = told["label"] == label if label else told["label"] in _FLAGGED or _review(told)
        if wanted and (kind is None or told["kind"] == kind):
            found.append(one)
    yield from sorted(found, key=_urgency)


def _review(told: Document) -> list[str]:
    decision = told["decision"]
    return decision["review"] if decision else []


def _urgency(one: Document) -> tuple[int, int, str]:
    told = one["classification"]
    if _review(told):
        place = 0
    elif told["label"] == "review":
        place = 1
    else:
        place = {"inferred": 2, "override": 3}.get(told["basis"], 4)
    return place, -(told["score"] or 0), one["email"] or one["id"]


def show_machine(database: Database, view: View, text: str) -> list[Document]:
    """Everything that speaks for and against the identities whose id, e-mail or handle is `text`."""
    found = show_identity(database, view, text)
    if not found:
        return []
    everything = list(credentials(database, view))
    own_names = [view.org.name, *([view.org.datadog_name] if view.org.datadog_name else [])]
    for one in found:
        owned = [key for key in everything if key["owner_id"] == one["id"]]
        one["credentials"] = [_credential(key, own_names) for key in owned]
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


def _credential(key: Document, own_names: list[str]) -> Document:
    names = ("id", "type", "name", "last4", "scopes", "scopes_known", "created_at", "last_used_at", "last_used_state")
    vendor = recognise_vendor(key["name"], own_names)
    excess = broader_than_needed(vendor, key["scopes"]) if vendor and key["scopes_known"] else None
    return {
        **{name: key[name] for name in names},
        "vendor": vendor.name if vendor else None,
        "broader_than_needed": excess.text if excess else None,
        "excess_verified": excess.verified if excess else None,
    }
