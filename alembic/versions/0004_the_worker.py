"""The worker: when each job is due, what became of it, and what the watch has seen."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def needed(name: str, kind: Any, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def upgrade() -> None:
    op.create_table(
        "job_states",
        needed("job", TEXT()),
        needed("org", TEXT()),
        needed("next_at", TIME()),
        optional("tick_at", TIME()),
        optional("started_at", TIME()),
        optional("finished_at", TIME()),
        optional("outcome", TEXT()),
        needed("failures", sa.Integer()),
        needed("deferrals", sa.Integer()),
        optional("error", TEXT()),
        needed("changed_at", TIME()),
        sa.PrimaryKeyConstraint("job", "org", name="pk_job_states"),
    )
    op.create_index("ix_job_states_changed", "job_states", ["changed_at"])
    op.create_table(
        "sightings",
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_sightings_org_id")),
        needed("kind", TEXT()),
        needed("id", TEXT()),
        needed("seen_at", TIME()),
        needed("text", TEXT()),
        sa.PrimaryKeyConstraint("org_id", "kind", "id", name="pk_sightings"),
    )


def downgrade() -> None:
    op.drop_table("sightings")
    op.drop_table("job_states")
