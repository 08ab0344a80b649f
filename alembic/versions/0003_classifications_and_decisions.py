"""Who is not a person: what the evidence says, and what people decided."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


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


def upgrade() -> None:
    history(
        "classifications",
        needed("id", TEXT()),
        needed("inputs", sa.LargeBinary()),
        needed("digest", sa.LargeBinary()),
        needed("computed", TEXT()),
        optional("kind", TEXT()),
        optional("kind_reason", TEXT()),
        needed("score", sa.Integer()),
        needed("basis", TEXT()),
        needed("signals", sa.JSON()),
        needed("ruleset", TEXT()),
        identity=("id",),
    )
    op.create_table(
        "decisions",
        needed("id", BIG),
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_decisions_org_id")),
        needed("identity_id", TEXT()),
        needed("decided_at", TIME()),
        needed("decided_by", TEXT()),
        needed("label", TEXT()),
        optional("kind", TEXT()),
        optional("owner", TEXT()),
        optional("purpose", TEXT()),
        needed("reason", TEXT()),
        optional("review_by", sa.Date()),
        needed("computed", TEXT()),
        needed("score", sa.Integer()),
        needed("signals", sa.JSON()),
        needed("ruleset", TEXT()),
        sa.PrimaryKeyConstraint("id", name="pk_decisions"),
    )
    op.create_index("ix_decisions_identity", "decisions", ["org_id", "identity_id"])


def downgrade() -> None:
    op.drop_table("decisions")
    op.drop_table("classifications")
