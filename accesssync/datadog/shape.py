"""How each kind of record turns from Datadog's JSON into our model: whole if it fits, else piece by piece."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, cast

from msgspec import Raw, Struct, UnsetType
from msgspec.json import Decoder
from msgspec.structs import replace

from accesssync.datadog import wire
from accesssync.datadog.included import Included
from accesssync.datadog.repair import Repair, usable_id, utc
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.snapshot.source import Record

R = TypeVar("R", bound=Record)


class Shape(Struct, Generic[R], frozen=True):
    """Decoders for one kind of record.

    `page` and `record` are typed and fast and raise one of `UNFIT`; `build` may too, unless it is given what
    `repair` made. `build` may name attributes that it could not make out.
    """

    page: Decoder[Any]
    record: Decoder[Any]
    build: Callable[[Any], R]
    repair: Repair

    def mend(self, raw: Raw) -> R | None:
        """What can be kept of a record that did not fit; None where it cannot be named."""
        repaired = self.repair(raw)
        if repaired is None:
            return None
        found, lost = repaired
        record = self.build(found)
        if not usable_id(record.id):
            return None
        malformed = lost.union(record.malformed)
        if "scopes" in malformed:
            # None would read as "unscoped", which is the widest there is.
            malformed.add("scopes_known")
            record = replace(cast(Any, record), scopes_known=False)
        return cast(R, replace(cast(Any, record), malformed=tuple(sorted(malformed))))


class Joined(Struct, Generic[R], frozen=True):
    """A kind of record of which a part stands beside it in the answer: `over` makes its shape for one answer."""

    over: Callable[[Included], Shape[R]]


def ids_of(refs: wire.Refs | None) -> tuple[str, ...]:
    """Whom a relationship points to, sorted, each once."""
    if refs is None or not refs.data:
        return ()
    if len(refs.data) == 1:
        return (refs.data[0].id,)
    return tuple(sorted({ref.id for ref in refs.data}))


def id_of(link: wire.One | UnsetType | None) -> str | None:
    """Whom a relationship points to; None for nobody, or where nothing is said."""
    return link.data.id if link and link.data is not None else None


def moment(value: datetime | None) -> datetime | None:
    """The time in UTC, if there is one."""
    return None if value is None else utc(value)


def _identity(user: wire.User) -> Identity:
    a = user.attributes
    created, login = a.created_at, a.last_login_time
    if created is not None and created.tzinfo is not UTC:
        created = utc(created)
    if login and login.tzinfo is not UTC:
        login = utc(login)
    return Identity(
        id=user.id,
        email=a.email,
        handle=a.handle,
        name=a.name,
        title=a.title,
        status=a.status,
        disabled=a.disabled,
        verified=a.verified,
        mfa_enabled=a.mfa_enabled,
        service_account=a.service_account,
        created_at=created,
        role_ids=ids_of(user.relationships.roles) if user.relationships is not None else (),
        last_login_at=login,
    )


def _role(role: wire.Role) -> Role:
    a = role.attributes
    return Role(
        id=role.id,
        name=a.name,
        created_at=moment(a.created_at),
        permission_ids=ids_of(role.relationships.permissions) if role.relationships is not None else (),
    )


def _permission(permission: wire.Permission) -> Permission:
    a = permission.attributes
    return Permission(
        id=permission.id,
        name=a.name,
        display_name=a.display_name,
        group_name=a.group_name,
        display_type=a.display_type,
        restricted=a.restricted,
    )


USERS: Shape[Identity] = Shape(
    Decoder(wire.Document[wire.User]),
    Decoder(wire.User),
    _identity,
    Repair(wire.User, {"last_login_time": "last_login_at", "roles": "role_ids"}),
)
ROLES: Shape[Role] = Shape(
    Decoder(wire.Document[wire.Role]),
    Decoder(wire.Role),
    _role,
    Repair(wire.Role, {"permissions": "permission_ids"}),
)
PERMISSIONS: Shape[Permission] = Shape(
    Decoder(wire.Document[wire.Permission]),
    Decoder(wire.Permission),
    _permission,
    Repair(wire.Permission, {}),
)
