"""Who can, directly and otherwise."""

import time

import pytest

from accesssync.errors import UsageError
from accesssync.reach.access import Access
from accesssync.reach.indirect import not_counted, rules
from accesssync.reach.tier import tiers
from accesssync.reach.who import scope_names, who_can
from tests.reach.organization import AT, access, client, key, permission, person, robot, role

ADMIN = role("Admin", "user_access_manage", "monitors_write")
CI = role("CI", "service_account_write")
AUDITOR = role("Auditor", "org_app_keys_read")
AUTHOR = role("Author", "dashboards_read", "user_app_keys", "monitors_write")
ROLES = [ADMIN, CI, AUDITOR, AUTHOR]


def test_identities_and_credentials_with_their_paths() -> None:
    people = [person("ada", "Admin", "Author"), person("bob", "Admin", disabled=True), person("cy", "CI")]
    keys = [key("wide", "ada"), key("narrow", "ada", ("dashboards_read",)), client("chat", "ada", "bob")]
    answer = who_can(access(people=people, roles=ROLES, credentials=keys), "monitors_write")
    assert [(one.email, one.via) for one in answer.identities] == [("ada@example.com", ("Admin", "Author"))]
    assert [(one.name, one.via) for one in answer.credentials] == [
        ("chat", ("scopes not shown: acts as ada@example.com (Admin, Author)",)),
        ("wide", ("unscoped: acts as ada@example.com (Admin, Author)",)),
    ]
    assert answer.listed
    assert answer.note is None


def test_who_could_give_it_to_themselves() -> None:
    people = [person("ada", "Admin"), robot("terraform-ci", "Admin"), person("cy", "CI"), person("di", "Auditor")]
    keys = [key("deploy", "terraform-ci"), key("cy's", "cy", ("dashboards_read",))]
    org = access(people=people, roles=[*ROLES, role("Keys", "org_app_keys_write")], credentials=keys)
    answer = who_can(org, "user_access_manage", indirect=True)
    said = {one.email: one for one in answer.identities}
    assert said["ada@example.com"].direct
    assert said["cy@example.com"].via == ("service_account_write: can act as terraform-ci, holding it through Admin",)
    assert said["cy@example.com"].paths[0].certainty == "certain"
    assert said["di@example.com"].paths[0].certainty == "possible"
    assert "deploy ..ab12" in said["di@example.com"].via[0]
    # Whoever can act as an account that grants roles reaches what no account holds yet.
    answer = who_can(org, "org_app_keys_write", indirect=True)
    said = {one.email: one for one in answer.identities}
    assert said["ada@example.com"].via == ("user_access_manage: can grant itself any role (Keys)",)
    assert "terraform-ci, holding user_access_manage" in said["cy@example.com"].via[0]
    assert not any(one.direct for one in answer.identities)


def test_a_key_that_may_widen_itself() -> None:
    keys = [key("narrow", "ada", ("user_app_keys",)), key("narrower", "ada", ("dashboards_read",))]
    org = access(people=[person("ada", "Author")], roles=ROLES, credentials=keys)
    answer = who_can(org, "monitors_write", indirect=True)
    assert [(one.name, one.direct, one.paths[0].certainty) for one in answer.credentials] == [
        ("narrow", False, "possible")
    ]
    assert "ada@example.com, who holds it through Author" in answer.credentials[0].via[0]


def test_a_name_that_only_scopes_know() -> None:
    keys = [key("narrow", "ada", ("teams_read",)), key("wide", "ada")]
    org = access(people=[person("ada", "Admin")], roles=ROLES, credentials=keys)
    answer = who_can(org, "teams_read", indirect=True)
    assert not answer.listed
    assert answer.note is not None
    assert answer.identities == ()
    assert [one.name for one in answer.credentials] == ["narrow"]
    assert who_can(org, "user_access_read").credentials == ()


def test_a_permission_list_that_was_not_read() -> None:
    org = access(people=[person("ada", "Admin")], roles=ROLES, permissions=[])
    answer = who_can(org, "user_access_manage")
    assert not answer.listed
    assert "were not read" in (answer.note or "")


def test_a_name_that_nothing_knows() -> None:
    org = access(people=[], roles=[])
    with pytest.raises(UsageError, match="no permission 'user_acces_manage'") as raised:
        who_can(org, "user_acces_manage")
    assert "user_access_manage" in (raised.value.remedy or "")
    with pytest.raises(UsageError) as raised:
        who_can(org, "Q" * 5000)
    assert len(raised.value.line()) < 250


def test_counts_what_the_answer_may_lack() -> None:
    org = access(people=[person("ada", "Gone")], roles=ROLES, credentials=[key("lost", "nobody")])
    answer = who_can(org, "monitors_write")
    assert (answer.unclear, answer.unlisted_roles) == (1, 1)


def test_every_rule_rests_on_a_name_that_is_known_and_says_why() -> None:
    known = {name for tier in tiers() for name in tier.permissions} | {"org_app_keys_read", "user_app_keys"}
    for rule in rules():
        assert rule.permission in known
        assert rule.why
        assert rule.path.startswith(f"{rule.permission}: ")
    counted = {rule.permission for rule in rules()}
    assert not counted & {one.permission for one in not_counted()}
    assert list(scope_names()) == sorted(scope_names())


def test_a_large_organization_takes_seconds() -> None:
    names = ["user_access_manage", "service_account_write", "org_app_keys_read", *(f"thing_{n}" for n in range(297))]
    catalogue = [permission(name) for name in names]
    roles = [role(str(n), *names[n % 3 :: 7 + n % 11]) for n in range(200)]
    people = [person(str(n), str(n % 200), str(n * 7 % 200), service_account=n % 100 == 0) for n in range(100_000)]
    keys = [key(str(n), str(n * 3), None if n % 2 else tuple(names[n % 50 : n % 50 + 9])) for n in range(20_000)]
    started = time.perf_counter()
    org = Access(at=AT, identities=people, roles=roles, permissions=catalogue, credentials=keys)
    indexed = time.perf_counter()
    direct = who_can(org, "thing_5")
    answered = time.perf_counter()
    everything = who_can(org, "thing_5", indirect=True)
    done = time.perf_counter()
    print(  # noqa: T201 - a figure for whoever runs this test alone
        f"\n100,000 identities, 20,000 credentials: indexed in {indexed - started:.2f} s, who-can "
        f"{answered - indexed:.2f} s ({len(direct.identities)}), --indirect {done - answered:.2f} s "
        f"({len(everything.identities)})"
    )
    assert direct.identities
    assert done - started < 120, "not even near the few seconds it should take"
