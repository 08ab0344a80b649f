"""`/api/v2/roles` and what hangs below it."""

from collections.abc import Callable, Mapping

from accesssync.sandbox.access import Access
from accesssync.sandbox.bodies import Body, data_of
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.records import Role, User
from accesssync.sandbox.render import timestamp
from accesssync.sandbox.replies import RefusedError, Reply, error, not_found
from accesssync.sandbox.resources.users import ordered

_READ = Access(permission="user_access_read")
_MANAGE = Access(permission="user_access_manage")
_MEMBER_ORDERS: Mapping[str, Callable[[User], str | None]] = {
    "name": lambda user: user.name and user.name.casefold(),
    "email": lambda user: user.email,
    "status": lambda user: user.status,
}


def _bad_request(_detail: str) -> Reply:
    return error(400, "Invalid input ")


def _paging(call: Call) -> Paging:
    return Paging(refuse_larger=call.behaviour.refuse_larger_pages, bad_request=_bad_request)


def list_roles(call: Call) -> Reply:
    """A page of roles, by name unless asked otherwise."""
    organization, query = call.organization, call.query
    orders: Mapping[str, Callable[[Role], tuple[int, str]]] = {
        "name": lambda role: (0, role.name.casefold()),
        "modified_at": lambda role: (0, timestamp(role.modified_at) or ""),
        "user_count": lambda role: (organization.user_counts[role.id], ""),
    }
    sort = query.get("sort") or "name"
    if sort.removeprefix("-") not in orders:
        raise RefusedError(_bad_request("sort"))
    text = query.get("filter", "").casefold()
    ids = set(query.get("filter[id]", "").split(",")) - {""}
    matching = [
        each for each in organization.roles.values() if text in each.name.casefold() and (not ids or each.id in ids)
    ]
    matching.sort(key=orders[sort.removeprefix("-")], reverse=sort.startswith("-"))
    return page(
        matching,
        total=len(organization.roles),
        query=query,
        paging=_paging(call),
        render=lambda role: _record(call, role),
        spoilers=call.spoilers,
    )


def get_role(call: Call) -> Reply:
    """One role by id."""
    return Reply(body=b'{"data":' + _record(call, _role(call)) + b"}")


def list_role_permissions(call: Call) -> Reply:
    """Every permission of a role, on one page."""
    organization = call.organization
    carried = [organization.permissions[each] for each in _role(call).permission_ids]
    return Reply(body=b'{"data":[' + b",".join(map(organization.rendered.permission, carried)) + b"]}")


def list_role_users(call: Call) -> Reply:
    """A page of the users with a role; the role itself comes along."""
    organization, role, query = call.organization, _role(call), call.query
    sort = query.get("sort") or "name"
    if sort.removeprefix("-") not in _MEMBER_ORDERS:
        raise RefusedError(_bad_request("sort"))
    text = query.get("filter", "").casefold()

    def build() -> list[User]:
        return [each for each in organization.users.values() if role.id in each.role_ids]

    members = organization.selection(("role", role.id), build)
    matching = [each for each in members if text in each.email.casefold() or text in (each.name or "").casefold()]
    key = _MEMBER_ORDERS[sort.removeprefix("-")]
    return page(
        ordered(matching, key, call.rng, backwards=sort.startswith("-")),
        total=len(members),
        query=query,
        paging=_paging(call),
        render=organization.rendered.user,
        included=lambda _shown: organization.rendered.role_included(role),
        spoilers=call.spoilers,
    )


def add_user_to_role(call: Call) -> Reply:
    """Give one user the role; the reply is a page of everybody who has it."""
    call.organization.grant_role(_member(call).id, _role(call).id)
    return list_role_users(call)


def remove_user_from_role(call: Call) -> Reply:
    """Take the role from one user; the reply is a page of everybody who has it still."""
    role, member = _role(call), _member(call)
    if role.id not in member.role_ids:
        raise RefusedError(not_found(member.id))
    call.organization.revoke_role(member.id, role.id)
    return list_role_users(call)


def _member(call: Call) -> User:
    user = call.organization.users.get(str(Body(data_of(call), "users").record.get("id")))
    if user is None:
        raise RefusedError(error(404, "User not found"))
    return user


def _role(call: Call) -> Role:
    role = call.organization.roles.get(call.path["role_id"])
    if role is None:
        raise RefusedError(not_found(call.path["role_id"]))
    return role


def _record(call: Call, role: Role) -> bytes:
    return call.organization.rendered.role(role, call.organization.user_counts[role.id])


_MEMBERS = "/api/v2/roles/{role_id}/users"

ENDPOINTS = (
    Endpoint("GET", "/api/v2/roles", "list_roles", _READ, list_roles),
    Endpoint("GET", "/api/v2/roles/{role_id}", "get_role", _READ, get_role),
    Endpoint("GET", "/api/v2/roles/{role_id}/permissions", "list_role_permissions", _READ, list_role_permissions),
    Endpoint("GET", _MEMBERS, "list_role_users", _READ, list_role_users),
    Endpoint("POST", _MEMBERS, "add_user_to_role", _MANAGE, add_user_to_role),
    Endpoint("DELETE", _MEMBERS, "remove_user_from_role", _MANAGE, remove_user_from_role),
)
