"""Teams, memberships, SAML mappings and the organization on the wire."""

import uuid

import pytest

from accesssync.sandbox import Organization, SandboxServer, UnknownRecordError
from accesssync.sandbox.faults import HalfListing, Totals
from tests.sandbox.asking import Asker
from tests.sandbox.conftest import NOW

TEAMS = "/api/v2/team"
MAPPINGS = "/api/v2/authn_mappings"


def _fill(organization: Organization, total: int) -> None:
    for number in range(total - len(organization.teams)):
        organization.add_team(f"Team {number:03}")


def test_without_parameters_records_are_counted(ask: Asker, organization: Organization) -> None:
    _fill(organization, 130)
    answer = ask.get(TEAMS).json
    assert len(answer["data"]) == 100
    assert answer["meta"]["pagination"] == {
        "offset": 0,
        "first_offset": 0,
        "prev_offset": 0,
        "next_offset": 100,
        "last_offset": 100,
        "limit": 100,
        "type": "offset_limit",
        "total": 130,
    }
    rest = ask.get(TEAMS, {"page[offset]": 95, "page[limit]": 50}).json
    assert len(rest["data"]) == 35
    assert rest["data"][0] == answer["data"][95]
    assert rest["links"]["next"].endswith("/api/v2/team?page[offset]=145&page[limit]=50")


def test_with_parameters_pages_are_counted_and_the_last_one_names_another(
    ask: Asker, organization: Organization
) -> None:
    _fill(organization, 15)
    assert len(ask.get(TEAMS, page_number=0).ids) == 10
    answer = ask.get(TEAMS, page_size=10, page_number=1).json
    assert len(answer["data"]) == 5
    assert answer["meta"]["pagination"] == {
        "number": 1,
        "first_number": 0,
        "prev_number": 0,
        "next_number": 2,
        "last_number": 1,
        "size": 10,
        "type": "number_size",
        "total": 15,
    }
    assert answer["links"] == {
        "self": f"{ask.url}/api/v2/team",
        "last": None,
        "next": f"{ask.url}/api/v2/team?page[number]=2&page[size]=10",
        "prev": f"{ask.url}/api/v2/team?page[number]=0&page[size]=10",
        "first": f"{ask.url}/api/v2/team?page[number]=0&page[size]=10",
    }
    assert sorted(ask.listing(TEAMS, size=4)) == sorted(organization.teams)
    assert len(ask.get(TEAMS, page_size=500).ids) == 15
    assert ask.get(TEAMS, page_size=0).json["errors"][0]["title"] == "Bad Request"


def test_listing_faults_reach_totals_of_teams(ask: Asker, server: SandboxServer, organization: Organization) -> None:
    _fill(organization, 12)
    server.faults.add(HalfListing(totals_agree=True), path=TEAMS)
    answer = ask.get(TEAMS).json
    assert len(answer["data"]) == answer["meta"]["pagination"]["total"] == 6
    server.faults.add(Totals(absent=True), path=TEAMS)
    assert "total" not in ask.get(TEAMS).json["meta"]["pagination"]
    server.faults.add(Totals("many"), path="/api/v2/application_keys")
    assert ask.get("/api/v2/application_keys").page == {"total_filtered_count": "many"}


def test_an_unknown_team(ask: Asker) -> None:
    assert ask.get(f"{TEAMS}/blue").json == {"errors": ["blue is not a valid UUID not found"]}
    missing = str(uuid.uuid4())
    assert ask.get(f"{TEAMS}/{missing}/memberships").json == {"errors": [f"{missing} not found"]}
    assert ask.get("/api/v2/users/nobody/memberships").status == 404


def test_members_join_change_and_leave(ask: Asker, organization: Organization) -> None:
    people = [each for each in organization.users.values() if each.name][2:5]
    team = organization.add_team("Night Owls", summary="Up late.")
    path = f"{TEAMS}/{team.id}/memberships"
    for each in people:
        organization.add_membership("Night Owls", each.email)
    assert ask.get(f"{TEAMS}/{team.id}").json["data"]["attributes"]["user_count"] == 3
    organization.set_membership_role(team.id, people[0].id, "admin")
    organization.disable(people[1].id)
    answer = ask.get(path).json
    roles = {each["relationships"]["user"]["data"]["id"]: each["attributes"]["role"] for each in answer["data"]}
    assert roles == {people[0].id: "admin", people[1].id: None, people[2].id: None}
    assert {each["id"] for each in answer["included"] if each["attributes"]["disabled"]} >= {people[1].id}
    assert set(answer["included"][0]["attributes"]) == {
        "name",
        "handle",
        "email",
        "icon",
        "disabled",
        "service_account",
    }
    assert answer["meta"]["pagination"]["total"] == 3
    assert ask.get(path, page_size=2).ids == [each["id"] for each in answer["data"]][:2]
    organization.remove_membership(team.id, people[0].id)
    organization.remove_user(people[1].id)
    assert {each["relationships"]["user"]["data"]["id"] for each in ask.get(path).json["data"]} == {people[2].id}
    mine = ask.get(f"/api/v2/users/{people[2].id}/memberships").json
    assert team.id in {each["relationships"]["team"]["data"]["id"] for each in mine["data"]}
    with pytest.raises(UnknownRecordError, match="not in team"):
        organization.remove_membership(team.id, people[0].id)
    organization.delete_team("Night Owls")
    assert ask.get(f"{TEAMS}/{team.id}").status == 404


