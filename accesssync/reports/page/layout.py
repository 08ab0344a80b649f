"""Which datasets the page shows as tables, in which order, and what of them people see first."""

from msgspec import Struct

from accesssync.findings.severity import SEVERITIES


class Link(Struct, frozen=True):
    """A column whose words lead to the panel of an identity, where another column has the id of one on this page."""

    words: str
    id: str


class Layout(Struct, frozen=True, kw_only=True):
    """How a dataset is shown. Columns that a dataset does not have are passed over."""

    columns: tuple[str, ...]
    """Those that are seen at first and printed; the others appear on request."""
    filters: tuple[str, ...] = ()
    links: tuple[Link, ...] = ()
    since: str | None = None
    """The column of a day that rows can be narrowed by."""
    order: tuple[tuple[str, tuple[str, ...]], ...] = ()
    """Columns to sort by at first, each with the order of its values; an empty one: the newest or largest first."""
    left_out: tuple[str, ...] = ()
    """Columns that are in the CSV only: long ids that nobody reads."""


_IDENTITY = (Link("email", "identity_id"), Link("name", "identity_id"))
_STATUSES = ("open", "reopened", "waived", "accepted", "resolved")
_ACTIVE = ("Active", "Pending", "Disabled")
_TIERS = ("T0", "T1a", "T1b", "T1c", "T1d", "T1e", "T1f", "T1", "T2", "T3")

LAYOUTS: dict[str, Layout] = {
    "findings": Layout(
        columns=("severity", "finding_id", "title", "subject_name", "status", "age_days", "owner"),
        filters=("severity", "status", "check_id", "subject_type", "owner"),
        links=(Link("subject_name", "subject_id"),),
        since="first_seen_at",
        order=(("status", _STATUSES), ("severity", SEVERITIES), ("age_days", ())),
    ),
    "privileged_gained": Layout(
        columns=("window_end", "email", "how", "tier", "via_roles", "still_privileged", "actor", "explanation"),
        filters=("how", "tier", "still_privileged", "basis", "cause", "identity_type"),
        links=_IDENTITY,
        since="window_end",
        order=(("tier", _TIERS), ("window_end", ())),
    ),
    "privileged_lost": Layout(
        columns=("window_end", "email", "how", "tier", "via_roles", "privileged_by", "actor", "explanation"),
        filters=("how", "tier", "basis", "cause", "identity_type"),
        links=_IDENTITY,
        since="window_end",
        order=(("window_end", ()),),
    ),
    "joined": Layout(
        columns=("window_end", "email", "identity_type", "how", "roles", "still_active", "actor", "explanation"),
        filters=("how", "identity_type", "still_active", "basis", "cause"),
        links=_IDENTITY,
        since="window_end",
        order=(("window_end", ()),),
    ),
    "left": Layout(
        columns=("window_end", "email", "identity_type", "how", "left_on", "hours_at_least", "hours_at_most", "roles"),
        filters=("how", "identity_type", "basis", "cause"),
        links=_IDENTITY,
        since="window_end",
        order=(("how", ("still_active",)), ("window_end", ())),
    ),
    "moved": Layout(
        columns=("window_end", "email", "roles_gained", "roles_lost", "teams_gained", "teams_lost", "explanation"),
        filters=("roles_gained", "roles_lost", "basis", "cause"),
        links=_IDENTITY,
        since="window_end",
        order=(("window_end", ()),),
    ),
    "compare_privileged": Layout(
        columns=("change", "email", "identity_type", "tier", "via_roles", "permission_count"),
        filters=("change", "tier", "identity_type"),
        links=_IDENTITY,
        order=(("tier", _TIERS),),
    ),
    "privileged": Layout(
        columns=(
            "email",
            "type",
            "status",
            "privilege_tier",
            "via_roles",
            "mfa_enabled",
            "last_login_at",
            "sod_rules",
            "open_findings",
        ),
        filters=("type", "status", "privilege_tier", "via_roles", "mfa_enabled", "is_external"),
        links=_IDENTITY,
        since="first_privileged_at",
        order=(("privilege_tier", _TIERS), ("status", _ACTIVE)),
    ),
    "nhi_inventory": Layout(
        columns=(
            "name",
            "kind",
            "owner",
            "tier",
            "keys_active",
            "oldest_key_days",
            "last_used_at",
            "basis",
            "open_findings",
        ),
        filters=("type", "kind", "tier", "basis", "status", "owner_status", "interactive_use"),
        links=(Link("name", "nhi_id"),),
        order=(("tier", _TIERS),),
    ),
    "keys_tokens": Layout(
        columns=(
            "name",
            "kind",
            "owner_email",
            "standing",
            "age_days",
            "last_used_at",
            "unscoped",
            "effective_tier",
            "open_findings",
        ),
        filters=("kind", "standing", "last_used_state", "unscoped", "effective_tier", "owner_status", "owner_type"),
        links=(Link("owner_email", "owner_id"),),
        since="created_at",
        order=(("effective_tier", _TIERS), ("age_days", ())),
    ),
    "identities": Layout(
        columns=(
            "email",
            "name",
            "type",
            "status",
            "last_login_at",
            "mfa_enabled",
            "roles",
            "privilege_tier",
            "open_findings",
        ),
        filters=(
            "type",
            "status",
            "privilege_tier",
            "is_external",
            "mfa_enabled",
            "last_login_state",
            "roles",
            "teams",
        ),
        links=_IDENTITY,
        since="created_at",
        order=(("status", _ACTIVE), ("privilege_tier", _TIERS)),
    ),
    "grants": Layout(
        columns=("email", "role_name", "privilege_tier", "status", "source", "first_seen_at", "provisioned_by"),
        filters=("role_name", "privilege_tier", "role_type", "source", "status", "identity_type"),
        links=_IDENTITY,
        since="first_seen_at",
        order=(("privilege_tier", _TIERS),),
        left_out=("grant_id",),
    ),
    "roles": Layout(
        columns=(
            "name",
            "role_type",
            "active_user_count",
            "nhi_count",
            "permission_count",
            "tier0_count",
            "tier1_count",
            "unused_days",
        ),
        filters=("role_type", "privilege_tier"),
        order=(("tier0_count", ()), ("tier1_count", ()), ("active_user_count", ())),
    ),
    "role_permissions": Layout(
        columns=("role_name", "permission", "tier", "privileged", "display_name", "group_name"),
        filters=("role_name", "tier", "privileged", "group_name", "display_type"),
        order=(("tier", _TIERS),),
    ),
    "dormant": Layout(
        columns=("email", "type", "last_login_at", "days_inactive", "basis", "protected_by", "roles", "privilege_tier"),
        filters=("type", "basis", "protected_by", "privilege_tier", "last_login_state"),
        links=_IDENTITY,
        order=(("privilege_tier", _TIERS), ("days_inactive", ())),
    ),
    "external": Layout(
        columns=("email", "status", "sponsor", "roles", "privilege_tier", "last_login_at", "expires", "open_findings"),
        filters=("domain", "status", "privilege_tier", "type", "free_mail"),
        links=_IDENTITY,
        order=(("status", _ACTIVE), ("privilege_tier", _TIERS)),
    ),
    "sod": Layout(
        columns=("email", "rule_id", "title", "roles_a", "roles_b", "same_role", "waiver_expires_at"),
        filters=("rule_id", "status", "same_role"),
        links=_IDENTITY,
    ),
    "changes": Layout(
        columns=("observed_at", "kind", "subject", "tier_delta", "before", "after", "actor", "expected_by"),
        filters=("kind", "cause", "tier_delta", "actor"),
        links=(Link("subject", "subject_id"),),
        since="observed_at",
        order=(("observed_at", ()),),
    ),
    "provisioning_log": Layout(
        columns=("requested_at", "action", "target", "requested_by", "approved_by", "result", "verified_at"),
        filters=("action", "result", "requested_by"),
        since="requested_at",
        order=(("requested_at", ()),),
    ),
    "sync_runs": Layout(
        columns=("run_id", "status", "finished", "collection", "state", "fetched", "api_total_last", "reason"),
        filters=("collection", "state", "status", "published"),
        since="finished",
        order=(("finished", ()),),
    ),
    "operation": Layout(
        columns=("part", "runs", "proven", "unproven", "failed", "kept", "missed", "longest_gap_hours"),
    ),
    "access_in_period": Layout(
        columns=("email", "role", "privileged", "since", "until", "came_and_went", "actor", "explanation"),
        filters=("role", "privileged", "came_and_went", "held_at_start", "held_at_end", "identity_type"),
        links=_IDENTITY,
        left_out=("access_id", "grant_id"),
    ),
    "sample": Layout(
        columns=("population", "number", "subject", "access", "id", "seen_in_datadog", "agrees", "remark"),
        filters=("population", "access"),
        left_out=("row", "digest"),
    ),
    "attestations": Layout(
        columns=("principal_email", "resource_name", "decision", "reviewer_email", "decided_at", "apply_result"),
        filters=("review_name", "decision", "apply_result"),
        since="decided_at",
    ),
}

