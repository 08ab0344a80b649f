"""The whole inventory: credentials, OAuth authorizations, teams, memberships, SAML mappings."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime
TABLES = ("credentials", "oauth_authorizations", "teams", "memberships", "authn_mappings")


def needed(name: str, kind: Any, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def history(table: str, *columns: sa.Column[Any], identity: tuple[str, ...]) -> None:
    op.create_table(
        table,
        needed("key", BIG),
        needed("org_id", sa.Integer()),
        needed("from_run", sa.BigInteger(), sa.ForeignKey("runs.id", name=f"fk_{table}_from_run")),
        optional("to_run", sa.BigInteger()),
        *columns,
        sa.PrimaryKeyConstraint("key", name=f"pk_{table}"),
    )
    current, ended = where("to_run IS NULL"), where("to_run IS NOT NULL")
    op.create_index(f"uq_{table}_current", table, ["org_id", *identity], unique=True, **current)
    op.create_index(f"ix_{table}_from_run", table, ["org_id", "from_run"])
    op.create_index(f"ix_{table}_to_run", table, ["org_id", "to_run"], **ended)
    op.create_index(f"ix_{table}_ended", table, ["org_id", identity[0]], **ended)


def record() -> tuple[sa.Column[Any], ...]:
    return (
        needed("id", TEXT()),
        needed("first_run", sa.BigInteger()),
        needed("facts_version", sa.Integer()),
        needed("digest", sa.LargeBinary()),
    )


def upgrade() -> None:
    history(
        "credentials",
        needed("resource", TEXT()),
        *record(),
        needed("type", TEXT()),
        optional("name", TEXT()),
        optional("owner_id", TEXT()),
        optional("created_by_id", TEXT()),
        optional("scopes", sa.JSON(none_as_null=True)),
        needed("scopes_known", sa.Boolean()),
        optional("created_at", TIME()),
        optional("expires_at", TIME()),
        optional("last4", TEXT()),
        optional("disabled", sa.Boolean()),
        optional("leaked", sa.Boolean()),
        optional("category", TEXT()),
        identity=("id", "resource"),
    )
    history(
        "oauth_authorizations",
        needed("client_id", TEXT()),
        needed("user_id", TEXT()),
        identity=("client_id", "user_id"),
    )
    history(
        "teams",
        *record(),
        optional("name", TEXT()),
        optional("handle", TEXT()),
        optional("created_at", TIME()),
        identity=("id",),
    )
    history(
        "memberships",
        *record(),
        needed("team_id", TEXT()),
        needed("user_id", TEXT()),
        optional("role", TEXT()),
        identity=("id",),
    )
    history(
        "authn_mappings",
        *record(),
        optional("attribute_key", TEXT()),
        optional("attribute_value", TEXT()),
        optional("role_id", TEXT()),
        optional("team_id", TEXT()),
        optional("created_at", TIME()),
        identity=("id",),
    )


def downgrade() -> None:
    for table in TABLES:
        op.drop_table(table)
