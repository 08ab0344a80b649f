"""Each check speaks on the fault it is for and is silent on a sound organization; what is unknown raises nothing."""

import io
from datetime import date
from typing import Any

import pytest
from msgspec import UNSET

from accesssync.findings.catalogue import ALL
from accesssync.findings.evaluate import evaluate
from accesssync.findings.people import read_people
from accesssync.findings.picture import Known
from accesssync.findings.policy import Policy
from accesssync.findings.waiver import Waiver
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.model.credential import CredentialType
from accesssync.model.team import Mapping, Membership, Team
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems
from tests.findings.scenery import account, ago, api_key, change, key, person, picture, raised, role, run, subjects

ROBOT = Known("nhi", "ci", "inferred", 90, "'ci' is a word for machines")
MAILBOX = Known("nhi", "shared_mailbox", "inferred", 60)
EMERGENCY = Known("nhi", "break_glass", "inferred", 80)


def people_file(*rows: str) -> Any:
    problems = Problems()
    text = "email,type,status,left_on,manager\n" + "\n".join(rows)
    found = read_people(io.BytesIO(text.encode()), "people.csv", problems, ago(1))
    problems.raise_any()
    return found


def test_a_sound_organization_gives_no_finding() -> None:
    found = evaluate(
        picture(people=people_file(*(f"{one}@example.com,,active,," for one in ("ada", "bob", "eve", "kim"))))
    )
    assert not found.failed
    assert [(one.check, one.subject) for one in found.raised if one.severity != "info"] == []


class TestPeople:
    def test_dormant(self) -> None:
        at = picture(
            person("old", "standard", last_login_at=ago(91)),
            person("fresh", "standard", last_login_at=ago(89)),
            person("unsaid", "standard", last_login_at=UNSET),
            person("never", "standard", last_login_at=None),
            person("off", "standard", last_login_at=ago(500), status="Disabled", disabled=True),
            person("powerful", "admin", last_login_at=ago(500)),
            person("keyed", "standard", last_login_at=ago(500)),
            account("machine", "standard", last_login_at=ago(500)),
            keys=[key("k", "keyed")],
        )
        assert subjects("AS-ID-01", at) == {"old": "medium"}
        assert subjects("AS-PRIV-05", at) == {"powerful": "high"}

    def test_never_logged_in_is_not_unsaid(self) -> None:
        at = picture(
            person("never", "standard", last_login_at=None),
            person("admin", "admin", last_login_at=None),
            person("new", "standard", last_login_at=None, created_at=ago(10)),
            person("unsaid", "standard", last_login_at=UNSET),
            person("ageless", "standard", last_login_at=None, created_at=None),
        )
        assert subjects("AS-ID-02", at) == {"never": "medium", "admin": "high"}

    def test_the_state_of_an_account(self) -> None:
        at = picture(
            person("asked", status="Pending", created_at=ago(10), last_login_at=None),
            person("just", status="Pending", created_at=ago(8), last_login_at=None),
            person("unchecked", "standard", verified=False),
            person("unsaid", "standard", verified=None),
            person("bare"),
        )
        assert subjects("AS-ID-03", at) == {"asked": "low"}
        assert subjects("AS-ID-04", at) == {"unchecked": "low"}
        assert subjects("AS-ID-14", at) == {"bare": "low"}

    def test_outsiders_by_what_they_may_do(self) -> None:
        roles = [role("secrets", "api_keys_read")]
        at = picture(
            person("guest", "standard", email="guest@firm.test"),
            person("keeper", "secrets", email="keeper@firm.test"),
            person("boss", "admin", email="boss@firm.test"),
            person("home", "standard", email="home@gmail.com"),
            person("branch", "standard", email="branch@eu.example.com"),
            person("like", "standard", email="like@notexample.com"),
            person("mailless", "standard", email=None),
            roles=roles,
        )
        assert subjects("AS-ID-08", at) == {"guest": "medium", "keeper": "high", "like": "medium"}
        assert subjects("AS-ID-09", at) == {"home": "high"}
        assert subjects("AS-PRIV-06", at) == {"boss": "critical"}

    def test_without_own_domains_nobody_is_an_outsider(self) -> None:
        found = run("AS-ID-08", picture(person("guest", email="guest@firm.test"), own_domains=()))
        assert found.outcomes["AS-ID-08"].state == "not_evaluated"
        assert "ACCESSSYNC_ORG_DOMAINS" in (found.outcomes["AS-ID-08"].reason or "")

    def test_two_accounts_and_shared_ones(self) -> None:
        at = picture(
            person("eve2", "standard", email="eve+admin@eu.example.com"),
            person("other", "standard", email="eve@firm.test"),
            person("ops", "standard"),
            known={"ops": MAILBOX},
        )
        assert subjects("AS-ID-10", at) == {"eve2": "low"}
        assert subjects("AS-ID-11", at) == {"ops": "medium"}

    def test_back_from_being_disabled(self) -> None:
        seen = change(1, "identity.updated", "eve", disabled=(True, False))
        told = change(2, "identity.updated", "kim", disabled=(True, False))
        from msgspec.structs import replace

        at = picture(changes=[seen, replace(told, explanation="T-1: hired again")])
        assert subjects("AS-ID-13", at) == {"eve": "medium"}


