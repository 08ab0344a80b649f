"""One organization, writable: every operation that provisioning knows, over the official client's endpoints."""

from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from datetime import datetime
from random import Random
from time import time
from typing import Any, TypeVar
from uuid import UUID

from msgspec import MsgspecError, json
from pydantic import SecretStr

from accesssync.datadog import bodies
from accesssync.datadog.account import decode_account
from accesssync.datadog.calls import Calls
from accesssync.datadog.client import Client
from accesssync.datadog.connect import connect
from accesssync.datadog.credentials import APPLICATION_KEYS, TOKENS
from accesssync.datadog.decode import decode_one, member
from accesssync.datadog.endpoints import Endpoints
from accesssync.datadog.limits import Limits
from accesssync.datadog.own_keys import OwnKeys
from accesssync.datadog.permit import allowing
from accesssync.datadog.read import DatadogSource
from accesssync.datadog.shape import USERS
from accesssync.datadog.transport import Call, Doubt, Event, Rejection, Transport
from accesssync.errors import NotFoundError, RefusedError, ResponseError, UpstreamError
from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.operation import NEEDS, Operation
from accesssync.provision.credentials import Issued
from accesssync.provision.gateway import Caller, Confirmed, Outcome, Rejected, Unknown

D = TypeVar("D")
Send = Callable[[], object]

_READ_ACCESS = "user_access_read"
_PAGE = 100
_MOST_PAGES = 20


