"""Checks about keys and tokens."""

from collections import Counter
from collections.abc import Iterator

from accesssync.findings.check import Check, Evidence, Given, Hit, Remedy, UncoveredError, count, days
from accesssync.findings.checks.identities import USERS, window
from accesssync.findings.checks.privilege import POWER
from accesssync.findings.picture import Picture, day_text, moment_text
from accesssync.findings.severity import Severity
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.reach.access import can_act
from accesssync.reach.credential import Scoping, scoping_of

APP, API = CredentialType.APPLICATION_KEY, CredentialType.API_KEY
PAT, SAT = CredentialType.PERSONAL_ACCESS_TOKEN, CredentialType.SERVICE_ACCESS_TOKEN
_APP_KEYS = "Organization Settings > Application Keys"
_ANY_KEYS = "Organization Settings > API Keys, Application Keys or Access Tokens"
_REVOKE = "accesssync revoke-preview {id}"
OWNED = (Resource.APPLICATION_KEYS, Resource.ACCESS_TOKENS)
SECRETS = (*OWNED, Resource.API_KEYS)


def _hit(one: Credential, severity: Severity, evidence: Evidence, part: str = "") -> Hit:
    # Records of different listings may have the same id.
    return Hit("credential", one.id, one.subject, severity, evidence, f"{one.type}{part}")


def _use(picture: Picture, one: Credential) -> Evidence:
    used = picture.use(one)
    return {
        "last_used_on": day_text(used.at),
        "last_used_state": used.state,
        "created_at": moment_text(one.created_at),
    }


def _whose(picture: Picture, one: Credential) -> Evidence:
    owner = picture.owner(one)
    return {"type": one.type, "owner": owner.subject if owner else one.owner_id}


