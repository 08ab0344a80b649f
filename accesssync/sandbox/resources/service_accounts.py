"""What hangs below `/api/v2/service_accounts/{id}`. The accounts themselves are listed among the users."""

from accesssync.sandbox.access import Access
from accesssync.sandbox.credentials import AppKey, Token
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.replies import RefusedError, Reply, not_found
from accesssync.sandbox.resources.access_tokens import revoke_token, token_reply, tokens_page
from accesssync.sandbox.resources.application_keys import change_key, create_key, key_reply, keys_page, revoke_key

_WRITE = Access(permission="service_account_write")


def list_application_keys(call: Call) -> Reply:
    """A page of the account's application keys, which do not say whose they are."""
    return keys_page(call, owner_id=_account_id(call), with_owner=False)


def get_application_key(call: Call) -> Reply:
    """One of the account's application keys by id."""
    return key_reply(call, _key(call), with_owner=False)


def create_application_key(call: Call) -> Reply:
    """A new key of the account."""
    return create_key(call, _account_id(call))


def update_application_key(call: Call) -> Reply:
    """Another name or other scopes for one of the account's keys."""
    return change_key(call, _key(call), with_owner=False)


def delete_application_key(call: Call) -> Reply:
    """Revoke one of the account's keys."""
    return revoke_key(call, _key(call))


def list_access_tokens(call: Call) -> Reply:
    """A page of the account's tokens."""
    owner_id = _account_id(call)
    return tokens_page(call, [each for each in call.organization.tokens.values() if each.owner_id == owner_id])


def get_access_token(call: Call) -> Reply:
    """One of the account's tokens by id."""
    return token_reply(call, _token(call))


def revoke_access_token(call: Call) -> Reply:
    """Revoke one of the account's tokens."""
    return revoke_token(call, _token(call))


def _key(call: Call) -> AppKey | None:
    key, owner_id = call.organization.app_keys.get(call.path["key_id"]), _account_id(call)
    return key if key and key.owner_id == owner_id else None


def _token(call: Call) -> Token | None:
    token, owner_id = call.organization.tokens.get(call.path["token_id"]), _account_id(call)
    return token if token and token.owner_id == owner_id else None


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
    Endpoint("POST", _KEYS, "create_service_account_key", _WRITE, create_application_key),
    Endpoint("PATCH", _KEYS + "/{key_id}", "update_service_account_key", _WRITE, update_application_key),
    Endpoint("DELETE", _KEYS + "/{key_id}", "delete_service_account_key", _WRITE, delete_application_key),
    Endpoint("DELETE", _TOKENS + "/{token_id}", "revoke_service_account_token", _WRITE, revoke_access_token),
    Endpoint("GET", _TOKENS, "list_service_account_tokens", _WRITE, list_access_tokens),
    Endpoint("GET", _TOKENS + "/{token_id}", "get_service_account_token", _WRITE, get_access_token),
)