def test_teams_of_the_caller_and_by_keyword(ask: Asker, organization: Organization) -> None:
    team = organization.add_team("Quokka Keepers")
    assert ask.get(TEAMS, {"filter[keyword]": "QUOKKA"}).ids == [team.id]
    assert team.id not in ask.get(TEAMS, {"filter[me]": "true"}).ids
    organization.add_membership(team.id, next(iter(organization.app_keys.values())).owner_id)
    assert team.id in ask.get(TEAMS, {"filter[me]": "true"}).ids


def test_mappings_to_teams_have_to_be_asked_for(ask: Asker, organization: Organization) -> None:
    team = organization.add_team("Mapped")
    mapping = organization.add_mapping("memberOf", "dd-mapped", team=team.id, at=NOW)
    assert mapping.id not in ask.listing(MAPPINGS)
    answer = ask.get(MAPPINGS, resource_type="team", filter="DD-MAPPED").json
    assert answer["data"] == [
        {
            "type": "authn_mappings",
            "id": mapping.id,
            "attributes": {
                "attribute_key": "memberOf",
                "attribute_value": "dd-mapped",
                "saml_assertion_attribute_id": mapping.attribute_id,
                "created_at": NOW.isoformat(timespec="microseconds"),
                "modified_at": NOW.isoformat(timespec="microseconds"),
            },
            "relationships": {
                "saml_assertion_attribute": {"data": {"type": "saml_assertion_attributes", "id": mapping.attribute_id}},
                "team": {"data": {"type": "team", "id": team.id}},
            },
        }
    ]
    both = [ask.get(MAPPINGS, resource_type=each).page["total_count"] for each in ("role", "team")]
    assert sum(both) == len(organization.mappings)
    assert answer["meta"]["page"] == {"total_count": both[1], "total_filtered_count": 1}
    assert ask.get(f"{MAPPINGS}/{mapping.id}").status == 200
    assert ask.get(MAPPINGS, resource_type="user").status == 400
    organization.delete_team(team.id)
    assert ask.get(f"{MAPPINGS}/{mapping.id}").status == 404


def test_mappings_to_roles_in_every_order(ask: Asker, organization: Organization) -> None:
    for sort in (
        "created_at",
        "-role_id",
        "role.name",
        "saml_assertion_attribute_id",
        "saml_assertion_attribute.attribute_key",
        "-saml_assertion_attribute.attribute_value",
    ):
        answer = ask.get(MAPPINGS, sort=sort, page_size=100)
        assert len(answer.ids) == answer.page["total_count"] == 11
    values = [each["attributes"]["attribute_value"] for each in answer.json["data"]]
    assert values == sorted(values, reverse=True)
    assert ask.get(MAPPINGS, sort="colour").status == 400
    role = organization.add_role("Passing")
    mapping = organization.add_mapping("groups", "passing", role="Passing")
    assert role.id in {each["id"] for each in ask.get(MAPPINGS, filter="passing").json["included"]}
    organization.delete_role(role.id)
    assert ask.get(f"{MAPPINGS}/{mapping.id}").status == 404
    organization.delete_mapping(ask.get(MAPPINGS).ids[0])
    assert ask.get(MAPPINGS).page["total_count"] == 10
    with pytest.raises(UnknownRecordError, match="no mapping"):
        organization.delete_mapping(mapping.id)
    with pytest.raises(ValueError, match="a role or to a team"):
        organization.add_mapping("groups", "nowhere")


def test_the_organization_and_its_filter(ask: Asker, organization: Organization) -> None:
    answer = ask.get("/api/v2/org").json
    assert answer["included"][0]["attributes"]["name"] == organization.name
    assert [each["id"] for each in answer["data"]["relationships"]["managed_orgs"]["data"]] == [organization.id]
    filtered = ask.get("/api/v2/org", {"filter[name]": "zzz"}).json
    assert filtered["data"]["relationships"]["managed_orgs"]["data"] == []
    assert ask.get("/api/v2/users/nobody/orgs").status == 404
    assert ask.get("/api/v2/users/nobody/permissions").status == 404
