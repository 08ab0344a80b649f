"""`/api/v2/api_keys`. Asked for by id, a key comes with its whole secret."""

from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta

from accesssync.sandbox.access import Access
from accesssync.sandbox.credentials import ApiKey
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.queries import arranged, flag, inclusions, moment
from accesssync.sandbox.render import single, timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, not_found
from accesssync.sandbox.resources.application_keys import bad_request
from accesssync.sandbox.resources.leaks import leak_relationship, leaks_included
from accesssync.sandbox.resources.users import without_roles

_READ = Access(permission="api_keys_read")
_DELETE = Access(permission="api_keys_delete")
_MAX_PER_ORG = 200
_USE_REMEMBERED = timedelta(days=90)
_CATEGORY = "default"
_INCLUSIONS = ("created_by", "modified_by", "leak_information")
_ORDERS: Mapping[str, Callable[[ApiKey], str]] = {
    "name": lambda key: key.name.casefold(),
    "created_at": lambda key: timestamp(key.created_at) or "",
    "modified_at": lambda key: timestamp(key.modified_at) or "",
    "last4": lambda key: key.last4,
}


def list_api_keys(call: Call) -> Reply:
    """A page of API keys, ten unless asked otherwise."""
    paging = Paging(
        refuse_larger=call.behaviour.refuse_larger_pages,
        more_meta={"max_allowed": _MAX_PER_ORG},
        bad_request=bad_request,
    )
    number, _size = paging.read(call.query)
    if number == 0:
        call.activity.api_key_listing_begins(call.now)
    wanted = inclusions(call.query, _INCLUSIONS, bad_request)
    matching = [each for each in call.organization.api_keys.values() if _matches(call, each)]
    return page(
        arranged(matching, call.query, _ORDERS, default="name", refuse=bad_request),
        query=call.query,
        paging=paging,
        render=lambda key: to_json(_object(call, key)),
        included=(lambda shown: _accompanying(call, shown, wanted)) if wanted else None,
        spoilers=call.spoilers,
    )


def _matches(call: Call, key: ApiKey) -> bool:
    query = call.query
    times = {"created_at": key.created_at, "modified_at": key.modified_at}
    for name, at in times.items():
        start, end = (moment(query, f"filter[{name}][{each}]", bad_request) for each in ("start", "end"))
        if (start and at < start) or (end and at > end):
            return False
    remote = flag(query, "filter[remote_config_read_enabled]", bad_request)
    return (
        query.get("filter", "").casefold() in key.name.casefold()
        and remote in {None, key.remote_config_read_enabled}
        and query.get("filter[category]", _CATEGORY) == _CATEGORY
    )


def get_api_key(call: Call) -> Reply:
    """One API key by id, secret included."""
    key = call.organization.api_keys.get(call.path["key_id"])
    if key is None:
        raise RefusedError(not_found("API key"))
    wanted = inclusions(call.query, _INCLUSIONS, bad_request)
    included = _accompanying(call, [key], wanted) if wanted else None
    return Reply(body=single(to_json(_object(call, key, {"key": key.secret})), included))


def delete_api_key(call: Call) -> Reply:
    """Revoke a key; 404 where it is revoked already."""
    key = call.organization.api_keys.get(call.path["key_id"])
    if key is None:
        raise RefusedError(not_found("API key"))
    call.organization.delete_api_key(key.id)
    return Reply(204)


def _object(call: Call, key: ApiKey, more: Mapping[str, object] | None = None) -> dict[str, object]:
    # Not remembered: what is known of the last use changes as time goes by, and there are few of them.
    used = key.last_used_at
    seen = timestamp(used) if used and call.now - used <= _USE_REMEMBERED else None
    attributes: dict[str, object] = {
        "created_at": timestamp(key.created_at),
        "last4": key.last4,
        "modified_at": timestamp(key.modified_at),
        "remote_config_read_enabled": key.remote_config_read_enabled,
        "category": _CATEGORY,
        "name": key.name,
        "date_last_used": seen,
        "used_in_last_24_hours": bool(used and call.now - used <= timedelta(days=1)),
        "last_used_date": {"timestamp": seen, "description": "Last use; null if there was none in the past 90 days"},
        **(more or {}),
    }
    relationships: dict[str, object] = {
        "modified_by": {"data": key.modified_by and {"type": "users", "id": key.modified_by}},
        "leak_information": leak_relationship(key.leak),
    }
    if key.created_by:
        relationships["created_by"] = {"data": {"type": "users", "id": key.created_by}}
    return {"type": "api_keys", "id": key.id, "attributes": attributes, "relationships": relationships}


def _accompanying(call: Call, shown: Sequence[ApiKey], wanted: frozenset[str]) -> bytes:
    makers = [each.created_by for each in shown if each.created_by and "created_by" in wanted]
    changers = [each.modified_by for each in shown if each.modified_by and "modified_by" in wanted]
    chunks = without_roles(call.organization, makers + changers)
    if "leak_information" in wanted:
        chunks += leaks_included(each.leak for each in shown)
    return b",".join(chunks)


ENDPOINTS = (
    Endpoint("GET", "/api/v2/api_keys", "list_api_keys", _READ, list_api_keys),
    Endpoint("GET", "/api/v2/api_keys/{key_id}", "get_api_key", _READ, get_api_key),
    Endpoint("DELETE", "/api/v2/api_keys/{key_id}", "delete_api_key", _DELETE, delete_api_key),
)
