"""Teams, memberships and mappings from their bytes."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings

from accesssync.datadog.decode import decode_one, decode_page
from accesssync.datadog.teams import MAPPINGS, TEAMS, memberships_of
from accesssync.model.team import Mapping, Membership, Team, membership_id
from tests.datadog.loopback import page
from tests.datadog.records import assertion, mapping, membership, team, teams_page, without
from tests.datadog.test_decode_credentials import JSON

CREATED = datetime(2024, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
MEMBERS = memberships_of("team-1")


def mappings(*records: Any, included: Any) -> list[Mapping]:
    return decode_page(json.dumps({**page(*records), "included": included}).encode(), MAPPINGS).records


def test_teams_are_counted_by_their_own_meta() -> None:
    found = decode_page(json.dumps(teams_page(team(), team(2, name=None), total=7)).encode(), TEAMS)
    assert found.records == [
        Team(id="team-1", name="Team 1", handle="team-1", created_at=CREATED),
        Team(id="team-2", name=None, handle="team-2", created_at=CREATED),
    ]
    assert (found.total, found.max_size, found.nameless) == (7, None, 0)


@pytest.mark.parametrize("total", [None, -1, True, "7", 7.0, [], 10**30])
def test_a_count_of_teams_that_is_none(total: Any) -> None:
    assert decode_page(json.dumps(teams_page(team(), total=total)).encode(), TEAMS).total is None


def test_one_bad_team() -> None:
    fine, broken = decode_page(
        json.dumps(teams_page(team(), team(2, name=5, created_at="x"), total=2)).encode(), TEAMS
    ).records
    assert fine.malformed == ()
    assert (broken.malformed, broken.handle) == (("created_at", "name"), "team-2")


def test_members() -> None:
    body = json.dumps(teams_page(membership("u1", role="admin"), membership("u2"), membership("u3", role="x"), total=3))
    found = decode_page(body.encode(), MEMBERS)
    assert found.records == [
        Membership(id=membership_id("team-1", "u1"), team_id="team-1", user_id="u1", role="admin"),
        Membership(id=membership_id("team-1", "u2"), team_id="team-1", user_id="u2"),
        Membership(id=membership_id("team-1", "u3"), team_id="team-1", user_id="u3", role="x"),
    ]
    assert (found.total, found.nameless) == (3, 0)


def test_a_membership_of_nobody_is_counted() -> None:
    nobody: list[Any] = [
        {**membership("u1"), "relationships": links}
        for links in (None, {}, {"user": None}, {"user": {"data": None}}, {"user": {"data": {"id": 5}}})
    ]
    nobody += [membership(""), membership("u" * 129), 7, {}]
    found = decode_page(json.dumps(teams_page(*nobody, membership("u1", role=5), total=1)).encode(), MEMBERS)
    assert found.nameless == len(nobody)
    [member] = found.records
    assert (member.user_id, member.role, member.malformed) == ("u1", None, ("role",))


def test_a_membership_needs_no_id_of_its_own() -> None:
    for identifier in (None, 5, "x" * 500):
        body = json.dumps(teams_page({**membership("u1"), "id": identifier}, total=1)).encode()
        assert decode_page(body, MEMBERS).records[0].id == membership_id("team-1", "u1")


def test_mappings_of_roles_and_of_teams() -> None:
    role, into_team = mappings(mapping(1), mapping(2, "team"), included=[assertion(1), assertion(2)])
    assert role == Mapping(
        id="mapping-1",
        attribute_key="member-of",
        attribute_value="group-1",
        role_id="role-1",
        created_at=CREATED,
    )
    assert (into_team.role_id, into_team.team_id, into_team.attribute_value) == (None, "team-1", "group-2")
    one = decode_one(json.dumps({"data": mapping(1), "included": [assertion(1)]}).encode(), MAPPINGS)
    assert one == role


@pytest.mark.parametrize(
    "included", [None, [], [assertion(9)], [{**assertion(), "attributes": {}}], [assertion(attribute_value=5)], "x"]
)
def test_what_a_mapping_matches_is_unknown_not_nothing(included: Any) -> None:
    [found] = mappings(mapping(), included=included)
    assert (found.role_id, found.attribute_key, found.attribute_value) == ("role-1", None, None)
    assert found.malformed == ("attribute_key", "attribute_value")


def test_a_mapping_that_says_itself_what_it_matches() -> None:
    [inline] = mappings(mapping(attribute_key="a", attribute_value="b"), included=[])
    assert (inline.attribute_key, inline.attribute_value, inline.malformed) == ("a", "b", ())
    pointing = without(mapping(saml_assertion_attribute_id="saml-1"), "relationships", "saml_assertion_attribute")
    [found] = mappings(pointing, included=[assertion()])
    assert (found.attribute_value, found.malformed) == ("group-1", ())


def test_a_mapping_that_does_not_say_what_it_gives() -> None:
    [found] = mappings(without(mapping(), "relationships", "role"), included=[assertion()])
    assert found.malformed == ("role_id", "team_id")
    [nothing] = mappings(
        {**mapping(), "relationships": {**mapping()["relationships"], "role": {"data": None}}}, included=[assertion()]
    )
    assert (nothing.role_id, nothing.malformed) == (None, ())
    fine, broken = mappings(
        mapping(), {**mapping(), "relationships": {**mapping()["relationships"], "role": 5}}, included=[assertion()]
    )
    assert fine.malformed == ()
    assert "role_id" in broken.malformed
    assert broken.attribute_value == "group-1"


def test_bytes_that_are_no_text_cost_one_mapping_its_value() -> None:
    beside = [assertion(1, attribute_value="Zoe"), assertion(2)]
    body = json.dumps({**page(mapping(1), mapping(2)), "included": beside}).encode().replace(b"Zoe", b"\xff\xfe")
    first, second = decode_page(body, MAPPINGS).records
    assert first.malformed == ("attribute_key", "attribute_value")
    assert (second.attribute_value, second.malformed) == ("group-2", ())


@settings(max_examples=150, deadline=None)
@given(record=JSON, attributes=JSON, relationships=JSON, included=JSON)
def test_any_record_at_all(record: Any, attributes: Any, relationships: Any, included: Any) -> None:
    kinds: list[tuple[Any, dict[str, Any]]] = [
        (TEAMS, team()),
        (MEMBERS, membership("u1")),
        (MAPPINGS, mapping()),
    ]
    for kind, sane in kinds:
        strange = {**sane, "attributes": attributes, "relationships": relationships}
        body = json.dumps({"data": [sane, strange, record], "included": included}).encode()
        found = decode_page(body, kind)
        assert len(found.records) + found.nameless == 3
        fields = set(type(found.records[0]).__struct_fields__)
        assert all(set(each.malformed) < fields for each in found.records)
