"""First schema: organizations, runs, coverage, history, activity, changes, absences."""

from typing import Any

import sqlalchemy as sa
import sqlmodel.sql.sqltypes
from alembic import op

revision = "0001"
down_revision = None
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
    """A table of facts, each row with the run that began it and the run that ended it."""
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
    """The columns that every table of records shares."""
    return (
        needed("id", TEXT()),
        needed("first_run", sa.BigInteger()),
        needed("facts_version", sa.Integer()),
        needed("digest", sa.LargeBinary()),
    )


def upgrade() -> None:
    organizations_and_runs()
    facts()
    activity_and_changes()


def organizations_and_runs() -> None:
    op.create_table(
        "orgs",
        needed("id", sa.Integer()),
        needed("name", TEXT()),
        needed("site", TEXT()),
        optional("datadog_id", TEXT()),
        optional("datadog_name", TEXT()),
        optional("published_run_id", sa.BigInteger()),
        needed("fencing_token", sa.Integer()),
        needed("created_at", TIME()),
        sa.PrimaryKeyConstraint("id", name="pk_orgs"),
        sa.UniqueConstraint("name", name="uq_orgs_name"),
    )
    op.create_table(
        "runs",
        needed("id", BIG),
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_runs_org_id")),
        needed("started_at", TIME()),
        optional("finished_at", TIME()),
        needed("status", TEXT()),
        needed("baseline", sa.Boolean()),
        needed("complete", sa.Boolean()),
        needed("undone", sa.Boolean()),
        needed("requests", sa.Integer()),
        needed("duration_seconds", sa.Float()),
        optional("rate_limit_left", sa.Float()),
        needed("counts", sa.JSON()),
        needed("added", sa.Integer()),
        needed("updated", sa.Integer()),
        needed("removed", sa.Integer()),
        optional("error_code", TEXT()),
        optional("error", TEXT()),
        needed("program_version", TEXT()),
        needed("facts_version", sa.Integer()),
        sa.PrimaryKeyConstraint("id", name="pk_runs"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_runs_org_finished", "runs", ["org_id", "finished_at"])
    op.create_table(
        "coverage",
        needed("run_id", BIG),
        needed("resource", TEXT()),
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_coverage_org_id")),
        needed("state", TEXT()),
        needed("received", sa.Integer()),
        optional("expected", sa.BigInteger()),
        needed("passes", sa.Integer()),
        needed("degraded", sa.Integer()),
        optional("reason", TEXT()),
        needed("started_at", TIME()),
        needed("finished_at", TIME()),
        sa.PrimaryKeyConstraint("run_id", "resource", name="pk_coverage"),
    )


def facts() -> None:
    history(
        "identities",
        *record(),
        optional("email", TEXT()),
        optional("handle", TEXT()),
        optional("name", TEXT()),
        optional("title", TEXT()),
        optional("status", TEXT()),
        optional("disabled", sa.Boolean()),
        optional("verified", sa.Boolean()),
        optional("mfa_enabled", sa.Boolean()),
        optional("service_account", sa.Boolean()),
        optional("created_at", TIME()),
        identity=("id",),
    )
    history("roles", *record(), optional("name", TEXT()), optional("created_at", TIME()), identity=("id",))
    history(
        "permissions",
        *record(),
        optional("name", TEXT()),
        optional("display_name", TEXT()),
        optional("group_name", TEXT()),
        optional("display_type", TEXT()),
        optional("restricted", sa.Boolean()),
        identity=("id",),
    )
    history("grants", needed("identity_id", TEXT()), needed("role_id", TEXT()), identity=("identity_id", "role_id"))
    history(
        "role_permissions",
        needed("role_id", TEXT()),
        needed("permission_id", TEXT()),
        identity=("role_id", "permission_id"),
    )


def activity_and_changes() -> None:
    op.create_table(
        "activity",
        needed("org_id", sa.Integer()),
        needed("subject_kind", TEXT()),
        needed("subject_id", TEXT()),
        needed("field", TEXT()),
        needed("day", sa.Date()),
        optional("until_day", sa.Date()),
        optional("value", TIME()),
        needed("run_id", sa.BigInteger()),
        sa.PrimaryKeyConstraint("org_id", "subject_kind", "subject_id", "field", "day", name="pk_activity"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "ix_activity_current", "activity", ["org_id", "subject_kind", "field"], **where("until_day IS NULL")
    )
    op.create_table(
        "changes",
        needed("id", TEXT()),
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_changes_org_id")),
        needed("run_id", sa.BigInteger(), sa.ForeignKey("runs.id", name="fk_changes_run_id")),
        needed("seq", sa.Integer()),
        optional("observed_after", TIME()),
        needed("observed_before", TIME()),
        needed("kind", TEXT()),
        needed("cause", TEXT()),
        needed("subject_id", TEXT()),
        needed("subject", TEXT()),
        needed("fields", sa.JSON()),
        optional("actor", TEXT()),
        optional("explanation", TEXT()),
        sa.PrimaryKeyConstraint("id", name="pk_changes"),
    )
    op.create_index("ix_changes_run", "changes", ["org_id", "run_id"])
    op.create_index("ix_changes_subject", "changes", ["org_id", "subject_id"])
    op.create_table(
        "absences",
        needed("org_id", sa.Integer(), sa.ForeignKey("orgs.id", name="fk_absences_org_id")),
        needed("resource", TEXT()),
        needed("id", TEXT()),
        needed("run_id", BIG),
        sa.PrimaryKeyConstraint("org_id", "resource", "id", "run_id", name="pk_absences"),
    )


def downgrade() -> None:
    for table in ("absences", "changes", "activity", "role_permissions", "grants", "permissions", "roles"):
        op.drop_table(table)
    for table in ("identities", "coverage", "runs", "orgs"):
        op.drop_table(table)
