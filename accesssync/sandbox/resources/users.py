"""`/api/v2/users` and the caller's own record."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from random import Random

from accesssync.sandbox.access import Access, Style
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.records import User
from accesssync.sandbox.render import single, timestamp
from accesssync.sandbox.replies import RefusedError, Reply, detailed_error, not_found
from accesssync.sandbox.resources.organizations import organization_included

_STATUSES = {"Active", "Pending", "Disabled"}
_READ = Access(permission="user_access_read")
_ORDERS: Mapping[str, Callable[[User], str | datetime | int | None]] = {
    "name": lambda user: user.name and user.name.casefold(),
    "email": lambda user: user.email,
    "status": lambda user: user.status,
    "modified_at": lambda user: user.modified_at,
    "created_at": lambda user: user.created_at,
    "user_count": lambda _user: 1,
}


def bad_request(detail: str) -> Reply:
    """How the users endpoints say 400."""
    return detailed_error(400, "Bad Request", detail)


def list_users(call: Call) -> Reply:
    """A page of users with every role on it and every permission of those roles."""
    behaviour, query = call.behaviour, call.query
    paging = Paging(
        behaviour.max_page_size,
        announced=behaviour.max_page_size if behaviour.announce_max_page_size else None,
        refuse_larger=behaviour.refuse_larger_pages,
        bad_request=bad_request,
    )
    number, _size = paging.read(query)
    if number == 0:
        call.activity.listing_begins(call.now)
    return page(
        select(call),
        total=len(call.organization.users),
        query=query,
        paging=paging,
        render=call.organization.rendered.user,
        included=lambda shown: _accompanying(call.organization, shown),
        spoilers=call.spoilers,
    )


def select(call: Call) -> Sequence[User]:
    """The users that the query asks for, in the order that it asks for."""
    organization, query = call.organization, call.query
    text = query.get("filter", "").casefold()
    statuses = frozenset(query.get("filter[status]", "").split(",")) - {""}
    if not statuses <= _STATUSES:
        raise RefusedError(bad_request("filter[status] is not valid"))
    sort = query.get("sort") or ""
    backwards = sort.startswith("-") or query.get("sort_dir") == "desc"
    field = sort.removeprefix("-")
    if (field and field not in _ORDERS) or query.get("sort_dir", "asc") not in {"asc", "desc"}:
        raise RefusedError(bad_request("sort is not valid"))

    def build() -> list[User]:
        matching = (each for each in organization.users.values() if _matches(each, text, statuses))
        return sorted(matching, key=lambda user: user.email)

    chosen = organization.selection(("users", text, statuses), build)
    return ordered(chosen, _ORDERS[field], call.rng, backwards=backwards) if field else chosen


def _matches(user: User, text: str, statuses: frozenset[str]) -> bool:
    if statuses and user.status not in statuses:
        return False
    return not text or any(text in each.casefold() for each in (user.email, user.handle, user.name or ""))


def ordered(
    users: Iterable[User],
    key: Callable[[User], str | datetime | int | None],
    rng: Random,
    *,
    backwards: bool = False,
) -> list[User]:
    """Sorted by `key`, nulls last; users with equal keys come in an order that changes with every request."""

    def rank(user: User) -> tuple[bool, str]:
        value = key(user)
        text = timestamp(value) if isinstance(value, datetime) else value
        return text is None, str(text)

    placed: list[User] = []
    for _, ties in groupby(sorted(users, key=rank, reverse=backwards), rank):
        tied = list(ties)
        rng.shuffle(tied)
        placed += tied
    return placed


def get_user(call: Call) -> Reply:
    """One user by id."""
    return user_reply(call.organization, known_user(call))


def get_current_user(call: Call) -> Reply:
    """The owner of the application key."""
    owner = call.caller.owner
    return user_reply(call.organization, owner) if owner else not_found("user")


def list_user_organizations(call: Call) -> Reply:
    """The user once more, with the organization."""
    user = known_user(call)
    return Reply(body=single(call.organization.rendered.user(user), organization_included(call.organization)))


def list_user_permissions(call: Call) -> Reply:
    """Every permission that any of the user's roles carries, on one page without `meta`."""
    organization = call.organization
    names = organization.permission_names(known_user(call))
    carried = [each for each in organization.permissions.values() if each.name in names]
    return Reply(body=b'{"data":[' + b",".join(map(organization.rendered.permission, carried)) + b"]}")


def known_user(call: Call) -> User:
    """The user in the path, or RefusedError."""
    user = call.organization.users.get(call.path["user_id"])
    if user is None:
        raise RefusedError(not_found(call.path["user_id"]))
    return user


def with_roles(organization: Organization, user_ids: Iterable[str]) -> list[bytes]:
    """These users, where they exist, and their roles without permissions, as they accompany other records."""
    ids = list(user_ids)
    known = (organization.users[each] for each in ids if each in organization.users)
    roles = dict.fromkeys(role_id for user in known for role_id in user.role_ids)
    carried = [organization.rendered.role_included(organization.roles[each]) for each in roles]
    return without_roles(organization, ids) + carried


def without_roles(organization: Organization, user_ids: Iterable[str]) -> list[bytes]:
    """These users, where they exist, as they accompany other records."""
    users = [organization.users[each] for each in dict.fromkeys(user_ids) if each in organization.users]
    return list(map(organization.rendered.user, users))


def _accompanying(organization: Organization, shown: Sequence[User]) -> bytes:
    wanted = frozenset(role_id for user in shown for role_id in user.role_ids)
    return organization.rendered.included(wanted, organization.roles, organization.permissions)


def user_reply(organization: Organization, user: User) -> Reply:
    """The answer that holds one user."""
    included = filter(None, [_accompanying(organization, [user]), organization_included(organization)])
    return Reply(body=single(organization.rendered.user(user), b",".join(included)))


ENDPOINTS = (
    Endpoint("GET", "/api/v2/users", "list_users", _READ, list_users),
    Endpoint("GET", "/api/v2/users/{user_id}", "get_user", _READ, get_user),
    Endpoint("GET", "/api/v2/users/{user_id}/orgs", "list_user_organizations", Access(), list_user_organizations),
    Endpoint("GET", "/api/v2/users/{user_id}/permissions", "list_user_permissions", _READ, list_user_permissions),
    Endpoint("GET", "/api/v2/current_user", "current_user", Access(style=Style.UNAUTHORIZED), get_current_user),
)
