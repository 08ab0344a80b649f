"""What Datadog showed: records, and the links between them, as history."""

from datetime import datetime

from sqlalchemy import JSON, BigInteger, Column
from sqlmodel import Field

from accesssync.store.tables.declare import Fact, history, table_of


class Version(Fact):
    """The columns of every record's history. `first_run` is the run that saw the record first.

    `facts_version` also tells which facts were never understood: `drift.facts.mark_of` makes it.
    """

    id: str
    first_run: int = Field(sa_type=BigInteger)
    facts_version: int
    digest: bytes


class IdentityRow(Version, table=True):
    """One version of a user record."""

    __tablename__ = "identities"
    __table_args__ = history("identities", "id")
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


class RoleRow(Version, table=True):
    """One version of a role."""

    __tablename__ = "roles"
    __table_args__ = history("roles", "id")
    name: str | None = None
    created_at: datetime | None = None


class PermissionRow(Version, table=True):
    """One version of a permission in Datadog's catalogue."""

    __tablename__ = "permissions"
    __table_args__ = history("permissions", "id")
    name: str | None = None
    display_name: str | None = None
    group_name: str | None = None
    display_type: str | None = None
    restricted: bool | None = None


class GrantRow(Fact, table=True):
    """An identity holds a role, for as long as this row says. The role need not be a listed one."""

    __tablename__ = "grants"
    __table_args__ = history("grants", "identity_id", "role_id")
    identity_id: str
    role_id: str


class RolePermissionRow(Fact, table=True):
    """A role carries a permission, for as long as this row says."""

    __tablename__ = "role_permissions"
    __table_args__ = history("role_permissions", "role_id", "permission_id")
    role_id: str
    permission_id: str


class CredentialRow(Version, table=True):
    """One version of a credential: key, token or OAuth client, told apart by the listing that showed it.

    `scopes` is null where nothing narrows the credential, a list (also an empty one) where something does.
    """

    __tablename__ = "credentials"
    __table_args__ = history("credentials", "id", "resource")
    resource: str
    type: str
    name: str | None = None
    owner_id: str | None = None
    created_by_id: str | None = None
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    scopes_known: bool = True
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last4: str | None = None
    disabled: bool | None = None
    leaked: bool | None = None
    category: str | None = None


class OauthAuthorizationRow(Fact, table=True):
    """An OAuth client acts for a user, for as long as this row says."""

    __tablename__ = "oauth_authorizations"
    __table_args__ = history("oauth_authorizations", "client_id", "user_id")
    client_id: str
    user_id: str


class TeamRow(Version, table=True):
    """One version of a team."""

    __tablename__ = "teams"
    __table_args__ = history("teams", "id")
    name: str | None = None
    handle: str | None = None
    created_at: datetime | None = None


class MembershipRow(Version, table=True):
    """One version of an identity's place in a team."""

    __tablename__ = "memberships"
    __table_args__ = history("memberships", "id")
    team_id: str
    user_id: str
    role: str | None = None


class MappingRow(Version, table=True):
    """One version of a SAML mapping."""

    __tablename__ = "authn_mappings"
    __table_args__ = history("authn_mappings", "id")
    attribute_key: str | None = None
    attribute_value: str | None = None
    role_id: str | None = None
    team_id: str | None = None
    created_at: datetime | None = None


identities = table_of(IdentityRow)
roles = table_of(RoleRow)
permissions = table_of(PermissionRow)
grants = table_of(GrantRow)
role_permissions = table_of(RolePermissionRow)
credentials = table_of(CredentialRow)
oauth_authorizations = table_of(OauthAuthorizationRow)
teams = table_of(TeamRow)
memberships = table_of(MembershipRow)
authn_mappings = table_of(MappingRow)
