"""Checks about what surrounds people and keys: OAuth clients, SAML mappings, teams, and this program's own evidence."""

from collections import Counter
from collections.abc import Iterator

from accesssync.findings.check import Check, Given, Hit, Remedy, count, days
from accesssync.findings.checks.identities import USERS, hit
from accesssync.findings.checks.privilege import POWER
from accesssync.findings.picture import MANAGED, Picture, moment_text
from accesssync.findings.severity import Severity
from accesssync.model.coverage import CoverageState, Resource
from accesssync.model.credential import CredentialType

_CLIENTS = "Organization Settings > OAuth Apps"
_MAPPINGS = "Organization Settings > SAML Group Mappings"


def _idle_clients(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    for one in picture.of_type(CredentialType.OAUTH_CLIENT):
        used = picture.use(one)
        if not one.disabled and used.before(limit):
            evidence = {"last_used_at": moment_text(used.at), "last_used_state": used.state, "users": len(one.user_ids)}
            yield Hit("credential", one.id, one.subject, "low", evidence, one.type)


def _broad_clients(picture: Picture, given: Given) -> Iterator[Hit]:
    for one in picture.of_type(CredentialType.OAUTH_CLIENT):
        writes = sorted(name for name in one.scopes or () if name.endswith(("_write", "_manage", "_delete")))
        if writes and not one.disabled and len(one.user_ids) > given["most"]:
            evidence = {"scopes": writes, "users": len(one.user_ids), "most": given["most"]}
            yield Hit("credential", one.id, one.subject, "medium", evidence, one.type)


def _powerful_mappings(picture: Picture, _given: Given) -> Iterator[Hit]:
    access = picture.access
    for one in picture.mappings:
        carried = access.carried(one.role_id or "") & access.privileged
        if not carried or one.role_id is None:
            continue
        severity: Severity = "medium" if carried & access.control else "low"
        role = access.roles[one.role_id].subject
        yield Hit("mapping", one.id, one.subject, severity, {"role": role, "may": picture.names(carried, 8)})


def _unmapped(picture: Picture, _given: Given) -> Iterator[Hit]:
    mapped = {one.role_id for one in picture.mappings if one.role_id}
    if not mapped:
        return
    held = Counter(role_id for one in picture.active_people for role_id in one.role_ids)
    for role in picture.access.roles.values():
        if held[role.id] and role.id not in mapped:
            yield Hit("role", role.id, role.subject, "info", {"people": held[role.id]})


def _dead_mappings(picture: Picture, _given: Given) -> Iterator[Hit]:
    access = picture.access
    for one in picture.mappings:
        if one.role_id is not None:
            state = "not listed" if one.role_id not in access.roles else None
            if state is None and not picture.holders.get(one.role_id) and access.roles[one.role_id].name not in MANAGED:
                state = "held by nobody"
            if state:
                yield Hit("mapping", one.id, one.subject, "low", {"role_id": one.role_id, "role": state})
        elif one.team_id is not None and picture.proven(Resource.TEAMS) and one.team_id not in access.teams:
            yield Hit("mapping", one.id, one.subject, "low", {"team_id": one.team_id, "team": "not listed"})


def _disabled_admins(picture: Picture, _given: Given) -> Iterator[Hit]:
    for identity_id, teams in picture.members.items():
        one = picture.access.identities.get(identity_id)
        if one is not None and one.disabled:
            named = sorted(
                picture.access.teams[each].subject if each in picture.access.teams else each for each in teams
            )
            yield hit(one, "low", {"admin_of": named, "status": one.status})


def _incomplete(picture: Picture, _given: Given) -> Iterator[Hit]:
    for resource, seen in picture.coverage.items():
        if seen.state in {CoverageState.INCOMPLETE, CoverageState.FAILED, CoverageState.DENIED}:
            severity: Severity = "medium" if seen.state is CoverageState.DENIED else "high"
            evidence = {
                "state": seen.state.value,
                "received": seen.received,
                "expected": seen.expected,
                "reason": seen.reason,
            }
            yield Hit("resource", resource.value, resource.value, severity, evidence)


def _lapsed(picture: Picture, given: Given) -> Iterator[Hit]:
    soon = picture.ago(-given["days"]).date()
    for one in picture.waivers:
        if one.org not in (None, picture.org) or one.expires >= soon:
            continue
        severity: Severity = "info" if one.valid(picture.today) else "medium"
        evidence = {
            "expires": one.expires.isoformat(),
            "owner": one.owner,
            "approver": one.approver,
            "source": one.source,
        }
        yield Hit("waiver", one.id or one.name, one.name, severity, evidence, one.expires.isoformat())


SURROUNDINGS = (
    Check(
        id="AS-APP-01",
        title="OAuth client that nobody uses",
        severity="low",
        when="always",
        logic="not disabled, last used more than `days` ago or never",
        needs=(Resource.OAUTH_CLIENTS,),
        parameters=(days("days", 90, "time without use"),),
        remedy=Remedy("disable the client", "accesssync credential show {id}", _CLIENTS),
        controls=("G-EXT",),
        caveats=("Datadog has shown the last use only for a short time",),
        same="the client",
        find=_idle_clients,
    ),
    Check(
        id="AS-APP-02",
        title="OAuth client that may write for many",
        severity="medium",
        when="always",
        logic="not disabled, a scope that writes, more than `most` users",
        needs=(Resource.OAUTH_CLIENTS,),
        parameters=(count("most", 50, "users", "users of a client that may write"),),
        remedy=Remedy("ask whether it needs to write, and for whom", "accesssync credential show {id}", _CLIENTS),
        controls=("G-EXT", "G-LEAST"),
        caveats=("scopes that Datadog does not show are not judged",),
        same="the client",
        find=_broad_clients,
    ),
    Check(
        id="AS-MAP-01",
        title="SAML mapping to a privileged role",
        severity="medium",
        when="low where the role carries nothing of T0",
        logic="whoever has the attribute gets a role with a permission of T0 or T1",
        needs=(*POWER, Resource.AUTHN_MAPPINGS),
        remedy=Remedy("review who is in the group of the identity provider", "accesssync mappings", _MAPPINGS),
        controls=("G-PRIV", "G-CENTRAL"),
        caveats=("this is how it should be, where the group is looked after: a waiver with its owner",),
        same="the mapping",
        find=_powerful_mappings,
    ),
    Check(
        id="AS-MAP-02",
        title="Role that no SAML mapping gives",
        severity="info",
        when="only where there are mappings to roles",
        logic="active people hold the role, and no mapping leads to it",
        needs=(*USERS, Resource.ROLES, Resource.AUTHN_MAPPINGS),
        absence=True,
        remedy=Remedy(
            "give the role through a group of the identity provider", "accesssync grants --role {subject}", _MAPPINGS
        ),
        controls=("G-CENTRAL",),
        caveats=("who is in which group is not visible here",),
        same="the role",
        find=_unmapped,
    ),
    Check(
        id="AS-MAP-03",
        title="SAML mapping to nothing",
        severity="low",
        when="always",
        logic="the role or team is not listed, or the custom role is held by nobody",
        needs=(*USERS, Resource.ROLES, Resource.AUTHN_MAPPINGS),
        absence=True,
        remedy=Remedy("delete the mapping", "accesssync mappings", _MAPPINGS),
        controls=("G-CENTRAL",),
        caveats=("new mappings give their role at the next login",),
        same="the mapping",
        find=_dead_mappings,
    ),
    Check(
        id="AS-TEAM-02",
        title="Disabled person is admin of a team",
        severity="low",
        when="always",
        logic="admin of at least one team, disabled",
        needs=(*USERS, Resource.TEAMS, Resource.TEAM_MEMBERSHIPS),
        remedy=Remedy("make somebody else its admin", "accesssync teams", "Teams"),
        controls=("G-LEAVER",),
        caveats=(),
        find=_disabled_admins,
    ),
    Check(
        id="AS-GOV-01",
        title="Inventory is not complete",
        severity="high",
        when="medium where the keys may not read it",
        logic="the last run could not prove a listing complete, or was denied it",
        needs=(),
        remedy=Remedy(
            "run again; give the key the permission that is named",
            "accesssync check",
            "Organization Settings > Application Keys",
        ),
        controls=("G-IPE",),
        caveats=("what is left out on purpose (ACCESSSYNC_SKIP) is not told",),
        same="the resource",
        find=_incomplete,
    ),
    Check(
        id="AS-GOV-07",
        title="Waiver has expired",
        severity="medium",
        when="info within `days` before it does",
        logic="a waiver is past its last day, or nearly",
        needs=(),
        parameters=(days("days", 14, "warning ahead of the last day", least=0, most=366),),
        remedy=Remedy(
            "renew it with a new approval, or take it out",
            "accesssync findings list --status open",
            "the governance directory",
        ),
        controls=("G-REVIEW",),
        caveats=("what it covered is open again at the next evaluation",),
        same="the waiver and its last day",
        find=_lapsed,
    ),
)
