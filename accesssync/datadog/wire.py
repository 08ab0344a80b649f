"""The parts of Datadog's JSON that we use, for the fast path. Unknown fields, `included` among them, are skipped.

Every type here is as narrow as the model; a record that does not fit is taken apart piece by piece instead. A field
without a default has to be there, though it may be null: a record that does not mention its roles, or its
scopes, must not look as if it had none. The secret of a key has no field here and is never decoded.
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


class One(Struct, gc=False):
    """A relationship to one record or none."""

    data: Ref | None


class Leak(Struct, gc=False):
    """A relationship to what is known of a leak, of which only its being there matters."""

    data: dict[str, object] | None


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


class OwnedRelationships(Struct, gc=False):
    """Of an application key or a token."""

    owned_by: One | None
    leak_information: Leak | UnsetType | None = UNSET


class ApplicationKeyAttributes(Struct, gc=False):
    scopes: list[str] | None
    name: str | None = None
    created_at: datetime | None = None
    last4: str | None = None
    last_used_at: datetime | UnsetType | None = UNSET


class ApplicationKey(Struct, gc=False):
    id: str
    attributes: ApplicationKeyAttributes
    relationships: OwnedRelationships


class TokenAttributes(Struct, gc=False):
    scopes: list[str] | None
    expires_at: datetime | None
    name: str | None = None
    created_at: datetime | None = None
    public_portion: str | None = None
    last_used_at: datetime | UnsetType | None = UNSET


class Token(Struct, gc=False):
    id: str
    type: str
    attributes: TokenAttributes
    relationships: OwnedRelationships


class LastUse(Struct, gc=False):
    timestamp: datetime | UnsetType | None = UNSET


class ApiKeyAttributes(Struct, gc=False):
    name: str | None = None
    created_at: datetime | None = None
    last4: str | None = None
    category: str | None = None
    last_used_date: LastUse | UnsetType | None = UNSET
    date_last_used: datetime | UnsetType | None = UNSET
    used_in_last_24_hours: bool | None = None


class ApiKeyRelationships(Struct, gc=False):
    # Keys that no user made have no such relation.
    created_by: One | UnsetType | None = UNSET
    leak_information: Leak | UnsetType | None = UNSET


class ApiKey(Struct, gc=False):
    id: str
    attributes: ApiKeyAttributes
    relationships: ApiKeyRelationships


class OAuthClientAttributes(Struct, gc=False):
    name: str | UnsetType | None = UNSET
    disabled: bool | None = None
    last_exercised: datetime | UnsetType | None = UNSET
    user_count: int | None = None


class OAuthClientRelationships(Struct, gc=False):
    oauth2_client: One | UnsetType | None = UNSET
    user_authorized_clients: Refs | UnsetType | None = UNSET


class OAuthClient(Struct, gc=False):
    id: str
    attributes: OAuthClientAttributes
    relationships: OAuthClientRelationships


class TeamAttributes(Struct, gc=False):
    name: str | None = None
    handle: str | None = None
    created_at: datetime | None = None


class Team(Struct, gc=False):
    id: str
    attributes: TeamAttributes


class MembershipAttributes(Struct, gc=False):
    role: str | None = None


class MembershipRelationships(Struct, gc=False):
    user: One | None


class Membership(Struct, gc=False):
    """Its own id is of no use: it says nothing that lasts."""

    attributes: MembershipAttributes
    relationships: MembershipRelationships


class MappingAttributes(Struct, gc=False):
    created_at: datetime | None = None
    attribute_key: str | UnsetType | None = UNSET
    attribute_value: str | UnsetType | None = UNSET
    saml_assertion_attribute_id: str | None = None


class MappingRelationships(Struct, gc=False):
    role: One | UnsetType | None = UNSET
    team: One | UnsetType | None = UNSET
    saml_assertion_attribute: One | UnsetType | None = UNSET


class Mapping(Struct, gc=False):
    id: str
    attributes: MappingAttributes
    relationships: MappingRelationships
