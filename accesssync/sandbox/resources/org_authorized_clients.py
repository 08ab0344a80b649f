"""`/api/v2/org_authorized_clients`: OAuth clients and the users who let them in."""

from collections.abc import Callable, Mapping, Sequence

from accesssync.sandbox.access import Access
from accesssync.sandbox.credentials import Authorization, OAuthClient
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.queries import arranged, flag, inclusions
from accesssync.sandbox.records import User
from accesssync.sandbox.render import references, single, timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, detailed_error, not_found
from accesssync.sandbox.resources.users import without_roles

_READ = Access(permission="org_authorized_apps_read")
_WRITE = Access(permission="org_authorized_apps_write")
_CLIENT, _APP, _USERS = "oauth2_client", "oauth2_client.app", "user_authorized_clients.user"
_INCLUSIONS = (_CLIENT, _APP, "user_authorized_clients", _USERS)
_ORDERS: Mapping[str, Callable[[OAuthClient], str]] = {"oauth2_client.name": lambda client: client.name.casefold()}


def _bad_request(detail: str) -> Reply:
    return detailed_error(400, "Bad Request", detail)


def _paging(call: Call) -> Paging:
    return Paging(refuse_larger=call.behaviour.refuse_larger_pages, bad_request=_bad_request)


def list_org_authorized_clients(call: Call) -> Reply:
    """A page of OAuth clients."""
    query, clients = call.query, call.organization.oauth_clients
    names = [query.get(each, "").casefold() for each in ("filter", "filter[oauth2_client][name]")]
    disabled = flag(query, "filter[disabled]", _bad_request)
    wanted = inclusions(query, _INCLUSIONS, _bad_request)
    matching = [
        each
        for each in clients.values()
        if all(text in each.name.casefold() for text in names) and disabled in {None, each.disabled}
    ]
    return page(
        arranged(matching, query, _ORDERS, default="oauth2_client.name", refuse=_bad_request),
        total=len(clients),
        query=query,
        paging=_paging(call),
        render=lambda client: _record(call, client),
        included=(lambda shown: _accompanying(call, shown, wanted)) if wanted else None,
        spoilers=call.spoilers,
    )


def get_org_authorized_client(call: Call) -> Reply:
    """One OAuth client by id."""
    client = _known(call)
    wanted = inclusions(call.query, _INCLUSIONS, _bad_request)
    included = _accompanying(call, [client], wanted) if wanted else None
    return Reply(body=single(_record(call, client), included))


def list_user_authorizations(call: Call) -> Reply:
    """A page of what users allowed one client."""
    query, client, users = call.query, _known(call), call.organization.users
    orders: Mapping[str, Callable[[Authorization], str]] = {
        "user.name": lambda each: (users[each.user_id].name or "").casefold(),
        "user.email": lambda each: users[each.user_id].email,
        "oauth2_client.name": lambda _each: client.name,
    }
    disabled = flag(query, "filter[disabled]", _bad_request)
    user_disabled = flag(query, "filter[user][disabled]", _bad_request)

    def matches(user: User) -> bool:
        return (
            query.get("filter[user][name]", "").casefold() in (user.name or "").casefold()
            and query.get("filter[user][email]", "").casefold() in user.email.casefold()
            and user_disabled in {None, user.disabled}
        )

    matching = [
        each
        for each in client.authorizations.values()
        if matches(users[each.user_id]) and disabled in {None, each.disabled}
    ]
    return page(
        arranged(matching, query, orders, default="user.name", refuse=_bad_request),
        total=len(client.authorizations),
        query=query,
        paging=_paging(call),
        render=lambda each: _authorization(client, each),
        spoilers=call.spoilers,
    )


def delete_user_authorization(call: Call) -> Reply:
    """One authorization ends; it stays listed as disabled."""
    known = _known(call).authorizations.values()
    return _end(call, [each for each in known if each.id == call.path["authorization_id"]])


def delete_authorizations_of_user(call: Call) -> Reply:
    """Every authorization that one user gave to one client ends."""
    return _end(call, [each for each in _known(call).authorizations.values() if each.user_id == call.path["user_id"]])


