"""What hangs below `/api/v2/service_accounts/{id}`. The accounts themselves are listed among the users."""

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.replies import RefusedError, Reply, not_found
from accesssync.sandbox.resources.access_tokens import token_reply, tokens_page
from accesssync.sandbox.resources.application_keys import key_reply, keys_page

_WRITE = Access(permission="service_account_write")


def list_application_keys(call: Call) -> Reply:
    """A page of the account's application keys, which do not say whose they are."""
    return keys_page(call, owner_id=_account_id(call), with_owner=False)


def get_application_key(call: Call) -> Reply:
    """One of the account's application keys by id."""
    key, owner_id = call.organization.app_keys.get(call.path["key_id"]), _account_id(call)
    return key_reply(call, key if key and key.owner_id == owner_id else None, with_owner=False)


def list_access_tokens(call: Call) -> Reply:
    """A page of the account's tokens."""
    owner_id = _account_id(call)
    return tokens_page(call, [each for each in call.organization.tokens.values() if each.owner_id == owner_id])


def get_access_token(call: Call) -> Reply:
    """One of the account's tokens by id."""
    token, owner_id = call.organization.tokens.get(call.path["token_id"]), _account_id(call)
    return token_reply(call, token if token and token.owner_id == owner_id else None)


def _account_id(call: Call) -> str:
    account = call.organization.users.get(call.path["account_id"])
    if account is None or not account.service_account:
        raise RefusedError(not_found(call.path["account_id"]))
    return account.id


_ACCOUNT = "/api/v2/service_accounts/{account_id}"
_KEYS = _ACCOUNT + "/application_keys"
_TOKENS = _ACCOUNT + "/access_tokens"

ENDPOINTS = (
    Endpoint("GET", _KEYS, "list_service_account_keys", _WRITE, list_application_keys),
    Endpoint("GET", _KEYS + "/{key_id}", "get_service_account_key", _WRITE, get_application_key),
    Endpoint("GET", _TOKENS, "list_service_account_tokens", _WRITE, list_access_tokens),
    Endpoint("GET", _TOKENS + "/{token_id}", "get_service_account_token", _WRITE, get_access_token),
)
