"""How each kind of record lies in the tables."""

from collections.abc import Callable, Mapping
from typing import Any, Generic

from msgspec import Struct
from sqlalchemy import ColumnElement, and_
from sqlalchemy import Table as SqlTable

from accesssync.drift.compare import R
from accesssync.drift.facts import NOUNS, Facts, facts_in, pack_of
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.model.team import Membership, Team
from accesssync.store import tables


class Links(Struct, frozen=True):
    """The part of a record that is a set of references, kept as rows of its own."""

    table: SqlTable
    owner: str
    target: str
    field: str


class Kind(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of record: its table, its fact columns, its digest and packed form, its references and its activity.

    Several resources may share a table; then `shared` is set, and rows carry the resource's name.
    """

    resource: Resource
    record: type[R]
    table: SqlTable
    facts: tuple[str, ...]
    pack: Callable[[R], tuple[bytes, bytes]]
    unpack: Callable[[bytes], Facts]
    links: Links | None = None
    activity: str | None = None
    """The attribute of the record that says when it was last active."""
    shared: bool = False

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a new version, in the order in which a recorder fills them."""
        resource: tuple[str, ...] = ("resource",) if self.shared else ()
        return ("org_id", "from_run", "first_run", "facts_version", "digest", *resource, "id", *self.facts)

    def mine(self, org_id: int) -> ColumnElement[bool]:
        """The rows of this kind of one organization, of all times."""
        of_org = self.table.c.org_id == org_id
        return and_(of_org, self.table.c.resource == self.resource.value) if self.shared else of_org

    def from_row(self, row: Mapping[Any, Any], links: tuple[str, ...] = ()) -> R:
        """The record that a stored version describes."""
        values: dict[str, Any] = {name: row[name] for name in self.facts}
        for name, value in values.items():
            if isinstance(value, list):
                values[name] = tuple(value)
        if self.links is not None:
            values[self.links.field] = links
        return self.record(id=row["id"], **values)


def _kind(
    resource: Resource, record: type[R], table: SqlTable, links: Links | None = None, activity: str | None = None
) -> Kind[R]:
    return Kind(
        resource=resource,
        record=record,
        table=table,
        facts=tuple(NOUNS[record].facts),
        pack=pack_of(record),
        unpack=facts_in(record),
        links=links,
        activity=activity,
        shared="resource" in table.c,
    )


IDENTITIES = _kind(
    Resource.USERS,
    Identity,
    tables.identities,
    Links(tables.grants, "identity_id", "role_id", "role_ids"),
    "last_login_at",
)
ROLES = _kind(
    Resource.ROLES, Role, tables.roles, Links(tables.role_permissions, "role_id", "permission_id", "permission_ids")
)
PERMISSIONS = _kind(Resource.PERMISSIONS, Permission, tables.permissions)
APPLICATION_KEYS = _kind(Resource.APPLICATION_KEYS, Credential, tables.credentials, activity="last_used_at")
API_KEYS = _kind(Resource.API_KEYS, Credential, tables.credentials, activity="last_used_at")
ACCESS_TOKENS = _kind(Resource.ACCESS_TOKENS, Credential, tables.credentials, activity="last_used_at")
OAUTH_CLIENTS = _kind(
    Resource.OAUTH_CLIENTS,
    Credential,
    tables.credentials,
    Links(tables.oauth_authorizations, "client_id", "user_id", "user_ids"),
    "last_used_at",
)
TEAMS = _kind(Resource.TEAMS, Team, tables.teams)
MEMBERSHIPS = _kind(Resource.TEAM_MEMBERSHIPS, Membership, tables.memberships)
MAPPINGS = _kind(Resource.AUTHN_MAPPINGS, AuthnMapping, tables.authn_mappings)

CREDENTIALS = (APPLICATION_KEYS, API_KEYS, ACCESS_TOKENS, OAUTH_CLIENTS)
"""The kinds that share the table of credentials."""

ALL: tuple[Kind[Any], ...] = (IDENTITIES, ROLES, PERMISSIONS, *CREDENTIALS, TEAMS, MEMBERSHIPS, MAPPINGS)
"""Every kind that is recorded."""
