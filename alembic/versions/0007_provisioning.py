"""Plans, approvals, overrides, intents and invitations."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
TEXT = sqlmodel.sql.sqltypes.AutoString
TIME = sqlmodel.sql.sqltypes.UTCDateTime


def needed(name: str, kind: Any, *constraints: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, *constraints, nullable=False)


def optional(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def of_org(table: str) -> sa.Column[Any]:
    return needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name=f"fk_{table}_org_id"))


def of_plan(table: str) -> sa.Column[Any]:
    return needed("plan", TEXT(), sa.ForeignKey("plans.digest", name=f"fk_{table}_plan"))


def upgrade() -> None:
    op.create_table(
        "plans",
        needed("digest", TEXT()),
        of_org("plans"),
        needed("author", TEXT()),
        needed("created_at", TIME()),
        needed("expires_at", TIME()),
        needed("document", TEXT()),
        optional("applied_at", TIME()),
        optional("applied_by", TEXT()),
        sa.PrimaryKeyConstraint("digest", name="pk_plans"),
    )
    op.create_index("ix_plans_org", "plans", ["org_id", "created_at"])
    op.create_table(
        "approvals",
        needed("id", BIG),
        of_plan("approvals"),
        needed("approver", TEXT()),
        needed("approved_at", TIME()),
        needed("signature", TEXT()),
        needed("verified", sa.Boolean()),
        sa.PrimaryKeyConstraint("id", name="pk_approvals"),
    )
    op.create_index("ix_approvals_plan", "approvals", ["plan"])
    op.create_table(
        "overrides",
        needed("id", BIG),
        of_plan("overrides"),
        needed("rules", sa.JSON()),
        needed("given_by", TEXT()),
        needed("reason", TEXT()),
        needed("given_at", TIME()),
        needed("expires_at", TIME()),
        optional("used_at", TIME()),
        sa.PrimaryKeyConstraint("id", name="pk_overrides"),
    )
    op.create_index("ix_overrides_plan", "overrides", ["plan"])
    _writes()


def _writes() -> None:
    op.create_table(
        "intents",
        needed("key", BIG),
        of_org("intents"),
        optional("plan", TEXT()),
        needed("number", sa.Integer()),
        needed("operation", TEXT()),
        needed("subject", TEXT()),
        optional("subject_id", TEXT()),
        needed("chain", TEXT()),
        needed("action", sa.JSON()),
        needed("removal", sa.Boolean()),
        needed("privileged", sa.Boolean()),
        needed("actor", TEXT()),
        needed("state", TEXT()),
        optional("done", sa.Boolean()),
        optional("detail", TEXT()),
        needed("sends", sa.Integer()),
        optional("status", sa.Integer()),
        optional("made_id", TEXT()),
        needed("planned_at", TIME()),
        optional("sent_at", TIME()),
        optional("ended_at", TIME()),
        sa.PrimaryKeyConstraint("key", name="pk_intents"),
    )
    op.create_index("ix_intents_plan", "intents", ["org_id", "plan"])
    op.create_index("ix_intents_state", "intents", ["org_id", "state"])
    op.create_index("ix_intents_sent", "intents", ["org_id", "sent_at"])
    op.create_table(
        "invitations",
        needed("key", BIG),
        of_org("invitations"),
        needed("user_id", TEXT()),
        needed("email", TEXT()),
        optional("invitation_id", TEXT()),
        needed("state", TEXT()),
        needed("sent_at", TIME()),
        optional("expires_at", TIME()),
        optional("settled_at", TIME()),
        sa.PrimaryKeyConstraint("key", name="pk_invitations"),
    )
    op.create_index("ix_invitations_user", "invitations", ["org_id", "user_id"])


def downgrade() -> None:
    for table in ("invitations", "intents", "overrides", "approvals", "plans"):
        op.drop_table(table)
