"""How each kind of record turns from Datadog's JSON into our model: whole if it fits, else piece by piece."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from accesssync.datadog import wire
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role

R = TypeVar("R")

# Longer than any id Datadog gives out, short enough for any index.
ID_LENGTH = 128
# What a decoder raises for content that does not fit. Overflow comes from moving a time at the edge of the calendar.
UNFIT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)

_record = Decoder(dict[str, Raw])
_record_or_null = Decoder(dict[str, Raw] | None)
_refs = Decoder(wire.Refs | None)


class Shape(Struct, Generic[R], frozen=True):
    """Decoders for one kind of record.

    `page` and `record` are typed and fast and raise one of `UNFIT`; `build` may too. `repair` keeps what can be
    kept of a record that did not fit; it returns None for one that is no object or has no usable id.
    """

    page: Decoder[Any]
    record: Decoder[Any]
    build: Callable[[Any], R]
    repair: Callable[[Raw], R | None]


def usable_id(value: object) -> bool:
    """Whether a value can name a record."""
    return isinstance(value, str) and 0 < len(value) <= ID_LENGTH


def _utc(value: datetime) -> datetime:
    if value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _ids(refs: wire.Refs | None) -> tuple[str, ...]:
    if refs is None or not refs.data:
        return ()
    if len(refs.data) == 1:
        return (refs.data[0].id,)
    return tuple(sorted({ref.id for ref in refs.data}))


def _identity(user: wire.User) -> Identity:
    a = user.attributes
    created, login = a.created_at, a.last_login_time
    if created is not None and created.tzinfo is not UTC:
        created = _utc(created)
    if login and login.tzinfo is not UTC:
        login = _utc(login)
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
        role_ids=_ids(user.relationships.roles) if user.relationships is not None else (),
        last_login_at=login,
    )


def _role(role: wire.Role) -> Role:
    a = role.attributes
    return Role(
        id=role.id,
        name=a.name,
        created_at=None if a.created_at is None else _utc(a.created_at),
        permission_ids=_ids(role.relationships.permissions) if role.relationships is not None else (),
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


class _Repair(Generic[R]):
    """Takes a record apart, attribute by attribute. What cannot be understood is left out and named."""

    def __init__(
        self,
        model: Callable[..., R],
        attributes: type[Struct],
        *,
        renamed: dict[str, str] | None = None,
        links: tuple[str, str] | None = None,
    ) -> None:
        self._model = model
        # The same types as on the fast path, so that both judge a value alike.
        self._decoders = {name: Decoder(hint) for name, hint in get_type_hints(attributes).items() if name[0] != "_"}
        self._renamed = renamed or {}
        self._links = links

    def __call__(self, raw: Raw) -> R | None:
        try:
            record = _record.decode(raw)
            identifier = msgspec.json.decode(record.get("id", b"null"))
        except UNFIT:
            return None
        if not usable_id(identifier):
            return None
        values: dict[str, Any] = {"id": identifier}
        malformed = self._attributes(record.get("attributes"), values)
        if self._links is not None and not self._linked(record.get("relationships"), values, *self._links):
            malformed.append(self._links[1])
        return self._model(**values, malformed=tuple(malformed))

    def _attributes(self, raw: Raw | None, values: dict[str, Any]) -> list[str]:
        try:
            found = _record.decode(raw if raw is not None else b"null")
        except UNFIT:
            # Without its attributes a record says nothing about any of them, which is not "all are empty".
            return sorted(self._renamed.get(name, name) for name in self._decoders)
        malformed = []
        for name, decoder in self._decoders.items():
            if name in found:
                field = self._renamed.get(name, name)
                try:
                    value = decoder.decode(found[name])
                    values[field] = _utc(value) if isinstance(value, datetime) else value
                except UNFIT:
                    malformed.append(field)
        return sorted(malformed)

    def _linked(self, raw: Raw | None, values: dict[str, Any], relationship: str, field: str) -> bool:
        # Null says that there are none; not being there says nothing.
        try:
            found = _record_or_null.decode(raw if raw is not None else b"")
            values[field] = () if found is None else _ids(_refs.decode(found.get(relationship, b"")))
        except UNFIT:
            return False
        return True


USERS: Shape[Identity] = Shape(
    Decoder(wire.Document[wire.User]),
    Decoder(wire.User),
    _identity,
    _Repair(Identity, wire.UserAttributes, renamed={"last_login_time": "last_login_at"}, links=("roles", "role_ids")),
)
ROLES: Shape[Role] = Shape(
    Decoder(wire.Document[wire.Role]),
    Decoder(wire.Role),
    _role,
    _Repair(Role, wire.RoleAttributes, links=("permissions", "permission_ids")),
)
PERMISSIONS: Shape[Permission] = Shape(
    Decoder(wire.Document[wire.Permission]),
    Decoder(wire.Permission),
    _permission,
    _Repair(Permission, wire.PermissionAttributes),
)
