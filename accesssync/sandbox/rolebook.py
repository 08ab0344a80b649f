"""Mutations of roles and permissions."""

from collections.abc import Iterable
from datetime import UTC, datetime

from accesssync.sandbox.directory import Directory, random_uuid
from accesssync.sandbox.records import Permission, Role


class RoleBook(Directory):
    """A directory whose roles and permissions can be changed."""

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
            self._tell("created", "role", role, "created the role", at=now)
        return role

    def delete_role(self, role: str) -> None:
        """The role vanishes, from its users and from SAML mappings too."""
        with self.lock:
            gone = self.role(role)
            self._tell("deleted", "role", gone, "deleted the role")
            for mapping in [each for each in self.mappings.values() if each.role_id == gone.id]:
                del self.mappings[mapping.id]
            for user in [each for each in self.users.values() if gone.id in each.role_ids]:
                self._set_roles(user, tuple(each for each in user.role_ids if each != gone.id))
            del self.roles[gone.id]
            self.rendered.forget_role(gone.id)
            self._selections.clear()

    def rename_role(self, role: str, name: str, *, at: datetime | None = None) -> None:
        """Change the name of a role."""
        with self.lock:
            found = self.role(role)
            before, found.name = found.name, name
            self._role_touched(found, at)
            self._tell(
                "modified", "role", found, "renamed the role", at=at, before={"name": before}, after={"name": name}
            )

    def grant_permission(self, role: str, permission: str, *, at: datetime | None = None) -> None:
        """Add a permission to a role."""
        with self.lock:
            found, granted = self.role(role), self.permission(permission).id
            if granted not in found.permission_ids:
                self._set_permissions(found, (*found.permission_ids, granted), at)

    def revoke_permission(self, role: str, permission: str, *, at: datetime | None = None) -> None:
        """Take a permission from a role, a restricted one too."""
        with self.lock:
            found, revoked = self.role(role), self.permission(permission).id
            self._set_permissions(found, tuple(each for each in found.permission_ids if each != revoked), at)

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

    def _set_permissions(self, role: Role, ids: tuple[str, ...], at: datetime | None) -> None:
        before, role.permission_ids = role.permission_ids, ids
        self._role_touched(role, at)
        self._tell(
            "modified",
            "role",
            role,
            "modified the role",
            at=at,
            before={"permissions": [self.permissions[each].name for each in before]},
            after={"permissions": [self.permissions[each].name for each in ids]},
        )

    def _role_touched(self, role: Role, at: datetime | None) -> None:
        role.modified_at = at or self.clock()
        self.rendered.forget_role(role.id)
        self._selections.clear()
