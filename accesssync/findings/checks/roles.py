"""Checks about roles and what they carry."""

from collections import defaultdict
from collections.abc import Iterator

from accesssync.findings.check import Check, Given, Hit, Remedy, UncoveredError, count, days
from accesssync.findings.checks.identities import window
from accesssync.findings.checks.privilege import POWER
from accesssync.findings.picture import MANAGED, Picture, moment_text
from accesssync.findings.separation import known_permissions
from accesssync.findings.severity import Severity
from accesssync.model.coverage import Resource
from accesssync.model.role import Role

_PLACE = "Organization Settings > Roles"


def _hit(role: Role, severity: Severity, evidence: dict[str, object], part: str = "") -> Hit:
    return Hit("role", role.id, role.subject, severity, evidence, part)


def own_permissions(picture: Picture, role: Role) -> frozenset[str]:
    """The ids of what a role carries, less what Datadog adds to every custom role by itself."""
    catalogue = picture.access.permissions
    return frozenset(one for one in role.permission_ids if not (one in catalogue and catalogue[one].restricted))


def _unused(picture: Picture, given: Given) -> Iterator[Hit]:
    mapped = {one.role_id for one in picture.mappings}
    for role in picture.custom_roles:
        old = role.created_at is not None and role.created_at < picture.ago(given["days"])
        if old and role.id not in mapped and not picture.holders.get(role.id):
            yield _hit(role, "low", {"created_at": moment_text(role.created_at), "holders": 0})


def _like_admin(picture: Picture, given: Given) -> Iterator[Hit]:
    admin = next((one for one in picture.access.roles.values() if one.id in picture.admin_ids), None)
    if admin is None:
        raise UncoveredError("no role is called Datadog Admin Role")
    whole = own_permissions(picture, admin)
    for role in picture.custom_roles:
        own = own_permissions(picture, role)
        if own and whole and 100 * len(own & whole) > given["percent"] * len(own | whole):
            lacking = sorted(picture.access.name(one) for one in whole - own)
            evidence = {"shared": len(own & whole), "of": len(own | whole), "lacking": lacking[:20]}
            yield _hit(role, "medium", evidence)


def _same(picture: Picture, _given: Given) -> Iterator[Hit]:
    groups: dict[frozenset[str], list[Role]] = defaultdict(list)
    for role in picture.custom_roles:
        own = own_permissions(picture, role)
        if own:
            groups[own].append(role)
    for group in groups.values():
        if len(group) > 1:
            first, *others = sorted(group, key=lambda one: (one.subject, one.id))
            evidence = {"same_as": [one.subject for one in others], "permissions": len(own_permissions(picture, first))}
            yield _hit(first, "low", evidence)


def _widened(picture: Picture, given: Given) -> Iterator[Hit]:
    for change in picture.changed("role_permission.added", given["days"]):
        role = picture.access.roles.get(change.subject_id)
        permission_id = (change.fields.get("permission_id") or (None, None))[1]
        if role is None or permission_id not in role.permission_ids:
            continue
        name = picture.access.name(str(permission_id))
        if not picture.access.pack((name,)) & picture.access.privileged:
            continue
        severity: Severity = "info" if role.name in MANAGED else "high"
        evidence = {
            "change": change.id,
            "permission": name,
            "tier": picture.access.tier(name),
            "holders": picture.holders.get(role.id, 0),
            **window(change),
        }
        yield _hit(role, severity, evidence, change.id)


def _personal(picture: Picture, _given: Given) -> Iterator[Hit]:
    for role in picture.custom_roles:
        if picture.holders.get(role.id) == 1:
            yield _hit(role, "info", {"holders": 1})


def _contained(picture: Picture, _given: Given) -> Iterator[Hit]:
    sets: dict[tuple[str, ...], int] = defaultdict(int)
    for one in picture.access.able():
        if len(one.role_ids) > 1:
            sets[one.role_ids] += 1
    pairs: dict[tuple[str, str], int] = defaultdict(int)
    for role_ids, number in sets.items():
        carried = {one: picture.access.carried(one) for one in role_ids}
        for inner in role_ids:
            for outer in role_ids:
                inside = carried[inner] and carried[inner] & ~carried[outer] == 0
                if inner != outer and inside and (carried[inner] != carried[outer] or inner < outer):
                    pairs[inner, outer] += number
    for (inner, outer), number in pairs.items():
        role, other = picture.access.roles[inner], picture.access.roles[outer]
        yield _hit(role, "info", {"contained_in": other.subject, "who_hold_both": number}, outer)


