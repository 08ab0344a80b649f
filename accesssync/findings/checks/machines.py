"""Checks about machines: declared service accounts, and accounts that were decided or inferred to be machines."""

from collections.abc import Iterator

from accesssync.findings.check import Check, Given, Hit, Remedy, UncoveredError, days
from accesssync.findings.checks.identities import USERS, hit
from accesssync.findings.checks.privilege import POWER
from accesssync.findings.picture import Picture, day_text, is_active, moment_text
from accesssync.findings.severity import Severity
from accesssync.model.coverage import Resource
from accesssync.model.credential import CredentialType

_ACCOUNTS = "Organization Settings > Service Accounts"
_DECIDE = "accesssync nhi decide {id} --nhi KIND --owner WHO --reason WHY"
KEYS = (Resource.APPLICATION_KEYS, Resource.ACCESS_TOKENS)


def _powerful(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.machines:
        power = picture.held(one) & picture.secrets
        if not power or one.id in picture.emergency:
            continue
        known = picture.known(one)
        # By its name it is there for emergencies: then the power is meant, and only somebody's word for it is missing.
        severity: Severity = "low" if known.kind == "break_glass" else "high"
        evidence = {
            "may": picture.names(power),
            "roles": picture.role_names(one),
            "kind": known.kind,
            "basis": known.basis,
            "owner": known.owner,
        }
        yield hit(one, severity, evidence)


def _unowned(picture: Picture, _given: Given) -> Iterator[Hit]:
    if not any(picture.known(one).owner for one in picture.machines):
        raise UncoveredError("nobody has declared an owner of any machine: owners.yaml, or accesssync nhi decide")
    for one in picture.machines:
        known = picture.known(one)
        missing = [name for name, value in (("owner", known.owner), ("purpose", known.purpose)) if not value]
        if missing:
            severity: Severity = "medium" if "owner" in missing else "low"
            yield hit(one, severity, {"missing": missing, "kind": known.kind, "basis": known.basis})


def _unused(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    for one in picture.machines:
        known = picture.known(one)
        if not is_active(one) or known.kind == "break_glass" or one.id in picture.emergency:
            continue
        if one.created_at is None or one.created_at >= limit or picture.key_used_since(one, limit) is not False:
            continue
        login = picture.login(one)
        # Service accounts do not log in: for them "never" and "not said" mean the same.
        if not one.service_account and login.state == "unknown":
            continue
        if login.at is not None and login.at >= limit:
            continue
        keys = picture.access.owned_by(one.id)
        evidence = {
            "keys": len(keys),
            "last_key_use": moment_text(max((at for at in (picture.use(key).at for key in keys) if at), default=None)),
            "last_login_at": moment_text(login.at),
            "days": given["days"],
            "basis": known.basis,
        }
        yield hit(one, "medium", evidence)


def _logs_in(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.active:
        at = picture.login(one).at
        if one.service_account and at is not None:
            yield hit(one, "high", {"last_login_on": day_text(at), "roles": picture.role_names(one)})


def _robot(picture: Picture, _given: Given) -> Iterator[Hit]:
    for one in picture.machines:
        known = picture.known(one)
        if one.service_account or known.kind in {"shared_mailbox", "break_glass"} or not is_active(one):
            continue
        # Somebody looked at it and said that it is a machine: what remains is to give it an account of its own kind.
        severity: Severity = "low" if known.basis == "override" else "medium"
        evidence = {
            "suspected": known.basis == "inferred",
            "score": known.score,
            "kind": known.kind,
            "reason": known.reason,
            "keys": len(picture.access.owned_by(one.id)),
            "last_login_state": picture.login(one).state,
        }
        yield hit(one, severity, evidence)


def _personal_production_keys(picture: Picture, given: Given) -> Iterator[Hit]:
    limit = picture.ago(given["days"])
    people = {one.id: one for one in picture.active_people}
    for key in picture.of_type(CredentialType.APPLICATION_KEY, CredentialType.PERSONAL_ACCESS_TOKEN):
        owner = people.get(key.owner_id or "")
        at = picture.use(key).at
        if owner is None or at is None or at < limit or not picture.works(key):
            continue
        power = picture.effective(key) & picture.access.privileged
        if power:
            evidence = {
                "owner": owner.subject,
                "last_used_on": day_text(at),
                "may": picture.names(power, 8),
                "scopes": list(key.scopes) if key.scopes is not None else None,
            }
            yield Hit("credential", key.id, key.subject, "medium", evidence, key.type)


_SHARED_WORDS = frozenset({"shared", "common", "everyone", "everything", "all"})


def _many_uses(picture: Picture, _given: Given) -> Iterator[Hit]:
    for key in picture.of_type(CredentialType.APPLICATION_KEY, CredentialType.API_KEY):
        words = set((key.name or "").casefold().replace("_", "-").replace(" ", "-").split("-"))
        found = sorted(words & _SHARED_WORDS)
        if found and picture.works(key):
            yield Hit("credential", key.id, key.subject, "low", {"name": key.name, "words": found}, key.type)


MACHINES = (
    Check(
        id="AS-NHI-01",
        title="Machine with power over the organization",
        severity="high",
        when="low where it is an emergency account that the policy does not name yet",
        logic="not disabled, a machine, declared or inferred, that holds a permission of T0 or T1a",
        needs=POWER,
        remedy=Remedy(
            "give it a role with what it needs, and its keys scopes", "accesssync identity show {id}", _ACCOUNTS
        ),
        controls=("G-NHI", "G-LEAST"),
        caveats=(
            "whatever sets up Datadog itself needs much: a waiver with an owner",
            "inferred machines: see accesssync nhi show",
        ),
        find=_powerful,
    ),
    Check(
        id="AS-NHI-02",
        title="Machine without an owner or purpose",
        severity="medium",
        when="low where only the purpose is missing; evaluated once any owner is declared",
        logic="not disabled, a machine, neither owners.yaml nor a decision says who answers for it",
        needs=USERS,
        remedy=Remedy("say who answers for it", _DECIDE, "the governance directory"),
        controls=("G-NHI",),
        caveats=("accesssync nhi show suggests owners",),
        find=_unowned,
    ),
    Check(
        id="AS-NHI-03",
        title="Unused machine",
        severity="medium",
        when="always",
        logic="active, a machine older than `days`, no key or token of it used and no login since; all of that known",
        needs=(*USERS, *KEYS),
        absence=True,
        parameters=(days("days", 90, "time without use"),),
        remedy=Remedy("disable the account", "accesssync offboard-preview {id}", _ACCOUNTS),
        controls=("G-NHI", "G-DORMANT"),
        caveats=("yearly jobs", "where one last use is unknown nothing is said"),
        find=_unused,
    ),
    Check(
        id="AS-NHI-04",
        title="Service account that somebody logs in with",
        severity="high",
        when="always",
        logic="active, a declared service account, Datadog shows a login",
        needs=USERS,
        remedy=Remedy("find out who logs in, and renew its secrets", "accesssync timeline {id}", _ACCOUNTS),
        controls=("G-NHI",),
        caveats=("none known",),
        find=_logs_in,
    ),
    Check(
        id="AS-NHI-05",
        title="Ordinary account used by a machine",
        severity="medium",
        when="low once a person decided that it is one",
        logic="active, no service account, suspected or decided to be a machine, neither mailbox nor emergency account",
        needs=USERS,
        remedy=Remedy("make it a service account, or say that it is a person", "accesssync nhi show {id}", _ACCOUNTS),
        controls=("G-NHI", "G-UNIQUE"),
        caveats=("suspected: power users may look like machines",),
        find=_robot,
    ),
    Check(
        id="AS-NHI-06",
        title="Privileged key in use that belongs to a person",
        severity="medium",
        when="always",
        logic="a key or token of an active person, used within `days`, that can do something of T0 or T1",
        needs=(*POWER, Resource.APPLICATION_KEYS),
        parameters=(days("days", 7, "a key used within this time is in use"),),
        remedy=Remedy(
            "move what uses it to a service account",
            "accesssync revoke-preview {id}",
            "Organization Settings > Application Keys",
        ),
        controls=("G-NHI",),
        caveats=("scripts on laptops",),
        same="the credential",
        find=_personal_production_keys,
    ),
    Check(
        id="AS-NHI-07",
        title="Key whose name says that many use it",
        severity="low",
        when="always",
        logic="the name of a working key holds a word such as shared, common or all",
        needs=(Resource.APPLICATION_KEYS, Resource.API_KEYS),
        remedy=Remedy(
            "give each use a key of its own", "accesssync credential show {id}", "Organization Settings > API Keys"
        ),
        controls=("G-NHI",),
        caveats=("it is only a name",),
        same="the credential",
        find=_many_uses,
    ),
)
