"""What an invented organization consists of."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Status = Literal["Active", "Pending", "Disabled"]


@dataclass(frozen=True, slots=True)
class Truth:
    """What an account really is; kept on the server side and never sent as API data.

    `kind` is None for a person, otherwise what sort of machine it is. `planted` names the problems
    that were put there on purpose.
    """

    nature: Literal["human", "nhi"]
    kind: str | None = None
    planted: tuple[str, ...] = ()


@dataclass(slots=True)
class User:
    """One account: a person, a service account, or a machine that looks like a person."""

    id: str
    email: str
    handle: str
    name: str | None
    title: str | None
    created_at: datetime
    modified_at: datetime
    last_login_at: datetime | None
    status: Status
    verified: bool
    service_account: bool
    mfa_enabled: bool
    role_ids: tuple[str, ...]
    truth: Truth

    @property
    def disabled(self) -> bool:
        """Whether the account is switched off."""
        return self.status == "Disabled"


@dataclass(slots=True)
class Invitation:
    """One e-mail that lets a user in until it expires. Whether it was accepted shows only in the user's status."""

    id: str
    user_id: str
    created_at: datetime
    expires_at: datetime
    withdrawn: bool = False


@dataclass(slots=True)
class Role:
    """A role. `managed` roles belong to Datadog and carry no added restricted permissions."""

    id: str
    name: str
    created_at: datetime
    modified_at: datetime
    permission_ids: tuple[str, ...]
    managed: bool = False


@dataclass(frozen=True, slots=True)
class Permission:
    """One entry of the permission catalogue; `created` is kept exactly as it is sent."""

    id: str
    name: str
    display_name: str
    display_type: str
    group_name: str
    created: str
    restricted: bool


@dataclass(frozen=True, slots=True)
class Deployment:
    """Which optional attributes this Datadog sends; older ones leave some out altogether.

    `last_used_at` is that of application keys; the others belong to users.
    """

    last_login_time: bool = True
    uuid: bool = True
    mfa_enabled: bool = False
    last_used_at: bool = True