class TestSecondFactors:
    def without(self, number: int) -> list[Any]:
        return [person(f"p{one}", "standard", mfa_enabled=one >= number) for one in range(20)]

    def test_off_is_told_where_it_tells(self) -> None:
        people = [*self.without(2), person("root", "admin", mfa_enabled=False)]
        at = picture(*people)
        assert subjects("AS-ID-06", at) == {"p0": "medium", "p1": "medium"}
        assert subjects("AS-ID-05", at) == {"root": "high"}
        assert subjects("AS-ID-07", at) == {}

    @pytest.mark.parametrize("check", ["AS-ID-05", "AS-ID-06"])
    def test_an_organization_on_sso_does_not_drown(self, check: str) -> None:
        mapping = Mapping(id="m", attribute_key="groups", attribute_value="all", role_id="standard")
        everybody = [person(f"p{one}", "admin", mfa_enabled=False) for one in range(50)]
        for at in (
            picture(*everybody),
            picture(*self.without(5), mappings=[mapping]),
            picture(*self.without(5), policy=Policy(login="sso")),
            picture(),
        ):
            found = run(check, at)
            assert found.outcomes[check].state == "not_evaluated"
            assert found.raised == ()
            assert [one.severity for one in raised("AS-ID-07", at)] == ["info"]

    def test_the_policy_knows_better(self) -> None:
        mapping = Mapping(id="m", attribute_key="groups", attribute_value="all", role_id="standard")
        at = picture(*self.without(5), mappings=[mapping], policy=Policy(login="password"))
        assert len(subjects("AS-ID-06", at)) == 5


