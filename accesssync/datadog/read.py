"""One organization, readable: the listings the snapshot asks for, over the official client's endpoints."""

from collections.abc import Callable
from random import Random
from typing import TypeVar
from urllib.parse import urlsplit

from datadog_api_client.v2.api.roles_api import RolesApi
from datadog_api_client.v2.api.users_api import UsersApi
from pydantic import SecretStr

from accesssync.datadog.budget import Budget
from accesssync.datadog.client import Client, build_client
from accesssync.datadog.decode import decode_account, decode_one, decode_page
from accesssync.datadog.limits import Limits
from accesssync.datadog.scrub import Scrub
from accesssync.datadog.shape import PERMISSIONS, ROLES, USERS, Shape
from accesssync.datadog.transport import Call, Event, Transport
from accesssync.errors import NotFoundError, ResponseError, UpstreamError
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.snapshot.source import Account, Listing, Page, Record

R = TypeVar("R", bound=Record)

_READ_ACCESS = "user_access_read"


class DatadogSource:
    """Reads one organization. Every method may be called from several threads at once.

    Only what the Source protocol says is raised, and nothing that is raised or shown carries a key.
    """

    def __init__(self, *, org: str, client: Client, transport: Transport, budget: Budget) -> None:
        self._org = org
        self._client = client
        self._transport = transport
        self._budget = budget
        # Building these costs as much as decoding a page: once, not per call.
        self._users = UsersApi(client)  # type: ignore[no-untyped-call]
        self._roles = RolesApi(client)  # type: ignore[no-untyped-call]

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included."""
        return self._budget.requests

    @property
    def rate_limit_left(self) -> float | None:
        """The smallest part, 0 to 1, that was left of any rate limit so far; None where Datadog told none."""
        return self._budget.lowest_fraction

    def close(self) -> None:
        """Close the connections. The source must not be used afterwards."""
        self._client.close()

    def account(self) -> Account:
        """Whose keys these are. Raises AuthenticationError where Datadog accepts them not at all."""
        send = self._users.get_current_user
        call = Call(operation="get_current_user", resource="account", permission=None, send=send)
        return self._transport.read(call, decode_account)

    def users(self) -> Listing[Identity]:
        """Every user record: people and service accounts, disabled ones included."""

        # No sort parameter: the default order is by e-mail, which has the fewest ties, and a record can only
        # slip between two pages among ties or while something changes.
        def send(number: int, size: int) -> object:
            return self._users.list_users(page_size=size, page_number=number)

        return Listing(
            Resource.USERS,
            _READ_ACCESS,
            self._fetch(Resource.USERS, "list_users", USERS, send),
            self._get(Resource.USERS, "get_user", USERS, self._users.get_user),
            may_be_empty=False,
        )

    def roles(self) -> Listing[Role]:
        """Every role, with the permissions it carries."""

        def send(number: int, size: int) -> object:
            return self._roles.list_roles(page_size=size, page_number=number)

        return Listing(
            Resource.ROLES,
            _READ_ACCESS,
            self._fetch(Resource.ROLES, "list_roles", ROLES, send),
            self._get(Resource.ROLES, "get_role", ROLES, self._roles.get_role),
            may_be_empty=False,
        )

    def permissions(self) -> Listing[Permission]:
        """Every permission there is, in one answer."""
        fetch = self._fetch(
            Resource.PERMISSIONS, "list_permissions", PERMISSIONS, lambda _number, _size: self._roles.list_permissions()
        )
        return Listing(Resource.PERMISSIONS, _READ_ACCESS, fetch, paged=False, may_be_empty=False)

    def _fetch(
        self, resource: Resource, operation: str, shape: Shape[R], send: Callable[[int, int], object]
    ) -> Callable[[int, int], Page[R]]:
        def fetch(number: int, size: int) -> Page[R]:
            call = Call(
                operation=operation, resource=resource, permission=_READ_ACCESS, send=lambda: send(number, size)
            )
            return self._transport.read(call, lambda body: decode_page(body, shape))

        return fetch

    def _get(
        self, resource: Resource, operation: str, shape: Shape[R], send: Callable[[str], object]
    ) -> Callable[[str], R | None]:
        def decode(body: bytes, identifier: str) -> R:
            record = decode_one(body, shape)
            if record.id != identifier:
                raise ResponseError("the answer is about another record than the one asked for", status=200)
            return record

        def get(identifier: str) -> R | None:
            # Encoding leaves dots as they are, and these two would address something else altogether.
            if identifier in ("", ".", ".."):
                raise UpstreamError("a record with this id cannot be asked for", org=self._org, resource=resource)
            call = Call(operation=operation, resource=resource, permission=_READ_ACCESS, send=lambda: send(identifier))
            try:
                return self._transport.read(call, lambda body: decode(body, identifier))
            except NotFoundError:
                return None

        return get


def open_source(
    *,
    org: str,
    site: str,
    api_key: SecretStr,
    app_key: SecretStr,
    api_url: str | None = None,
    allow_other_host: bool = False,
    concurrency: int = 8,
    limits: Limits | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    rng: Random,
    on_event: Callable[[Event], None],
) -> DatadogSource:
    """Prepare to read one organization; nothing is sent yet, and `limits.run` begins to count.

    `clock` is monotonic. `sleep` may raise to stop the work; what it raises comes through unchanged.
    `on_event` hears of every wait. Raises ConfigurationError for a host the rules forbid or unsendable keys.
    """
    limits = limits or Limits()
    client = build_client(
        site=site,
        api_key=api_key,
        app_key=app_key,
        api_url=api_url,
        allow_other_host=allow_other_host,
        concurrency=concurrency,
        limits=limits,
    )
    budget = Budget(limits, clock)
    transport = Transport(
        org=org,
        where=site if api_url is None else urlsplit(client.configuration.host).netloc,
        limits=limits,
        scrub=Scrub((api_key.get_secret_value(), app_key.get_secret_value())),
        budget=budget,
        sleep=sleep,
        clock=clock,
        rng=rng,
        on_event=on_event,
    )
    return DatadogSource(org=org, client=client, transport=transport, budget=budget)
