"""What holds in every organization, however little of it fits together."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.reach.access import Access
from accesssync.reach.credential import Standing, account_reach, credential_reach
from accesssync.reach.expand import expand
from accesssync.reach.offboard import offboard_preview
from accesssync.reach.revoke import revoke_preview
from accesssync.reach.who import who_can
from tests.reach.organization import AT, CATALOGUE, organizations

FACTS = organizations()


def _held(facts: dict[str, Any], identity: Identity) -> set[str]:
    """The obvious way: names of what the listed roles carry, ids where there is no name."""
    names = {one.id: one.name for one in facts["permissions"]}
    return {
        names.get(permission_id, permission_id)
        for role in facts["roles"]
        if role.id in identity.role_ids
        for permission_id in role.permission_ids
    }


def _disabled(identity: Identity) -> bool:
    return bool(identity.disabled) or identity.status == "Disabled"


def _can(facts: dict[str, Any], credential: Credential) -> set[str]:
    if credential.disabled or (credential.expires_at is not None and credential.expires_at <= AT):
        return set()
    if credential.type == CredentialType.API_KEY:
        return set()
    acts_as = credential.user_ids if credential.type == CredentialType.OAUTH_CLIENT else (credential.owner_id,)
    whom = [one for one in facts["identities"] if one.id in acts_as and not _disabled(one)]
    most = set().union(*(_held(facts, one) for one in whom))
    return most if credential.scopes is None else most & set(credential.scopes)


@given(FACTS)
def test_a_credential_never_exceeds_its_owner_or_its_scopes(facts: dict[str, Any]) -> None:
    access = Access(**facts)
    for one in facts["credentials"]:
        reach = credential_reach(access, one)
        assert set(reach.effective) == _can(facts, one)
        assert set(reach.effective) <= set(reach.granted)
        assert set(reach.sleeping) <= set(reach.dead)
        assert set(reach.privileged) <= set(reach.effective)
        if one.scopes is not None and one.type != CredentialType.API_KEY and reach.standing is Standing.WORKS:
            parts = [set(reach.granted), set(reach.dead), set(reach.unknown)]
            assert set.union(*parts) == set(one.scopes)
            assert sum(map(len, parts)) == len(set(one.scopes))


@given(FACTS, st.sampled_from(CATALOGUE), st.booleans())
def test_who_can_agrees_with_looking_at_everybody(facts: dict[str, Any], name: str, indirect: bool) -> None:
    answer = who_can(Access(**facts), name, indirect=indirect)
    direct = [one.id for one in answer.identities if one.direct]
    expected = {one.id for one in facts["identities"] if name in _held(facts, one) and not _disabled(one)}
    assert sorted(direct) == sorted(expected)
    assert sorted(one.id for one in answer.credentials if one.direct) == sorted(
        one.id for one in facts["credentials"] if name in _can(facts, one)
    )
    vias = [one.via for one in answer.identities] + [one.via for one in answer.credentials]
    assert all(vias)
    if not indirect:
        assert len(direct) == len(answer.identities)
        assert all(one.direct for one in answer.credentials)
    assert len({one.id for one in answer.identities}) == len(answer.identities)
    assert not {one.id for one in answer.identities} & {one.id for one in facts["identities"] if _disabled(one)}


@given(FACTS)
def test_whoever_manages_access_can_reach_every_permission(facts: dict[str, Any]) -> None:
    access = Access(**facts)
    managers = {one.id for one in who_can(access, "user_access_manage").identities}
    for name in CATALOGUE:
        assert managers <= {one.id for one in who_can(access, name, indirect=True).identities}


@given(FACTS, st.sampled_from(["r-0", "r-1", "r-2"]), st.integers(0, 3))
def test_one_more_role_never_shrinks_a_reach(facts: dict[str, Any], role_id: str, who: int) -> None:
    before = Access(**facts)
    promoted = list(facts["identities"])
    promoted[who] = structs.replace(promoted[who], role_ids=(*promoted[who].role_ids, role_id))
    after = Access(**{**facts, "identities": promoted})
    for one in facts["credentials"]:
        was, became = credential_reach(before, one), credential_reach(after, one)
        assert set(was.effective) <= set(became.effective)
        assert set(became.dead) <= set(was.dead)
        gained = set(became.effective) - set(was.effective)
        if one.scopes is not None and one.owner_id == promoted[who].id and gained:
            assert gained <= set(was.sleeping)
    for name in CATALOGUE:
        found = {one.id for one in who_can(before, name).identities}
        assert found <= {one.id for one in who_can(after, name).identities}


@given(FACTS, st.integers(0, 3))
def test_disabling_the_owner_empties_the_reach_of_its_keys(facts: dict[str, Any], who: int) -> None:
    left = list(facts["identities"])
    left[who] = structs.replace(left[who], disabled=True)
    access = Access(**{**facts, "identities": left})
    reaches = account_reach(access, left[who])
    assert not reaches.usable
    assert all(one.standing is Standing.STOPPED and not one.effective for one in reaches.credentials)
    for one in facts["credentials"]:
        if one.type == CredentialType.API_KEY:
            assert credential_reach(access, one) == credential_reach(Access(**facts), one)


@given(FACTS, st.integers(0, 3))
def test_an_offboarding_sorts_every_credential_into_one_place(facts: dict[str, Any], who: int) -> None:
    access = Access(**facts)
    leaver = facts["identities"][who]
    preview = offboard_preview(access, leaver)
    places = [preview.dies, preview.lives_on, preview.stopped, preview.unclear]
    ids = [one.id for place in places for one in place]
    tied = {
        one.id
        for one in facts["credentials"]
        if (one.type == CredentialType.API_KEY and one.created_by_id == leaver.id)
        or (one.type == CredentialType.OAUTH_CLIENT and leaver.id in one.user_ids)
        or (one.type not in {CredentialType.API_KEY, CredentialType.OAUTH_CLIENT} and one.owner_id == leaver.id)
    }
    assert sorted(ids) == sorted(tied)
    assert set(preview.move_first) <= {one.id for one in preview.dies}

    gone = [structs.replace(one, disabled=True) if one.id == leaver.id else one for one in facts["identities"]]
    after = Access(**{**facts, "identities": gone})
    by_id = {one.id: one for one in facts["credentials"]}
    assert all(credential_reach(after, by_id[one.id]).standing is Standing.STOPPED for one in preview.dies)
    assert all(credential_reach(after, by_id[one.id]).standing is Standing.WORKS for one in preview.lives_on)


@given(FACTS)
def test_what_a_revocation_loses_is_what_no_other_credential_can_do(facts: dict[str, Any]) -> None:
    access = Access(**facts)
    for one in facts["credentials"]:
        preview = revoke_preview(access, one)
        assert one.id not in {other.id for other in preview.remaining}
        others = [other for other in facts["credentials"] if other.id in {left.id for left in preview.remaining}]
        covered = set().union(*(_can(facts, other) for other in others))
        assert set(preview.lost) == _can(facts, one) - covered


@given(FACTS)
def test_an_expansion_names_every_permission_and_its_roles(facts: dict[str, Any]) -> None:
    access = Access(**facts)
    for one in facts["identities"]:
        expansion = expand(access, one)
        assert {held.permission for held in expansion.permissions} == _held(facts, one)
        assert all(held.via for held in expansion.permissions)
        assert set(expansion.unlisted_roles) == {role for role in one.role_ids if role == "r-gone"}