class DatadogGateway:
    """Writes to one organization with the provisioning key, and reads back with it. Safe to use from several threads.

    What is allowed is decided where connections are made, whatever is called here. `reader` has the read key: only it
    sees the list in which the provisioning key's scopes stand.
    """

    def __init__(
        self,
        *,
        org: str,
        client: Client,
        transport: Transport,
        reader: DatadogSource | None,
        key: SecretStr,
        allowed: Collection[Operation],
        setting: str,
    ) -> None:
        self._org = org
        self._client = client
        self._transport = transport
        self._reader = reader
        self._key = key
        self._allowed = frozenset(allowed)
        self._setting = setting
        self._api = Endpoints(client)
        self._users = Calls(org=org, transport=transport, resource=Resource.USERS, permission=_READ_ACCESS)

    def close(self) -> None:
        """Close the connections, the reader's too. The gateway must not be used afterwards."""
        self._client.close()
        if self._reader is not None:
            self._reader.close()

    def caller(self) -> Caller:
        """Ask anew whose key it is, at every call, and what it is scoped to."""
        send = self._api.users.get_current_user
        call = Call(operation="get_current_user", resource="provisioning key", permission=None, send=send)
        account = self._transport.read(call, decode_account)
        mine = None
        if self._reader is not None:
            mine = OwnKeys(self._reader, account.user_id).find(account.user_id, self._key).key
        return Caller(
            user_id=account.user_id,
            subject=account.subject,
            org_id=account.org_id,
            key_id=mine.id if mine else None,
            scopes=frozenset(mine.scopes) if mine and mine.scopes is not None else None,
            scopes_known=mine is not None,
            permissions=account.permissions,
        )

    def user(self, user_id: str) -> Identity | None:
        """One user record as it is now; None where Datadog knows none."""
        return self._users.get("get_user", USERS, self._api.users.get_user)(user_id)

    def find_users(self, text: str) -> list[Identity]:
        """Every user record that Datadog's own search finds for a text: a superset of the exact matches."""
        list_users, found = self._api.users.list_users, dict[str, Identity]()
        fetch = self._users.fetch(
            "find_users", USERS, lambda number, size: list_users(page_size=size, page_number=number, filter=text)
        )
        for number in range(_MOST_PAGES):
            page = fetch(number, _PAGE)
            found |= {one.id: one for one in page.records}
            if not page.records or (page.total is not None and len(found) >= page.total):
                return list(found.values())
        raise UpstreamError(
            f"Datadog finds more than {_MOST_PAGES * _PAGE:,} users for one address",
            org=self._org,
            resource=Resource.USERS,
            remedy="run again later",
        )

    def invitation_expiry(self, invitation_id: str) -> datetime | None:
        """When an invitation ends; None where Datadog knows none of that id."""
        self._users.check_addressable(invitation_id)
        call = Call(
            operation="get_invitation",
            resource="invitation",
            permission="user_access_invite",
            send=lambda: self._api.users.get_invitation(invitation_id),
        )
        try:
            return self._transport.read(call, lambda body: _expiry(_data(body)))
        except NotFoundError:
            return None

    def create_user(self, *, email: str, name: str | None, title: str | None, role_ids: tuple[str, ...]) -> Outcome:
        """Add a user with all its roles; sends no e-mail. Rejected with 409 where the address is taken."""
        body = bodies.new_user(email, name, title, role_ids)
        return self._write(Operation.CREATE_USER, lambda: self._api.users.create_user(body), _made)

    def update_user(self, user_id: str, *, name: str | None = None, title: str | None = None) -> Outcome:
        """Change name or title; None leaves as it is."""
        body = bodies.changed_user(user_id, name=name, title=title)
        return self._write(Operation.UPDATE_USER, lambda: self._api.users.update_user(user_id, body), _done)

    def enable_user(self, user_id: str) -> Outcome:
        """Let a disabled user in again."""
        body = bodies.changed_user(user_id, disabled=False)
        return self._write(Operation.ENABLE_USER, lambda: self._api.users.update_user(user_id, body), _done)

    def disable_user(self, user_id: str) -> Outcome:
        """Disable a user. A 404 is Rejected: only reading back tells whether it was disabled already or never there."""
        return self._write(Operation.DISABLE_USER, lambda: self._api.users.disable_user(user_id), _done)

    def grant_role(self, user_id: str, role_id: str) -> Outcome:
        """Give a user one role."""
        body = bodies.user(user_id)
        return self._write(Operation.GRANT_ROLE, lambda: self._api.roles.add_user_to_role(role_id, body), _done)

    def revoke_role(self, user_id: str, role_id: str) -> Outcome:
        """Take one role from a user."""
        body = bodies.user(user_id)
        return self._write(Operation.REVOKE_ROLE, lambda: self._api.roles.remove_user_from_role(role_id, body), _done)

    def send_invitation(self, user_id: str) -> Outcome:
        """Send the e-mail that lets a user in; Confirmed names the invitation and its end."""
        body = bodies.invitation(user_id)
        return self._write(Operation.SEND_INVITATION, lambda: self._api.users.send_invitations(body), _sent)

    def delete_invitation(self, user_id: str) -> Outcome:
        """Take back every open invitation of a user."""
        return self._write(
            Operation.DELETE_INVITATION, lambda: self._api.users.delete_user_invitations(UUID(user_id)), _done
        )

    def create_service_account(self, *, email: str, name: str, title: str | None, role_ids: tuple[str, ...]) -> Outcome:
        """Add a service account with all its roles. Asked twice, Datadog makes two."""
        body = bodies.new_service_account(email, name, title, role_ids)
        return self._write(
            Operation.CREATE_SERVICE_ACCOUNT, lambda: self._api.service_accounts.create_service_account(body), _made
        )

    def credential(self, kind: str, credential_id: str, *, account_id: str | None = None) -> Credential | None:
        """One credential as it is now, asked with the read key; None where there is none.

        The token of a service account is asked for below `account_id` with the provisioning key: to read it takes the
        permission to end it. UpstreamError where nothing tells of such a credential.
        """
        if kind == CredentialType.SERVICE_ACCESS_TOKEN and account_id is not None:
            api = self._api.service_accounts
            return self._calls(Resource.ACCESS_TOKENS).get(
                "get_service_account_access_token",
                TOKENS,
                lambda token_id: api.get_service_account_access_token(account_id, token_id),
            )(credential_id)
        if self._reader is None:
            raise UpstreamError("without a read key no credential can be asked for", org=self._org)
        get = self._reader.credential(kind)
        if get is None:
            raise UpstreamError(f"nothing tells whether a {kind} is there", org=self._org)
        return get(credential_id)

    def keys_of_account(self, account_id: str) -> list[Credential]:
        """Every application key of a service account as it is now."""
        api: Any = self._api.service_accounts
        list_keys, found = api.list_service_account_application_keys, dict[str, Credential]()
        calls = self._calls(Resource.APPLICATION_KEYS)
        calls.check_addressable(account_id)
        fetch = calls.fetch(
            "list_service_account_application_keys",
            APPLICATION_KEYS,
            lambda number, size: list_keys(account_id, page_size=size, page_number=number),
        )
        for number in range(_MOST_PAGES):
            page = fetch(number, _PAGE)
            found |= {one.id: one for one in page.records}
            if not page.records or (page.total is not None and len(found) >= page.total):
                break
        return list(found.values())

    def _calls(self, resource: Resource) -> Calls:
        """Reading what belongs to service accounts, with the provisioning key."""
        return Calls(org=self._org, transport=self._transport, resource=resource, permission="service_account_write")

    def create_application_key(self, account_id: str, *, name: str, scopes: Sequence[str]) -> Outcome | Issued:
        """Make a scoped key for a service account; Issued has the secret, which is never told again."""
        body, api = bodies.new_key(name, scopes), self._api.service_accounts
        return self._write(
            Operation.CREATE_APPLICATION_KEY,
            lambda: api.create_service_account_application_key(account_id, body),
            _issued,
        )

    def update_application_key(self, key_id: str, *, scopes: Sequence[str]) -> Outcome:
        """Give an application key other scopes."""
        body = bodies.changed_key(key_id, scopes)
        return self._write(
            Operation.UPDATE_APPLICATION_KEY, lambda: self._api.keys.update_application_key(key_id, body), _done
        )

    def revoke_application_key(self, key_id: str) -> Outcome:
        """End an application key for good. A 404 is Rejected: it is ended already, or never was."""
        return self._write(
            Operation.REVOKE_APPLICATION_KEY, lambda: self._api.keys.delete_application_key(key_id), _done
        )

    def revoke_api_key(self, key_id: str) -> Outcome:
        """End an API key for good."""
        return self._write(Operation.REVOKE_API_KEY, lambda: self._api.keys.delete_api_key(key_id), _done)

    def revoke_access_token(self, token_id: str, *, account_id: str | None) -> Outcome:
        """End a person's token or, with `account_id`, one of that service account."""
        people: Any = self._api.keys
        accounts: Any = self._api.service_accounts

        def send() -> object:
            if account_id is None:
                return people.revoke_personal_access_token(token_id)
            return accounts.revoke_service_account_access_token(account_id, token_id)

        return self._write(Operation.REVOKE_ACCESS_TOKEN, send, _done)

    def revoke_oauth_authorization(self, client_id: str, user_id: str) -> Outcome:
        """End everything that one user let an OAuth client do."""
        api = self._api.oauth_clients
        return self._write(
            Operation.REVOKE_OAUTH_AUTHORIZATION,
            lambda: api.delete_org_authorized_client_all_user_authorizations(client_id, user_id),
            _done,
        )

    def _write(self, operation: Operation, send: Send, decode: Callable[[bytes], D]) -> D | Rejected | Unknown:
        # Refused here for the sake of the error's words; where connections are made it would be refused as well.
        if operation not in self._allowed:
            raise RefusedError(
                f"{operation} is not allowed", org=self._org, remedy=f"to allow it, add {operation} to {self._setting}"
            )
        call = Call(operation=operation, resource=operation, permission=NEEDS[operation][0], send=send)
        answer = self._transport.write(call)
        if isinstance(answer, Rejection):
            return Rejected(status=answer.status, message=answer.message)
        if isinstance(answer, Doubt):
            return Unknown(message=answer.message)
        with suppress(ResponseError):
            return decode(answer)
        return Unknown(message="Datadog says that it is done, in an answer that cannot be understood")


