"""Turn records into the JSON bytes that go over the wire, once per record.

Rendered bytes are remembered until the record changes. What is remembered for one record never
depends on another, except `user_count`, which is dropped by the mutation that alters it.
"""

import hashlib
import json
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, datetime

from accesssync.sandbox.records import Deployment, Permission, Role, User

_INCLUDED_KEPT = 96

_encoder = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


def to_json(value: object) -> bytes:
    """Compact JSON; a lone surrogate is sent as its escape."""
    try:
        return _encoder.encode(value).encode()
    except UnicodeEncodeError:
        return json.dumps(value, separators=(",", ":")).encode()


def timestamp(at: datetime | None) -> str | None:
    """Microseconds and a numeric offset, as in user and role records."""
    return None if at is None else at.isoformat(timespec="microseconds")


def zulu(at: datetime | None, *, timespec: str = "microseconds", digits: str = "") -> str | None:
    """A Z instead of an offset, as in token records; `digits` make it finer than the clock."""
    return None if at is None else f"{at.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=timespec)}{digits}Z"


def references(kind: str, ids: Iterable[str]) -> list[dict[str, str]]:
    """The `data` of a relationship to several records."""
    return [{"type": kind, "id": each} for each in ids]


def icon(user: User) -> str:
    """The address of the user's picture."""
    digest = hashlib.md5(user.email.encode(errors="replace"), usedforsecurity=False).hexdigest()
    return f"https://secure.gravatar.com/avatar/{digest}?s=48&d=retro"


