"""The tables.

A fact is a row that carries the run that began it (`from_run`) and the run that ended it (`to_run`, null
while it holds). It holds at run R when `from_run <= R and (to_run is null or to_run > R)`. Readers
only ever ask for runs up to the organization's `published_run_id`, so what an unfinished run has
written is invisible to them.
"""

from accesssync.store.tables.audit_log import audit, audit_exports
from accesssync.store.tables.change import activity, changes, explanations, trail_events
from accesssync.store.tables.classification import classifications, decisions, governed
from accesssync.store.tables.declare import metadata
from accesssync.store.tables.fact import (
    authn_mappings,
    credentials,
    grants,
    identities,
    memberships,
    oauth_authorizations,
    permissions,
    role_permissions,
    roles,
    teams,
)
from accesssync.store.tables.finding import evaluations, finding_events, findings, waivers
from accesssync.store.tables.outbox import deliveries, outbox
from accesssync.store.tables.provisioning import approvals, intents, invitations, overrides, plans
from accesssync.store.tables.report import pseudonym_keys
from accesssync.store.tables.run import absences, coverages, orgs, runs
from accesssync.store.tables.worker import job_states, sightings

__all__ = [
    "absences",
    "activity",
    "approvals",
    "audit",
    "audit_exports",
    "authn_mappings",
    "changes",
    "classifications",
    "coverages",
    "credentials",
    "decisions",
    "deliveries",
    "evaluations",
    "explanations",
    "finding_events",
    "findings",
    "governed",
    "grants",
    "identities",
    "intents",
    "invitations",
    "job_states",
    "memberships",
    "metadata",
    "oauth_authorizations",
    "orgs",
    "outbox",
    "overrides",
    "permissions",
    "plans",
    "pseudonym_keys",
    "role_permissions",
    "roles",
    "runs",
    "sightings",
    "teams",
    "trail_events",
    "waivers",
]