def _done(_body: bytes) -> Confirmed:
    return Confirmed()


def _data(body: bytes) -> dict[str, Any]:
    """The record in `data`, or the only one there."""
    try:
        found = json.decode(body)
    except (MsgspecError, UnicodeDecodeError, RecursionError):
        found = None
    data = found.get("data") if isinstance(found, dict) else None
    record = data[0] if isinstance(data, list) and len(data) == 1 else data
    if not isinstance(record, dict) or not isinstance(record.get("id"), str) or not record["id"]:
        raise ResponseError("the answer names no record", status=200)
    return record


def _expiry(record: dict[str, Any]) -> datetime | None:
    with suppress(TypeError, ValueError):
        found = datetime.fromisoformat(member(record, "attributes").get("expires_at") or "")
        return found if found.tzinfo is not None else None
    return None


def _made(body: bytes) -> Confirmed:
    return Confirmed(id=decode_one(body, USERS).id)


def _sent(body: bytes) -> Confirmed:
    record = _data(body)
    return Confirmed(id=record["id"], expires_at=_expiry(record))


def _issued(body: bytes) -> Issued:
    record = _data(body)
    secret = member(record, "attributes").get("key")
    if not isinstance(secret, str) or not secret:
        raise ResponseError("the answer has no secret", status=200)
    return Issued(id=record["id"], secret=SecretStr(secret))


def open_gateway(
    *,
    org: str,
    site: str,
    api_key: SecretStr,
    app_key: SecretStr,
    reader: DatadogSource | None,
    allowed: Collection[Operation],
    setting: str,
    api_url: str | None = None,
    allow_other_host: bool = False,
    concurrency: int = 8,
    limits: Limits | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    now: Callable[[], float] = time,
    rng: Random,
    on_event: Callable[[Event], None],
) -> DatadogGateway:
    """Prepare to write to one organization; nothing is sent yet.

    `app_key` is the provisioning key. `reader`, which may be None, is closed with the gateway. `setting` is where
    `allowed` comes from, for people. The rest is as for reading.
    """
    connected = connect(
        org=org,
        site=site,
        api_key=api_key,
        app_key=app_key,
        api_url=api_url,
        allow_other_host=allow_other_host,
        concurrency=concurrency,
        limits=limits or Limits(),
        permit=allowing(allowed, setting),
        sleep=sleep,
        clock=clock,
        now=now,
        rng=rng,
        on_event=on_event,
        on_answer=lambda _status: None,
    )
    return DatadogGateway(
        org=org,
        client=connected.client,
        transport=connected.transport,
        reader=reader,
        key=app_key,
        allowed=allowed,
        setting=setting,
    )