def _unclassified(picture: Picture, _given: Given) -> Iterator[Hit]:
    known = known_permissions()
    for one in picture.access.permissions.values():
        if one.name and one.name not in known and one.name not in picture.access.tiers:
            evidence = {
                "display_name": one.display_name,
                "type": one.display_type,
                "tier": picture.access.tier(one.name),
            }
            yield Hit("permission", one.id, one.name, "info", evidence)


ROLES = (
    Check(
        id="AS-ROLE-01",
        title="Unused custom role",
        severity="low",
        when="always",
        logic="older than `days`, no active holder, no SAML mapping leads to it",
        needs=(*POWER, Resource.AUTHN_MAPPINGS),
        absence=True,
        parameters=(days("days", 90, "age from which a role without holders is told"),),
        remedy=Remedy("delete the role", "accesssync roles", _PLACE),
        controls=("G-LEAST",),
        caveats=("roles for seasons and emergencies",),
        same="the role",
        find=_unused,
    ),
    Check(
        id="AS-ROLE-02",
        title="Custom role close to the administrator role",
        severity="medium",
        when="always",
        logic="it shares more than `percent` of all permissions of either with the Datadog Admin Role",
        needs=POWER,
        parameters=(
            count("percent", 90, "percent", "permissions shared, of those that either has", least=50, most=100),
        ),
        remedy=Remedy("trim the role, or use the administrator role openly", "accesssync roles", _PLACE),
        controls=("G-LEAST",),
        caveats=("what Datadog adds to every custom role is not counted",),
        same="the role",
        find=_like_admin,
    ),
    Check(
        id="AS-ROLE-03",
        title="Roles that carry the same",
        severity="low",
        when="always",
        logic="two or more custom roles carry the same permissions",
        needs=POWER,
        remedy=Remedy("keep one of them", "accesssync roles", _PLACE),
        controls=("G-LEAST",),
        caveats=("roles kept apart for different SAML groups",),
        same="the first of the roles, by name",
        find=_same,
    ),
    Check(
        id="AS-ROLE-04",
        title="Role gained a privileged permission",
        severity="high",
        when="info for Datadog's own roles; until explained, at most `days`",
        logic="a permission of T0 or T1 was added, is still carried, and nobody explained it",
        needs=POWER,
        parameters=(days("days", 30, "how long an unexplained change is asked about"),),
        remedy=Remedy(
            "explain the change, or take the permission out",
            "accesssync changes explain {change} --ticket T --reason R",
            _PLACE,
        ),
        controls=("G-PRIV", "G-LOG"),
        caveats=("Datadog adds permissions to its own roles itself",),
        same="the change",
        find=_widened,
    ),
    Check(
        id="AS-ROLE-05",
        title="Role with a single holder",
        severity="info",
        when="always",
        logic="a custom role that exactly one active identity holds",
        needs=POWER,
        absence=True,
        remedy=Remedy("ask whether the role is about the work or about the person", "accesssync grants", _PLACE),
        controls=("G-LEAST",),
        caveats=("new roles",),
        same="the role",
        find=_personal,
    ),
    Check(
        id="AS-ROLE-06",
        title="Role contained in another that is held with it",
        severity="info",
        when="always",
        logic="identities hold both roles, and one carries everything that the other does",
        needs=POWER,
        remedy=Remedy("take the smaller role from those who hold both", "accesssync grants --role {subject}", _PLACE),
        controls=("G-LEAST",),
        caveats=("restriction queries on data may hang on the smaller role",),
        same="the two roles",
        find=_contained,
    ),
    Check(
        id="AS-ROLE-08",
        title="Permission that nobody has classified",
        severity="info",
        when="always",
        logic="Datadog lists a permission that accesssync does not know and the policy gives no tier",
        needs=(Resource.PERMISSIONS,),
        remedy=Remedy("give it a tier in policy.yaml", "accesssync who-can {subject}", "the governance directory"),
        controls=("G-LEAST",),
        caveats=("until then it counts as T2 where it writes and T3 where it reads",),
        same="the permission",
        find=_unclassified,
    ),
)
