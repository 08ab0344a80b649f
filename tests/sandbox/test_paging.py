"""Pages, sizes, orders, filters and totals."""

import pytest

from accesssync.sandbox import Organization, SandboxServer
from tests.sandbox.asking import Asker, asker


def test_ten_by_default_in_the_order_of_addresses(ask: Asker, organization: Organization) -> None:
    answer = ask.get("/api/v2/users")
    emails = [each["attributes"]["email"] for each in answer.json["data"]]
    assert emails == sorted(each.email for each in organization.users.values())[:10]
    assert answer.page == {"total_count": 60, "total_filtered_count": 60, "max_page_size": 1000}
    assert len(ask.get("/api/v2/roles").ids) == 10


def test_all_pages_together_are_everybody_once(ask: Asker, organization: Organization) -> None:
    assert sorted(ask.listing(size=7)) == sorted(organization.users)
    assert sorted(ask.listing("/api/v2/roles", size=5)) == sorted(organization.roles)


@pytest.mark.parametrize("path", ["/api/v2/users", "/api/v2/roles"])
@pytest.mark.parametrize(
    "query", ["page[size]=0", "page[size]=-1", "page[size]=ten", "page[number]=-1", "page[number]=1.5", "sort=shoe"]
)
def test_bad_values_are_refused(ask: Asker, path: str, query: str) -> None:
    answer = ask.send("GET", f"{path}?{query}", headers=ask.headers)
    assert answer.status == 400
    assert answer.json["errors"]


def test_error_shapes_differ_from_one_endpoint_to_another(ask: Asker) -> None:
    assert ask.get("/api/v2/users", page_size=0).json["errors"][0]["title"] == "Bad Request"
    assert ask.get("/api/v2/roles", page_size=0).json["errors"] == ["Invalid input "]
    assert ask.get("/api/v2/roles/nobody").json == {"errors": ["nobody not found"]}
    assert ask.get("/api/v2/nothing").status == 404
    assert ask.send("PUT", "/api/v2/users", headers=ask.headers).status == 405


def test_larger_pages_are_clamped_or_refused(organization: Organization) -> None:
    with SandboxServer(organization, max_page_size=50, activity_share=0.0) as server:
        answer = asker(server).get("/api/v2/users", page_size=500)
        assert (len(answer.ids), answer.page["max_page_size"]) == (50, 50)
        # Page 1 is counted in pages of the clamped size.
        assert len(asker(server).get("/api/v2/users", page_size=500, page_number=1).ids) == 10
    with SandboxServer(organization, max_page_size=50, refuse_larger_pages=True) as server:
        assert asker(server).get("/api/v2/users", page_size=51).status == 400
        assert asker(server).get("/api/v2/roles", page_size=101).status == 400
    with SandboxServer(organization, announce_max_page_size=False) as server:
        assert "max_page_size" not in asker(server).get("/api/v2/users").page


def test_a_page_after_the_end_is_empty(ask: Asker) -> None:
    answer = ask.get("/api/v2/users", page_number=1000)
    assert answer.ids == []
    assert answer.page["total_count"] == 60


def test_filters_narrow_the_filtered_total_only(ask: Asker, organization: Organization) -> None:
    organization.rename(next(iter(organization.users)), "Zebedee Quux")
    answer = ask.get("/api/v2/users", filter="quux")
    assert len(answer.ids) == 1
    assert answer.page["total_count"] == 60
    assert answer.page["total_filtered_count"] == 1
    found = ask.get("/api/v2/users", status="Disabled,Pending", page_size=100).json["data"]
    assert {each["attributes"]["status"] for each in found} <= {"Disabled", "Pending"}
    assert len(found) == sum(each.status != "Active" for each in organization.users.values())
    assert ask.get("/api/v2/users", status="Sleeping").status == 400


def test_sorting_by_name_leaves_ties_in_no_order(ask: Asker, organization: Organization) -> None:
    for user_id in list(organization.users)[:30]:
        organization.rename(user_id, None)
    orders = {tuple(ask.get("/api/v2/users", sort="name", page_size=100).ids) for _ in range(4)}
    assert len(orders) == 4
    names = [organization.users[each].name for each in next(iter(orders))][:30]
    assert names == sorted(names, key=lambda name: (name or "").casefold())
    first = ask.get("/api/v2/users", sort="email", sort_dir="desc", page_size=1).json["data"][0]
    assert first["attributes"]["email"] == max(each.email for each in organization.users.values())


def test_included_is_every_role_on_the_page_and_all_their_permissions(ask: Asker, organization: Organization) -> None:
    answer = ask.get("/api/v2/users", page_size=3).json
    roles = {each["id"] for user in answer["data"] for each in user["relationships"]["roles"]["data"]}
    carried = {each for role_id in roles for each in organization.roles[role_id].permission_ids}
    included = {(each["type"], each["id"]) for each in answer["included"]}
    assert included == {("roles", each) for each in roles} | {("permissions", each) for each in carried}
    assert "user_count" not in next(each for each in answer["included"] if each["type"] == "roles")["attributes"]


def test_timestamps_differ_as_they_do_in_datadog(ask: Asker) -> None:
    user = ask.get("/api/v2/users", page_size=1).json
    assert user["data"][0]["attributes"]["created_at"].endswith("+00:00")
    assert ask.get("/api/v2/permissions").json["data"][0]["attributes"]["created"].endswith("Z")
    permission = next(each for each in user["included"] if each["type"] == "permissions")
    assert permission["attributes"]["created"].endswith("+00:00")
