"""A digest stands for the facts: equal where they are, different where they are not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import UNSET
from msgspec.structs import replace

from accesssync.drift.compare import compare_record, compare_references
from accesssync.drift.facts import FACTS_VERSION, NOUNS, digest_of, facts_in, mark_of, pack_of, read_mark
from accesssync.drift.text import LONGEST, bounded
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from tests.builders import LONG_AGO, identities, identity, permission, role, roles

none: frozenset[str] = frozenset()


@given(before=identities(), after=identities())
def test_two_identities_have_one_digest_exactly_when_nothing_changed(before: Identity, after: Identity) -> None:
    changed = [
        *compare_record(Resource.USERS, before, after),
        *compare_references(Resource.USERS, Identity, "u", "u", before.role_ids, after.role_ids, {}),
    ]
    assert (digest_of(Identity)(before) == digest_of(Identity)(after)) == (not changed)


@pytest.mark.parametrize("record_type", NOUNS)
@given(data=st.data())
def test_what_was_never_understood_is_read_back_from_its_mark(record_type: type, data: st.DataObject) -> None:
    references = NOUNS[record_type].references
    parts = [*NOUNS[record_type].facts, *([references.attribute] if references else [])]
    unread = data.draw(st.sets(st.sampled_from(parts)))
    mark = mark_of(record_type, [*unread, *unread, "last_login_at", "no part of it"])
    assert read_mark(record_type, mark) == (FACTS_VERSION, frozenset(unread))
    # Databases keep it in four bytes.
    assert 0 < mark < 2**31


def test_a_plain_version_is_a_mark_without_anything_unread() -> None:
    assert mark_of(Identity) == FACTS_VERSION < 256
    assert read_mark(Identity, FACTS_VERSION) == (FACTS_VERSION, frozenset())


@given(before=roles(), after=roles())
def test_two_roles_have_one_digest_exactly_when_nothing_changed(before: Role, after: Role) -> None:
    links = compare_references(Resource.ROLES, Role, "r", "r", before.permission_ids, after.permission_ids, {}, none)
    changed = [*compare_record(Resource.ROLES, before, after), *links]
    assert (digest_of(Role)(before) == digest_of(Role)(after)) == (not changed)


@given(one=identities(), shuffled=st.randoms(use_true_random=False))
def test_order_and_repetition_of_roles_and_the_case_of_addresses_do_not_count(one: Identity, shuffled: Any) -> None:
    again = [*one.role_ids, *one.role_ids]
    shuffled.shuffle(again)
    other = replace(one, role_ids=tuple(again), email=one.email and one.email.lower(), last_login_at=UNSET)
    assert digest_of(Identity)(other) == digest_of(Identity)(one)


VALUES: dict[str, tuple[Any, Any]] = {
    "email": ("a@example.com", None),
    "handle": ("a", ""),
    "name": ("Ada", "ada"),
    "title": ("Boss", None),
    "status": ("Active", "Disabled"),
    "disabled": (None, False),
    "verified": (True, False),
    "mfa_enabled": (None, True),
    "service_account": (False, True),
    "created_at": (LONG_AGO, LONG_AGO.replace(microsecond=1)),
    "role_ids": (("role-1",), ("role-1", "role-2")),
    "malformed": ((), ("title",)),
}


@pytest.mark.parametrize("field", [*NOUNS[Identity].facts, "role_ids", "malformed"])
def test_every_single_fact_counts(field: str) -> None:
    one, other = (digest_of(Identity)(identity(1, **{field: value})) for value in VALUES[field])
    assert one != other
    assert len(one) == 16


def test_values_do_not_run_into_each_other() -> None:
    assert digest_of(Identity)(identity(1, name="ab", title="c")) != digest_of(Identity)(
        identity(1, name="a", title="bc")
    )
    assert digest_of(Identity)(identity(1, name=None, title="x")) != digest_of(Identity)(
        identity(1, name="x", title=None)
    )


@pytest.mark.parametrize("field", ["name", "display_name", "group_name", "display_type", "restricted"])
def test_every_attribute_of_a_permission_counts(field: str) -> None:
    assert digest_of(Permission)(permission(1)) != digest_of(Permission)(permission(1, **{field: None}))


def test_an_overlong_text_is_cut_and_every_difference_in_it_still_shows() -> None:
    long = "x" * 1_000_000
    cut, other = bounded(identity(1, name=long)), bounded(identity(1, name=long + "y"))
    assert cut.name is not None
    assert len(cut.name) == LONGEST
    assert cut.name.startswith("xxx")
    assert cut.name != other.name
    assert bounded(identity(1, name=long)) == cut
    assert bounded(cut) == cut


def test_a_text_of_the_longest_length_stays_as_it_is() -> None:
    kept = role(1, name="ü" * LONGEST)
    assert bounded(kept) is kept
    assert bounded(role(1, name="ü" * (LONGEST + 1))) != role(1, name="ü" * (LONGEST + 1))


@given(one=identities())
def test_what_was_packed_is_read_back_with_the_letter_case_it_had(one: Identity) -> None:
    digest, packed = pack_of(Identity)(one)
    found = facts_in(Identity)(packed)
    assert digest == digest_of(Identity)(one)
    assert found.facts == [getattr(one, name) for name in NOUNS[Identity].facts]
    assert (set(found.references), len(found.references)) == (set(one.role_ids), len(set(one.role_ids)))
    assert tuple(found.malformed) == one.malformed
