"""What records are called, and the names of changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.model.change import Delta, change_id
from accesssync.model.coverage import Coverage, CoverageState, Resource
from tests.builders import identity, permission, role


@pytest.mark.parametrize(
    ("facts", "subject"),
    [
        ({}, "person1@example.com"),
        ({"email": None}, "Person 1"),
        ({"email": None, "name": None}, "user-0001"),
        ({"email": "", "name": ""}, "user-0001"),
        ({"service_account": True}, "Person 1"),
        ({"service_account": True, "name": None}, "person1@example.com"),
    ],
)
def test_what_an_identity_is_called(facts: dict[str, Any], subject: str) -> None:
    assert identity(1, **facts).subject == subject


def test_what_roles_and_permissions_are_called() -> None:
    assert (role(1).subject, role(1, name=None).subject) == ("Role 1", "role-1")
    assert (permission(1).subject, permission(1, name=None).subject) == ("permission_1", "perm-1")


def delta(**parts: Any) -> Delta:
    usual = {
        "kind": "grant.added",
        "resource": Resource.USERS,
        "subject_id": "u",
        "subject": "Ada",
        "fields": {},
        "part": "role-1",
    }
    return Delta(**{**usual, **parts})


def test_the_name_of_a_change_is_what_it_has_always_been() -> None:
    # Tickets and explanations refer to it: a new way of making it would orphan them.
    assert change_id("acme", 412, delta()) == "c-1b41c44b9b7b0a6d"


def test_the_name_of_a_change_depends_on_nothing_that_people_may_rename() -> None:
    shown = delta(subject="somebody else", fields={"role": (None, "renamed")})
    assert change_id("acme", 1, shown) == change_id("acme", 1, delta())


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["acme", "emea"]),
            st.integers(1, 3),
            st.sampled_from(["grant.added", "grant.removed"]),
            st.sampled_from(["u", "v"]),
            st.sampled_from(["role-1", "role-2", ""]),
        ),
        unique=True,
        max_size=30,
    )
)
def test_different_changes_have_different_names(seen: list[tuple[str, int, str, str, str]]) -> None:
    names = {change_id(org, run, delta(kind=kind, subject_id=who, part=part)) for org, run, kind, who, part in seen}
    assert len(names) == len(seen)


@pytest.mark.parametrize("state", CoverageState)
def test_only_a_complete_listing_proves_absence(state: CoverageState) -> None:
    assert Coverage(state=state).proven is (state is CoverageState.COMPLETE)
