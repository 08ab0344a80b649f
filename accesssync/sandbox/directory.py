"""What an invented organization has: its records, looked up and counted."""

import random
import uuid
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import RLock
from typing import Any, TypeVar

from accesssync.sandbox.credentials import ApiKey, AppKey, OAuthClient, Token
from accesssync.sandbox.groups import Mapping, Team
from accesssync.sandbox.published import Published
from accesssync.sandbox.records import Deployment, Invitation, Permission, Role, User
from accesssync.sandbox.render import Rendering
from accesssync.sandbox.trail import AuditTrail

T = TypeVar("T")

_SELECTIONS_KEPT = 48
_ACCESS = "Access Management"


def wall_clock() -> datetime:
    """The machine's time in UTC."""
    return datetime.now(UTC)


def random_uuid(rng: random.Random) -> str:
    """A version 4 UUID from a seeded source."""
    return str(uuid.UUID(int=rng.getrandbits(128), version=4))


class UnknownRecordError(LookupError):
    """A mutation named a record that the organization does not have."""


class Directory:
    """What an organization has, and how to find it. `lock` is held while anything is changed or served."""

    def __init__(
        self,
        name: str,
        domain: str,
        *,
        seed: int,
        permissions: Iterable[Permission] = (),
        deployment: Deployment | None = None,
        clock: Callable[[], datetime] = wall_clock,
        created_at: datetime | None = None,
    ) -> None:
        self.name = name
        self.domain = domain
        self.clock = clock
        self.lock = RLock()
        self.rng = random.Random(seed)  # noqa: S311  invented data, not secrets
        self.id = random_uuid(self.rng)
        self.users: dict[str, User] = {}
        self.roles: dict[str, Role] = {}
        self.permissions: dict[str, Permission] = {each.id: each for each in permissions}
        self.permissions_by_name: dict[str, Permission] = {each.name: each for each in self.permissions.values()}
        self.api_keys: dict[str, ApiKey] = {}
        self.app_keys: dict[str, AppKey] = {}
        self.api_keys_by_secret: dict[str, ApiKey] = {}
        self.app_keys_by_secret: dict[str, AppKey] = {}
        self.tokens: dict[str, Token] = {}
        self.oauth_clients: dict[str, OAuthClient] = {}
        self.teams: dict[str, Team] = {}
        self.mappings: dict[str, Mapping] = {}
        self.invitations: dict[str, Invitation] = {}
        self.created_at = created_at or clock()
        self.deployment = deployment or Deployment()
        self.rendered = Rendering(self.id, self.deployment)
        self.user_counts: Counter[str] = Counter()
        self.trail = AuditTrail()
        self.published = Published()
        self._acting: str | None = None
        self._selections: dict[Hashable, list[Any]] = {}

    @contextmanager
    def acting(self, user: str | None) -> Iterator[None]:
        """Whatever is changed inside was done by this user, or by Datadog itself where it is None.

        Changes outside of it count as done by the first user. Not for several threads that change things at once.
        """
        with self.lock:
            before, self._acting = self._acting, "" if user is None else self.user(user).id
        try:
            yield
        finally:
            self._acting = before

    def _tell(
        self,
        action: str,
        kind: str,
        record: User | Role | ApiKey | AppKey | Token | Team,
        did: str,
        *,
        at: datetime | None = None,
        before: Any = None,
        after: Any = None,
    ) -> None:
        """Write into the Audit Trail that somebody `did` something to a record; `action` is Datadog's word for it."""
        name = record.email if isinstance(record, User) else record.name
        asset: dict[str, Any] = {"type": kind, "id": record.id, "name": name}
        if action == "modified":
            asset |= {"prev_value": before, "new_value": after}
        by = self._actor()
        self.trail.add(
            at or self.clock(),
            name="Authentication"
            if kind.endswith(("_key", "_token"))
            else "Teams Management"
            if kind == "team"
            else _ACCESS,
            action=action,
            message=f"{by.email if by else 'Datadog'} {did} {name}",
            org=self.id,
            by={"id": by.email, "uuid": by.id, "email": by.email} if by else None,
            asset=asset,
        )

    def _actor(self) -> User | None:
        if self._acting is None:
            return next(iter(self.users.values()), None)
        return self.users.get(self._acting)

    def user(self, user: str) -> User:
        """The user with this id or e-mail."""
        found = self.users.get(user)
        if found is None:
            found = next((each for each in self.users.values() if each.email == user), None)
        if found is None:
            raise UnknownRecordError(f"no user {user}")
        return found

    def role(self, role: str) -> Role:
        """The role with this id or name."""
        found = self.roles.get(role) or next((each for each in self.roles.values() if each.name == role), None)
        if found is None:
            raise UnknownRecordError(f"no role {role}")
        return found

    def permission(self, permission: str) -> Permission:
        """The permission with this id or name."""
        found = self.permissions.get(permission) or self.permissions_by_name.get(permission)
        if found is None:
            raise UnknownRecordError(f"no permission {permission}")
        return found

    def permission_names(self, user: User) -> frozenset[str]:
        """Every permission that the user's roles carry."""
        carried = {each for role_id in user.role_ids for each in self._permission_ids(role_id)}
        return frozenset(self.permissions[each].name for each in carried if each in self.permissions)

    def _permission_ids(self, role_id: str) -> tuple[str, ...]:
        role = self.roles.get(role_id)
        return role.permission_ids if role else ()

    def selection(self, key: Hashable, build: Callable[[], list[T]]) -> list[T]:
        """A list of records under `key`, built once and kept until records come, go or change their facts."""
        found: list[T] | None = self._selections.get(key)
        if found is None:
            if len(self._selections) >= _SELECTIONS_KEPT:
                self._selections.clear()
            found = self._selections[key] = build()
        return found

    def place_user(self, user: User) -> User:
        """Put a complete record in."""
        with self.lock:
            self.users[user.id] = user
            self._count(user.role_ids, 1)
            self._selections.clear()
        return user

    def _changed(self, record_id: str) -> None:
        self.rendered.forget(record_id)
        self._selections.clear()

    def _set_roles(self, user: User, role_ids: tuple[str, ...]) -> None:
        self._count(user.role_ids, -1)
        user.role_ids = role_ids
        self._count(role_ids, 1)
        self.rendered.forget_user(user.id)
        self._selections.clear()

    def _count(self, role_ids: tuple[str, ...], by: int) -> None:
        for each in role_ids:
            self.user_counts[each] += by
            self.rendered.forget_count(each)