class Rendering:
    """The remembered bytes of one organization."""

    def __init__(self, org_id: str, deployment: Deployment) -> None:
        self._org_id = org_id
        self._deployment = deployment
        self._users: dict[str, bytes] = {}
        self._roles: dict[str, bytes] = {}
        self._roles_included: dict[str, bytes] = {}
        self._permissions: dict[str, bytes] = {}
        self._permissions_included: dict[str, bytes] = {}
        self._included: OrderedDict[frozenset[str], bytes] = OrderedDict()
        self._others: dict[str, dict[str, bytes]] = {}

    def forget_user(self, user_id: str) -> None:
        """The user record changed."""
        self._users.pop(user_id, None)

    def forget_count(self, role_id: str) -> None:
        """The number of users with this role changed."""
        self._roles.pop(role_id, None)

    def forget_role(self, role_id: str) -> None:
        """The role itself changed."""
        self._roles.pop(role_id, None)
        self._roles_included.pop(role_id, None)
        for wanted in [each for each in self._included if role_id in each]:
            del self._included[wanted]

    def remember(self, kind: str, record_id: str, describe: Callable[[], object]) -> bytes:
        """A record of any other kind; `describe` is asked only where nothing is remembered."""
        known = self._others.setdefault(kind, {})
        body = known.get(record_id)
        if body is None:
            body = known[record_id] = to_json(describe())
        return body

    def forget(self, record_id: str) -> None:
        """A record of any other kind changed."""
        for known in self._others.values():
            known.pop(record_id, None)

    def user(self, user: User) -> bytes:
        """The user as an element of `data`."""
        body = self._users.get(user.id)
        if body is None:
            body = self._users[user.id] = to_json(self._user_object(user))
        return body

    def user_without_roles(self, user: User) -> bytes:
        """The user as the reply to a change tells it."""
        whole = self._user_object(user)
        relationships = whole["relationships"]
        if isinstance(relationships, dict):
            del relationships["roles"]
        return to_json(whole)

    def _user_object(self, user: User) -> dict[str, object]:
        attributes: dict[str, object] = {
            "name": user.name,
            "handle": user.handle,
            "created_at": timestamp(user.created_at),
            "modified_at": timestamp(user.modified_at),
            "email": user.email,
            "icon": icon(user),
            "title": user.title,
            "verified": user.verified,
            "service_account": user.service_account,
            "disabled": user.disabled,
            "allowed_login_methods": [],
            "status": user.status,
        }
        if self._deployment.uuid:
            attributes["uuid"] = user.id
        if self._deployment.last_login_time:
            attributes["last_login_time"] = timestamp(user.last_login_at)
        if self._deployment.mfa_enabled:
            attributes["mfa_enabled"] = user.mfa_enabled
        relationships = {
            "roles": {"data": references("roles", user.role_ids)},
            "org": {"data": {"type": "orgs", "id": self._org_id}},
        }
        return {"type": "users", "id": user.id, "attributes": attributes, "relationships": relationships}

    def role(self, role: Role, user_count: int) -> bytes:
        """The role as an element of `data`."""
        body = self._roles.get(role.id)
        if body is None:
            body = self._roles[role.id] = self._role_bytes(role, {"user_count": user_count})
        return body

    def role_included(self, role: Role) -> bytes:
        """The role as it accompanies users: without its number of users."""
        body = self._roles_included.get(role.id)
        if body is None:
            body = self._roles_included[role.id] = self._role_bytes(role, {})
        return body

    def _role_bytes(self, role: Role, more: dict[str, int]) -> bytes:
        attributes: dict[str, object] = {
            "name": role.name,
            "created_at": timestamp(role.created_at),
            "modified_at": timestamp(role.modified_at),
        }
        permissions = {"data": references("permissions", role.permission_ids)}
        return to_json(
            {
                "type": "roles",
                "id": role.id,
                "attributes": attributes | more,
                "relationships": {"permissions": permissions},
            }
        )

    def permission(self, permission: Permission) -> bytes:
        """The permission as an element of `data`."""
        body = self._permissions.get(permission.id)
        if body is None:
            body = self._permissions[permission.id] = _permission_bytes(permission, permission.created)
        return body

    def permission_included(self, permission: Permission) -> bytes:
        """The permission as it accompanies users: the same instant, spelled with an offset."""
        body = self._permissions_included.get(permission.id)
        if body is None:
            created = timestamp(datetime.fromisoformat(permission.created))
            body = self._permissions_included[permission.id] = _permission_bytes(permission, created)
        return body

    def included(
        self, role_ids: frozenset[str], roles: Mapping[str, Role], permissions: Mapping[str, Permission]
    ) -> bytes:
        """The joined records of these roles and of every permission that any of them carries."""
        body = self._included.get(role_ids)
        if body is not None:
            self._included.move_to_end(role_ids)
            return body
        known = [roles[each] for each in sorted(role_ids) if each in roles]
        carried: dict[str, None] = {}
        for role in known:
            carried.update(dict.fromkeys(role.permission_ids))
        chunks = [self.role_included(role) for role in known]
        chunks += [self.permission_included(permissions[each]) for each in carried if each in permissions]
        body = self._included[role_ids] = b",".join(chunks)
        if len(self._included) > _INCLUDED_KEPT:
            self._included.popitem(last=False)
        return body


def _permission_bytes(permission: Permission, created: str | None) -> bytes:
    attributes = {
        "name": permission.name,
        "display_name": permission.display_name,
        "description": f"{permission.display_name}.",
        "created": created,
        "group_name": permission.group_name,
        "display_type": permission.display_type,
        "restricted": permission.restricted,
    }
    return to_json({"type": "permissions", "id": permission.id, "attributes": attributes})


def listing(meta: bytes, data: Sequence[bytes], included: bytes | None, links: bytes | None = None) -> bytes:
    """A whole answer from its parts."""
    parts = [b'{"meta":', meta, b',"data":[', b",".join(data), b"]"]
    if included is not None:
        parts += [b',"included":[', included, b"]"]
    if links is not None:
        parts += [b',"links":', links]
    parts.append(b"}")
    return b"".join(parts)


def single(data: bytes, included: bytes | None = None) -> bytes:
    """The answer that holds one record."""
    return b"".join([b'{"data":', data, b"" if included is None else b',"included":[' + included + b"]", b"}"])
