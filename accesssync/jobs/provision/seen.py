"""The organization that plans are made from: the published run, and on top of it what was written since."""

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec
from msgspec.structs import replace

from accesssync.errors import UsageError
from accesssync.jobs.inventory import View, view_at
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.operation import Operation
from accesssync.model.role import Permission, Role
from accesssync.provision.guards import changed
from accesssync.provision.organization import ADMIN_ROLE, ADMINISTERS, Organization
from accesssync.provision.plan import Action
from accesssync.reach.tier import privileged_permissions
from accesssync.store import inventory, runs
from accesssync.store.engine import Database
from accesssync.store.intents import Intent, IntentState, effective_since, list_intents
from accesssync.store.invitations import list_invitations

CREATES = (Operation.CREATE_USER, Operation.CREATE_SERVICE_ACCOUNT)


def organization(engine: Database, org: runs.OrgRecord) -> Organization:
    """One organization as it was last seen. UsageError where it never was."""
    view = view_at(engine, org, None)
    if view is None:
        raise UsageError("nothing is stored yet", org=org.name, remedy="run: accesssync sync")
    observed = runs.coverage_of(engine, view.run.id)
    listing = observed.get(Resource.USERS)
    seen_at = listing.started_at if listing else view.run.started_at
    roles = {role.id: role for role, _ in inventory.list_roles(engine, view.moment)}
    permissions = inventory.list_permissions(engine, view.moment)
    carries = _carriers(roles, permissions)
    uninvited, unsure = invited(engine, org.id)
    unproven = [
        resource.value
        for resource in (Resource.USERS, Resource.ROLES)
        if resource not in observed or not observed[resource].coverage.proven
    ]
    return Organization(
        name=org.name,
        datadog_id=org.datadog_id,
        run_id=view.run.id,
        seen_at=seen_at,
        users=_users(engine, view, seen_at),
        roles=roles,
        privileged=carries["privileged"],
        admin_roles=carries["admin"],
        mapped=frozenset(
            one.role_id for one, _ in inventory.list_mappings(engine, view.moment) if one.role_id is not None
        ),
        unproven=tuple(unproven),
        uninvited=uninvited,
        unsure=unsure,
    )


def _carriers(roles: Mapping[str, Role], permissions: Iterable[Permission]) -> Mapping[str, frozenset[str]]:
    """The ids of roles that make somebody privileged, and of those that make an admin."""
    known = list(permissions)
    harmful = privileged_permissions(roles.values(), known)
    administering = {one.id for one in known if one.name == ADMINISTERS}
    if not administering:
        # The catalogue was never seen. What the built-in role is called is all there is to go by.
        by_name = frozenset(one.id for one in roles.values() if one.name == ADMIN_ROLE)
        return {"privileged": by_name, "admin": by_name}
    return {
        "privileged": frozenset(one.id for one in roles.values() if not harmful.keys().isdisjoint(one.permission_ids)),
        "admin": frozenset(one.id for one in roles.values() if not administering.isdisjoint(one.permission_ids)),
    }


def _users(engine: Database, view: View, seen_at: datetime) -> dict[str, Identity]:
    users = {one.identity.id: one.identity for one in inventory.list_identities(engine, view.moment)}
    return overlaid(users, effective_since(engine, view.org.id, seen_at))


def overlaid(users: dict[str, Identity], own: Iterable[Intent]) -> dict[str, Identity]:
    """The users with our own writes on top, which the listing they come from was too early to show.

    Without this a plan made right after another one would do the same things again.
    """
    for intent in own:
        action = action_of(intent)
        if action is None:
            continue
        if action.operation in CREATES and intent.made_id is not None:
            users.setdefault(intent.made_id, _made(action, intent))
        elif intent.subject_id in users:
            users[intent.subject_id] = changed(users[intent.subject_id], action)
    return users


def action_of(intent: Intent) -> Action | None:
    """What an intent was planned to do; None for writes that no plan asked for."""
    if intent.plan is None:
        return None
    return replace(msgspec.convert(intent.action, Action), subject_id=intent.subject_id)


def _made(action: Action, intent: Intent) -> Identity:
    service = action.service
    return Identity(
        id=intent.made_id or "",
        email=action.email,
        handle=intent.made_id if service else action.email,
        name=action.name,
        title=action.title,
        status="Active" if service else "Pending",
        disabled=False,
        verified=service,
        service_account=service,
        created_at=intent.ended_at,
        role_ids=action.role_ids,
    )


def invited(engine: Database, org_id: int) -> tuple[frozenset[str], frozenset[str]]:
    """Of the users that plans made: who was to be invited and never was, and of whom nobody knows."""
    latest = {one.user_id: one for one in list_invitations(engine, org_id)}
    undone = (IntentState.PLANNED, IntentState.REJECTED, IntentState.SKIPPED)
    wanted = list_intents(engine, org_id, states=undone, operations=(Operation.SEND_INVITATION,))
    never = frozenset(one.subject_id for one in wanted if one.subject_id is not None) - latest.keys()
    return never, frozenset(one.user_id for one in latest.values() if one.state == "unknown")
