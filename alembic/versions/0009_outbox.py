"""What waits to be published, and how far each destination has come."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def needed(name: str, kind: Any, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def org(table: str) -> sa.Column[Any]:
    return needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name=f"fk_{table}_org_id"))


def upgrade() -> None:
    op.create_table(
        "outbox",
        needed("seq", BIG),
        org("outbox"),
        needed("stream", TEXT()),
        optional("run_id", sa.BigInteger()),
        needed("dedup_id", TEXT()),
        needed("severity", sa.Integer()),
        needed("queued_at", TIME()),
        needed("observed_at", TIME()),
        needed("body", TEXT()),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_outbox_dedup", "outbox", ["org_id", "stream", "dedup_id"], unique=True)
    op.create_index("ix_outbox_stream", "outbox", ["org_id", "stream", "seq"])
    of_a_run = sa.text("run_id IS NOT NULL")
    op.create_index(
        "ix_outbox_run",
        "outbox",
        ["org_id", "stream", "run_id"],
        sqlite_where=of_a_run,
        postgresql_where=of_a_run,
    )
    op.create_table(
        "deliveries",
        org("deliveries"),
        needed("stream", TEXT()),
        needed("route", TEXT()),
        needed("after_seq", sa.BigInteger()),
        needed("delivered", sa.BigInteger()),
        needed("dead", sa.BigInteger()),
        needed("lost", sa.BigInteger()),
        needed("dropped", sa.BigInteger()),
        needed("state", TEXT()),
        optional("error", TEXT()),
        needed("failures", sa.Integer()),
        optional("tried_at", TIME()),
        optional("delivered_at", TIME()),
        optional("not_before", TIME()),
        sa.PrimaryKeyConstraint("org_id", "stream", "route", name="pk_deliveries"),
    )


def downgrade() -> None:
    for table in ("deliveries", "outbox"):
        op.drop_table(table)
