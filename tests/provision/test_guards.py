"""What a plan may take away before somebody has to say that it is meant."""

from dataclasses import dataclass
from typing import Any

import pytest

from accesssync.model.operation import Operation
from accesssync.provision.assemble import judge
from accesssync.provision.decide import decide
from accesssync.provision.guards import Limits, Spent, removal_limit
from accesssync.provision.organization import Organization
from accesssync.provision.policy import Policy
from tests.builders import NOW
from tests.provision.builders import (
    ADMIN,
    ALLOWED,
    CALLER,
    READ,
    STANDARD,
    crowd,
    desired,
    organization,
    person,
    plan,
    rules,
    terms,
    wish,
)


def leaving(*names: str) -> str:
    return wish("absent:", *(f"  - email: {name}@example.com" for name in names))


@pytest.mark.parametrize(("enabled", "limit"), [(1, 1), (9, 1), (10, 2), (50, 10), (124, 24), (125, 25), (5000, 25)])
def test_the_limit_is_a_share_an_absolute_number_and_one_below_ten(enabled: int, limit: int) -> None:
    assert removal_limit(enabled, Limits()) == limit


def test_one_removal_too_many_refuses_the_plan_and_names_the_people() -> None:
    people = crowd(50)
    org = organization(*people)
    ten = plan(leaving(*(one.id for one in people[:10])), org)
    assert rules(ten) == set()
    eleven = plan(leaving(*(one.id for one in people[:11])), org)
    assert rules(eleven) == {"removals"}
    [refusal] = eleven.refusals
    assert refusal.guard
    assert refusal.waivable
    for said in ("11 ", "22 % of 50", "10 is the most", people[0].email or "", "and 1 more"):
        assert said in refusal.message
    assert len(eleven.actions) == 11


def test_the_budget_is_a_days_and_not_a_plans() -> None:
    people = crowd(50)
    org = organization(*people)
    text = leaving(*(one.id for one in people[:6]))
    assert rules(plan(text, org, spent=Spent(removals=4))) == set()
    made = plan(text, org, spent=Spent(removals=5))
    assert rules(made) == {"removals"}
    assert "after 5 in the last 24 h" in made.refusals[0].message


def test_a_small_organization_has_a_rule_of_its_own() -> None:
    org = organization(*crowd(9))
    names = sorted(org.users)
    assert rules(plan(leaving(names[0]), org)) == set()
    assert rules(plan(leaving(*names[:2]), org)) == {"removals"}


def test_what_was_not_proven_complete_takes_nothing_from_anybody() -> None:
    org = organization(*crowd(20), unproven=("users",))
    made = plan(leaving("crowd0001x"), org)
    assert rules(made) == {"unproven_listing"}
    assert not made.refusals[0].waivable
    adding = plan(wish("users:", "  - {email: crowd0001x@example.com, roles: [role-read]}"), org)
    assert rules(adding) == set()


def test_the_last_admins_stay() -> None:
    org = organization(person("ada", ADMIN), person("bob", ADMIN), person("cem", ADMIN), *crowd(30))
    assert rules(plan(leaving("ada"), org)) == set()
    made = plan(leaving("ada", "bob"), org)
    assert rules(made) == {"min_admins"}
    assert not made.refusals[0].waivable
    assert "of 3 who administer 1 would be left" in made.refusals[0].message


@pytest.mark.parametrize(
    "facts",
    [{"status": "Pending"}, {"disabled": True, "status": "Disabled"}, {"service_account": True}],
)
def test_an_admin_who_cannot_log_in_does_not_count(facts: dict[str, Any]) -> None:
    org = organization(person("ada", ADMIN), person("bob", ADMIN), person("cem", ADMIN, **facts), *crowd(30))
    assert rules(plan(leaving("ada"), org)) == {"min_admins"}


