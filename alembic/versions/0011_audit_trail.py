"""What Datadog's Audit Trail told: who made changes, and what came and went unseen; and how often a run was limited."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def needed(name: str, kind: Any, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    op.add_column("runs", optional("rate_limited", sa.Integer()))
    op.add_column("runs", optional("audit_trail", sa.JSON()))
    op.create_table(
        "trail_events",
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_trail_events_org_id")),
        needed("id", TEXT()),
        needed("run_id", sa.BigInteger()),
        needed("at", TIME()),
        needed("action", TEXT()),
        optional("actor", TEXT()),
        optional("key", TEXT()),
        optional("asset_type", TEXT()),
        optional("asset_id", TEXT()),
        optional("asset_name", TEXT()),
        needed("change_ids", sa.JSON()),
        needed("unseen", sa.Boolean()),
        optional("subject_id", TEXT()),
        optional("subject", TEXT()),
        optional("role_id", TEXT()),
        sa.PrimaryKeyConstraint("org_id", "id", name="pk_trail_events"),
    )
    op.create_index("ix_trail_events_at", "trail_events", ["org_id", "at"])


def downgrade() -> None:
    op.drop_table("trail_events")
    op.drop_column("runs", "audit_trail")
    op.drop_column("runs", "rate_limited")
