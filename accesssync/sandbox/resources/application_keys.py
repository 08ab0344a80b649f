"""`/api/v2/application_keys`, and the caller's own. No reply to a read holds the secret."""

import json
from collections.abc import Callable, Mapping, Sequence

from accesssync.sandbox.access import Access
from accesssync.sandbox.bodies import Body, data_of
from accesssync.sandbox.credentials import AppKey
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.queries import arranged, inclusions, moment
from accesssync.sandbox.render import single, timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, error, not_found
from accesssync.sandbox.resources.leaks import leak_relationship, leaks_included
from accesssync.sandbox.resources.users import with_roles

_READ = Access(permission="org_app_keys_read")
_OWN = Access(permission="user_app_keys")
_WRITE = Access(permission="org_app_keys_write")
_MAX_PER_USER = 1000
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
_ORDERS: Mapping[str, Callable[[AppKey], str]] = {
    "name": lambda key: key.name.casefold(),
    "created_at": lambda key: timestamp(key.created_at) or "",
    "last4": lambda key: key.last4,
}


def bad_request(_detail: str) -> Reply:
    """How the keys endpoints say 400."""
    return error(400, "Invalid input ")


def list_application_keys(call: Call) -> Reply:
    """A page of the application keys of everybody."""
    return keys_page(call, owner_id=call.query.get("filter[owned_by]"), with_owner=True)


def list_current_user_application_keys(call: Call) -> Reply:
    """A page of the caller's own application keys, which do not say whose they are."""
    return keys_page(call, owner_id=call.caller.owner.id if call.caller.owner else "", with_owner=False)


def keys_page(call: Call, *, owner_id: str | None, with_owner: bool) -> Reply:
    """A page of the keys of one owner or, without one, of all. A hundred to a page unless asked otherwise."""
    organization = call.organization
    paging = Paging(
        default=100,
        refuse_larger=call.behaviour.refuse_larger_pages,
        more_meta={"max_allowed_per_user": _MAX_PER_USER},
        bad_request=bad_request,
    )
    number, _size = paging.read(call.query)
    if number == 0:
        call.activity.key_listing_begins(call.now)
    wanted = inclusions(call.query, {"owned_by", "leak_information"}, bad_request)
    return page(
        _select(call, owner_id),
        query=call.query,
        paging=paging,
        render=lambda key: _record(organization, key, with_owner=with_owner),
        included=(lambda shown: _accompanying(organization, shown, wanted)) if wanted else None,
        spoilers=call.spoilers,
    )


def _select(call: Call, owner_id: str | None) -> Sequence[AppKey]:
    organization, query = call.organization, call.query
    text = query.get("filter", "").casefold()
    start, end = (moment(query, f"filter[created_at][{each}]", bad_request) for each in ("start", "end"))

    def build() -> list[AppKey]:
        matching = (
            each
            for each in organization.app_keys.values()
            if text in each.name.casefold()
            and owner_id in {None, each.owner_id}
            and (start is None or each.created_at >= start)
            and (end is None or each.created_at <= end)
        )
        return arranged(matching, query, _ORDERS, default="name", refuse=bad_request)

    return organization.selection(("application_keys", owner_id, text, start, end, query.get("sort")), build)


def get_application_key(call: Call) -> Reply:
    """One application key by id."""
    return key_reply(call, call.organization.app_keys.get(call.path["key_id"]), with_owner=True)


def get_current_user_application_key(call: Call) -> Reply:
    """One of the caller's own application keys by id."""
    key, owner = call.organization.app_keys.get(call.path["key_id"]), call.caller.owner
    return key_reply(call, key if key and owner and key.owner_id == owner.id else None, with_owner=False)


def update_application_key(call: Call) -> Reply:
    """Another name or other scopes for anybody's key."""
    return change_key(call, call.organization.app_keys.get(call.path["key_id"]), with_owner=True)


def delete_application_key(call: Call) -> Reply:
    """Revoke anybody's key; 404 where it is revoked already."""
    return revoke_key(call, call.organization.app_keys.get(call.path["key_id"]))


