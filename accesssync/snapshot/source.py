"""What this room needs from whoever talks to Datadog."""

from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from msgspec import Struct

from accesssync.model.coverage import Resource
from accesssync.model.credential import Credential
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Mapping, Membership, Team


class Record(Protocol):
    """Anything listed: it has an id, and names its attributes that could not be understood."""

    @property
    def id(self) -> str: ...
    @property
    def malformed(self) -> tuple[str, ...]: ...


R = TypeVar("R", bound=Record)


class Page(Struct, Generic[R], frozen=True):
    """One answer of a listing.

    `total` is what the API says the whole listing holds, None where it says nothing usable.
    `max_size` is the largest page the API says it would serve. `nameless` counts records that had
    no usable id.
    """

    records: list[R]
    total: int | None = None
    max_size: int | None = None
    nameless: int = 0


class Listing(Struct, Generic[R], frozen=True):
    """How one resource is listed.

    `fetch(number, size)` reads page `number`, counted from 0. It raises DeniedError for a missing
    permission, AuthenticationError for keys that are not accepted, UpstreamError for everything else
    that kept failing after its retries.
    `get(id)` reads one record by its id, or None where Datadog answers 404; the field is None for resources
    that have no such call. `paged` is False where one answer holds everything. `may_be_empty` is
    False where an empty list cannot be the truth.
    """

    resource: Resource
    permission: str
    fetch: Callable[[int, int], Page[R]]
    get: Callable[[str], R | None] | None = None
    paged: bool = True
    may_be_empty: bool = True


class Account(Struct, frozen=True, kw_only=True):
    """Whose key it is: the user record behind the read key and the organization it belongs to."""

    user_id: str
    subject: str
    org_id: str | None
    org_name: str | None
    service_account: bool | None = None
    permissions: frozenset[str] | None = None
    """The names of the permissions the owner's roles carry, where the answer says; None where it does not."""


class Source(Protocol):
    """One organization, readable. Every method may be called from several threads at once."""

    def account(self) -> Account: ...
    def users(self) -> Listing[Identity]: ...
    def roles(self) -> Listing[Role]: ...
    def permissions(self) -> Listing[Permission]: ...
    def application_keys(self) -> Listing[Credential]: ...
    def api_keys(self) -> Listing[Credential]: ...
    def access_tokens(self) -> Listing[Credential]: ...
    def oauth_clients(self) -> Listing[Credential]: ...
    def teams(self) -> Listing[Team]: ...
    def team_memberships(self, team_id: str) -> Listing[Membership]:
        """The members of one team."""

    def authn_mappings(self) -> "list[Listing[Mapping]]":
        """One listing per thing that a mapping gives: roles and teams are listed apart."""
