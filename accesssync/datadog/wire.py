"""The parts of Datadog's JSON that we use, for the fast path. Unknown fields, `included` among them, are skipped.

Every type here is as narrow as the model; a record that does not fit is taken apart piece by piece instead. Links
are not optional, though they may be null: a record that does not mention its roles must not look as if it had none.
"""

from datetime import datetime
from typing import Generic, TypeVar

from msgspec import UNSET, Struct, UnsetType

W = TypeVar("W")


class Ref(Struct, gc=False):
    """A pointer to another record."""

    id: str


class Refs(Struct, gc=False):
    """A relationship to many records."""

    data: list[Ref] | None


class Document(Struct, Generic[W], gc=False):
    """One page. `meta` stays unchecked: it must never cost a page."""

    data: list[W]
    meta: object = None


class UserAttributes(Struct, gc=False):
    email: str | None = None
    handle: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    disabled: bool | None = None
    verified: bool | None = None
    mfa_enabled: bool | None = None
    service_account: bool | None = None
    created_at: datetime | None = None
    last_login_time: datetime | UnsetType | None = UNSET


class UserRelationships(Struct, gc=False):
    roles: Refs | None


class User(Struct, gc=False):
    id: str
    attributes: UserAttributes
    relationships: UserRelationships | None


class RoleAttributes(Struct, gc=False):
    name: str | None = None
    created_at: datetime | None = None


class RoleRelationships(Struct, gc=False):
    permissions: Refs | None


class Role(Struct, gc=False):
    id: str
    attributes: RoleAttributes
    relationships: RoleRelationships | None


class PermissionAttributes(Struct, gc=False):
    name: str | None = None
    display_name: str | None = None
    group_name: str | None = None
    display_type: str | None = None
    restricted: bool | None = None


class Permission(Struct, gc=False):
    id: str
    attributes: PermissionAttributes
