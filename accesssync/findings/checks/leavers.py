"""Checks that compare identities with the people file."""

from collections.abc import Iterator
from datetime import timedelta

from accesssync.findings.check import Check, Evidence, Given, Hit, Remedy, UncoveredError, count, days
from accesssync.findings.checks.identities import USERS, hit, window
from accesssync.findings.people import People, Person
from accesssync.findings.picture import Picture, domain_of, moment_text
from accesssync.findings.severity import Severity
from accesssync.model.identity import Identity

_NO_FILE = "there is no people.csv in the governance directory (ACCESSSYNC_GOVERNANCE_DIR)"
_PLACE = "Organization Settings > Users"


def _people(picture: Picture) -> People:
    if picture.people is None:
        raise UncoveredError(_NO_FILE)
    return picture.people


def _file(picture: Picture, people: People) -> Evidence:
    age = people.age_days(picture.at)
    stale = age is not None and age > picture.policy.people_max_age_days
    return {"people_file_of": moment_text(people.as_of), "people_file_stale": stale}


def _hours(time: timedelta) -> int:
    return round(time.total_seconds() / 3600)


def _used_after(picture: Picture, one: Identity, person: Person) -> list[str]:
    """What was used after the last day: the login and the keys, by name."""
    left = person.left_at
    if left is None:
        return []
    used = []
    login = picture.login(one).at
    if login is not None and login > left:
        used.append(f"login {login:%Y-%m-%d}")
    for key in picture.access.owned_by(one.id):
        at = picture.use(key).at
        if at is not None and at > left:
            used.append(f"{key.subject} {at:%Y-%m-%d}")
    return sorted(used)


def _leaver(picture: Picture, _given: Given) -> Iterator[Hit]:
    people = _people(picture)
    for one in picture.access.able():
        person = people.find(one)
        if person is not None and person.gone(picture.today):
            keys = [key.subject for key in picture.access.owned_by(one.id) if picture.works(key)]
            evidence = {
                "left_on": person.left_on.isoformat() if person.left_on else None,
                "status": one.status,
                "roles": picture.role_names(one),
                "working_keys": keys,
                "used_after_leaving": _used_after(picture, one, person),
                "ask": people.to_ask(person, picture.today),
                **_file(picture, people),
            }
            yield hit(one, "critical", evidence)


def _late(picture: Picture, given: Given) -> Iterator[Hit]:
    people = _people(picture)
    for change in picture.changes:
        switched = change.fields.get("disabled")
        if change.kind != "identity.updated" or switched is None or switched[1] is not True:
            continue
        one = picture.access.identities.get(change.subject_id)
        person = people.find(one) if one is not None else None
        if (
            one is None
            or person is None
            or person.left_at is None
            or change.observed_before < picture.ago(given["days"])
        ):
            continue
        # The latest moment at which the account was certainly still on is when nobody had seen it disabled.
        shown = change.observed_after or change.observed_before
        if shown - person.left_at <= timedelta(hours=given["hours"]):
            continue
        used = _used_after(picture, one, person)
        severity: Severity = "medium" if used else "low"
        evidence = {
            "left_on": person.left_on.isoformat() if person.left_on else None,
            "hours_at_least": _hours(shown - person.left_at),
            "hours_at_most": _hours(change.observed_before - person.left_at),
            "used_after_leaving": used,
            "change": change.id,
            **window(change),
            **_file(picture, people),
        }
        yield hit(one, severity, evidence, change.id)


def _unlisted(picture: Picture, given: Given) -> Iterator[Hit]:
    people = _people(picture)
    own = [one for one in picture.active_people if picture.is_own(domain_of(one) or "")]
    missing = [one for one in own if people.find(one) is None]
    if own and 100 * len(missing) > given["percent"] * len(own):
        raise UncoveredError(
            f"people.csv lacks {len(missing):,} of {len(own):,} active people at the organization's own domains: "
            "it does not seem to be complete"
        )
    for one in missing:
        severity: Severity = "high" if picture.privileged(one) else "medium"
        yield hit(one, severity, {"status": one.status, "roles": picture.role_names(one), **_file(picture, people)})


