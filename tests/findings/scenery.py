"""A small organization for checks: administrators, colleagues, a service account, and what tests put beside them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.check import Raised
from accesssync.findings.evaluate import Evaluation, evaluate
from accesssync.findings.people import People
from accesssync.findings.picture import Known, Picture
from accesssync.findings.policy import Policy
from accesssync.findings.waiver import Waiver
from accesssync.model.change import Cause, Change
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping as AuthnMapping
from accesssync.model.team import Membership, Team
from accesssync.reach.access import Access

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
COMPLETE = Coverage(state=CoverageState.COMPLETE)
NAMES = (
    "user_access_manage", "org_management", "service_account_write", "api_keys_read", "api_keys_write",
    "audit_logs_write", "logs_delete_data", "security_monitoring_rules_write", "security_monitoring_signals_write",
    "dashboards_read", "dashboards_write", "monitors_read", "logs_read_data",
)  # fmt: skip


def ago(days: float) -> datetime:
    """So many days before now."""
    return NOW - timedelta(days=days)


def person(name: str, *roles: str, **facts: Any) -> Identity:
    """An active colleague of long standing who was there yesterday."""
    usual: dict[str, Any] = {
        "id": name,
        "email": f"{name}@example.com",
        "handle": f"{name}@example.com",
        "name": name.title(),
        "status": "Active",
        "disabled": False,
        "verified": True,
        "service_account": False,
        "created_at": ago(800),
        "role_ids": roles,
        "last_login_at": ago(1),
    }
    return Identity(**{**usual, **facts})


def account(name: str, *roles: str, **facts: Any) -> Identity:
    """A service account."""
    return person(name, *roles, **{"service_account": True, "last_login_at": None, **facts})


def key(name: str, owner: str | None, **facts: Any) -> Credential:
    """A scoped application key in use."""
    usual: dict[str, Any] = {
        "id": name,
        "type": CredentialType.APPLICATION_KEY,
        "name": name,
        "owner_id": owner,
        "scopes": ("dashboards_read",),
        "created_at": ago(100),
        "last_used_at": ago(1),
    }
    return Credential(**{**usual, **facts})


def api_key(name: str, maker: str, **facts: Any) -> Credential:
    """An API key in use."""
    usual = {"type": CredentialType.API_KEY, "scopes": None, "created_by_id": maker}
    return key(name, None, **{**usual, **facts})


def role(name: str, *permissions: str, **facts: Any) -> Role:
    """A role that carries these."""
    return Role(**{"id": name, "name": name, "created_at": ago(400), "permission_ids": permissions, **facts})


def change(number: int, kind: str, subject: str, **fields: tuple[Any, Any]) -> Change:
    """A change that was seen yesterday and that nobody explained."""
    return Change(
        id=f"c-{number}", org="acme", run_id=2, observed_after=ago(2), observed_before=ago(1), kind=kind,
        cause=Cause.ORG, subject_id=subject, subject=subject, fields=dict(fields),
    )  # fmt: skip


ADMIN = Role(id="admin", name="Datadog Admin Role", created_at=ago(2000), permission_ids=NAMES)
_ORDINARY = ("dashboards_read", "dashboards_write", "monitors_read")
STANDARD = Role(id="standard", name="Datadog Standard Role", created_at=ago(2000), permission_ids=_ORDINARY)
EVERYBODY = (person("ada", "admin"), person("bob", "admin"), person("eve", "standard"), person("kim", "standard"))


def picture(
    *more: Identity,
    keys: Sequence[Credential] = (),
    roles: Sequence[Role] = (),
    known: Mapping[str, Known] | None = None,
    coverage: Mapping[Resource, Coverage] | None = None,
    changes: Sequence[Change] = (),
    mappings: Sequence[AuthnMapping] = (),
    teams: Sequence[Team] = (),
    memberships: Sequence[Membership] = (),
    people: People | None = None,
    policy: Policy | None = None,
    waivers: Sequence[Waiver] = (),
    everybody: Sequence[Identity] = EVERYBODY,
    names: Sequence[str] = NAMES,
    **others: Any,
) -> Picture:
    """The organization at NOW, everything proven complete unless `coverage` says otherwise."""
    return Picture(
        org="acme",
        at=NOW,
        access=Access(
            at=NOW,
            identities=(*everybody, *more),
            roles=(ADMIN, STANDARD, *roles),
            permissions=[Permission(id=one, name=one, restricted=False) for one in names],
            credentials=keys,
            teams=teams,
            memberships=memberships,
        ),
        coverage={**dict.fromkeys(Resource, COMPLETE), **(coverage or {})},
        known=known,
        changes=changes,
        mappings=mappings,
        own_domains=others.pop("own_domains", ("example.com",)),
        people=people,
        policy=policy,
        waivers=waivers,
        **others,
    )


def run(check: str, at: Picture) -> Evaluation:
    """One check over a picture; a bug in it fails the test."""
    found = evaluate(at, [BY_ID[check]])
    assert not found.failed, found.outcomes
    return found


def raised(check: str, at: Picture) -> tuple[Raised, ...]:
    """What one check finds, which has to have been evaluated."""
    found = run(check, at)
    assert found.outcomes[check].state == "evaluated", found.outcomes[check]
    return found.raised


def subjects(check: str, at: Picture) -> dict[str, str]:
    """The severity of what a check finds, by the id of its subject."""
    return {one.subject_id: one.severity for one in raised(check, at)}
