"""The tables.

A fact is a row that carries the run that began it (`from_run`) and the run that ended it (`to_run`, null
while it holds). It holds at run R when `from_run <= R and (to_run is null or to_run > R)`. Readers
only ever ask for runs up to the organization's `published_run_id`, so what an unfinished run has
written is invisible to them.
"""

from datetime import date, datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Integer, MetaData, text
from sqlalchemy import Table as SqlTable
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}

metadata = MetaData(naming_convention=NAMING)

BigKey = BigInteger().with_variant(Integer(), "sqlite")
"""SQLite numbers rows by itself only in a column that it calls INTEGER."""


class Table(SQLModel):
    """What all tables share: our metadata with named constraints."""

    metadata = metadata


def _history(table: str, *identity: str) -> tuple[Index, ...]:
    """The three ways history is read: what holds now, what a run began, what a run ended."""
    now, ended = text("to_run IS NULL"), text("to_run IS NOT NULL")
    return (
        Index(f"uq_{table}_current", "org_id", *identity, unique=True, sqlite_where=now, postgresql_where=now),
        Index(f"ix_{table}_from_run", "org_id", "from_run"),
        Index(f"ix_{table}_to_run", "org_id", "to_run", sqlite_where=ended, postgresql_where=ended),
        Index(f"ix_{table}_ended", "org_id", identity[0], sqlite_where=ended, postgresql_where=ended),
    )


class Org(Table, table=True):
    """One configured organization."""

    __tablename__ = "orgs"
    id: int | None = Field(default=None, primary_key=True)
    name: str = Field(unique=True)
    site: str
    datadog_id: str | None = None
    datadog_name: str | None = None
    published_run_id: int | None = Field(default=None, sa_type=BigInteger)
    fencing_token: int = 0
    created_at: datetime


class Run(Table, table=True):
    """One attempt to observe an organization. `undone` runs have left no facts."""

    __tablename__ = "runs"
    __table_args__ = (Index("ix_runs_org_finished", "org_id", "finished_at"), {"sqlite_autoincrement": True})
    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    org_id: int = Field(foreign_key="orgs.id")
    started_at: datetime
    finished_at: datetime | None = None
    status: str
    baseline: bool = False
    complete: bool = False
    undone: bool = False
    requests: int = 0
    duration_seconds: float = 0.0
    rate_limit_left: float | None = None
    counts: dict[str, int] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    added: int = 0
    updated: int = 0
    removed: int = 0
    error_code: str | None = None
    error: str | None = None
    program_version: str
    facts_version: int
    audit_seq: int | None = Field(default=None, sa_type=BigInteger)
    audit_hash: str | None = None


