"""`/api/v2/team` and memberships. Totals stand in `meta.pagination`, and `links.next` never ends."""

import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.groups import Membership, Team
from accesssync.sandbox.paging import Paging, Sheet
from accesssync.sandbox.queries import arranged, flag
from accesssync.sandbox.records import User
from accesssync.sandbox.render import icon, listing, single, timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, detailed_error, not_found
from accesssync.sandbox.resources.users import known_user

T = TypeVar("T")

_READ = Access(permission="teams_read")
_ORDERS: Mapping[str, Callable[[Team], str]] = {
    "name": lambda team: team.name.casefold(),
    "user_count": lambda team: f"{len(team.members):09}",
}
_MEMBER_ORDERS: Mapping[str, Callable[[User], str]] = {
    "manager_name": lambda _user: "",
    "name": lambda user: (user.name or "").casefold(),
    "handle": lambda user: user.handle,
    "email": lambda user: user.email,
}
_PLAIN_LIMIT = 100


def _bad_request(detail: str) -> Reply:
    return detailed_error(400, "Bad Request", detail)


def list_teams(call: Call) -> Reply:
    """A page of teams, by name unless asked otherwise."""
    organization, query = call.organization, call.query
    text = query.get("filter[keyword]", "").casefold()
    mine = call.caller.owner if flag(query, "filter[me]", _bad_request) else None

    def build() -> list[Team]:
        matching = (
            each
            for each in organization.teams.values()
            if (text in each.name.casefold() or text in each.handle) and (mine is None or mine.id in each.members)
        )
        return arranged(matching, query, _ORDERS, default="name", refuse=_bad_request)

    rows = organization.selection(("teams", text, mine and mine.id, query.get("sort")), build)
    return _page(call, rows, lambda team: _record(call, team))


def get_team(call: Call) -> Reply:
    """One team by id."""
    return Reply(body=single(_record(call, _known(call))))


def list_memberships(call: Call) -> Reply:
    """A page of the members of a team; the users come along in short."""
    team, users = _known(call), call.organization.users
    members = [users[each] for each in team.members]
    rows = arranged(members, call.query, _MEMBER_ORDERS, default="name", refuse=_bad_request)
    return _page(
        call,
        [team.members[each.id] for each in rows],
        lambda member: _membership(team, member),
        lambda shown: b",".join(_in_short(users[each.user_id]) for each in shown),
    )


def list_user_memberships(call: Call) -> Reply:
    """Every team that a user is in, on one page without `meta`."""
    user = known_user(call)
    memberships = [
        (team, team.members[user.id]) for team in call.organization.teams.values() if user.id in team.members
    ]
    return Reply(body=b'{"data":[' + b",".join(_membership(*each) for each in memberships) + b"]}")


def _known(call: Call) -> Team:
    wanted = call.path["team_id"]
    team = call.organization.teams.get(wanted)
    if team is None:
        raise RefusedError(not_found(wanted if _is_uuid(wanted) else f"{wanted} is not a valid UUID"))
    return team


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


def _record(call: Call, team: Team) -> bytes:
    def describe() -> dict[str, object]:
        path = f"/api/v2/team/{team.id}"
        return {
            "type": "team",
            "id": team.id,
            "attributes": {
                "name": team.name,
                "handle": team.handle,
                "summary": team.summary,
                "description": None,
                "avatar": None,
                "banner": None,
                "visible_modules": None,
                "hidden_modules": None,
                "created_at": timestamp(team.created_at),
                "modified_at": timestamp(team.modified_at),
                "user_count": len(team.members),
                "link_count": 0,
                "is_managed": False,
            },
            "relationships": {
                "team_links": {"links": {"related": f"{path}/links"}},
                "user_team_permissions": {"links": {"related": f"{path}/permission-settings"}},
            },
        }

    return call.organization.rendered.remember("team", team.id, describe)


def _membership(team: Team, member: Membership) -> bytes:
    return to_json(
        {
            "type": "team_memberships",
            "id": f"TeamMembership-{team.id}-{member.number}",
            "attributes": {"role": member.role, "provisioned_by": None, "provisioned_by_id": None},
            "relationships": {
                "team": {"data": {"type": "team", "id": team.id}},
                "user": {"data": {"type": "users", "id": member.user_id}},
            },
        }
    )


def _in_short(user: User) -> bytes:
    attributes = {
        "name": user.name,
        "handle": user.handle,
        "email": user.email,
        "icon": icon(user),
        "disabled": user.disabled,
        "service_account": user.service_account,
    }
    return to_json({"type": "users", "id": user.id, "attributes": attributes})


def _page(
    call: Call,
    rows: Sequence[T],
    render: Callable[[T], bytes],
    included: Callable[[Sequence[T]], bytes] | None = None,
) -> Reply:
    # Pages are counted where page[number] or page[size] is given, and otherwise records are.
    query = call.query
    counted = {"page[number]", "page[size]"} & query.keys()
    paging = Paging(
        default=10 if counted else _PLAIN_LIMIT,
        refuse_larger=call.behaviour.refuse_larger_pages,
        bad_request=_bad_request,
    )
    if counted:
        number, size = paging.read(query)
        sheet = Sheet(rows, number, size, {"total": len(rows)})
        sheet.page_meta = _counting_pages(sheet)
    else:
        size = paging.size(query, "page[limit]")
        number, shift = divmod(paging.number(query, "page[offset]", 0, at_least=0), size)
        sheet = Sheet(rows, number, size, {"total": len(rows)}, shift)
        sheet.page_meta = _counting_records(sheet)
    links = _links(f"{call.origin}{call.requested}", sheet)
    sheet.fill(render, call.spoilers)
    extra = included(sheet.shown) if included else None
    return Reply(body=listing(to_json({"pagination": sheet.page_meta}), sheet.data, extra, to_json(links)))


def _counting_pages(sheet: Sheet[T]) -> dict[str, object]:
    return {
        "number": sheet.number,
        "first_number": 0,
        "prev_number": max(sheet.number - 1, 0),
        "next_number": sheet.number + 1,
        "last_number": max(len(sheet.rows) - 1, 0) // sheet.size,
        "size": sheet.size,
        "type": "number_size",
        "total": len(sheet.rows),
    }


def _counting_records(sheet: Sheet[T]) -> dict[str, object]:
    offset = sheet.number * sheet.size + sheet.shift
    return {
        "offset": offset,
        "first_offset": 0,
        "prev_offset": max(offset - sheet.size, 0),
        "next_offset": offset + sheet.size,
        "last_offset": max(len(sheet.rows) - 1, 0) // sheet.size * sheet.size,
        "limit": sheet.size,
        "type": "offset_limit",
        "total": len(sheet.rows),
    }


def _links(address: str, sheet: Sheet[T]) -> dict[str, str | None]:
    meta = sheet.page_meta
    place, size = ("number", "size") if "number" in meta else ("offset", "limit")

    def link(which: str) -> str:
        return f"{address}?page[{place}]={meta[f'{which}_{place}']}&page[{size}]={sheet.size}"

    return {
        "self": address,
        "last": None,
        "next": link("next"),
        "prev": link("prev") if meta[place] else None,
        "first": link("first"),
    }


_ONE = "/api/v2/team/{team_id}"

ENDPOINTS = (
    Endpoint("GET", "/api/v2/team", "list_teams", _READ, list_teams),
    Endpoint("GET", _ONE, "get_team", _READ, get_team),
    Endpoint("GET", _ONE + "/memberships", "list_team_memberships", _READ, list_memberships),
    Endpoint("GET", "/api/v2/users/{user_id}/memberships", "list_user_memberships", _READ, list_user_memberships),
)
