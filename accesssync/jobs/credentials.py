"""Keys, tokens, OAuth clients, teams and SAML mappings as they were at any published run."""

from collections.abc import Iterator

from msgspec import UNSET

from accesssync.jobs.inventory import Document, View, rulings_at, time_or_none
from accesssync.jobs.vendors import of_credential, own_names
from accesssync.model.credential import Credential, CredentialType
from accesssync.reach.credential import scoping_of
from accesssync.store import inventory
from accesssync.store.engine import Database


def credentials(database: Database, view: View) -> Iterator[Document]:
    """Every credential of an organization, as the contract writes it. Never the secret itself.

    `owner_known` is false where no listing of that moment shows the owner; `owner` is then its last name, if any.
    """
    times = inventory.run_times(database, view.org.id)
    owners = inventory.subjects(database, view.moment)
    present = {identity_id for identity_id, _ in inventory.emails(database, view.moment)}
    known = rulings_at(database, view)
    names = own_names(view.org)
    for one in inventory.list_credentials(database, view.moment):
        record = one.credential
        ruling = known.of_credential(one.resource, record.id, record.name)
        first, baseline = times.get(one.first_run, (None, False))
        yield {
            "org": view.org.name,
            "id": record.id,
            "type": record.type,
            "name": record.name,
            "owner_id": record.owner_id,
            "owner": owners.get(record.owner_id) if record.owner_id else None,
            "created_by_id": record.created_by_id,
            "created_by": owners.get(record.created_by_id) if record.created_by_id else None,
            "scopes": list(record.scopes) if record.scopes is not None else None,
            "scopes_known": record.scopes_known,
            "scoping": scoping_of(record).value,
            "created_at": time_or_none(record.created_at),
            "last_used_at": None if record.last_used_at is UNSET else time_or_none(record.last_used_at),
            "last_used_state": used_state(record),
            "expires_at": time_or_none(record.expires_at),
            "last4": record.last4,
            "disabled": record.disabled,
            "leaked": record.leaked,
            "category": record.category,
            "users": list(record.user_ids),
            "responsible": ruling.owner,
            "purpose": ruling.purpose,
            **of_credential(names, record.name, record.type, record.scopes, scopes_known=record.scopes_known),
            "owner_known": record.owner_id is None or record.owner_id in present,
            "first_seen_at": time_or_none(first),
            "first_seen_baseline": baseline,
        }


def across_orgs(database: Database, chosen: list[View]) -> Iterator[Document]:
    """The credentials whose name several of these organizations know, each with `also_in`, by name."""
    found = [one for view in chosen for one in credentials(database, view) if one["name"]]
    where: dict[str, set[str]] = {}
    for one in found:
        where.setdefault(one["name"], set()).add(one["org"])
    for one in sorted(found, key=lambda document: (document["name"], document["org"], document["id"])):
        if len(where[one["name"]]) > 1:
            yield {**one, "also_in": sorted(where[one["name"]] - {one["org"]})}


def used_state(record: Credential) -> str:
    """`seen`, `never`, `none_in_90d` (all that Datadog says of API keys), or `unknown` where it says nothing."""
    if record.last_used_at is UNSET:
        return "unknown"
    if record.last_used_at is not None:
        return "seen"
    return "none_in_90d" if record.type == CredentialType.API_KEY else "never"


def teams(database: Database, view: View) -> Iterator[Document]:
    """Every team with its members and its admins."""
    times = inventory.run_times(database, view.org.id)
    names = inventory.subjects(database, view.moment)
    members: dict[str, list[Document]] = {}
    for membership, first_run in inventory.list_memberships(database, view.moment):
        first, baseline = times.get(first_run, (None, False))
        members.setdefault(membership.team_id, []).append(
            {
                "identity_id": membership.user_id,
                "subject": names.get(membership.user_id, membership.user_id),
                "role": membership.role,
                "since": time_or_none(first),
                "since_baseline": baseline,
            }
        )
    for team, first_run in inventory.list_teams(database, view.moment):
        first, baseline = times.get(first_run, (None, False))
        inside = members.get(team.id, [])
        yield {
            "org": view.org.name,
            "id": team.id,
            "name": team.name,
            "handle": team.handle,
            "created_at": time_or_none(team.created_at),
            "members": inside,
            "admins": [one["subject"] for one in inside if one["role"] == "admin"],
            "first_seen_at": time_or_none(first),
            "first_seen_baseline": baseline,
        }


def mappings(database: Database, view: View) -> Iterator[Document]:
    """Every SAML mapping and what it gives."""
    times = inventory.run_times(database, view.org.id)
    roles = inventory.role_names(database, view.moment)
    named = {team.id: team.name or team.id for team, _ in inventory.list_teams(database, view.moment)}
    for mapping, first_run in inventory.list_mappings(database, view.moment):
        first, baseline = times.get(first_run, (None, False))
        yield {
            "org": view.org.name,
            "id": mapping.id,
            "attribute_key": mapping.attribute_key,
            "attribute_value": mapping.attribute_value,
            "role_id": mapping.role_id,
            "role": roles.get(mapping.role_id) or mapping.role_id if mapping.role_id else None,
            "team_id": mapping.team_id,
            "team": named.get(mapping.team_id, mapping.team_id) if mapping.team_id else None,
            "created_at": time_or_none(mapping.created_at),
            "first_seen_at": time_or_none(first),
            "first_seen_baseline": baseline,
        }
