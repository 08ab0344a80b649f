"""What credentials and accounts can do, by example."""

from datetime import timedelta

import pytest

from accesssync.model.credential import CredentialType
from accesssync.model.role import Permission
from accesssync.reach.access import Access
from accesssync.reach.credential import Scoping, Standing, account_reach, credential_reach
from accesssync.reach.expand import expand
from accesssync.reach.tier import known_tiers, privileged_permissions, tier_of
from tests.reach.organization import AT, access, api_key, client, key, permission, person, robot, role

ADMIN = role("Admin", "user_access_manage", "monitors_write", "dashboards_read")
READER = role("Reader", "dashboards_read")


def test_scopes_are_effective_dead_sleeping_or_unknown() -> None:
    one = key("ci", "ada", ("dashboards_read", "monitors_write", "org_app_keys_write", "teams_read"))
    reach = credential_reach(access(people=[person("ada", "Reader")], roles=[ADMIN, READER], credentials=[one]), one)
    assert (reach.standing, reach.scoping) == (Standing.WORKS, Scoping.SCOPED)
    assert reach.effective == ("dashboards_read",)
    assert reach.dead == ("org_app_keys_write", "monitors_write")
    assert reach.sleeping == {"monitors_write": ("Admin",)}
    assert reach.unknown == ("teams_read",)


def test_unscoped_and_scoped_to_nothing_are_different() -> None:
    everything, nothing = key("all", "ada"), key("none", "ada", ())
    org = access(people=[person("ada", "Admin")], roles=[ADMIN], credentials=[everything, nothing])
    assert credential_reach(org, everything).effective == ("user_access_manage", "monitors_write", "dashboards_read")
    assert credential_reach(org, everything).privileged == ("user_access_manage",)
    assert credential_reach(org, everything).scoping is Scoping.UNSCOPED
    assert credential_reach(org, nothing).effective == ()
    assert credential_reach(org, nothing).scoping is Scoping.SCOPED


@pytest.mark.parametrize("facts", [{"disabled": True}, {"disabled": None, "status": "Disabled"}])
def test_a_disabled_owner_ends_application_keys_and_not_api_keys(facts: dict[str, object]) -> None:
    own, other = key("own", "ada"), api_key("agent", "ada")
    org = access(people=[person("ada", "Admin", **facts)], roles=[ADMIN], credentials=[own, other])
    reach = credential_reach(org, own)
    assert (reach.standing, reach.effective) == (Standing.STOPPED, ())
    assert reach.reason == "its owner ada@example.com is disabled"
    assert reach.granted
    reach = credential_reach(org, other)
    assert (reach.standing, reach.scoping, reach.effective) == (Standing.WORKS, Scoping.ORGANIZATION, ())
    assert "sends data" in reach.abilities[0]


def test_an_expired_token_does_nothing_from_that_moment_on() -> None:
    over = key("pat", "ada", expires_at=AT, type=CredentialType.PERSONAL_ACCESS_TOKEN)
    valid = key("sat", "ada", expires_at=AT + timedelta(seconds=1), type=CredentialType.SERVICE_ACCESS_TOKEN)
    org = access(people=[person("ada", "Reader")], roles=[READER], credentials=[over, valid])
    assert credential_reach(org, over).reason == "it expired at 2026-11-21T12:00:00Z"
    assert credential_reach(org, over).effective == ()
    assert credential_reach(org, valid).effective == ("dashboards_read",)


def test_an_oauth_client_acts_for_those_of_its_users_who_can_act() -> None:
    people = [person("ada", "Reader"), person("bob", "Admin", disabled=True)]
    one = client("chat", "ada", "bob")
    reach = credential_reach(access(people=people, roles=[ADMIN, READER], credentials=[one]), one)
    assert (reach.effective, reach.scoping) == (("dashboards_read",), Scoping.UNSTATED)
    assert "the most it can do" in reach.doubts[0]
    off, nobody, ended = client("off", "ada", disabled=True), client("nobody"), client("ended", "bob")
    org = access(people=people, roles=[READER], credentials=[off, nobody, ended])
    assert [credential_reach(org, each).standing for each in (off, nobody, ended)] == [
        Standing.STOPPED,
        Standing.UNKNOWN,
        Standing.STOPPED,
    ]