class TestLeavers:
    def test_one_who_left_and_has_access(self) -> None:
        people = people_file("EVE@Example.COM,employee,left,2026-11-10,", "kim@example.com,,active,2026-11-20,")
        at = picture(keys=[key("k", "eve", last_used_at=ago(2))], people=people)
        found = {one.subject_id: one for one in raised("AS-ID-12", at)}
        assert {one: found[one].severity for one in found} == {"eve": "critical", "kim": "critical"}
        assert found["eve"].evidence["left_on"] == "2026-11-10"
        assert found["eve"].evidence["used_after_leaving"] == ["k 2026-11-19", "login 2026-11-20"]
        assert found["eve"].evidence["working_keys"] == ["k"]

    def test_the_manager_is_who_can_be_asked_unless_gone_too(self) -> None:
        people = people_file(
            "eve@example.com,,left,,kim@example.com",
            "kim@example.com,,left,,ada@example.com",
            "bob@example.com,,left,,",
        )
        asked = {one.subject_id: one.evidence["ask"] for one in raised("AS-ID-12", picture(people=people))}
        assert asked == {"eve": None, "kim": "ada@example.com", "bob": None}

    def test_look_alikes_are_nobody(self) -> None:
        people = people_file("eve@example.com,,left,,")
        twin = person("twin", email="\u0435ve@example.com")
        dotless = person("dotless", email="K\u0131m@example.com")
        assert set(subjects("AS-ID-12", picture(twin, dotless, people=people))) == {"eve"}

    def test_hours_from_leaving_to_disabling(self) -> None:
        gone = person("gone", status="Disabled", disabled=True, last_login_at=ago(3))
        people = people_file("gone@example.com,,left,2026-11-10,")
        at = picture(gone, people=people, changes=[change(1, "identity.updated", "gone", disabled=(False, True))])
        (found,) = raised("AS-ID-16", at)
        assert found.severity == "medium"
        assert (found.evidence["hours_at_least"], found.evidence["hours_at_most"]) == (204, 228)
        assert found.evidence["used_after_leaving"] == ["login 2026-11-18"]

    def test_strangers_to_the_file(self) -> None:
        rows = [f"{one}@example.com,,active,," for one in ("ada", "bob", "eve", "kim", "p1", "p2")]
        at = picture(person("p1"), person("p2"), person("who", "standard"), people=people_file(*rows))
        assert subjects("AS-ID-17", at) == {"who": "medium"}
        half = run("AS-ID-17", picture(people=people_file(*rows[:2])))
        assert half.outcomes["AS-ID-17"].state == "not_evaluated"
        assert "2 of 4" in (half.outcomes["AS-ID-17"].reason or "")

    def test_owners_who_left(self) -> None:
        robots = {
            "ci": Known("nhi", "ci", "override", owner="eve@example.com"),
            "cd": Known("nhi", "ci", "override", owner="ada@example.com"),
        }
        people = people_file("eve@example.com,,left,,kim@example.com")
        at = picture(account("ci"), account("cd"), known=robots, people=people)
        assert subjects("AS-NHI-08", at) == {"ci": "medium"}
        assert raised("AS-NHI-08", at)[0].evidence["ask"] == "kim@example.com"

    def test_a_stale_file_is_said_to_be_stale(self) -> None:
        people = people_file("eve@example.com,,left,,")
        people.as_of = ago(8)
        at = picture(people=people)
        assert subjects("AS-GOV-08", at) == {"acme": "low"}
        assert raised("AS-ID-12", at)[0].evidence["people_file_stale"] is True

    def test_without_a_file_nothing_is_said(self) -> None:
        for check in ("AS-ID-12", "AS-ID-16", "AS-ID-17", "AS-GOV-08"):
            assert run(check, picture()).outcomes[check].state == "not_evaluated"


class TestPower:
    def test_the_number_of_administrators(self) -> None:
        assert subjects("AS-PRIV-01", picture(*(person(f"a{n}", "admin") for n in range(4)))) == {"acme": "high"}
        assert subjects("AS-PRIV-01", picture(*(person(f"a{n}", "admin") for n in range(3)))) == {}
        alone = picture(everybody=[person("ada", "admin"), person("eve", "standard")])
        assert subjects("AS-PRIV-02", alone) == {"ada": "medium"}
        assert subjects("AS-PRIV-02", picture()) == {}

    def test_control_outside_the_admin_role(self) -> None:
        roles = [role("iam", "user_access_manage"), role("idle", "org_management"), role("plain", "dashboards_read")]
        at = picture(person("sam", "iam"), roles=roles)
        assert subjects("AS-PRIV-03", at) == {"iam": "high", "idle": "low"}

    def test_unexplained_privileged_changes(self) -> None:
        from msgspec.structs import replace

        granted = change(1, "grant.added", "ada", role=(None, "Datadog Admin Role"), role_id=(None, "admin"))
        gone = change(2, "grant.added", "eve", role=(None, "Datadog Admin Role"), role_id=(None, "admin"))
        plain = change(3, "grant.added", "kim", role=(None, "Datadog Standard Role"), role_id=(None, "standard"))
        told = change(4, "grant.added", "bob", role=(None, "Datadog Admin Role"), role_id=(None, "admin"))
        wide = change(5, "role_permission.added", "iam", permission_id=(None, "user_access_manage"))
        own = change(6, "role_permission.added", "admin", permission_id=(None, "org_management"))
        bare = change(7, "credential.updated", "k", scopes=(["dashboards_read"], None))
        at = picture(
            keys=[key("k", "ada", scopes=None)],
            roles=[role("iam", "user_access_manage")],
            changes=[granted, gone, plain, replace(told, explanation="T-1"), wide, own, bare],
        )
        assert subjects("AS-PRIV-04", at) == {"ada": "high"}
        assert subjects("AS-ROLE-04", at) == {"iam": "high", "admin": "info"}
        assert subjects("AS-KEY-12", at) == {"k": "high"}

    def test_break_glass_is_spared_and_watched(self) -> None:
        policy = Policy(break_glass=(Glob("emergency*"),))
        quiet = person("emergency-1", "admin", last_login_at=ago(400))
        used = person("emergency-2", "admin", last_login_at=ago(2))
        at = picture(quiet, used, policy=policy, known={"emergency-1": EMERGENCY})
        assert subjects("AS-PRIV-05", at) == {}
        assert subjects("AS-NHI-01", at) == {}
        assert subjects("AS-PRIV-08", at) == {"emergency-2": "high"}
        unnamed = picture(quiet, known={"emergency-1": EMERGENCY})
        assert subjects("AS-NHI-01", unnamed) == {"emergency-1": "low"}


