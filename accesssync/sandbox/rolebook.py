"""Mutations of roles, permissions and keys."""

from collections.abc import Iterable
from datetime import UTC, datetime

from accesssync.sandbox.directory import Directory, UnknownRecordError, random_uuid
from accesssync.sandbox.records import ApiKey, AppKey, Permission, Role


class RoleBook(Directory):
    """A directory whose roles, permissions and keys can be changed."""

    def add_role(
        self,
        name: str,
        permissions: Iterable[str] = (),
        *,
        managed: bool = False,
        role_id: str | None = None,
        at: datetime | None = None,
    ) -> Role:
        """A new role. Every restricted permission is added to it unless it is a managed one."""
        with self.lock:
            wanted = dict.fromkeys(self.permission(each).id for each in permissions)
            if not managed:
                wanted.update(dict.fromkeys(each.id for each in self.permissions.values() if each.restricted))
            now = at or self.clock()
            role = Role(role_id or random_uuid(self.rng), name, now, now, tuple(wanted), managed)
            self.roles[role.id] = role
        return role

    def delete_role(self, role: str) -> None:
        """The role vanishes, from its users too."""
        with self.lock:
            gone = self.role(role)
            for user in [each for each in self.users.values() if gone.id in each.role_ids]:
                self._set_roles(user, tuple(each for each in user.role_ids if each != gone.id))
            del self.roles[gone.id]
            self.rendered.forget_role(gone.id)

    def rename_role(self, role: str, name: str, *, at: datetime | None = None) -> None:
        """Change the name of a role."""
        with self.lock:
            found = self.role(role)
            found.name = name
            self._role_touched(found, at)

    def grant_permission(self, role: str, permission: str, *, at: datetime | None = None) -> None:
        """Add a permission to a role."""
        with self.lock:
            found, granted = self.role(role), self.permission(permission).id
            if granted not in found.permission_ids:
                found.permission_ids = (*found.permission_ids, granted)
                self._role_touched(found, at)

    def revoke_permission(self, role: str, permission: str, *, at: datetime | None = None) -> None:
        """Take a permission from a role, a restricted one too."""
        with self.lock:
            found, revoked = self.role(role), self.permission(permission).id
            found.permission_ids = tuple(each for each in found.permission_ids if each != revoked)
            self._role_touched(found, at)

    def add_permission(
        self,
        name: str,
        *,
        display_name: str | None = None,
        display_type: str = "read",
        group_name: str = "General",
        restricted: bool = False,
        at: datetime | None = None,
    ) -> Permission:
        """Datadog introduces a permission; a restricted one arrives in every custom role at once."""
        with self.lock:
            created = (at or self.clock()).astimezone(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")
            shown = display_name or name.replace("_", " ").title()
            added = Permission(random_uuid(self.rng), name, shown, display_type, group_name, f"{created}Z", restricted)
            self.permissions[added.id] = self.permissions_by_name[added.name] = added
            for role in [each for each in self.roles.values() if restricted and not each.managed]:
                self.grant_permission(role.id, added.id, at=at)
        return added

    def _role_touched(self, role: Role, at: datetime | None) -> None:
        role.modified_at = at or self.clock()
        self.rendered.forget_role(role.id)

    def add_api_key(self, name: str, *, secret: str | None = None, at: datetime | None = None) -> ApiKey:
        """A new API key."""
        with self.lock:
            key = ApiKey(random_uuid(self.rng), name, secret or f"{self.rng.getrandbits(128):032x}", at or self.clock())
            self.api_keys[key.id] = key
        return key

    def add_app_key(
        self,
        owner: str,
        scopes: Iterable[str] | None = None,
        *,
        name: str = "application key",
        secret: str | None = None,
        at: datetime | None = None,
    ) -> AppKey:
        """A new application key of `owner`; without scopes it may do all that its owner may."""
        with self.lock:
            cut = None if scopes is None else frozenset(scopes)
            made = secret or f"{self.rng.getrandbits(160):040x}"
            key = AppKey(random_uuid(self.rng), name, made, self.user(owner).id, cut, at or self.clock())
            self.app_keys[key.id] = key
        return key

    def remove_key(self, key_id: str) -> None:
        """Revoke an API key or an application key."""
        with self.lock:
            if self.api_keys.pop(key_id, None) is None and self.app_keys.pop(key_id, None) is None:
                raise UnknownRecordError(f"no key {key_id}")
