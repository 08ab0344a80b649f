"""Columns that several datasets have, so that they mean the same everywhere."""

from accesssync.reports.dataset import Column

ORG = Column("org", "id", "The organization, by the name that the settings give it.")
IDENTITY_ID = Column("identity_id", "id", "Datadog's id of the user record.", personal=True)
EMAIL = Column("email", "text", "The address of the user record.", personal=True)
NAME = Column("name", "text", "The name of the user record.", personal=True)
TYPE = Column(
    "type",
    "text",
    "human; service_account, as Datadog declares it; nhi, as a person or the evidence says; nhi_suspected, which a "
    "person has to decide about; "
    "or unknown.",
)
STATUS = Column("status", "text", "Active, Pending or Disabled, as Datadog says it.")
ROLES = Column("roles", "list", "The roles held, by name.")
TIER = Column(
    "privilege_tier",
    "text",
    "T0 or T1 where more is held than Datadog gives every colleague, else T2 or T3; empty text where nothing is held.",
)
LAST_LOGIN = Column("last_login_at", "moment", "The last login that Datadog tells of.")
LAST_LOGIN_STATE = Column("last_login_state", "text", "seen, never, or unknown where Datadog does not say.")
DAYS_INACTIVE = Column("days_inactive", "count", "Whole days from the last login to the run.")
MFA = Column(
    "mfa_enabled", "flag", "Whether Datadog knows of a second factor; that of an identity provider it does not."
)
LAST_REVIEWED = Column("last_reviewed_at", "moment", "When this was last decided in an access review.")
LAST_DECISION = Column("last_decision", "text", "What was decided in that review.")
OPEN_FINDINGS = Column("open_findings", "count", "Findings about it that were open at the run.")
EXPLAINED = Column("explained", "flag", "Whether it is known why.")
BASIS = Column(
    "basis",
    "text",
    "ticket where somebody explained it, plan where an applied plan did it, decided where a single command did, none "
    "where nobody said.",
)