class TestDuties:
    def test_one_role_is_told_once_and_several_by_person(self) -> None:
        roles = [
            role("both", "security_monitoring_rules_write", "security_monitoring_signals_write"),
            role("rules", "security_monitoring_rules_write"),
            role("signals", "security_monitoring_signals_write"),
        ]
        at = picture(
            person("p", "both"), person("q", "both", "rules"), person("r", "rules", "signals"), person("s", "rules"),
            roles=roles,
        )  # fmt: skip
        found = {(one.kind, one.subject_id): one for one in raised("AS-SOD-04", at)}
        assert set(found) == {("role", "both"), ("identity", "r")}
        assert found["role", "both"].evidence["holders"] == 2
        assert found["identity", "r"].evidence["roles"] == ["rules", "signals"]

    def test_administrators_are_left_out(self) -> None:
        assert all(subjects(one.id, picture()) == {} for one in ALL if one.id.startswith("AS-SOD"))

    def test_acting_as_an_account_needs_such_an_account(self) -> None:
        roles = [role("accounts", "service_account_write")]
        assert subjects("AS-SOD-11", picture(person("p", "accounts"), roles=roles)) == {}
        at = picture(person("p", "accounts"), account("root", "admin"), roles=roles)
        assert subjects("AS-SOD-11", at) == {"accounts": "high"}


class TestRoles:
    def test_design(self) -> None:
        from tests.findings.scenery import NAMES

        roles = [
            role("idle", "logs_read_data"),
            role("new", "logs_read_data", "api_keys_read", created_at=ago(10)),
            role("twin", "dashboards_read", "logs_read_data"),
            role("twin2", "logs_read_data", "dashboards_read"),
            role("nearly", *NAMES[1:]),
        ]
        at = picture(person("p", "twin", "standard"), person("q", "twin"), person("r", "nearly"), roles=roles)
        assert subjects("AS-ROLE-01", at) == {"idle": "low", "twin2": "low"}
        assert subjects("AS-ROLE-02", at) == {"nearly": "medium"}
        assert subjects("AS-ROLE-03", at) == {"twin": "low"}
        assert subjects("AS-ROLE-05", at) == {"nearly": "info"}

    def test_a_role_within_another(self) -> None:
        at = picture(person("p", "reader", "standard"), roles=[role("reader", "dashboards_read")])
        (found,) = raised("AS-ROLE-06", at)
        assert (found.subject_id, found.evidence) == (
            "reader",
            {"contained_in": "Datadog Standard Role", "who_hold_both": 1},
        )

    def test_unknown_permissions(self) -> None:
        from tests.findings.scenery import NAMES

        at = picture(names=(*NAMES, "teleport_write"))
        assert subjects("AS-ROLE-08", at) == {"teleport_write": "info"}