def test_an_admin_that_the_same_plan_makes_counts_only_once_they_can_act() -> None:
    org = organization(person("ada", ADMIN), person("bob", ADMIN), person("dan", STANDARD), *crowd(30))
    text = wish("users:", "  - {email: dan@example.com, roles: [role-admin]}", "absent:", "  - email: ada@example.com")
    assert rules(plan(text, org)) == set()
    text = wish("users:", "  - {email: new@example.com, roles: [role-admin]}", "absent:", "  - email: ada@example.com")
    assert rules(plan(text, org)) == {"min_admins"}


def test_required_admins_and_protected_people_stay() -> None:
    org = organization(*(person(name, ADMIN) for name in ("ada", "bob", "cem", "dan")), *crowd(30))
    limits = Limits(required_admins=frozenset({"ADA@example.com"}), protected=frozenset({"crowd0001x", "ci"}))
    assert rules(plan(leaving("ada"), org, limits=limits)) == {"required_admin"}
    assert rules(plan(leaving("crowd0001x"), org, limits=limits)) == {"protected"}
    assert rules(plan(leaving("crowd0002x"), org, limits=limits)) == set()


def test_nothing_is_taken_from_whoever_our_keys_belong_to() -> None:
    org = organization(person("caller", STANDARD), person("reader", STANDARD), *crowd(30))
    assert rules(plan(leaving("caller"), org)) == {"self"}
    assert rules(plan(leaving("reader"), org, reader="reader")) == {"self"}
    text = wish("users:", "  - {email: caller@example.com, roles: []}", mode="authoritative")
    assert rules(plan(text, org)) == {"self"}


def test_nothing_is_taken_from_the_privileged_while_nobody_knows_whose_the_key_is() -> None:
    org = organization(*(person(name, ADMIN) for name in ("ada", "bob", "cem")), *crowd(30))
    assert rules(plan(leaving("ada"), org, caller=None)) == {"unknown_caller"}
    assert rules(plan(leaving("crowd0001x"), org, caller=None)) == set()


def test_privileged_changes_have_a_budget_of_their_own() -> None:
    org = organization(*(person(name, ADMIN) for name in ("ada", "bob")), *crowd(30))
    lines = [f"  - {{email: crowd{number:04}x@example.com, roles: [role-admin]}}" for number in range(6)]
    assert rules(plan(wish("users:", *lines[:5]), org)) == set()
    assert rules(plan(wish("users:", *lines), org)) == {"privileged_changes"}
    assert rules(plan(wish("users:", *lines[:1]), org, spent=Spent(privileged=5))) == {"privileged_changes"}


def test_every_gauge_says_how_close_it_is() -> None:
    org = organization(person("ada", ADMIN), person("bob", ADMIN), person("cem", ADMIN), *crowd(30))
    gauges = {one.rule: one for one in plan(leaving("ada"), org, spent=Spent(removals=2)).gauges}
    assert (gauges["removals"].planned, gauges["removals"].spent, gauges["removals"].limit) == (1, 2, 6)
    assert (gauges["privileged_changes"].planned, gauges["privileged_changes"].limit) == (1, 5)
    assert (gauges["min_admins"].planned, gauges["min_admins"].limit, gauges["min_admins"].least) == (2, 2, True)


def test_what_is_not_allowed_is_refused_but_is_no_guard() -> None:
    made = plan(
        wish("users:", "  - {email: eve@example.com, roles: [role-read]}"),
        organization(),
        policy=Policy(allowed=frozenset({Operation.CREATE_USER}), variable="ACCESSSYNC_ALLOWED_OPERATIONS"),
    )
    [refusal] = made.refusals
    assert (refusal.rule, refusal.guard) == ("operation_not_allowed", False)
    assert "send_invitation (1), grant_role (1)" in refusal.message
    without = plan(
        wish("users:", "  - {email: eve@example.com, roles: []}"),
        organization(),
        policy=Policy(allowed=frozenset({Operation.CREATE_USER, Operation.SEND_INVITATION})),
    )
    assert without.refusals == ()