def change_key(call: Call, key: AppKey | None, *, with_owner: bool) -> Reply:
    """The key with the name and scopes of the body. `scopes` null takes every limit away; left out, they stay."""
    if key is None:
        raise RefusedError(not_found("Application key"))
    body = Body(data_of(call), "application_keys")
    body.require_same_id(key.id)
    name, scopes = body.text("name"), body.texts("scopes")
    if name is not None:
        call.organization.rename_key(key.id, name)
    if "scopes" in body.attributes:
        call.organization.rescope_key(key.id, scopes)
    return key_reply(call, key, with_owner=with_owner)


def revoke_key(call: Call, key: AppKey | None) -> Reply:
    """The key is gone at once."""
    if key is None:
        raise RefusedError(not_found("Application key"))
    call.organization.delete_application_key(key.id)
    return Reply(204)


def create_key(call: Call, owner_id: str) -> Reply:
    """A new key of this owner. Only this reply ever tells the secret."""
    body = Body(data_of(call), "application_keys")
    name, scopes = body.text("name", required=True) or "", body.texts("scopes")
    organization = call.organization
    secret = "ddapp_" + "".join(organization.rng.choices(_LETTERS, k=34))
    key = organization.add_application_key(owner_id, scopes, name=name, secret=secret, at=call.now)
    record = json.loads(_record(organization, key, with_owner=False))
    record["attributes"]["key"] = secret
    record["relationships"]["owned_by"] = {"data": {"type": "users", "id": owner_id}}
    return Reply(201, single(to_json(record)))


def key_reply(call: Call, key: AppKey | None, *, with_owner: bool) -> Reply:
    """The answer that holds one key, or 404."""
    if key is None:
        raise RefusedError(not_found("Application key"))
    wanted = inclusions(call.query, {"owned_by", "leak_information"}, bad_request)
    included = _accompanying(call.organization, [key], wanted) if wanted else None
    return Reply(body=single(_record(call.organization, key, with_owner=with_owner), included))


def _record(organization: Organization, key: AppKey, *, with_owner: bool) -> bytes:
    def describe() -> dict[str, object]:
        attributes: dict[str, object] = {
            "name": key.name,
            "created_at": timestamp(key.created_at),
            "last4": key.last4,
            "scopes": None if key.scopes is None else list(key.scopes),
        }
        if organization.deployment.last_used_at:
            attributes["last_used_at"] = timestamp(key.last_used_at)
        relationships: dict[str, object] = {"leak_information": leak_relationship(key.leak)}
        if with_owner:
            relationships["owned_by"] = {"data": {"type": "users", "id": key.owner_id}}
        return {"type": "application_keys", "id": key.id, "attributes": attributes, "relationships": relationships}

    return organization.rendered.remember(
        "application_keys" if with_owner else "own_application_keys", key.id, describe
    )


def _accompanying(organization: Organization, shown: Sequence[AppKey], wanted: frozenset[str]) -> bytes:
    chunks = with_roles(organization, (each.owner_id for each in shown)) if "owned_by" in wanted else []
    if "leak_information" in wanted:
        chunks += leaks_included(each.leak for each in shown)
    return b",".join(chunks)


_ONE = "/api/v2/application_keys/{key_id}"
_MINE = "/api/v2/current_user/application_keys"

ENDPOINTS = (
    Endpoint("GET", "/api/v2/application_keys", "list_application_keys", _READ, list_application_keys),
    Endpoint("GET", _ONE, "get_application_key", _READ, get_application_key),
    Endpoint("PATCH", _ONE, "update_application_key", _WRITE, update_application_key),
    Endpoint("DELETE", _ONE, "delete_application_key", _WRITE, delete_application_key),
    Endpoint("GET", _MINE, "list_own_application_keys", _OWN, list_current_user_application_keys),
    Endpoint("GET", _MINE + "/{key_id}", "get_own_application_key", _OWN, get_current_user_application_key),
)
