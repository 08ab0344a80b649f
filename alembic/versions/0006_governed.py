"""What the files of the governance directory said of an identity or a credential, run by run."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime
TABLE = "governed"


def needed(name: str, kind: Any, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}


def upgrade() -> None:
    op.create_table(
        TABLE,
        needed("key", BIG),
        needed("org_id", sa.Integer()),
        needed("from_run", sa.BigInteger(), sa.ForeignKey("runs.id", name=f"fk_{TABLE}_from_run")),
        optional("to_run", sa.BigInteger()),
        needed("id", TEXT()),
        needed("resource", TEXT()),
        optional("owner", TEXT()),
        optional("purpose", TEXT()),
        optional("label", TEXT()),
        optional("kind", TEXT()),
        optional("decided_at", TIME()),
        optional("decided_by", TEXT()),
        optional("reason", TEXT()),
        optional("review_by", sa.Date()),
        optional("computed", TEXT()),
        optional("score", sa.Integer()),
        optional("signals", sa.JSON()),
        optional("ruleset", TEXT()),
        sa.PrimaryKeyConstraint("key", name=f"pk_{TABLE}"),
    )
    current, ended = where("to_run IS NULL"), where("to_run IS NOT NULL")
    op.create_index(f"uq_{TABLE}_current", TABLE, ["org_id", "id", "resource"], unique=True, **current)
    op.create_index(f"ix_{TABLE}_from_run", TABLE, ["org_id", "from_run"])
    op.create_index(f"ix_{TABLE}_to_run", TABLE, ["org_id", "to_run"], **ended)
    op.create_index(f"ix_{TABLE}_ended", TABLE, ["org_id", "id"], **ended)


def downgrade() -> None:
    op.drop_table(TABLE)
