"""Keys, tokens and OAuth clients of an invented organization.

`planted` names the problems that were put into a record on purpose; it is never sent as API data.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

Scopes = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret was seen in public."""

    id: str
    at: datetime
    source: str


@dataclass(slots=True)
class ApiKey:
    """An organization's API key."""

    id: str
    name: str
    secret: str
    created_at: datetime
    created_by: str | None
    modified_at: datetime
    modified_by: str | None = None
    last_used_at: datetime | None = None
    remote_config_read_enabled: bool = True
    leak: Leak | None = None
    planted: tuple[str, ...] = ()

    @property
    def last4(self) -> str:
        """What lists show of the secret."""
        return self.secret[-4:]


@dataclass(slots=True)
class AppKey:
    """An application key. `scopes` None means everything that its owner may do; an owner may have vanished."""

    id: str
    name: str
    secret: str
    owner_id: str
    scopes: Scopes | None
    created_at: datetime
    last_used_at: datetime | None = None
    leak: Leak | None = None
    planted: tuple[str, ...] = ()

    @property
    def last4(self) -> str:
        """What lists show of the secret."""
        return self.secret[-4:]


@dataclass(slots=True)
class Token:
    """An access token; one of a service account may live for ever. It opens nothing in the look-alike."""

    id: str
    name: str
    kind: Literal["personal_access_tokens", "service_access_tokens"]
    owner_id: str
    public_portion: str
    scopes: Scopes
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None
    leak: Leak | None = None
    planted: tuple[str, ...] = ()


@dataclass(slots=True)
class Authorization:
    """A user lets an OAuth client act for them."""

    id: str
    user_id: str
    scopes: Scopes
    created_at: datetime
    modified_at: datetime
    last_exercised: datetime | None = None
    disabled: bool = False


@dataclass(slots=True)
class OAuthClient:
    """A client that the organization let in, and by user what each of its users allowed it."""

    id: str
    name: str
    client_id: str
    app_id: str
    disabled: bool = False
    authorizations: dict[str, Authorization] = field(default_factory=dict)
    planted: tuple[str, ...] = ()

    @property
    def last_exercised(self) -> datetime | None:
        """When it last acted for anybody."""
        return max((each.last_exercised for each in self.authorizations.values() if each.last_exercised), default=None)
