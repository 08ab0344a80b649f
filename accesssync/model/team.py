"""Teams, who is in them, and the SAML mappings that put people into roles and teams."""

from datetime import datetime

from msgspec import Struct


class Team(Struct, frozen=True, kw_only=True, gc=False):
    """A team of Datadog."""

    id: str
    name: str | None = None
    handle: str | None = None
    created_at: datetime | None = None
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What a person calls this team."""
        return self.name or self.handle or self.id


class Membership(Struct, frozen=True, kw_only=True, gc=False):
    """An identity in a team. `role` is `admin` or None. Its id is made of the two: Datadog's own changes."""

    id: str
    team_id: str
    user_id: str
    role: str | None = None
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """The membership by its parts; a person's name for it needs the team and the identity."""
        return self.id


class Mapping(Struct, frozen=True, kw_only=True, gc=False):
    """A SAML attribute that gives a role or a team to whoever logs in with it."""

    id: str
    attribute_key: str | None = None
    attribute_value: str | None = None
    role_id: str | None = None
    team_id: str | None = None
    created_at: datetime | None = None
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What a person calls this mapping."""
        return f"{self.attribute_key or '?'}={self.attribute_value or '?'}"


def membership_id(team_id: str, user_id: str) -> str:
    """The id of a membership: the same two always give the same one."""
    return f"{team_id}:{user_id}"
