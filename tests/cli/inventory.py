"""What the organization behind a server really holds, in the words of the contract."""

from typing import Any

from accesssync.sandbox import Organization
from tests.cli.conftest import Cli

Snapshot = tuple[dict[str, Any], set[tuple[str, str]], dict[str, Any]]


def truth(organization: Organization) -> Snapshot:
    """People, grants, and roles with their permissions, as the server has them."""
    people = {
        one.id: (one.email, one.handle, one.name, one.title, one.status, one.disabled, one.service_account)
        for one in organization.users.values()
    }
    grants = {(one.id, role_id) for one in organization.users.values() for role_id in one.role_ids}
    names = {one.id: one.name for one in organization.permissions.values()}
    roles = {
        one.id: (one.name, sorted(names[each] for each in one.permission_ids)) for one in organization.roles.values()
    }
    return people, grants, roles


def stored(cli: Cli, *when: str) -> Snapshot:
    """The same, as the command line tells it."""
    facts = ("email", "handle", "name", "title", "status", "disabled", "service_account")
    identities = cli.ok("identities", *when)["identities"]
    people = {one["id"]: tuple(one[name] for name in facts) for one in identities}
    assert len(people) == len(identities)
    grants = {(one["identity_id"], one["role_id"]) for one in cli.ok("grants", *when)["grants"]}
    roles = {one["id"]: (one["name"], one["permissions"]) for one in cli.ok("roles", *when)["roles"]}
    return people, grants, roles
