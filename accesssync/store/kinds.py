"""How each kind of record lies in the tables."""

from collections.abc import Callable, Mapping
from typing import Any, Generic, TypeVar

from msgspec import Struct
from sqlalchemy import Table as SqlTable

from accesssync.drift.facts import identity_digest, permission_digest, role_digest
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.store.tables import grants, identities, permissions, role_permissions, roles

R = TypeVar("R", Identity, Role, Permission)


class Links(Struct, frozen=True):
    """The part of a record that is a set of references, kept as rows of its own."""

    table: SqlTable
    owner: str
    target: str
    field: str


class Kind(Struct, Generic[R], frozen=True, kw_only=True):
    """One kind of record: its table, its fact columns, its digest, its references and its activity."""

    resource: Resource
    record: type[R]
    table: SqlTable
    facts: tuple[str, ...]
    digest: Callable[[R], bytes]
    links: Links | None = None
    activity: tuple[str, str] | None = None
    """The subject kind in the activity table, and the field."""

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of a new version, in the order of `row`."""
        return ("org_id", "from_run", "first_run", "facts_version", "digest", "id", *self.facts)

    def from_row(self, row: Mapping[Any, Any], links: tuple[str, ...] = ()) -> R:
        """The record that a stored version describes."""
        values: dict[str, Any] = {name: row[name] for name in self.facts}
        if self.links is not None:
            values[self.links.field] = links
        return self.record(id=row["id"], **values)


IDENTITIES: Kind[Identity] = Kind(
    resource=Resource.USERS,
    record=Identity,
    table=identities,
    facts=(
        "email",
        "handle",
        "name",
        "title",
        "status",
        "disabled",
        "verified",
        "mfa_enabled",
        "service_account",
        "created_at",
    ),
    digest=identity_digest,
    links=Links(grants, "identity_id", "role_id", "role_ids"),
    activity=("identity", "last_login_at"),
)

ROLES: Kind[Role] = Kind(
    resource=Resource.ROLES,
    record=Role,
    table=roles,
    facts=("name", "created_at"),
    digest=role_digest,
    links=Links(role_permissions, "role_id", "permission_id", "permission_ids"),
)

PERMISSIONS: Kind[Permission] = Kind(
    resource=Resource.PERMISSIONS,
    record=Permission,
    table=permissions,
    facts=("name", "display_name", "group_name", "display_type", "restricted"),
    digest=permission_digest,
)