def test_an_owner_that_is_not_listed_leaves_the_truth_open() -> None:
    for one in (key("lost", "gone", ("dashboards_read",)), key("nobody's", None)):
        reach = credential_reach(access(people=[], roles=[READER], credentials=[one]), one)
        assert (reach.standing, reach.effective, reach.dead) == (Standing.UNKNOWN, (), ())
        assert reach.reason


def test_what_is_not_listed_is_named() -> None:
    odd = role("Odd", "dashboards_read", "secret_new_thing")
    ada = person("ada", "Odd", "Gone")
    one = key("ci", "ada", ("dashboards_read",))
    org = access(people=[ada], roles=[odd], credentials=[one])
    expansion = expand(org, ada)
    assert (expansion.unlisted_roles, expansion.unlisted_permissions) == (("r-Gone",), ("p-secret_new_thing",))
    assert {held.permission for held in expansion.permissions} == {"dashboards_read", "p-secret_new_thing"}
    assert len(credential_reach(org, one).doubts) == 2


def test_restricted_and_privileged_permissions_are_flagged() -> None:
    catalogue = [permission("dashboards_read", restricted=True, display_type="read"), permission("user_access_manage")]
    ada = person("ada", "Reader", "Admin")
    held = {
        one.permission: one
        for one in expand(access(people=[ada], roles=[ADMIN, READER], permissions=catalogue), ada).permissions
    }
    assert held["dashboards_read"].restricted
    assert held["dashboards_read"].via == ("Admin", "Reader")
    assert (held["dashboards_read"].tier, held["user_access_manage"].tier) == ("T3", "T0")
    assert held["user_access_manage"].privileged
    assert not held["dashboards_read"].privileged


def test_an_account_is_the_union_of_its_credentials() -> None:
    bot = robot("ci", "Admin")
    keys = [
        key("a", "ci", ("dashboards_read",)),
        key("b", "ci", ("monitors_write",), type=CredentialType.SERVICE_ACCESS_TOKEN),
        key("old", "ci", ("user_access_manage",), expires_at=AT - timedelta(days=1)),
    ]
    reach = account_reach(access(people=[bot], roles=[ADMIN], credentials=keys), bot)
    assert reach.usable == ("monitors_write", "dashboards_read")
    assert reach.idle == ("user_access_manage",)
    assert reach.unscoped == ()
    assert len(reach.credentials) == 3


def test_an_organization_may_see_tiers_differently() -> None:
    overrides = {"dashboards_read": "T1c", "user_access_manage": "T2"}
    assert set(overrides.values()) <= set(known_tiers())
    assert tier_of("dashboards_read", "read", overrides) == "T1c"
    org = access(people=[], roles=[ADMIN], tiers=overrides)
    assert org.unpack(org.privileged & org.carried(ADMIN.id)) == ("dashboards_read",)
    assert known_tiers() == ("T0", "T1", "T1a", "T1b", "T1c", "T1d", "T1e", "T1f", "T2", "T3")


def test_what_the_standard_role_carries_is_nobodys_privilege() -> None:
    standard = role("Datadog Standard Role", "user_access_manage")
    assert not privileged_permissions([standard], [permission("user_access_manage")])


def test_nothing_at_all_and_nulls_everywhere() -> None:
    nameless = Permission(id="p-dashboards_read")
    org = Access(at=AT, identities=[person("ada", "Reader")], roles=[READER], permissions=[nameless])
    assert [one.permission for one in expand(org, org.identities["u-ada"]).permissions] == ["p-dashboards_read"]
    strange = key("x", "ada", type="carrier_pigeon")
    empty = Access(at=AT, identities=[], roles=[], permissions=[], credentials=[strange])
    assert credential_reach(empty, strange).doubts