def _leaked(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.access.credentials:
        if one.leaked:
            works = picture.works(one)
            severity: Severity = "medium" if works is False else "critical"
            yield _hit(one, severity, {**_whose(picture, one), "works": works, **_use(picture, one)})


def _unscoped(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.of_type(APP):
        owner = picture.owner(one)
        if scoping_of(one) is not Scoping.UNSCOPED or owner is None or not picture.works(one):
            continue
        power = picture.effective(one) & picture.access.privileged
        control = picture.control(owner)
        severity: Severity = "high" if control else "medium" if power else "low"
        evidence = {**_whose(picture, one), "may": picture.names(power, 8)}
        yield _hit(one, severity, evidence)


def _old(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    for one in picture.of_type(APP, API):
        if one.created_at is not None and one.created_at < limit and picture.works(one) is not False:
            yield _hit(
                one,
                "medium",
                {**_whose(picture, one), "created_at": moment_text(one.created_at), "days": given["days"]},
            )


def _unused(picture: Picture, given: Given) -> Iterator[Hit]:
    limit, first = picture.ago(given["days"]), picture.ago(given["never_days"])
    for one in picture.of_type(APP, API, PAT, SAT):
        # What has no owner left is told by AS-KEY-05.
        if not picture.works(one) or one.created_at is None:
            continue
        used = picture.use(one)
        if used.state == "never":
            idle = one.created_at < first
        elif used.state == "none_in_90d":
            # Datadog looks back 90 days and no further: of a longer time nothing is known.
            idle = given["days"] <= 90 and one.created_at < limit
        else:
            idle = used.at is not None and used.at < limit
        if idle:
            yield _hit(one, "medium", {**_whose(picture, one), **_use(picture, one), "days": given["days"]})


def _orphaned(picture: Picture, given: Given) -> Iterator[Hit]:
    recently = {
        change.subject_id
        for change in picture.changes
        if change.kind == "identity.updated"
        and tuple(change.fields.get("disabled", ()))[1:] == (True,)
        and change.observed_before >= picture.ago(given["days"])
    }
    for one in picture.of_type(APP, PAT, SAT):
        owner = picture.owner(one)
        if one.owner_id is None or (owner is not None and can_act(owner)):
            continue
        severity: Severity = "medium" if one.owner_id in recently else "low"
        state = "disabled" if owner is not None else "not listed"
        yield _hit(one, severity, {**_whose(picture, one), "owner_state": state, **_use(picture, one)})


def _made_by_leaver(picture: Picture, given: Given) -> Iterator[Hit]:
    for one in picture.of_type(API):
        maker = picture.access.identities.get(one.created_by_id or "")
        if maker is None or can_act(maker) or not picture.works(one):
            continue
        used = picture.use(one)
        severity: Severity = "medium" if used.before(picture.ago(given["days"])) is not True else "low"
        yield _hit(one, severity, {"type": one.type, "made_by": maker.subject, **_use(picture, one)})


def _long_lived(picture: Picture, given: Given) -> Iterator[Hit]:
    for one in picture.of_type(PAT, SAT):
        if not picture.works(one):
            continue
        evidence = {
            **_whose(picture, one),
            "created_at": moment_text(one.created_at),
            "expires_at": moment_text(one.expires_at),
        }
        if one.expires_at is None:
            yield _hit(one, "medium", evidence)
        elif one.created_at is not None:
            most = given["personal_days"] if one.type == PAT else given["service_days"]
            # A day of grace: whoever asks for 90 days gets them by the clock.
            if (one.expires_at - one.created_at).days > most:
                yield _hit(one, "medium", {**evidence, "days": most})


def _expiring(picture: Picture, given: Given) -> Iterator[Hit]:
    soon, lately = picture.ago(-given["days"]), picture.ago(given["used_days"])
    for one in picture.access.credentials:
        at = picture.use(one).at
        if one.expires_at is not None and picture.at < one.expires_at < soon and at is not None and at >= lately:
            yield _hit(one, "info", {**_whose(picture, one), "expires_at": moment_text(one.expires_at)})


def _beyond_owner(picture: Picture, _given: Given) -> Iterator[Hit]:
    access = picture.access
    for one in picture.of_type(APP, PAT, SAT):
        owner = picture.owner(one)
        if not one.scopes or not one.scopes_known or owner is None or not picture.works(one):
            continue
        # What roles carry that no listing shows is not known.
        if access.unlisted_roles(owner) or access.unlisted_permissions(owner):
            continue
        dead = access.pack(one.scopes) & ~picture.held(owner)
        if dead:
            severity: Severity = "low" if dead & access.privileged else "info"
            evidence = {
                **_whose(picture, one),
                "lacking": picture.names(dead),
                "privileged": bool(dead & access.privileged),
            }
            yield _hit(one, severity, evidence)


def _too_many(picture: Picture, given: Given) -> Iterator[Hit]:
    counts = Counter(one.owner_id for one in picture.of_type(APP) if one.owner_id)
    for owner_id, number in counts.items():
        owner = picture.access.identities.get(owner_id)
        if number > given["most"] and owner is not None and can_act(owner):
            yield Hit("identity", owner.id, owner.subject, "low", {"application_keys": number, "most": given["most"]})


def _near_cap(picture: Picture, given: Given) -> Iterator[Hit]:
    if "cap" not in given:
        raise UncoveredError("how many API keys this organization may have is not known: set cap in policy.yaml")
    number = sum(1 for _ in picture.of_type(API))
    if 100 * number > given["percent"] * given["cap"]:
        yield Hit("organization", picture.org, picture.org, "info", {"api_keys": number, "cap": given["cap"]})


def _lost_scopes(picture: Picture, given: Given) -> Iterator[Hit]:
    keys = {one.id: one for one in picture.of_type(APP)}
    for change in picture.changed("credential.updated", given["days"]):
        scopes = change.fields.get("scopes")
        one = keys.get(change.subject_id)
        if one is None or scopes is None or scopes[0] is None or scoping_of(one) is not Scoping.UNSCOPED:
            continue
        owner = picture.owner(one)
        power = picture.effective(one) & picture.access.privileged
        severity: Severity = "high" if power or owner is None else "medium"
        evidence = {"change": change.id, "scopes_before": scopes[0], "may": picture.names(power, 8), **window(change)}
        yield _hit(one, severity, {**_whose(picture, one), **evidence}, f":{change.id}")


CREDENTIALS = (
    Check(
        id="AS-KEY-01",
        title="Leaked credential",
        severity="critical",
        when="medium where it does not work any more",
        logic="Datadog found it published",
        needs=SECRETS,
        remedy=Remedy("replace it, revoke it, and look at what it was used for", _REVOKE, _ANY_KEYS),
        controls=("G-SECRET",),
        caveats=("replaced already but not deleted",),
        same="the credential",
        find=_leaked,
    ),
    Check(
        id="AS-KEY-02",
        title="Application key without scopes",
        severity="medium",
        when="high where its owner holds T0; low where the owner holds nothing privileged",
        logic="nothing narrows the key, its owner is not disabled, it works",
        needs=(*POWER, Resource.APPLICATION_KEYS),
        remedy=Remedy("give it the scopes that its use needs", _REVOKE, _APP_KEYS),
        controls=("G-SECRET", "G-LEAST"),
        caveats=("try the scopes first: what lacks one is refused",),
        same="the credential",
        find=_unscoped,
    ),
    Check(
        id="AS-KEY-03",
        title="Old key",
        severity="medium",
        when="always",
        logic="an API or application key that works, made more than `days` ago",
        needs=(*USERS, Resource.APPLICATION_KEYS, Resource.API_KEYS),
        parameters=(days("days", 365, "age from which a key has to be replaced"),),
        remedy=Remedy("make a new one, move its use, revoke this one", _REVOKE, _ANY_KEYS),
        controls=("G-SECRET",),
        caveats=("how old a key may become is the organization's own rule",),
        same="the credential",
        find=_old,
    ),
    Check(
        id="AS-KEY-04",
        title="Unused key or token",
        severity="medium",
        when="always",
        logic="last used more than `days` ago, or Datadog says never and it is older than `never_days`",
        needs=(*USERS, *SECRETS),
        parameters=(
            days("days", 90, "time without use; of API keys Datadog shows 90 days and no more"),
            days("never_days", 30, "age of one that was never used"),
        ),
        remedy=Remedy("revoke it", _REVOKE, _ANY_KEYS),
        controls=("G-SECRET", "G-DORMANT"),
        caveats=("quarterly jobs", "an attribute that Datadog does not send is unknown, not never"),
        same="the credential",
        find=_unused,
    ),
    Check(
        id="AS-KEY-05",
        title="Key or token whose owner is gone",
        severity="low",
        when="medium where the owner was disabled within `days`",
        logic="the owner is disabled, or no listing shows the owner",
        needs=(*USERS, *OWNED),
        absence=True,
        parameters=(days("days", 30, "how long the disabling of its owner is news"),),
        remedy=Remedy("delete it; what still uses it has stopped", _REVOKE, _ANY_KEYS),
        controls=("G-LEAVER",),
        caveats=("it does not work while its owner is disabled; with the owner it comes back",),
        same="the credential",
        find=_orphaned,
    ),
    Check(
        id="AS-KEY-06",
        title="API key whose maker left",
        severity="medium",
        when="low where it was not used within `days`",
        logic="whoever made the key is disabled, and the key works: its value may be known outside",
        needs=(*USERS, Resource.API_KEYS),
        parameters=(days("days", 90, "a key used within this time is in use; Datadog shows no more than 90", most=90),),
        remedy=Remedy("replace it", _REVOKE, "Organization Settings > API Keys"),
        controls=("G-LEAVER", "G-SECRET"),
        caveats=("a value that went straight into a vault is known to nobody",),
        same="the credential",
        find=_made_by_leaver,
    ),
    Check(
        id="AS-KEY-07",
        title="Token without end, or with a far one",
        severity="medium",
        when="always",
        logic="a working token that never expires, or lives longer than its kind may",
        needs=(*USERS, Resource.ACCESS_TOKENS),
        parameters=(
            days("personal_days", 90, "how long a personal token may live"),
            days("service_days", 365, "how long a service account's token may live"),
        ),
        remedy=Remedy("make a new one that ends, revoke this one", _REVOKE, "Organization Settings > Access Tokens"),
        controls=("G-SECRET",),
        caveats=(),
        same="the credential",
        find=_long_lived,
    ),
    Check(
        id="AS-KEY-08",
        title="Token in use that ends soon",
        severity="info",
        when="always",
        logic="it ends within `days` and was used within `used_days`",
        needs=(Resource.ACCESS_TOKENS,),
        parameters=(
            days("days", 14, "time to the end"),
            days("used_days", 7, "a token used within this time is in use"),
        ),
        remedy=Remedy(
            "renew it before that day", "accesssync credential show {id}", "Organization Settings > Access Tokens"
        ),
        controls=("G-SECRET",),
        caveats=(),
        same="the credential",
        find=_expiring,
    ),
    Check(
        id="AS-KEY-09",
        title="Scopes beyond the owner's permissions",
        severity="info",
        when="low where one of them is privileged: it wakes up when the owner is promoted",
        logic="a scope names a permission of this organization that the owner does not hold",
        needs=(*POWER, *OWNED),
        absence=True,
        remedy=Remedy("trim the scopes", "accesssync credential show {id}", _APP_KEYS),
        controls=("G-LEAST",),
        caveats=("without effect today",),
        same="the credential",
        find=_beyond_owner,
    ),
    Check(
        id="AS-KEY-10",
        title="Too many application keys",
        severity="low",
        when="always",
        logic="one identity owns more than `most`",
        needs=(*USERS, Resource.APPLICATION_KEYS),
        parameters=(count("most", 5, "keys", "application keys of one identity"),),
        remedy=Remedy("revoke what is not used", "accesssync credentials --owner {id}", _APP_KEYS),
        controls=("G-SECRET",),
        caveats=("accounts that deploy for many teams",),
        find=_too_many,
    ),
    Check(
        id="AS-KEY-11",
        title="API keys near their limit",
        severity="info",
        when="only where the policy says `cap`",
        logic="more API keys than `percent` of `cap`",
        needs=(Resource.API_KEYS,),
        parameters=(
            count("cap", None, "keys", "how many API keys the organization may have", least=1),
            count("percent", 80, "percent", "share of the limit", least=1, most=100),
        ),
        remedy=Remedy("revoke what is not used", "accesssync credentials", "Organization Settings > API Keys"),
        controls=("G-SECRET",),
        caveats=("Datadog shows the limit in no listing",),
        same="the organization",
        find=_near_cap,
    ),
    Check(
        id="AS-KEY-12",
        title="Key lost its scopes and nobody explained it",
        severity="high",
        when="medium where the owner holds nothing privileged; until explained, at most `days`",
        logic="a run saw an application key with scopes, a later one without",
        needs=(*POWER, Resource.APPLICATION_KEYS),
        parameters=(days("days", 30, "how long an unexplained change is asked about"),),
        remedy=Remedy(
            "explain the change, or give it scopes again",
            "accesssync changes explain {change} --ticket T --reason R",
            _APP_KEYS,
        ),
        controls=("G-SECRET", "G-LOG"),
        caveats=(),
        same="the change",
        find=_lost_scopes,
    ),
)
