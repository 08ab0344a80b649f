"""What may leave the process: judged by the request itself, right before a connection would be made.

Which operation a request is follows from its method, its path and its body, whoever made it and whatever for. A
request that is none of these, or one whose operation the settings do not name, is refused and nothing is opened.
"""

import re
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from msgspec import Struct

from accesssync.errors import RefusedError
from accesssync.model.installed import MANAGED_BY
from accesssync.model.operation import Operation

Permit = Callable[[str, str, object], None]
"""Given method, address and body of a request; raises RefusedError where it must not be sent."""

_ID = r"[A-Za-z0-9_\-]{1,200}"


class _Route(Struct, frozen=True):
    """One kind of request and what it does; None where its body makes no sense to us."""

    method: str
    path: re.Pattern[str]
    means: Callable[[Mapping[str, Any]], frozenset[Operation] | None]


def _route(method: str, path: str, *means: Operation) -> _Route:
    return _Route(method, _pattern(path), lambda _body: frozenset(means))


def _pattern(path: str) -> re.Pattern[str]:
    return re.compile(("" if path.startswith("/") else "/api/v2/") + path.replace("{id}", _ID))


def _installing(path: str, operation: Operation) -> tuple[_Route, ...]:
    """To make one of a kind of object, to replace it and to take it away. What is written has to carry our mark."""
    one = path + "/{id}"

    def means(body: Mapping[str, Any]) -> frozenset[Operation] | None:
        marks = [body.get("description") or "", *(body.get("tags") or ())]
        return frozenset({operation}) if any(MANAGED_BY in str(each) for each in marks) else None

    made, replaced = _Route("POST", _pattern(path), means), _Route("PUT", _pattern(one), means)
    return made, replaced, _route("DELETE", one, operation)


def _makes_user(body: Mapping[str, Any]) -> frozenset[Operation]:
    roles = body.get("data", {}).get("relationships", {}).get("roles", {}).get("data")
    return frozenset({Operation.CREATE_USER, Operation.GRANT_ROLE} if roles else {Operation.CREATE_USER})


_CHANGES = {"name": Operation.UPDATE_USER, "title": Operation.UPDATE_USER}


def _changes_user(body: Mapping[str, Any]) -> frozenset[Operation] | None:
    """What a change of a user does: whether it enables or disables stands in the body and nowhere else."""
    found = set()
    for name, value in body.get("data", {}).get("attributes", {}).items():
        if name == "disabled":
            found.add(Operation.DISABLE_USER if value is not False else Operation.ENABLE_USER)
        elif name in _CHANGES:
            found.add(_CHANGES[name])
        else:
            return None
    return frozenset(found) or None


_ROUTES = (
    _Route("POST", _pattern("users"), _makes_user),
    _Route("PATCH", _pattern("users/{id}"), _changes_user),
    _route("DELETE", "users/{id}", Operation.DISABLE_USER),
    _route("POST", "user_invitations", Operation.SEND_INVITATION),
    _route("DELETE", "users/{id}/invitations", Operation.DELETE_INVITATION),
    _route("POST", "roles/{id}/users", Operation.GRANT_ROLE),
    _route("DELETE", "roles/{id}/users", Operation.REVOKE_ROLE),
    _route("POST", "service_accounts", Operation.CREATE_SERVICE_ACCOUNT),
    _route("POST", "service_accounts/{id}/application_keys", Operation.CREATE_APPLICATION_KEY),
    _route("PATCH", "application_keys/{id}", Operation.UPDATE_APPLICATION_KEY),
    _route("DELETE", "application_keys/{id}", Operation.REVOKE_APPLICATION_KEY),
    _route("DELETE", "api_keys/{id}", Operation.REVOKE_API_KEY),
    _route("DELETE", "personal_access_tokens/{id}", Operation.REVOKE_ACCESS_TOKEN),
    _route("DELETE", "service_accounts/{id}/access_tokens/{id}", Operation.REVOKE_ACCESS_TOKEN),
    _route("DELETE", "org_authorized_clients/{id}/user/{id}", Operation.REVOKE_OAUTH_AUTHORIZATION),
    _route("POST", "logs", Operation.SEND_LOG),
    _route("POST", "/api/v1/events", Operation.SEND_EVENT),
    _route("POST", "series", Operation.SEND_METRIC),
    *_installing("/api/v1/dashboard", Operation.WRITE_DASHBOARD),
    *_installing("/api/v1/logs/config/pipelines", Operation.WRITE_PIPELINE),
    *_installing("/api/v1/monitor", Operation.WRITE_MONITOR),
    *_installing("/api/v2/security_monitoring/rules", Operation.WRITE_DETECTION_RULE),
)


def operations_of(method: str, url: str, body: object) -> frozenset[Operation] | None:
    """What a request does to an organization; None where it is no request of ours."""
    path = urlsplit(url).path
    route = next((each for each in _ROUTES if each.method == method and each.path.fullmatch(path)), None)
    if route is None:
        return None
    try:
        return route.means(body if isinstance(body, dict) else {})
    except AttributeError:
        return None


def only_reading(method: str, _url: str, _body: object) -> None:
    """Nothing but GET."""
    if method != "GET":
        raise RefusedError(f"this connection does not send {method} requests")


def allowing(allowed: Collection[Operation], setting: str) -> Permit:
    """GET, and what these operations are. `setting` names what they come from, for the remedy."""
    permitted = frozenset(allowed)

    def permit(method: str, url: str, body: object) -> None:
        if method == "GET":
            return
        operations = operations_of(method, url, body)
        if operations is None:
            raise RefusedError(f"{method} {urlsplit(url).path[:80]} is no request that accesssync sends")
        for missing in sorted(operations - permitted):
            raise RefusedError(f"{missing} is not allowed", remedy=f"to allow it, add {missing} to {setting}")

    return permit
