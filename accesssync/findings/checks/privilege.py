"""Checks about who holds power over the organization."""

from collections.abc import Iterator

from accesssync.findings.check import Check, Given, Hit, Remedy, UncoveredError, count, days
from accesssync.findings.checks.identities import USERS, hit, outside_control, window
from accesssync.findings.picture import Picture, moment_text, shortened
from accesssync.findings.severity import Severity
from accesssync.model.coverage import Resource

POWER = (*USERS, Resource.ROLES, Resource.PERMISSIONS)
_PLACE = "Organization Settings > Roles"


def _too_many(picture: Picture, given: Given) -> Iterator[Hit]:
    people = picture.active_people
    admins = sorted(one.subject for one in people if picture.is_admin(one))
    share = len(people) > 20 and 100 * len(admins) > given["percent"] * len(people)
    if len(admins) > given["most"] or share:
        evidence = {"admins": len(admins), "people": len(people), "most": given["most"], "who": shortened(admins, 20)}
        yield Hit("organization", picture.org, picture.org, "high", evidence)


def _single(picture: Picture, _given: Given) -> Iterator[Hit]:
    holding = [one for one in picture.active_people if picture.control(one)]
    if len(holding) == 1 and not picture.emergency:
        yield hit(holding[0], "medium", {"roles": picture.role_names(holding[0])})


def _elsewhere(picture: Picture, _given: Given) -> Iterator[Hit]:
    for role in picture.custom_roles:
        control = picture.access.carried(role.id) & picture.access.control
        if control:
            holders = picture.holders.get(role.id, 0)
            severity: Severity = "high" if holders else "low"
            evidence = {"permissions": picture.names(control), "holders": holders}
            yield Hit("role", role.id, role.subject, severity, evidence)


def _granted(picture: Picture, given: Given) -> Iterator[Hit]:
    for change in picture.changed("grant.added", given["days"]):
        role_id = (change.fields.get("role_id") or (None, None))[1]
        one = picture.access.identities.get(change.subject_id)
        if one is None or not isinstance(role_id, str) or role_id not in one.role_ids:
            continue
        carried = picture.access.carried(role_id) & picture.access.privileged
        if not carried:
            continue
        role = picture.access.roles.get(role_id)
        evidence = {
            "change": change.id,
            "role": role.subject if role else role_id,
            "may": picture.names(carried, 8),
            **window(change),
        }
        yield hit(one, "high", evidence, change.id)


def _asleep(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    for one in picture.active_people:
        login = picture.login(one)
        if login.state != "seen" or not login.before(limit) or not picture.privileged(one):
            continue
        evidence = {
            "last_login_at": moment_text(login.at),
            "days": given["days"],
            "roles": picture.role_names(one),
            "may": picture.names(picture.held(one) & picture.access.privileged, 8),
            "keys_used_since": picture.key_used_since(one, limit),
        }
        yield hit(one, "high", evidence)


def _emergency_used(picture: Picture, given: Given) -> Iterator[Hit]:
    if not picture.policy.break_glass:
        raise UncoveredError("the policy names no break_glass identities")
    limit = picture.ago(given["days"])
    for identity_id in sorted(picture.emergency):
        one = picture.access.identities[identity_id]
        login = picture.login(one)
        if login.at is not None and login.at >= limit:
            yield hit(one, "high", {"last_login_at": moment_text(login.at)}, moment_text(login.at) or "")


PRIVILEGE = (
    Check(
        id="AS-PRIV-01",
        title="Too many administrators",
        severity="high",
        when="always",
        logic="more than `most` active people hold the Datadog Admin Role, or more than `percent` of over 20 people",
        needs=POWER,
        parameters=(
            count("most", 5, "people", "administrators an organization needs", least=1),
            count("percent", 5, "percent", "share of the people who may be administrators", least=1, most=100),
        ),
        remedy=Remedy("move people to roles that carry what they need", "accesssync admins", _PLACE),
        controls=("G-PRIV",),
        caveats=("small organizations: set most",),
        same="the organization",
        find=_too_many,
    ),
    Check(
        id="AS-PRIV-02",
        title="A single person holds the control plane",
        severity="medium",
        when="none where the policy names break-glass identities",
        logic="exactly one active person holds a permission of T0",
        needs=POWER,
        absence=True,
        remedy=Remedy("give a second person the role, or declare a break-glass account", "accesssync admins", _PLACE),
        controls=("G-PRIV",),
        caveats=("an emergency account elsewhere: name it under break_glass",),
        find=_single,
    ),
    Check(
        id="AS-PRIV-03",
        title="Control plane outside the administrator role",
        severity="high",
        when="low where nobody holds the role",
        logic="a custom role carries a permission of T0",
        needs=POWER,
        remedy=Remedy(
            "take the permission out of the role, or say in a waiver what the role is for",
            "accesssync who-can user_access_manage",
            _PLACE,
        ),
        controls=("G-PRIV", "G-LEAST"),
        caveats=("a role made on purpose for identity management",),
        same="the role",
        find=_elsewhere,
    ),
    Check(
        id="AS-PRIV-04",
        title="Privileged grant that nobody explained",
        severity="high",
        when="until explained or taken back, at most `days`",
        logic="a role that carries a permission of T0 or T1 was granted, is still held, and nobody explained it",
        needs=POWER,
        parameters=(days("days", 30, "how long an unexplained change is asked about"),),
        remedy=Remedy(
            "explain the change, or take the role back",
            "accesssync changes explain {change} --ticket T --reason R",
            _PLACE,
        ),
        controls=("G-PRIV", "G-JOINER"),
        caveats=("tickets that are kept elsewhere: accesssync changes explain --from FILE.csv takes many",),
        same="the change",
        find=_granted,
    ),
    Check(
        id="AS-PRIV-05",
        title="Privileged and dormant",
        severity="high",
        when="always",
        logic="active, a person, privileged (T0 or T1), last login older than `days`",
        needs=POWER,
        parameters=(days("days", 45, "time without a login"),),
        remedy=Remedy(
            "take the privileged roles away, or disable the account",
            "accesssync offboard-preview {subject}",
            "Organization Settings > Users",
        ),
        controls=("G-PRIV", "G-DORMANT"),
        caveats=(
            "emergency accounts: name them under break_glass",
            "use of keys does not count: people with power log in",
        ),
        find=_asleep,
    ),
    Check(
        id="AS-PRIV-06",
        title="Outsider holds the control plane",
        severity="critical",
        when="always",
        logic="not disabled, a person, e-mail of a foreign or free domain, holds a permission of T0",
        needs=POWER,
        remedy=Remedy("take the role away now", "accesssync offboard-preview {subject}", _PLACE),
        controls=("G-EXT", "G-PRIV"),
        caveats=("a service provider under contract: a waiver with an end",),
        find=outside_control,
    ),
    Check(
        id="AS-PRIV-08",
        title="Break-glass account was used",
        severity="high",
        when="for `days` after the login",
        logic="an identity that the policy names under break_glass logged in",
        needs=USERS,
        parameters=(days("days", 14, "how long it is told"),),
        remedy=Remedy(
            "find out who used it and why, then renew its secret",
            "accesssync timeline {subject}",
            "Organization Settings > Users",
        ),
        controls=("G-PRIV", "G-LOG"),
        caveats=("a drill",),
        same="the identity and the login",
        find=_emergency_used,
    ),
)
