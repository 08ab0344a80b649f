"""`/api/v2/personal_access_tokens`: the tokens of people and of service accounts in one listing."""

from collections.abc import Callable, Mapping, Sequence

from accesssync.sandbox.access import Access
from accesssync.sandbox.credentials import Token
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.queries import arranged, flag, inclusions, several
from accesssync.sandbox.render import single, zulu
from accesssync.sandbox.replies import RefusedError, Reply, detailed_error, error, not_found
from accesssync.sandbox.resources.leaks import leak_relationship, leaks_included

_OVERALL = "org_app_keys_read"
_READ = Access(permission=_OVERALL, or_permission="user_app_keys")
_ORDERS: Mapping[str, Callable[[Token], str]] = {
    "name": lambda token: token.name.casefold(),
    "created_at": lambda token: zulu(token.created_at) or "",
    "expires_at": lambda token: zulu(token.expires_at) or "~",
    "last_used_at": lambda token: zulu(token.last_used_at) or "",
    "leaked": lambda token: str(token.leak is not None),
}


def _bad_request(detail: str) -> Reply:
    return detailed_error(400, "Bad Request", detail)


def list_personal_access_tokens(call: Call) -> Reply:
    """A page of all tokens, or of the caller's own where that is all the caller may see."""
    owners = several(call.query, "filter[owned_by]")
    return tokens_page(call, [each for each in _visible(call) if not owners or each.owner_id in owners])


def tokens_page(call: Call, tokens: Sequence[Token]) -> Reply:
    """A page of these tokens."""
    query = call.query
    paging = Paging(refuse_larger=call.behaviour.refuse_larger_pages, bad_request=_bad_request)
    number, _size = paging.read(query)
    if number == 0:
        call.activity.token_listing_begins(call.now)
    wanted = inclusions(query, {"leak_information"}, _bad_request)
    text, leaked = query.get("filter", "").casefold(), flag(query, "filter[leaked]", _bad_request)
    matching = [each for each in tokens if text in each.name.casefold() and leaked in {None, each.leak is not None}]
    return page(
        arranged(matching, query, _ORDERS, default="name", refuse=_bad_request),
        query=query,
        paging=paging,
        render=lambda token: _record(call, token),
        included=(lambda shown: b",".join(leaks_included(each.leak for each in shown))) if wanted else None,
        spoilers=call.spoilers,
    )


def get_personal_access_token(call: Call) -> Reply:
    """One token of a person by id; those of service accounts are found below their owner only."""
    found = next((each for each in _visible(call) if each.id == call.path["token_id"]), None)
    return token_reply(call, found if found and found.kind == "personal_access_tokens" else None)


def revoke_personal_access_token(call: Call) -> Reply:
    """Revoke a person's token: one's own, or with the permission for all keys anybody's."""
    found = call.organization.tokens.get(call.path["token_id"])
    own = found is not None and call.caller.owner is not None and found.owner_id == call.caller.owner.id
    if not (own or call.may("org_app_keys_write")):
        raise RefusedError(error(403, "Forbidden"))
    return revoke_token(call, found if found and found.kind == "personal_access_tokens" else None)


def revoke_token(call: Call, token: Token | None) -> Reply:
    """The token is gone at once."""
    if token is None:
        raise RefusedError(not_found(call.path["token_id"]))
    call.organization.delete_token(token.id)
    return Reply(204)


def token_reply(call: Call, token: Token | None) -> Reply:
    """The answer that holds one token, or 404."""
    if token is None:
        raise RefusedError(not_found(call.path["token_id"]))
    wanted = inclusions(call.query, {"leak_information"}, _bad_request)
    included = b",".join(leaks_included([token.leak])) if wanted else None
    return Reply(body=single(_record(call, token), included))


def _visible(call: Call) -> Sequence[Token]:
    tokens, owner = call.organization.tokens.values(), call.caller.owner
    if call.may(_OVERALL):
        return list(tokens)
    return [each for each in tokens if owner and each.owner_id == owner.id]


def _record(call: Call, token: Token) -> bytes:
    def describe() -> dict[str, object]:
        service = token.kind == "service_access_tokens"
        # The last use is told to the nanosecond; what the clock does not know is taken from the id.
        nanoseconds = f"{int(token.id[:8], 16) % 1000:03}"
        attributes: dict[str, object] = {
            "created_at": zulu(token.created_at),
            "expires_at": zulu(token.expires_at, timespec="seconds"),
            "last_used_at": zulu(token.last_used_at, digits=nanoseconds),
            "name": token.name,
            "public_portion": token.public_portion,
            "scopes": list(token.scopes),
        }
        owner = {"type": "service_account" if service else "users", "id": token.owner_id}
        relationships = {"owned_by": {"data": owner}, "leak_information": leak_relationship(token.leak)}
        return {"type": token.kind, "id": token.id, "attributes": attributes, "relationships": relationships}

    return call.organization.rendered.remember("access_tokens", token.id, describe)


_ALL = "/api/v2/personal_access_tokens"
_REVOKE = Access(permission="user_app_keys", or_permission="org_app_keys_write")

ENDPOINTS = (
    Endpoint("GET", _ALL, "list_access_tokens", _READ, list_personal_access_tokens),
    Endpoint("GET", _ALL + "/{token_id}", "get_access_token", _READ, get_personal_access_token),
    Endpoint("DELETE", _ALL + "/{token_id}", "revoke_access_token", _REVOKE, revoke_personal_access_token),
)
