"""Checks about people's accounts."""

from collections import defaultdict
from collections.abc import Iterator

from accesssync.findings.check import Check, Evidence, Given, Hit, Remedy, UncoveredError, count, days
from accesssync.findings.picture import Picture, domain_of, is_active, is_pending, moment_text
from accesssync.findings.severity import Severity
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity

USERS = (Resource.USERS,)
_PLACE = "Organization Settings > Users"
_OFFBOARD = "accesssync offboard-preview {subject}"
_SHOW = "accesssync identity show {subject}"


def hit(identity: Identity, severity: Severity, evidence: Evidence, part: str = "") -> Hit:
    """A finding about an identity."""
    return Hit("identity", identity.id, identity.subject, severity, evidence, part)


def _told(picture: Picture, one: Identity) -> Evidence:
    return {
        "status": one.status,
        "created_at": moment_text(one.created_at),
        "last_login_at": moment_text(picture.login(one).at),
        "last_login_state": picture.login(one).state,
        "roles": picture.role_names(one),
    }


def _dormant(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    for one in picture.active_people:
        login = picture.login(one)
        # Of the privileged a stricter check speaks.
        if login.state != "seen" or not login.before(limit) or picture.privileged(one):
            continue
        if one.created_at is None or one.created_at >= limit or picture.key_used_since(one, limit):
            continue
        yield hit(one, "medium", {**_told(picture, one), "days": given["days"]})


def _never(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    for one in picture.active_people:
        if picture.login(one).state == "never" and one.created_at is not None and one.created_at < limit:
            if picture.key_used_since(one, limit):
                continue
            severity: Severity = "high" if picture.privileged(one) else "medium"
            yield hit(one, severity, {**_told(picture, one), "days": given["days"]})


def _invited(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["invitation_days"] + given["days"])
    for one in picture.access.able():
        if is_pending(one) and not one.service_account and one.created_at is not None and one.created_at < limit:
            yield hit(one, "low", {"status": one.status, "created_at": moment_text(one.created_at)})


def _unverified(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.active_people:
        if one.verified is False:
            yield hit(one, "low", {"verified": False, "status": one.status})


def _mfa_of_privileged(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in _without_mfa(picture):
        if picture.privileged(one):
            may = picture.names(picture.held(one) & picture.access.privileged, 5)
            yield hit(one, "high", {"mfa_enabled": False, "roles": picture.role_names(one), "may": may})


def _mfa_of_others(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in _without_mfa(picture):
        if not picture.privileged(one):
            yield hit(one, "medium", {"mfa_enabled": False, "roles": picture.role_names(one)})


def _without_mfa(picture: Picture) -> Iterator[Identity]:
    if picture.mfa_blind:
        raise UncoveredError(picture.mfa_blind)
    return (one for one in picture.active_people if one.mfa_enabled is False)


def _mfa_unknown(picture: Picture, given: Given) -> Iterator[Hit]:
    people = picture.active_people
    unknown = len(people) if picture.mfa_blind else sum(one.mfa_enabled is None for one in people)
    if people and 100 * unknown >= given["percent"] * len(people):
        evidence = {
            "reason": picture.mfa_blind or "Datadog does not say of each person whether there is a second factor"
        }
        yield Hit("organization", picture.org, picture.org, "info", evidence)


def _outside(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one, domain in _strangers(picture):
        if domain in picture.free_mail or picture.control(one):
            continue  # told by stricter checks
        severity: Severity = "high" if picture.privileged(one) else "medium"
        yield hit(one, severity, _stranger(picture, one, domain))


def _free_mail(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one, domain in _strangers(picture):
        if domain in picture.free_mail and not picture.control(one):
            yield hit(one, "high", _stranger(picture, one, domain))


def outside_control(picture: Picture, _given: Given) -> Iterator[Hit]:
    """Outsiders who hold the control plane; also those with addresses that anybody can get."""
    for one, domain in _strangers(picture):
        if picture.control(one):
            may = picture.names(picture.held(one) & picture.access.control)
            yield hit(one, "critical", {**_stranger(picture, one, domain), "may": may})


def _strangers(picture: Picture) -> Iterator[tuple[Identity, str]]:
    if not picture.own_domains:
        raise UncoveredError("the organization's own e-mail domains are not known; set ACCESSSYNC_ORG_DOMAINS")
    for one in picture.access.able():
        domain = domain_of(one)
        if domain and not picture.is_own(domain) and not picture.is_machine(one) and not picture.is_emergency(one):
            yield one, domain


def _stranger(picture: Picture, one: Identity, domain: str) -> Evidence:
    return {
        "domain": domain,
        "own_domains": picture.own_domain_list,
        "own_domains_inferred": picture.domains_inferred,
        "status": one.status,
        "roles": picture.role_names(one),
    }


def _twice(picture: Picture, _given: Given) -> Iterator[Hit]:
    groups: dict[str, list[Identity]] = defaultdict(list)
    for one in picture.active_people:
        local, at, _ = (one.email or "").casefold().rpartition("@")
        local = local.partition("+")[0]
        if at and len(local) > 2:
            groups[local].append(one)
    for group in groups.values():
        own = [one for one in group if picture.is_own(domain_of(one) or "")]
        # The same name at another firm is probably another person; the same name at two of ours is probably one.
        if len(own) > 1:
            ordered = sorted(own, key=lambda one: (one.email or "", one.id))
            others = [one.email or one.id for one in ordered[1:]]
            yield hit(ordered[0], "low", {"email": ordered[0].email, "others": others})


def _shared(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.active:
        known = picture.known(one)
        if known.kind == "shared_mailbox" and not one.service_account and known.owner is None:
            yield hit(
                one,
                "medium",
                {"status": one.status, "roles": picture.role_names(one), "basis": known.basis, "reason": known.reason},
            )


def _back(picture: Picture, given: Given) -> Iterator[Hit]:
    for change in picture.changed("identity.updated", given["days"]):
        disabled = change.fields.get("disabled")
        one = picture.access.identities.get(change.subject_id)
        if disabled is None or tuple(disabled) != (True, False) or one is None or not is_active(one):
            continue
        evidence = {"change": change.id, "before": "disabled", "after": one.status, **window(change)}
        yield hit(one, "medium", evidence, change.id)


def window(change: object) -> Evidence:
    """The window of a change, as evidence."""
    return {
        "observed_after": moment_text(getattr(change, "observed_after", None)),
        "observed_before": moment_text(getattr(change, "observed_before", None)),
        "actor": getattr(change, "actor", None),
    }


def _no_roles(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.active_people:
        if not one.role_ids:
            yield hit(one, "low", {"roles": [], "status": one.status})


IDENTITIES = (
    Check(
        id="AS-ID-01",
        title="Dormant person",
        severity="medium",
        when="privileged people: AS-PRIV-05",
        logic="active, a person, last login older than `days`, made before that, and no key of theirs used since",
        needs=USERS,
        parameters=(days("days", 90, "time without a login; 45 follows CIS, 90 PCI DSS"),),
        remedy=Remedy("disable the account, or let its owner log in", _OFFBOARD, _PLACE),
        controls=("G-DORMANT",),
        caveats=(
            "use through keys counts; use of the mobile app may not be seen",
            "long leave: waive it until the return",
        ),
        find=_dormant,
    ),
    Check(
        id="AS-ID-02",
        title="Never logged in",
        severity="medium",
        when="high where privileged",
        logic="active, a person, Datadog says there never was a login, made before `days`, no key used since",
        needs=USERS,
        parameters=(days("days", 30, "time that somebody has for the first login"),),
        remedy=Remedy("ask whether the account is needed, else disable it", _OFFBOARD, _PLACE),
        controls=("G-DORMANT",),
        caveats=("an attribute that Datadog does not send is unknown, not never",),
        find=_never,
    ),
    Check(
        id="AS-ID-03",
        title="Invitation pending too long",
        severity="low",
        when="always",
        logic="pending, made before the life of an invitation and `days` more",
        needs=USERS,
        parameters=(
            days("invitation_days", 2, "how long an invitation is good for in this organization"),
            days("days", 7, "time to send it again"),
        ),
        remedy=Remedy("send the invitation again, or disable the account", _SHOW, _PLACE),
        controls=("G-JOINER",),
        caveats=("users made ahead of their first SAML login are pending by design",),
        find=_invited,
    ),
    Check(
        id="AS-ID-04",
        title="Active with an unverified e-mail",
        severity="low",
        when="always",
        logic="active, a person, Datadog says the address is not verified",
        needs=USERS,
        remedy=Remedy("have the address verified, or disable the account", _SHOW, _PLACE),
        controls=("G-UNIQUE",),
        caveats=("accounts made by SSO may stay unverified",),
        find=_unverified,
    ),
    Check(
        id="AS-ID-05",
        title="Privileged without a second factor",
        severity="high",
        when="always",
        logic="active, privileged (T0 or T1), Datadog says there is no second factor",
        needs=(*USERS, Resource.ROLES, Resource.PERMISSIONS, Resource.AUTHN_MAPPINGS),
        remedy=Remedy(
            "enforce a second factor, or login through the identity provider",
            _SHOW,
            "Organization Settings > Login Methods",
        ),
        controls=("G-MFA",),
        caveats=(
            "absent is unknown",
            "the second factor of an identity provider is invisible: see `login` in policy.yaml",
        ),
        find=_mfa_of_privileged,
    ),
    Check(
        id="AS-ID-06",
        title="Person without a second factor",
        severity="medium",
        when="always",
        logic="active, a person, not privileged, Datadog says there is no second factor",
        needs=(*USERS, Resource.ROLES, Resource.PERMISSIONS, Resource.AUTHN_MAPPINGS),
        remedy=Remedy(
            "enforce a second factor, or login through the identity provider",
            _SHOW,
            "Organization Settings > Login Methods",
        ),
        controls=("G-MFA",),
        caveats=(
            "absent is unknown",
            "the second factor of an identity provider is invisible: see `login` in policy.yaml",
        ),
        find=_mfa_of_others,
    ),
    Check(
        id="AS-ID-07",
        title="Second factors cannot be told",
        severity="info",
        when="always",
        logic="of at least `percent` of the active people it is unknown whether they have a second factor",
        needs=(*USERS, Resource.AUTHN_MAPPINGS),
        parameters=(count("percent", 50, "percent", "share of the people", least=1, most=100),),
        remedy=Remedy(
            "keep evidence of the identity provider's second factor with the report",
            "accesssync findings checks",
            "the identity provider",
        ),
        controls=("G-MFA", "G-IPE"),
        caveats=("it says what is not known; nothing is wrong by itself",),
        same="the organization",
        find=_mfa_unknown,
    ),
    Check(
        id="AS-ID-08",
        title="Person from outside",
        severity="medium",
        when="high where privileged; those who hold the control plane: AS-PRIV-06",
        logic="not disabled, a person, e-mail of a domain that is not the organization's own or part of it",
        needs=(*USERS, Resource.ROLES, Resource.PERMISSIONS),
        remedy=Remedy("name a sponsor and an end date in a waiver, or disable the account", _OFFBOARD, _PLACE),
        controls=("G-EXT",),
        caveats=(
            "acquired firms and aliases: add them to own_domains",
            "contractors with company addresses are not seen",
        ),
        find=_outside,
    ),
    Check(
        id="AS-ID-09",
        title="Private mail address",
        severity="high",
        when="those who hold the control plane: AS-PRIV-06",
        logic="not disabled, a person, e-mail of a domain that gives addresses to anybody",
        needs=(*USERS, Resource.ROLES, Resource.PERMISSIONS),
        remedy=Remedy("invite the company address and disable this account", _OFFBOARD, _PLACE),
        controls=("G-EXT", "G-CENTRAL"),
        caveats=("trial organizations",),
        find=_free_mail,
    ),
    Check(
        id="AS-ID-10",
        title="Two accounts that look like one person",
        severity="low",
        when="always",
        logic="several active people with the same name before the @, what follows a + left out, at own domains",
        needs=USERS,
        remedy=Remedy("disable the one that is not needed", _SHOW, _PLACE),
        controls=("G-UNIQUE",),
        caveats=("namesakes", "a second account for administration is wanted: waive it"),
        same="the first of the accounts, by e-mail",
        find=_twice,
    ),
    Check(
        id="AS-ID-11",
        title="Shared account",
        severity="medium",
        when="always; none once an owner is declared",
        logic="active, taken for a shared mailbox, no service account, nobody answers for it",
        needs=USERS,
        remedy=Remedy(
            "give people accounts of their own, or declare an owner",
            "accesssync nhi decide {id} --nhi shared_mailbox --owner WHO --reason WHY",
            _PLACE,
        ),
        controls=("G-UNIQUE",),
        caveats=("a distribution list that was invited by mistake",),
        find=_shared,
    ),
    Check(
        id="AS-ID-13",
        title="Disabled account is active again",
        severity="medium",
        when="until explained, at most `days`",
        logic="a run saw it disabled, a later one active, and nobody explained the change",
        needs=USERS,
        parameters=(days("days", 30, "how long an unexplained change is asked about"),),
        remedy=Remedy(
            "explain the change, or disable the account",
            "accesssync changes explain {change} --ticket T --reason R",
            _PLACE,
        ),
        controls=("G-JOINER", "G-LOG"),
        caveats=("somebody who was hired again",),
        same="the change",
        find=_back,
    ),
    Check(
        id="AS-ID-14",
        title="Active account without a role",
        severity="low",
        when="always",
        logic="active, a person, no role at all",
        needs=USERS,
        remedy=Remedy("give it a role, or disable it", _SHOW, _PLACE),
        controls=("G-LEAST",),
        caveats=("SAML mappings may give a role at the next login",),
        find=_no_roles,
    ),
)
