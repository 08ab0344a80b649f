"""What a file asks for becomes the fewest writes in a safe order."""

from datetime import timedelta

from accesssync.model.operation import Operation
from accesssync.provision.decide import PRIVILEGED
from tests.builders import NOW
from tests.provision.builders import ADMIN, READ, STANDARD, brief, organization, person, plan, rules, wish


def test_a_new_person_is_created_with_roles_and_then_invited() -> None:
    made = plan(wish("users:", "  - email: eve@example.com", "    roles: [Datadog Standard Role]"), organization())
    assert brief(made) == [("create_user", "eve@example.com"), ("send_invitation", "eve@example.com")]
    create = made.actions[0]
    assert (create.role_ids, create.before, create.why) == ((STANDARD,), None, "access.yaml:5")
    assert create.after == {
        "email": "eve@example.com",
        "name": None,
        "title": None,
        "roles": ["Datadog Standard Role"],
        "status": "Pending",
    }


def test_nobody_is_invited_where_the_file_says_so() -> None:
    text = wish("invite: false", "users:", "  - email: eve@example.com", "    roles: [role-read]")
    assert brief(plan(text, organization())) == [("create_user", "eve@example.com")]


def test_addresses_are_the_same_in_any_case_and_handles_are_told_apart() -> None:
    org = organization(person("ada", STANDARD), person("bob", STANDARD, email="robert@example.com"))
    text = wish("users:", "  - {email: ADA@EXAMPLE.COM, roles: [role-standard]}")
    assert plan(text, org).actions == ()
    text = wish("users:", "  - {email: bob@example.com, roles: [role-standard]}")
    made = plan(text, org)
    assert made.actions == ()
    assert rules(made) == {"ambiguous"}
    assert "robert@example.com" in made.refusals[0].message


def test_additive_gives_and_authoritative_also_takes_from_people_it_names() -> None:
    org = organization(person("ada", READ, ADMIN), person("bob", READ), person("dan", ADMIN), person("eva", ADMIN))
    lines = ("users:", "  - {email: ada@example.com, roles: [role-standard]}")
    assert brief(plan(wish(*lines), org)) == [("grant_role", "ada@example.com")]
    made = plan(wish(*lines, mode="authoritative"), org)
    assert [(one.operation, one.role_ids) for one in made.actions] == [
        (Operation.GRANT_ROLE, (STANDARD,)),
        (Operation.REVOKE_ROLE, (READ,)),
        (Operation.REVOKE_ROLE, (ADMIN,)),
    ]
    assert [one.phase for one in made.actions][-1] == PRIVILEGED
    assert made.actions[1].before == {
        "name": "Ada",
        "title": None,
        "status": "Active",
        "roles": ["Datadog Admin Role", "Datadog Read Only Role", "Datadog Standard Role"],
    }
    assert made.actions[2].expected is not None
    assert made.actions[2].expected.role_ids == (ADMIN, STANDARD)


def test_somebody_disabled_is_enabled_before_anything_is_given() -> None:
    org = organization(person("ada", STANDARD, disabled=True, status="Disabled"))
    made = plan(wish("users:", "  - {email: ada@example.com, roles: [role-read], title: Boss}"), org)
    assert [one.operation for one in made.actions] == ["enable_user", "update_user", "grant_role"]


def test_absent_and_expired_people_are_disabled_once() -> None:
    gone = person("gone", STANDARD, disabled=True, status="Disabled")
    org = organization(person("left", STANDARD), person("temp", STANDARD), gone)
    text = wish(
        "users:",
        "  - {email: temp@example.com, roles: [role-standard], expires: 2026-11-20}",
        "absent:",
        "  - email: left@example.com",
        "  - email: gone@example.com",
        "  - email: never@example.com",
    )
    made = plan(text, org)
    assert brief(made) == [("disable_user", "left@example.com"), ("disable_user", "temp@example.com")]
    assert made.actions[1].why == "access.yaml:5: expired on 2026-11-20"


def test_access_ends_with_the_last_day_and_not_before() -> None:
    org = organization(person("temp", STANDARD))
    text = wish("users:", "  - {email: temp@example.com, roles: [role-standard], expires: 2026-11-21}")
    assert plan(text, org, NOW).actions == ()
    assert brief(plan(text, org, NOW + timedelta(hours=12))) == [("disable_user", "temp@example.com")]


def test_several_records_of_one_address_are_never_guessed_at() -> None:
    org = organization(person("ada"), person("twin", email="ADA@example.com"))
    made = plan(wish("absent:", "  - email: ada@example.com"), org)
    assert (made.actions, rules(made)) == ((), {"ambiguous"})
    assert all(one in made.refusals[0].message for one in ("ada", "twin", "access.yaml:5"))


def test_an_address_that_looks_like_somebody_elses_is_not_created() -> None:
    org = organization(person("paul"))
    made = plan(wish("users:", "  - {email: pau1@example.com, roles: [role-read]}"), org)
    assert rules(made) == {"look_alike"}
    assert made.refusals[0].waivable
    twins = wish(
        "users:",
        "  - {email: eva1@example.com, roles: [role-read]}",
        "  - {email: eval@example.com, roles: [role-read]}",
    )
    assert rules(plan(twins, organization())) == {"look_alike"}


def test_a_service_account_is_known_by_name_and_address_together() -> None:
    ci = person("ci", READ, service_account=True, name="ci", email="team@example.com")
    org = organization(ci, person("team"))
    lines = ("service_accounts:", "  - {name: ci, email: team@example.com, roles: [role-read], owner: ada@example.com}")
    assert plan(wish(*lines), org).actions == ()
    made = plan(wish(lines[0], lines[1].replace("name: ci", "name: cd")), org)
    assert brief(made) == [("create_service_account", "cd")]
    assert made.actions[0].after is not None
    assert made.actions[0].after["owner"] == "ada@example.com"


def test_somebody_an_earlier_plan_made_and_never_invited_is_invited() -> None:
    org = organization(person("eve", READ, status="Pending"), uninvited=frozenset({"eve"}))
    made = plan(wish("users:", "  - {email: eve@example.com, roles: [role-read]}"), org)
    assert brief(made) == [("send_invitation", "eve@example.com")]
    came = organization(person("eve", READ), uninvited=frozenset({"eve"}))
    assert plan(wish("users:", "  - {email: eve@example.com, roles: [role-read]}"), came).actions == ()


def test_nobody_knows_a_status_that_datadog_made_up() -> None:
    org = organization(person("ada", status="Suspended"))
    assert rules(plan(wish("users:", "  - {email: ada@example.com, roles: [role-read]}"), org)) == {"ambiguous"}