class TestMachines:
    def test_declared_and_inferred_alike(self) -> None:
        at = picture(
            account("deploy", "admin"), person("ci", "admin"), account("small", "standard"), known={"ci": ROBOT}
        )
        assert subjects("AS-NHI-01", at) == {"deploy": "high", "ci": "high"}
        assert subjects("AS-NHI-05", at) == {"ci": "medium"}

    def test_owners_once_anybody_declares_one(self) -> None:
        machines = account("a"), account("b")
        assert run("AS-NHI-02", picture(*machines)).outcomes["AS-NHI-02"].state == "not_evaluated"
        known = {"a": Known("nhi", "ci", "override", owner="ada@example.com")}
        assert subjects("AS-NHI-02", picture(*machines, known=known)) == {"a": "low", "b": "medium"}

    def test_unused_only_where_all_is_known(self) -> None:
        at = picture(
            account("idle"), account("busy"), account("unsaid"), account("young", created_at=ago(20)),
            keys=[
                key("k1", "idle", last_used_at=None), key("k2", "busy"), key("k3", "unsaid", last_used_at=UNSET),
            ],
        )  # fmt: skip
        assert subjects("AS-NHI-03", at) == {"idle": "medium"}
        partly = {Resource.APPLICATION_KEYS: Coverage(state=CoverageState.INCOMPLETE)}
        assert (
            run("AS-NHI-03", picture(account("idle"), coverage=partly)).outcomes["AS-NHI-03"].state == "not_evaluated"
        )

    def test_logins_of_accounts_and_keys_of_people(self) -> None:
        at = picture(
            account("odd", last_login_at=ago(3)),
            keys=[
                key("wide", "ada", scopes=None),
                key("narrow", "ada"),
                key("stale", "bob", scopes=None, last_used_at=ago(9)),
                key("prod all", "eve"),
            ],
        )
        assert subjects("AS-NHI-04", at) == {"odd": "high"}
        assert subjects("AS-NHI-06", at) == {"wide": "medium"}
        assert subjects("AS-NHI-07", at) == {"prod all": "low"}


class TestCredentials:
    def test_leaks_and_scopes(self) -> None:
        off = person("off", status="Disabled", disabled=True)
        at = picture(
            off,
            person("keeper", "secrets"),
            roles=[role("secrets", "api_keys_read")],
            keys=[
                key("out", "eve", leaked=True), key("dead", "off", leaked=True), key("unsaid", "eve", leaked=None),
                key("root", "ada", scopes=None), key("mid", "keeper", scopes=None), key("small", "eve", scopes=None),
                key("none", "eve", scopes=()), key("unread", "ada", scopes=None, scopes_known=False),
                key("off key", "off", scopes=None),
            ],
        )  # fmt: skip
        assert subjects("AS-KEY-01", at) == {"out": "critical", "dead": "medium"}
        assert subjects("AS-KEY-02", at) == {"root": "high", "mid": "medium", "small": "low"}

    def test_age_and_use(self) -> None:
        at = picture(
            keys=[
                key("old", "eve", created_at=ago(366)),
                key("idle", "eve", last_used_at=ago(91)),
                key("never", "eve", created_at=ago(31), last_used_at=None),
                key("new", "eve", created_at=ago(29), last_used_at=None),
                key("unsaid", "eve", last_used_at=UNSET),
                api_key("api idle", "eve", last_used_at=None),
                api_key("api new", "eve", last_used_at=None, created_at=ago(40)),
            ]
        )
        assert subjects("AS-KEY-03", at) == {"old": "medium"}
        assert subjects("AS-KEY-04", at) == {"idle": "medium", "never": "medium", "api idle": "medium"}
        longer = picture(keys=[api_key("api", "eve", last_used_at=None)], policy=_days("AS-KEY-04", 180))
        assert subjects("AS-KEY-04", longer) == {}, "of an API key Datadog shows no more than 90 days"

    def test_owners_that_are_gone(self) -> None:
        off = person("off", status="Disabled", disabled=True)
        at = picture(
            off,
            keys=[
                key("orphan", "off"),
                key("dangling", "nobody"),
                key("fine", "eve"),
                key("ownerless", None),
                api_key("made", "off"),
                api_key("quiet", "off", last_used_at=None),
            ],
            changes=[],
        )
        assert subjects("AS-KEY-05", at) == {"orphan": "low", "dangling": "low"}
        assert subjects("AS-KEY-06", at) == {"made": "medium", "quiet": "low"}
        news = picture(
            off, keys=[key("orphan", "off")], changes=[change(1, "identity.updated", "off", disabled=(False, True))]
        )
        assert subjects("AS-KEY-05", news) == {"orphan": "medium"}

    def test_tokens(self) -> None:
        pat, sat = CredentialType.PERSONAL_ACCESS_TOKEN, CredentialType.SERVICE_ACCESS_TOKEN
        at = picture(
            account("ci"),
            keys=[
                key("endless", "ci", type=sat), key("long", "eve", type=pat, expires_at=ago(-20)),
                key("fine", "eve", type=pat, created_at=ago(80), expires_at=ago(-9)),
                key("over", "eve", type=pat, expires_at=ago(1)),
            ],
        )  # fmt: skip
        assert subjects("AS-KEY-07", at) == {"endless": "medium", "long": "medium"}
        assert subjects("AS-KEY-08", at) == {"fine": "info"}

    def test_scopes_and_numbers(self) -> None:
        many = [key(f"k{n}", "eve") for n in range(6)]
        at = picture(
            keys=[
                *many,
                key("dead", "eve", scopes=("logs_read_data",)),
                key("sleeps", "kim", scopes=("api_keys_read",)),
            ]
        )
        assert subjects("AS-KEY-09", at) == {"dead": "info", "sleeps": "low"}
        assert subjects("AS-KEY-10", at) == {"eve": "low"}
        assert run("AS-KEY-11", picture()).outcomes["AS-KEY-11"].state == "not_evaluated"