NOT_SHOWN = {
    "effective_permissions": "a row for each identity and permission; the panel of an identity has the privileged ones",
    "trend": "the picture of privileged identities over time has it as a table",
    "previous": "the tiles above say it",
}
"""Datasets that are no table of the page, and why."""

PREFERRED_FILTERS = ("severity", "status", "type", "kind", "tier", "cause", "result", "basis")


def order(names: list[str]) -> list[str]:
    """Datasets in the order of the page: those we know as above, others after them as they came."""
    shown = [one for one in names if one not in NOT_SHOWN]
    places = {name: place for place, name in enumerate(LAYOUTS)}
    return sorted(shown, key=lambda name: places.get(name, len(places)))


def layout_of(name: str, columns: list[str]) -> Layout:
    """How a dataset is shown, also one that nobody laid out: its first eight columns and the usual filters."""
    found = LAYOUTS.get(name) or Layout(columns=())
    present = tuple(one for one in found.columns if one in columns)
    usual = tuple(one for one in columns if not one.endswith("_id") and one != "org" and one not in found.left_out)
    return Layout(
        columns=present if len(present) > 2 else usual[:8],
        filters=tuple(one for one in found.filters or PREFERRED_FILTERS if one in columns),
        links=tuple(one for one in found.links or _IDENTITY if one.words in columns and one.id in columns),
        since=found.since if found.since in columns else None,
        order=tuple(one for one in found.order if one[0] in columns),
        left_out=(*found.left_out, "org"),
    )