@dataclass
class Key:
    scopes: frozenset[str] | None
    known: bool
    rule: str | None


@pytest.mark.parametrize(
    "key",
    [
        Key(frozenset({"user_access_read", "user_access_invite", "user_access_manage"}), True, None),
        Key(frozenset({"user_access_read", "user_access_invite"}), True, "missing_scope"),
        Key(frozenset({"user_access_invite", "user_access_manage"}), True, "missing_scope"),
        Key(frozenset(), True, "missing_scope"),
        Key(None, True, "unscoped_key"),
        Key(None, False, "unscoped_key"),
    ],
)
def test_a_key_has_to_be_scoped_for_what_is_planned(key: Key) -> None:
    from msgspec.structs import replace

    caller = replace(CALLER, scopes=key.scopes, scopes_known=key.known)
    text = wish("users:", "  - {email: eve@example.com, roles: [role-read]}")
    assert rules(plan(text, organization(), caller=caller)) == ({key.rule} if key.rule else set())
    relaxed = Policy(allowed=ALLOWED.allowed, unscoped_key=True)
    expected = {"missing_scope"} if key.rule == "missing_scope" else set()
    assert rules(plan(text, organization(), caller=caller, policy=relaxed)) == expected


def test_a_scope_that_the_owner_lacks_is_missing() -> None:
    from msgspec.structs import replace

    caller = replace(CALLER, permissions=frozenset({"user_access_invite"}))
    text = wish("users:", "  - {email: eve@example.com, roles: [role-read]}")
    assert rules(plan(text, organization(), caller=caller)) == {"missing_scope"}


def test_saml_mappings_that_undo_a_plan_are_told_or_refused() -> None:
    org = organization(person("ada", STANDARD), mapped=frozenset({STANDARD}))
    text = wish("users:", "  - {email: ada@example.com, roles: [role-read, role-standard]}")
    made = plan(text, org)
    assert rules(made) == set()
    assert "ada@example.com may end" in made.warnings[0]
    strict = Policy(allowed=ALLOWED.allowed, saml_conflict="refuse")
    assert rules(plan(text, org, policy=strict)) == {"saml_mapping"}
    assert plan(text, organization(person("ada", STANDARD))).warnings == ()
    back = wish("users:", "  - {email: ada@example.com, roles: []}", mode="authoritative")
    assert "may come back" in plan(back, org).warnings[0]


def test_an_approval_makes_a_plan_live_longer() -> None:
    org = organization(*(person(name, ADMIN) for name in ("ada", "bob", "cem")), *crowd(30))
    policy = Policy(allowed=ALLOWED.allowed, approval="privileged")
    held, free = plan(leaving("ada"), org, policy=policy), plan(leaving("crowd0001x"), org, policy=policy)
    assert (held.approval is not None, (held.expires_at - NOW).total_seconds()) == (True, 72 * 3600)
    assert (free.approval, (free.expires_at - NOW).total_seconds()) == (None, 3600)


def judged(text: str, now_org: Organization, then_org: Organization) -> set[str]:
    actions = decide(desired(text, then_org), then_org, NOW).actions
    return {one.rule for one in judge(actions, now_org, terms()).refusals}


def test_two_plans_that_each_pass_are_counted_again_together() -> None:
    admins = [person(name, ADMIN) for name in ("ada", "bob", "cem")]
    before = organization(*admins, *crowd(30))
    after_first = organization(*admins[1:], person("ada", ADMIN, disabled=True, status="Disabled"), *crowd(30))
    assert judged(leaving("bob"), before, before) == set()
    assert judged(leaving("bob"), after_first, before) == {"min_admins"}


def test_a_role_that_is_not_known_can_neither_be_given_nor_taken() -> None:
    org = organization(person("ada", "role-unlisted", READ))
    made = plan(wish("users:", "  - {email: ada@example.com, roles: []}", mode="authoritative"), org)
    assert [one.role_ids for one in made.actions] == [(READ,)]