class TestSurroundings:
    def test_clients(self) -> None:
        kind = CredentialType.OAUTH_CLIENT
        users = tuple(f"u{n}" for n in range(51))
        at = picture(
            keys=[
                key("idle", None, type=kind, last_used_at=ago(100), user_ids=("eve",)),
                key("broad", None, type=kind, scopes=("incident_write",), user_ids=users),
                key("hidden", None, type=kind, scopes=None, user_ids=users),
            ]
        )
        assert subjects("AS-APP-01", at) == {"idle": "low"}
        assert subjects("AS-APP-02", at) == {"broad": "medium"}

    def test_mappings(self) -> None:
        mappings = [
            Mapping(id="root", attribute_key="g", attribute_value="root", role_id="admin"),
            Mapping(id="secret", attribute_key="g", attribute_value="s", role_id="secrets"),
            Mapping(id="lost", attribute_key="g", attribute_value="l", role_id="gone"),
            Mapping(id="team", attribute_key="g", attribute_value="t", team_id="gone"),
        ]
        at = picture(person("p", "secrets"), mappings=mappings, roles=[role("secrets", "api_keys_read")])
        assert subjects("AS-MAP-01", at) == {"root": "medium", "secret": "low"}
        assert subjects("AS-MAP-02", at) == {"standard": "info"}
        assert subjects("AS-MAP-03", at) == {"lost": "low", "team": "low"}

    def test_the_subject_of_a_team_admin_finding_is_the_person(self) -> None:
        off = person("off", status="Disabled", disabled=True)
        teams = [Team(id="t", name="Tools"), Team(id="u", name="Users")]
        both = [Membership(id=f"{one}:off", team_id=one, user_id="off", role="admin") for one in ("t", "u")]
        at = picture(off, teams=teams, memberships=both)
        (found,) = raised("AS-TEAM-02", at)
        assert (found.kind, found.subject_id, found.evidence["admin_of"]) == ("identity", "off", ["Tools", "Users"])

    def test_a_listing_that_was_not_proven(self) -> None:
        seen = {
            Resource.USERS: Coverage(state=CoverageState.INCOMPLETE, received=5, expected=9),
            Resource.TEAMS: Coverage(state=CoverageState.DENIED),
            Resource.API_KEYS: Coverage(state=CoverageState.SKIPPED),
        }
        assert subjects("AS-GOV-01", picture(coverage=seen)) == {"users": "high", "teams": "medium"}

    def test_waivers_at_their_end(self) -> None:
        def waiver(name: str, expires: date) -> Waiver:
            return Waiver(owner="ada", reason="r", approver="bob", expires=expires, finding=name)

        given = [
            waiver("F-1111", date(2026, 11, 20)),
            waiver("F-2222", date(2026, 11, 25)),
            waiver("F-3333", date(2027, 5, 1)),
        ]
        assert subjects("AS-GOV-07", picture(waivers=given)) == {"F-1111": "medium", "F-2222": "info"}


def _days(check: str, number: int) -> Policy:
    from accesssync.findings.policy import CheckPolicy

    return Policy(checks={check: CheckPolicy(parameters={"days": number})})