def _stale(picture: Picture, _given: Given) -> Iterator[Hit]:
    people = _people(picture)
    age = people.age_days(picture.at)
    if age is not None and age > picture.policy.people_max_age_days:
        evidence = {"written_at": moment_text(people.as_of), "max_age_days": picture.policy.people_max_age_days}
        yield Hit("organization", picture.org, people.source, "low", evidence)


def _owner_gone(picture: Picture, _given: Given) -> Iterator[Hit]:
    by_email = {one.email.casefold(): one for one in picture.access.identities.values() if one.email}
    for one in picture.machines:
        owner = picture.known(one).owner
        if not owner:
            continue
        account = by_email.get(owner.casefold())
        people = picture.people
        person = people.by_email(owner) if people else None
        if person is not None and person.gone(picture.today):
            reason = "has left"
        elif account is not None and account.disabled:
            reason = "is disabled in Datadog"
        else:
            continue
        ask = people.to_ask(person, picture.today) if people and person else None
        evidence = {"owner": owner, "reason": reason, "purpose": picture.known(one).purpose, "ask": ask}
        yield hit(one, "medium", evidence)


LEAVERS = (
    Check(
        id="AS-ID-12",
        title="Leaver still has access",
        severity="critical",
        when="always",
        logic="the people file says that somebody left, and the account is not disabled",
        needs=USERS,
        remedy=Remedy(
            "disable the account now, and look at what was used since", "accesssync offboard-preview {subject}", _PLACE
        ),
        controls=("G-LEAVER",),
        caveats=(
            "somebody who was hired again: correct the file",
            "only addresses that match to the letter are matched",
        ),
        find=_leaver,
    ),
    Check(
        id="AS-ID-16",
        title="Leaver was disabled late",
        severity="low",
        when="medium where anything was used in between",
        logic="the account was still on more than `hours` after the last day in the people file",
        needs=USERS,
        parameters=(
            count("hours", 24, "hours", "time allowed from the end of the last day to disabling"),
            days("days", 90, "how long it is told after the disabling"),
        ),
        remedy=Remedy(
            "look at what was used in between, and why it took so long", "accesssync timeline {subject}", _PLACE
        ),
        controls=("G-LEAVER",),
        caveats=("the hours are those between two runs: a shorter interval makes them exact",),
        same="the identity and the change that disabled it",
        find=_late,
    ),
    Check(
        id="AS-ID-17",
        title="Person whom the people file does not know",
        severity="medium",
        when="high where privileged",
        logic="active, a person at an own domain, not in the people file; none where it lacks more than `percent`",
        needs=USERS,
        parameters=(
            count(
                "percent",
                20,
                "percent",
                "share of the people from which the file counts as incomplete",
                least=1,
                most=100,
            ),
        ),
        remedy=Remedy("find out who it is, else disable the account", "accesssync identity show {subject}", _PLACE),
        controls=("G-LEAVER", "G-JOINER"),
        caveats=("people with several addresses", "addresses with letters that are not ASCII are never matched"),
        find=_unlisted,
    ),
    Check(
        id="AS-NHI-08",
        title="Machine whose owner is gone",
        severity="medium",
        when="always",
        logic="the declared owner has left by the people file, or is disabled in Datadog",
        needs=USERS,
        remedy=Remedy(
            "find a new owner",
            "accesssync nhi decide {id} --nhi KIND --owner WHO --reason WHY",
            "the governance directory",
        ),
        controls=("G-NHI", "G-LEAVER"),
        caveats=("owners that are teams or lists are not checked",),
        find=_owner_gone,
    ),
    Check(
        id="AS-GOV-08",
        title="People file is stale",
        severity="low",
        when="always",
        logic="people.csv was written before people.max_age_days of the policy",
        needs=(),
        remedy=Remedy(
            "write the file anew from the personnel system", "accesssync validate DIR", "the governance directory"
        ),
        controls=("G-LEAVER", "G-IPE"),
        caveats=("the file's own time counts: a copy may look newer than it is",),
        same="the organization",
        find=_stale,
    ),
)
