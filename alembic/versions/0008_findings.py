"""What is wrong, what was accepted, how it was judged, and why changes were made."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0008"
down_revision = "0007"
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
        "explanations",
        needed("id", BIG),
        org("explanations"),
        needed("change_id", TEXT()),
        needed("ticket", TEXT()),
        needed("reason", TEXT()),
        needed("explained_by", TEXT()),
        needed("explained_at", TIME()),
        sa.PrimaryKeyConstraint("id", name="pk_explanations"),
    )
    op.create_index("ix_explanations_change", "explanations", ["org_id", "change_id"])
    findings()
    op.create_table(
        "waivers",
        needed("id", BIG),
        org("waivers"),
        needed("finding_id", TEXT()),
        needed("owner", TEXT()),
        needed("reason", TEXT()),
        needed("approver", TEXT()),
        needed("expires", sa.Date()),
        needed("created_at", TIME()),
        needed("created_by", TEXT()),
        optional("ended_at", TIME()),
        optional("ended_by", TEXT()),
        optional("ended_reason", TEXT()),
        sa.PrimaryKeyConstraint("id", name="pk_waivers"),
    )
    op.create_index("ix_waivers_finding", "waivers", ["org_id", "finding_id"])
    op.create_table(
        "evaluations",
        needed("id", BIG),
        org("evaluations"),
        needed("run_id", sa.BigInteger(), sa.ForeignKey("runs.id", name="fk_evaluations_run_id")),
        needed("at", TIME()),
        needed("ruleset", TEXT()),
        optional("policy_hash", TEXT()),
        needed("opened", sa.Integer()),
        needed("resolved", sa.Integer()),
        needed("open", sa.Integer()),
        needed("waived", sa.Integer()),
        needed("outcomes", sa.JSON()),
        sa.PrimaryKeyConstraint("id", name="pk_evaluations"),
    )
    op.create_index("ix_evaluations_org", "evaluations", ["org_id", "id"])


def findings() -> None:
    op.create_table(
        "findings",
        needed("key", BIG),
        org("findings"),
        needed("id", TEXT()),
        needed("fingerprint", sa.LargeBinary()),
        needed("check_id", TEXT()),
        needed("severity", TEXT()),
        needed("status", TEXT()),
        needed("cause", TEXT()),
        needed("subject_kind", TEXT()),
        needed("subject_id", TEXT()),
        needed("subject", TEXT()),
        needed("evidence", sa.JSON()),
        needed("digest", sa.LargeBinary()),
        needed("opened_at", TIME()),
        needed("opened_run", sa.BigInteger()),
        needed("seen_run", sa.BigInteger()),
        needed("reopened", sa.Integer()),
        optional("reopened_at", TIME()),
        optional("resolved_at", TIME()),
        optional("resolved_run", sa.BigInteger()),
        optional("why", TEXT()),
        optional("waiver", sa.JSON()),
        optional("waived_until", sa.Date()),
        sa.PrimaryKeyConstraint("key", name="pk_findings"),
    )
    op.create_index("uq_findings_fingerprint", "findings", ["org_id", "fingerprint"], unique=True)
    op.create_index("uq_findings_id", "findings", ["org_id", "id"], unique=True)
    op.create_index("ix_findings_status", "findings", ["org_id", "status"])
    op.create_table(
        "finding_events",
        needed("key", BIG),
        org("finding_events"),
        needed("finding_id", TEXT()),
        optional("run_id", sa.BigInteger()),
        needed("at", TIME()),
        needed("event", TEXT()),
        optional("cause", TEXT()),
        optional("actor", TEXT()),
        optional("detail", TEXT()),
        sa.PrimaryKeyConstraint("key", name="pk_finding_events"),
    )
    op.create_index("ix_finding_events_finding", "finding_events", ["org_id", "finding_id"])


def downgrade() -> None:
    for table in ("evaluations", "waivers", "finding_events", "findings", "explanations"):
        op.drop_table(table)