class CoverageRow(Table, table=True):
    """What one run may say about one resource. `from_run` is set on runs that were undone too."""

    __tablename__ = "coverage"
    run_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    resource: str = Field(primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    state: str
    received: int
    expected: int | None = Field(default=None, sa_type=BigInteger)
    passes: int
    degraded: int
    reason: str | None = None
    started_at: datetime
    finished_at: datetime


class Fact(Table):
    """The columns of history."""

    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int
    from_run: int = Field(sa_type=BigInteger, foreign_key="runs.id")
    to_run: int | None = Field(default=None, sa_type=BigInteger)


class Version(Fact):
    """The columns of every record's history. `first_run` is the run that saw the record first.

    `facts_version` also tells which facts were never understood: `drift.facts.mark_of` makes it.
    """

    id: str
    first_run: int = Field(sa_type=BigInteger)
    facts_version: int
    digest: bytes


class IdentityRow(Version, table=True):
    """One version of a user record."""

    __tablename__ = "identities"
    __table_args__ = _history("identities", "id")
    email: str | None = None
    handle: str | None = None
    name: str | None = None
    title: str | None = None
    status: str | None = None
    disabled: bool | None = None
    verified: bool | None = None
    mfa_enabled: bool | None = None
    service_account: bool | None = None
    created_at: datetime | None = None


class RoleRow(Version, table=True):
    """One version of a role."""

    __tablename__ = "roles"
    __table_args__ = _history("roles", "id")
    name: str | None = None
    created_at: datetime | None = None


class PermissionRow(Version, table=True):
    """One version of a permission in Datadog's catalogue."""

    __tablename__ = "permissions"
    __table_args__ = _history("permissions", "id")
    name: str | None = None
    display_name: str | None = None
    group_name: str | None = None
    display_type: str | None = None
    restricted: bool | None = None


class GrantRow(Fact, table=True):
    """An identity holds a role, for as long as this row says. The role need not be a listed one."""

    __tablename__ = "grants"
    __table_args__ = _history("grants", "identity_id", "role_id")
    identity_id: str
    role_id: str


class RolePermissionRow(Fact, table=True):
    """A role carries a permission, for as long as this row says."""

    __tablename__ = "role_permissions"
    __table_args__ = _history("role_permissions", "role_id", "permission_id")
    role_id: str
    permission_id: str


class CredentialRow(Version, table=True):
    """One version of a credential: key, token or OAuth client, told apart by the listing that showed it.

    `scopes` is null where nothing narrows the credential, a list (also an empty one) where something does.
    """

    __tablename__ = "credentials"
    __table_args__ = _history("credentials", "id", "resource")
    resource: str
    type: str
    name: str | None = None
    owner_id: str | None = None
    created_by_id: str | None = None
    scopes: list[str] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    scopes_known: bool = True
    created_at: datetime | None = None
    expires_at: datetime | None = None
    last4: str | None = None
    disabled: bool | None = None
    leaked: bool | None = None
    category: str | None = None


class OauthAuthorizationRow(Fact, table=True):
    """An OAuth client acts for a user, for as long as this row says."""

    __tablename__ = "oauth_authorizations"
    __table_args__ = _history("oauth_authorizations", "client_id", "user_id")
    client_id: str
    user_id: str


class TeamRow(Version, table=True):
    """One version of a team."""

    __tablename__ = "teams"
    __table_args__ = _history("teams", "id")
    name: str | None = None
    handle: str | None = None
    created_at: datetime | None = None


class MembershipRow(Version, table=True):
    """One version of an identity's place in a team."""

    __tablename__ = "memberships"
    __table_args__ = _history("memberships", "id")
    team_id: str
    user_id: str
    role: str | None = None


class MappingRow(Version, table=True):
    """One version of a SAML mapping."""

    __tablename__ = "authn_mappings"
    __table_args__ = _history("authn_mappings", "id")
    attribute_key: str | None = None
    attribute_value: str | None = None
    role_id: str | None = None
    team_id: str | None = None
    created_at: datetime | None = None


class ClassificationRow(Fact, table=True):
    """What the evidence says of one identity, for as long as it says so. What a person decided is not in here.

    `inputs` is a digest of everything that was judged: while it is the same, so is the answer. It says nothing about a
    run and is renewed in place where other evidence led to the same answer. `digest` is one of the answer.
    """

    __tablename__ = "classifications"
    __table_args__ = _history("classifications", "id")
    id: str
    inputs: bytes
    digest: bytes
    computed: str
    kind: str | None = None
    kind_reason: str | None = None
    score: int
    basis: str
    signals: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    ruleset: str


class DecisionRow(Table, table=True):
    """What a person decided about one Datadog id, and what the evidence said at that time. Only ever added to."""

    __tablename__ = "decisions"
    __table_args__ = (Index("ix_decisions_identity", "org_id", "identity_id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    identity_id: str
    decided_at: datetime
    decided_by: str
    label: str
    kind: str | None = None
    owner: str | None = None
    purpose: str | None = None
    reason: str
    review_by: date | None = None
    computed: str
    score: int
    signals: list[dict[str, Any]] = Field(sa_column=Column(JSON, nullable=False))
    ruleset: str


class GovernedRow(Fact, table=True):
    """What the files of the governance directory say of one identity or credential, for as long as they say so.

    With a decision (`label` is there) comes what the evidence said when it came into force.
    """

    __tablename__ = "governed"
    __table_args__ = _history("governed", "id", "resource")
    id: str
    resource: str
    owner: str | None = None
    purpose: str | None = None
    label: str | None = None
    kind: str | None = None
    decided_at: datetime | None = None
    decided_by: str | None = None
    reason: str | None = None
    review_by: date | None = None
    computed: str | None = None
    score: int | None = None
    signals: list[dict[str, Any]] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    ruleset: str | None = None


class ActivityRow(Table, table=True):
    """A time at which a subject was active, as known on a UTC day and until another day's row replaces it.

    `value` is null where Datadog said "never". An observed login is true whether or not the run that saw it
    was published, so these rows carry the run for reference only.
    """

    __tablename__ = "activity"
    __table_args__ = (
        Index(
            "ix_activity_current",
            "org_id",
            "subject_kind",
            "field",
            sqlite_where=text("until_day IS NULL"),
            postgresql_where=text("until_day IS NULL"),
        ),
        {"sqlite_with_rowid": False},
    )
    org_id: int = Field(primary_key=True)
    subject_kind: str = Field(primary_key=True)
    subject_id: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    day: date = Field(primary_key=True)
    until_day: date | None = None
    value: datetime | None = None
    run_id: int = Field(sa_type=BigInteger)


class ChangeRow(Table, table=True):
    """One change, as the run that saw it recorded it. Those of a baseline are derived, not stored."""

    __tablename__ = "changes"
    __table_args__ = (
        Index("ix_changes_run", "org_id", "run_id"),
        Index("ix_changes_subject", "org_id", "subject_id"),
    )
    id: str = Field(primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    run_id: int = Field(sa_type=BigInteger, foreign_key="runs.id")
    seq: int
    observed_after: datetime | None = None
    observed_before: datetime
    kind: str
    cause: str
    subject_id: str
    subject: str
    fields: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    actor: str | None = None
    explanation: str | None = None


class ExplanationRow(Table, table=True):
    """Why a change was made, as somebody told. Only ever added to; the newest stands beside the change."""

    __tablename__ = "explanations"
    __table_args__ = (Index("ix_explanations_change", "org_id", "change_id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    change_id: str
    ticket: str
    reason: str
    explained_by: str
    explained_at: datetime


class FindingRow(Table, table=True):
    """Something wrong, from the evaluation that first found it on. There is one row for each, however often it opens.

    `opened_run`, `seen_run` and `resolved_run` are the runs that showed it first, as it is told now, and no more.
    """

    __tablename__ = "findings"
    __table_args__ = (
        Index("uq_findings_fingerprint", "org_id", "fingerprint", unique=True),
        Index("uq_findings_id", "org_id", "id", unique=True),
        Index("ix_findings_status", "org_id", "status"),
    )
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    id: str
    fingerprint: bytes
    check_id: str
    severity: str
    status: str
    cause: str
    subject_kind: str
    subject_id: str
    subject: str
    evidence: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    digest: bytes
    opened_at: datetime
    opened_run: int = Field(sa_type=BigInteger)
    seen_run: int = Field(sa_type=BigInteger)
    reopened: int = 0
    reopened_at: datetime | None = None
    resolved_at: datetime | None = None
    resolved_run: int | None = Field(default=None, sa_type=BigInteger)
    why: str | None = None
    waiver: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON(none_as_null=True), nullable=True))
    waived_until: date | None = None


class FindingEventRow(Table, table=True):
    """What happened to a finding after it was opened. Only ever added to."""

    __tablename__ = "finding_events"
    __table_args__ = (Index("ix_finding_events_finding", "org_id", "finding_id"),)
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    finding_id: str
    run_id: int | None = Field(default=None, sa_type=BigInteger)
    at: datetime
    event: str
    cause: str | None = None
    actor: str | None = None
    detail: str | None = None


class WaiverRow(Table, table=True):
    """A risk that was accepted by command, until its last day or until it was taken back."""

    __tablename__ = "waivers"
    __table_args__ = (Index("ix_waivers_finding", "org_id", "finding_id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    finding_id: str
    owner: str
    reason: str
    approver: str
    expires: date
    created_at: datetime
    created_by: str
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None


class EvaluationRow(Table, table=True):
    """One evaluation of a published run: by which rules and policy, and what became of each check."""

    __tablename__ = "evaluations"
    __table_args__ = (Index("ix_evaluations_org", "org_id", "id"),)
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    run_id: int = Field(sa_type=BigInteger, foreign_key="runs.id")
    at: datetime
    ruleset: str
    policy_hash: str | None = None
    opened: int
    resolved: int
    open: int
    waived: int
    outcomes: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))


class AbsenceRow(Table, table=True):
    """A record that a proven listing did not show, by the run that missed it."""

    __tablename__ = "absences"
    org_id: int = Field(primary_key=True, foreign_key="orgs.id")
    resource: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    run_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))


class JobStateRow(Table, table=True):
    """What last became of one job of the worker for one organization, and when it is due again.

    `org` is empty for jobs that concern no single one; a name and no number, since an organization that was never
    read has none. `tick_at` is the due time whose turn was taken last.
    """

    __tablename__ = "job_states"
    __table_args__ = (Index("ix_job_states_changed", "changed_at"),)
    job: str = Field(primary_key=True)
    org: str = Field(primary_key=True)
    next_at: datetime
    tick_at: datetime | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None
    outcome: str | None = None
    failures: int = 0
    deferrals: int = 0
    error: str | None = None
    changed_at: datetime


class SightingRow(Table, table=True):
    """Something the watch saw that the published run does not know. A hint, never a fact."""

    __tablename__ = "sightings"
    org_id: int = Field(primary_key=True, foreign_key="orgs.id")
    kind: str = Field(primary_key=True)
    id: str = Field(primary_key=True)
    seen_at: datetime
    text: str


class AuditRow(Table, table=True):
    """One entry of the audit log. Rows are only ever added; erasing a person takes texts out of `personal`.

    `body` is chained, byte for byte. The columns beside it repeat what is in it, to be searched.
    """

    __tablename__ = "audit"
    __table_args__ = (Index("ix_audit_subject", "subject_id"),)
    seq: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    at: datetime
    kind: str
    org: str | None = None
    subject_id: str | None = None
    body: str
    hash: str
    personal: str


class AuditExportRow(Table, table=True):
    """What the entry about an export had as number and hash; a cut tail cannot take this with it."""

    __tablename__ = "audit_exports"
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    exported_at: datetime
    seq: int = Field(sa_type=BigInteger)
    hash: str


class PlanRow(Table, table=True):
    """A provisioning plan that was made here. Its document never changes; `applied_at` is set when it is begun."""

    __tablename__ = "plans"
    __table_args__ = (Index("ix_plans_org", "org_id", "created_at"),)
    digest: str = Field(primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    author: str
    created_at: datetime
    expires_at: datetime
    document: str
    applied_at: datetime | None = None
    applied_by: str | None = None


class ApprovalRow(Table, table=True):
    """Somebody's approval of a plan; `verified` where a key of the settings signed it. Only ever added to."""

    __tablename__ = "approvals"
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    plan: str = Field(foreign_key="plans.digest", index=True)
    approver: str
    approved_at: datetime
    signature: str
    verified: bool


class OverrideRow(Table, table=True):
    """Permission to pass the guards, for one plan and once."""

    __tablename__ = "overrides"
    id: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    plan: str = Field(foreign_key="plans.digest", index=True)
    rules: list[str] = Field(sa_column=Column(JSON, nullable=False))
    given_by: str
    reason: str
    given_at: datetime
    expires_at: datetime
    used_at: datetime | None = None


class IntentRow(Table, table=True):
    """One write: durable before it is sent, and what is known of it afterwards.

    `state` is planned, intent, sent, confirmed, rejected, unknown, reconciled or skipped; `done` says of a reconciled
    one what came of it. `sends` counts requests. `made_id` is the id of what it made. `plan` is null for a write that a
    person asked for by itself.
    """

    __tablename__ = "intents"
    __table_args__ = (
        Index("ix_intents_plan", "org_id", "plan"),
        Index("ix_intents_state", "org_id", "state"),
        Index("ix_intents_sent", "org_id", "sent_at"),
    )
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    plan: str | None = None
    number: int
    operation: str
    subject: str
    subject_id: str | None = None
    chain: str
    action: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    removal: bool
    privileged: bool
    actor: str
    state: str
    done: bool | None = None
    detail: str | None = None
    sends: int = 0
    status: int | None = None
    made_id: str | None = None
    planned_at: datetime
    sent_at: datetime | None = None
    ended_at: datetime | None = None


class InvitationRow(Table, table=True):
    """One mail that invites somebody, or may have. `state` is sent, unknown, accepted, superseded or withdrawn.

    `invitation_id` is Datadog's, null where no answer came: then nothing but its acceptance can show that it exists.
    """

    __tablename__ = "invitations"
    __table_args__ = (Index("ix_invitations_user", "org_id", "user_id"),)
    key: int | None = Field(default=None, sa_type=BigKey, primary_key=True)
    org_id: int = Field(foreign_key="orgs.id")
    user_id: str
    email: str
    invitation_id: str | None = None
    state: str
    sent_at: datetime
    expires_at: datetime | None = None
    settled_at: datetime | None = None


def _table(row: type[Table]) -> SqlTable:
    table: SqlTable = row.__dict__["__table__"]
    return table


orgs = _table(Org)
runs = _table(Run)
coverages = _table(CoverageRow)
identities = _table(IdentityRow)
roles = _table(RoleRow)
permissions = _table(PermissionRow)
grants = _table(GrantRow)
role_permissions = _table(RolePermissionRow)
credentials = _table(CredentialRow)
oauth_authorizations = _table(OauthAuthorizationRow)
teams = _table(TeamRow)
memberships = _table(MembershipRow)
authn_mappings = _table(MappingRow)
classifications = _table(ClassificationRow)
decisions = _table(DecisionRow)
governed = _table(GovernedRow)
activity = _table(ActivityRow)
changes = _table(ChangeRow)
explanations = _table(ExplanationRow)
findings = _table(FindingRow)
finding_events = _table(FindingEventRow)
waivers = _table(WaiverRow)
evaluations = _table(EvaluationRow)
absences = _table(AbsenceRow)
job_states = _table(JobStateRow)
sightings = _table(SightingRow)
audit = _table(AuditRow)
audit_exports = _table(AuditExportRow)
plans = _table(PlanRow)
approvals = _table(ApprovalRow)
overrides = _table(OverrideRow)
intents = _table(IntentRow)
invitations = _table(InvitationRow)
"""The same tables for statements in bulk, which never make an object per row."""
