"""Comparing two observations: nothing invented, nothing lost, and what cannot be known stays as it was."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import asdict, replace

from accesssync.drift.compare import (
    compare_record,
    compare_references,
    keep_known,
)
from accesssync.drift.facts import FACTS_VERSION, NOUNS, plain, same
from accesssync.model.change import Delta
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Role
from tests.builders import LONG_AGO, identities, identity, role, role_sets, roles

MALFORMABLE = st.lists(st.sampled_from([*NOUNS[Identity].facts, "role_ids", "last_login_at"]), unique=True).map(tuple)


@given(one=identities())
def test_an_identity_does_not_differ_from_itself(one: Identity) -> None:
    assert list(compare_record(Resource.USERS, one, one)) == []
    assert list(compare_references(Resource.USERS, Identity, one.id, one.subject, one.role_ids, one.role_ids, {})) == []


@given(one=roles())
def test_a_role_does_not_differ_from_itself(one: Role) -> None:
    assert list(compare_record(Resource.ROLES, one, one)) == []
    assert (
        list(
            compare_references(
                Resource.ROLES, Role, one.id, one.subject, one.permission_ids, one.permission_ids, {}, none
            )
        )
        == []
    )


none: frozenset[str] = frozenset()


@given(before=identities(), after=identities())
def test_the_changes_lead_from_the_facts_before_to_the_facts_after(before: Identity, after: Identity) -> None:
    facts = {name: plain(getattr(before, name)) for name in NOUNS[Identity].facts}
    for delta in compare_record(Resource.USERS, before, after):
        assert delta.kind == "identity.updated"
        assert delta.subject_id == after.id
        for name, (old, new) in delta.fields.items():
            assert facts[name] == old
            facts[name] = new
    for name, value in facts.items():
        assert same(name, value, plain(getattr(after, name))), name


@given(before=role_sets, after=role_sets)
def test_the_grants_gained_and_lost_lead_from_one_set_to_the_other(
    before: tuple[str, ...], after: tuple[str, ...]
) -> None:
    held = set(before)
    for delta in compare_references(
        Resource.USERS, Identity, "u", "Ada", before, after, {"role-1": "Admin", "role-2": None}
    ):
        side = 1 if delta.kind == "grant.added" else 0
        one = delta.fields["role_id"][side]
        assert delta.fields["role_id"][1 - side] is None
        assert delta.fields["role"][side] == {"role-1": "Admin"}.get(str(one), one)
        assert delta.part == one
        (held.add if side else held.remove)(str(one))
    assert held == set(after)


@given(before=roles(), after=roles())
def test_the_changes_of_a_role_lead_from_before_to_after(before: Role, after: Role) -> None:
    facts = {name: plain(getattr(before, name)) for name in NOUNS[Role].facts}
    for delta in compare_record(Resource.ROLES, before, after):
        facts.update({name: pair[1] for name, pair in delta.fields.items()})
    assert facts == {name: plain(getattr(after, name)) for name in NOUNS[Role].facts}
    carried = set(before.permission_ids)
    for delta in compare_references(
        Resource.ROLES, Role, "r", "Role", before.permission_ids, after.permission_ids, {}, none
    ):
        (carried.add if delta.kind == "role_permission.added" else carried.remove)(delta.part)
    assert carried == set(after.permission_ids)


@given(before=role_sets, after=role_sets, restricted=st.frozensets(st.sampled_from(["role-1", "role-3"])))
def test_permissions_that_datadog_hands_out_itself_are_no_news(
    before: tuple[str, ...], after: tuple[str, ...], restricted: frozenset[str]
) -> None:
    found = {one.part for one in compare_references(Resource.ROLES, Role, "r", "Role", before, after, {}, restricted)}
    assert found == (set(before) ^ set(after)) - restricted


@given(one=identities())
def test_whoever_appears_or_vanishes_is_told_with_every_known_fact(one: Identity) -> None:
    [added] = compare_record(Resource.USERS, None, one)
    [removed] = compare_record(Resource.USERS, one, None)
    known = {name: plain(getattr(one, name)) for name in NOUNS[Identity].facts if getattr(one, name) is not None}
    assert (added.kind, added.fields) == ("identity.added", {name: (None, value) for name, value in known.items()})
    assert (removed.kind, removed.fields) == (
        "identity.removed",
        {name: (value, None) for name, value in known.items()},
    )


def test_nobody_before_and_nobody_after_is_nothing() -> None:
    assert list(compare_record(Resource.USERS, None, None)) == []
    assert list(compare_record(Resource.ROLES, None, None)) == []


def test_a_role_that_appears_or_vanishes() -> None:
    [added] = compare_record(Resource.ROLES, None, role(7))
    [removed] = compare_record(Resource.ROLES, role(7), None)
    assert (added.kind, added.subject_id, added.subject) == ("role.added", "role-7", "Role 7")
    assert added.fields == {"name": (None, "Role 7"), "created_at": (None, "2024-02-29T08:30:15.123456Z")}
    assert (removed.kind, removed.fields["name"]) == ("role.removed", ("Role 7", None))


@given(before=identities(), after=identities(), malformed=MALFORMABLE)
def test_what_could_not_be_understood_stays_as_it_was(
    before: Identity, after: Identity, malformed: tuple[str, ...]
) -> None:
    kept = keep_known(before, replace(after, malformed=malformed))
    expected: dict[str, Any] = {**asdict(after), **{name: getattr(before, name) for name in malformed}}
    assert asdict(kept) == {**expected, "malformed": ()}
    changed = {
        name
        for delta in compare_record(Resource.USERS, before, replace(after, malformed=malformed))
        for name in delta.fields
    }
    assert not changed & set(malformed)


def test_a_fact_that_the_older_program_did_not_decode_is_not_compared() -> None:
    before = identity(1, mfa_enabled=None)
    after = identity(1, mfa_enabled=True, title="Boss")
    assert [set(one.fields) for one in compare_record(Resource.USERS, before, after, FACTS_VERSION)] == [
        {"mfa_enabled", "title"}
    ]
    assert list(compare_record(Resource.USERS, before, after, FACTS_VERSION - 1)) == []
    assert list(compare_record(Resource.ROLES, role(1, name=None), role(1), FACTS_VERSION - 1)) == []


@pytest.mark.parametrize("field", ["email", "handle"])
def test_the_letter_case_of_an_address_is_no_change_but_that_of_a_name_is(field: str) -> None:
    before = identity(1, **{field: "Ada@Example.com"})
    assert list(compare_record(Resource.USERS, before, replace(before, **{field: "ada@example.COM"}))) == []
    assert [one.kind for one in compare_record(Resource.USERS, before, replace(before, name="PERSON 1"))] == [
        "identity.updated"
    ]


def test_activity_is_never_a_change() -> None:
    assert list(compare_record(Resource.USERS, identity(1), identity(1, last_login_at=LONG_AGO))) == []


def test_a_value_that_is_no_fact_is_a_mistake_of_ours() -> None:
    with pytest.raises(TypeError, match="bytes"):
        plain(b"x")
    assert plain(("a", "b")) == ["a", "b"]


def test_different_roles_of_one_subject_make_different_changes() -> None:
    deltas = list(compare_references(Resource.USERS, Identity, "u", "Ada", (), ("role-1", "role-2"), {}))
    assert len({(one.kind, one.subject_id, one.part) for one in deltas}) == 2
    assert all(isinstance(one, Delta) for one in deltas)
