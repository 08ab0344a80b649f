"""Who can do what, by which path, and what would end with somebody or something."""

from datetime import datetime
from enum import Enum
from typing import Any

import msgspec
from msgspec import UNSET

from accesssync.errors import UsageError
from accesssync.jobs.inventory import Document, View, rulings_at
from accesssync.jobs.vendors import of_credential, own_names
from accesssync.model.credential import Credential, resource_of
from accesssync.model.when import as_text
from accesssync.reach.access import Access
from accesssync.reach.credential import account_reach, credential_reach, effective
from accesssync.reach.identify import identify
from accesssync.reach.offboard import offboard_preview
from accesssync.reach.revoke import revoke_preview
from accesssync.reach.who import who_can
from accesssync.store import inventory
from accesssync.store.engine import Database

Holding = tuple[str, str, str]


def access_at(database: Database, view: View, at: datetime) -> Access:
    """The organization as reach sees it; `at` is the time that expiry and last use are measured against."""
    moment = view.moment
    return Access(
        at=at,
        identities=[one.identity for one in inventory.list_identities(database, moment)],
        roles=[role for role, _ in inventory.list_roles(database, moment)],
        permissions=inventory.list_permissions(database, moment),
        credentials=[one.credential for one in inventory.list_credentials(database, moment)],
        teams=[team for team, _ in inventory.list_teams(database, moment)],
        memberships=[membership for membership, _ in inventory.list_memberships(database, moment)],
    )


def moment_of(view: View, *, as_of: bool, now: datetime) -> datetime:
    """Now for a question about today; the end of the run for one about the past."""
    return view.run.finished_at or now if as_of else now


def who_can_document(
    database: Database, views: list[View], permission: str, *, indirect: bool, as_of: bool, now: datetime
) -> Document:
    """Every identity and credential of the chosen organizations that can, and by which path."""
    document: Document = {
        "permission": permission,
        "as_of": None,
        "indirect": indirect,
        "identities": [],
        "credentials": [],
        "notes": [],
    }
    for view in views:
        at = moment_of(view, as_of=as_of, now=now)
        document["as_of"] = as_text(view.run.finished_at or at)
        found = who_can(access_at(database, view, at), permission, indirect=indirect)
        document["permission"] = found.permission
        for one in found.identities:
            document["identities"].append({"org": view.org.name, **plain(one)})
        for key in found.credentials:
            document["credentials"].append({"org": view.org.name, **plain(key)})
        if found.note:
            document["notes"].append(f"{view.org.name}: {found.note}")
        if found.unclear:
            document["notes"].append(
                f"{view.org.name}: of {found.unclear} credentials nobody can say whether they work"
            )
    return document


def show_credential(database: Database, views: list[View], text: str, *, as_of: bool, now: datetime) -> list[Document]:
    """Every credential whose id, name or last characters are `text`, with what it can do."""
    found = []
    for view in views:
        access = access_at(database, view, moment_of(view, as_of=as_of, now=now))
        known, names = rulings_at(database, view), own_names(view.org)
        for one in _matching(access, text):
            document = plain(one)
            ruling = known.of_credential(resource_of(one.type).value, one.id, one.name)
            document["last_used_at"] = None if one.last_used_at is UNSET else document["last_used_at"]
            owner = access.identities.get(one.owner_id) if one.owner_id else None
            found.append(
                {
                    "org": view.org.name,
                    **document,
                    "owner": owner.subject if owner else None,
                    "responsible": ruling.owner,
                    "owner_suggestions": [] if ruling.owner else _suggestions(access, one),
                    "purpose": ruling.purpose,
                    **of_credential(names, one.name, one.type, one.scopes, scopes_known=one.scopes_known),
                    "reach": plain(credential_reach(access, one)),
                }
            )
    return found


def _suggestions(access: Access, one: Credential) -> list[Document]:
    """Who may answer for a credential that has no owner in the governance directory; never stored."""
    maker, owner = access.identities.get(one.created_by_id or ""), access.identities.get(one.owner_id or "")
    asked = ((maker, "created it"), (owner, "it acts for this person"))
    found = [(who, why) for who, why in asked if who and not who.disabled and not who.service_account]
    return [{"owner": who.subject, "reason": why} for who, why in found[:1]]


def privileged_credentials(database: Database, views: list[View], *, as_of: bool, now: datetime) -> set[Holding]:
    """The organization, type and id of every credential that works and reaches a privileged permission."""
    found: set[Holding] = set()
    for view in views:
        access = access_at(database, view, moment_of(view, as_of=as_of, now=now))
        holding = (one for one in access.credentials if effective(access, one) & access.privileged)
        found |= {(view.org.name, one.type, one.id) for one in holding}
    return found


def _matching(access: Access, text: str) -> list[Credential]:
    by_id = [one for one in access.credentials if one.id == text]
    return by_id or [one for one in access.credentials if text in (one.name, one.last4)]


def revoke(database: Database, views: list[View], text: str, *, now: datetime) -> list[Document]:
    """What would stop if a credential were revoked; UsageError where `text` names none."""
    found = []
    for view in views:
        access = access_at(database, view, now)
        found += [{"org": view.org.name, **plain(revoke_preview(access, one))} for one in _matching(access, text)]
    if not found:
        raise UsageError(
            f"no credential has {text!r} as id, name or last four characters",
            remedy="accesssync credentials lists all of them",
        )
    return found


def offboard(database: Database, views: list[View], text: str, *, now: datetime) -> list[Document]:
    """What would end if an identity were disabled; UsageError where `text` names nobody."""
    found = []
    for view in views:
        matching = [one.identity.id for one in inventory.find_identities(database, view.moment, text)]
        access = access_at(database, view, now) if matching else None
        for one in matching:
            if access is not None:
                preview = plain(offboard_preview(access, access.identities[one]))
                found.append({"org": view.org.name, **preview})
    if not found:
        raise UsageError(f"nobody has {text!r} as id, e-mail or handle", remedy="accesssync identities lists everybody")
    return found


def reach_of_account(database: Database, view: View, identity_id: str, now: datetime) -> Document:
    """What the credentials of one identity can do together, next to what its roles carry."""
    access = access_at(database, view, now)
    document: Document = plain(account_reach(access, access.identities[identity_id]))
    return document


def identify_key(database: Database, views: list[View], secret: str) -> list[Document]:
    """Whose a found key is. The text is compared and forgotten: it is in no answer."""
    found = []
    for view in views:
        credentials = [one.credential for one in inventory.list_credentials(database, view.moment)]
        owners = inventory.subjects(database, view.moment)
        result = identify(secret, credentials)
        for match in result.matches:
            one = match.credential
            found.append(
                {
                    "org": view.org.name,
                    "id": one.id,
                    "type": one.type,
                    "name": one.name,
                    "last4": one.last4,
                    "owner_id": one.owner_id,
                    "owner": owners.get(one.owner_id) if one.owner_id else None,
                    "matched_by": plain(match.by),
                    "looks_like": plain(result.type),
                }
            )
    return found


def plain(value: object) -> Any:
    """Structs, enums and times as JSON has them; what was not said is null."""
    return msgspec.to_builtins(value, enc_hook=_plain)


def _plain(value: object) -> Any:
    if isinstance(value, Enum):
        return value.value
    raise NotImplementedError(type(value).__name__)