def _end(call: Call, ended: Sequence[Authorization]) -> Reply:
    open_ones = [each for each in ended if not each.disabled]
    if not open_ones:
        raise RefusedError(not_found(call.requested.rpartition("/")[2]))
    for each in open_ones:
        call.organization.end_authorization(call.path["client_id"], each.user_id, at=call.now)
    return Reply(204)


def _known(call: Call) -> OAuthClient:
    client = call.organization.oauth_clients.get(call.path["client_id"])
    if client is None:
        raise RefusedError(not_found(call.path["client_id"]))
    return client


def _record(call: Call, client: OAuthClient) -> bytes:
    def describe() -> dict[str, object]:
        allowed = references("user_authorized_clients", (each.id for each in client.authorizations.values()))
        return {
            "type": "org_authorized_clients",
            "id": client.id,
            "attributes": {
                "disabled": client.disabled,
                "last_exercised": timestamp(client.last_exercised),
                "user_count": len(client.authorizations),
            },
            "relationships": {
                "oauth2_client": {"data": {"type": "oauth2_clients", "id": client.client_id}},
                "user_authorized_clients": {
                    "data": allowed,
                    "links": {"related": f"/api/v2/org_authorized_clients/{client.id}/user_authorized_clients"},
                },
            },
        }

    return call.organization.rendered.remember("org_authorized_clients", client.id, describe)


def _authorization(client: OAuthClient, allowed: Authorization) -> bytes:
    attributes = {
        "created_at": timestamp(allowed.created_at),
        "modified_at": timestamp(allowed.modified_at),
        "disabled": allowed.disabled,
        "org_disabled": client.disabled,
        "last_exercised": timestamp(allowed.last_exercised),
    }
    relationships = {
        "oauth2_client": {"data": {"type": "oauth2_clients", "id": client.client_id}},
        "scopes": {"data": references("scopes", allowed.scopes)},
        "user": {"data": {"type": "users", "id": allowed.user_id}},
    }
    return to_json(
        {
            "type": "user_authorized_clients",
            "id": allowed.id,
            "attributes": attributes,
            "relationships": relationships,
        }
    )


def _accompanying(call: Call, shown: Sequence[OAuthClient], wanted: frozenset[str]) -> bytes:
    chunks: list[bytes] = []
    for client in shown:
        if wanted & {_CLIENT, _APP}:
            app = {"app": {"data": {"type": "apps", "id": client.app_id}}}
            chunks.append(_named("oauth2_clients", client.client_id, client.name, app))
        if _APP in wanted:
            chunks.append(_named("apps", client.app_id, client.name, {}))
        if wanted & {"user_authorized_clients", _USERS}:
            chunks += [_authorization(client, each) for each in client.authorizations.values()]
    if _USERS in wanted:
        allowing = (user_id for client in shown for user_id in client.authorizations)
        chunks += without_roles(call.organization, allowing)
    return b",".join(chunks)


def _named(kind: str, record_id: str, name: str, relationships: Mapping[str, object]) -> bytes:
    record = {"type": kind, "id": record_id, "attributes": {"name": name}}
    return to_json({**record, "relationships": relationships} if relationships else record)


_ALL = "/api/v2/org_authorized_clients"
_ONE = _ALL + "/{client_id}"
_USERS_OF = _ONE + "/user_authorized_clients"

ENDPOINTS = (
    Endpoint("GET", _ALL, "list_org_authorized_clients", _READ, list_org_authorized_clients),
    Endpoint("GET", _ONE, "get_org_authorized_client", _READ, get_org_authorized_client),
    Endpoint("GET", _USERS_OF, "list_user_authorizations", _READ, list_user_authorizations),
    Endpoint("DELETE", _USERS_OF + "/{authorization_id}", "end_authorization", _WRITE, delete_user_authorization),
    Endpoint("DELETE", _ONE + "/user/{user_id}", "end_authorizations", _WRITE, delete_authorizations_of_user),
)
