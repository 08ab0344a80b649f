"""Teams, and the rules that turn attributes of a SAML login into roles and teams.

`planted` names the problems that were put into a record on purpose; it is never sent as API data.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal

TeamRole = Literal["admin"]


@dataclass(slots=True)
class Membership:
    """A user in a team. `number` makes its id unique; `role` None is an ordinary member."""

    number: int
    user_id: str
    role: TeamRole | None = None


@dataclass(slots=True)
class Team:
    """A team and, by user, its memberships."""

    id: str
    name: str
    handle: str
    summary: str | None
    created_at: datetime
    modified_at: datetime
    members: dict[str, Membership] = field(default_factory=dict)
    planted: tuple[str, ...] = ()


@dataclass(slots=True)
class Mapping:
    """Whoever logs in with this attribute gets this role, or joins this team; exactly one is set."""

    id: str
    attribute_id: str
    attribute_key: str
    attribute_value: str
    role_id: str | None
    team_id: str | None
    created_at: datetime
    modified_at: datetime
    planted: tuple[str, ...] = ()
