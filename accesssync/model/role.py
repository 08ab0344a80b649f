"""Roles and the permissions they carry."""

from datetime import datetime

from msgspec import Struct


class Role(Struct, frozen=True, kw_only=True, gc=False):
    """A named set of permissions. `malformed` names attributes that could not be understood."""

    id: str
    name: str | None = None
    created_at: datetime | None = None
    permission_ids: tuple[str, ...] = ()
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What a person calls this role."""
        return self.name or self.id


class Permission(Struct, frozen=True, kw_only=True, gc=False):
    """A Datadog right. `restricted` ones are added to every custom role by Datadog itself."""

    id: str
    name: str | None = None
    display_name: str | None = None
    group_name: str | None = None
    display_type: str | None = None
    restricted: bool | None = None
    malformed: tuple[str, ...] = ()

    @property
    def subject(self) -> str:
        """What a person calls this permission."""
        return self.name or self.id
