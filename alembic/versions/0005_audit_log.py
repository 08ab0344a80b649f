"""The audit log, and what runs and exports note of it."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def needed(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, **options)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    op.create_table(
        "audit",
        needed("seq", BIG, autoincrement=False),
        needed("at", TIME()),
        needed("kind", TEXT()),
        optional("org", TEXT()),
        optional("subject_id", TEXT()),
        needed("body", TEXT()),
        needed("hash", TEXT()),
        needed("personal", TEXT()),
        sa.PrimaryKeyConstraint("seq", name="pk_audit"),
    )
    op.create_index("ix_audit_subject", "audit", ["subject_id"])
    op.create_table(
        "audit_exports",
        needed("id", BIG),
        needed("exported_at", TIME()),
        needed("seq", sa.BigInteger()),
        needed("hash", TEXT()),
        sa.PrimaryKeyConstraint("id", name="pk_audit_exports"),
    )
    op.add_column("runs", optional("audit_seq", sa.BigInteger()))
    op.add_column("runs", optional("audit_hash", TEXT()))


def downgrade() -> None:
    op.drop_column("runs", "audit_hash")
    op.drop_column("runs", "audit_seq")
    op.drop_table("audit_exports")
    op.drop_table("audit")
