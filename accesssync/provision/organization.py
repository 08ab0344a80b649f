"""The organization that a plan is made from: what the last published run saw, with our own writes since."""

from collections.abc import Mapping
from datetime import datetime
from functools import cached_property
from hashlib import sha256

from msgspec import json
from msgspec.structs import replace

from accesssync.model.identity import Identity
from accesssync.model.role import Role
from accesssync.provision.desired import fold

ADMINISTERS = "user_access_manage"
"""Whoever holds it can give every other right back, to others and to themselves."""

ADMIN_ROLE = "Datadog Admin Role"
"""Who administers where the catalogue of permissions was never seen."""


class Organization:
    """One organization as it was last seen. Holds still: every change makes another one.

    `privileged` and `admin_roles` are ids of roles. `mapped` are ids of roles that a SAML mapping gives. `unproven`
    names the listings that were not complete. `uninvited` are ids of users whom an earlier plan made and who were
    never sent an invitation; `unsure` those of whom nobody knows whether one was sent.
    """

    def __init__(
        self,
        *,
        name: str,
        datadog_id: str | None,
        run_id: int,
        seen_at: datetime,
        users: Mapping[str, Identity],
        roles: Mapping[str, Role],
        privileged: frozenset[str] = frozenset(),
        admin_roles: frozenset[str] = frozenset(),
        mapped: frozenset[str] = frozenset(),
        unproven: tuple[str, ...] = (),
        uninvited: frozenset[str] = frozenset(),
        unsure: frozenset[str] = frozenset(),
    ) -> None:
        self.name = name
        self.datadog_id = datadog_id
        self.run_id = run_id
        self.seen_at = seen_at
        self.users = users
        self.roles = roles
        self.privileged = privileged
        self.admin_roles = admin_roles
        self.mapped = mapped
        self.unproven = unproven
        self.uninvited = uninvited
        self.unsure = unsure

    def with_users(self, users: Mapping[str, Identity]) -> "Organization":
        """The same organization with other users."""
        others = {name: value for name, value in vars(self).items() if name in _GIVEN}
        return Organization(**{**others, "users": users})

    @cached_property
    def by_address(self) -> Mapping[str, tuple[Identity, ...]]:
        """Everybody by folded e-mail."""
        found: dict[str, tuple[Identity, ...]] = {}
        for one in self.users.values():
            if one.email:
                found[fold(one.email)] = (*found.get(fold(one.email), ()), one)
        return found

    @cached_property
    def by_handle(self) -> Mapping[str, Identity]:
        """People by folded handle: Datadog takes an address for used while it is somebody's handle."""
        return {fold(one.handle): one for one in self.users.values() if one.handle and not one.service_account}

    @cached_property
    def enabled(self) -> int:
        """How many user records are not disabled: what shares are shares of."""
        return sum(not is_disabled(one) for one in self.users.values())

    def role_names(self, role_ids: tuple[str, ...]) -> list[str]:
        """What people call these roles, sorted; an id where there is no name."""
        return sorted((self.roles[one].name or one) if one in self.roles else one for one in role_ids)

    def is_privileged(self, identity: Identity) -> bool:
        """Whether somebody holds a privileged role."""
        return not self.privileged.isdisjoint(identity.role_ids)

    def administers(self, identity: Identity) -> bool:
        """Whether this is a person who can log in today and repair everybody's access, their own included.

        Somebody who was invited and never came cannot, and neither can a service account.
        """
        return (
            identity.status in ("Active", None)
            and not is_disabled(identity)
            and not identity.service_account
            and not self.admin_roles.isdisjoint(identity.role_ids)
        )

    @cached_property
    def admins(self) -> frozenset[str]:
        """The ids of all who administer."""
        return frozenset(one.id for one in self.users.values() if self.administers(one))

    def digest(self) -> str:
        """What a plan depends on, as a SHA-256: users with their state and roles, roles with their names."""
        users = sorted(
            [one.id, one.email, one.name, one.title, is_disabled(one), sorted(one.role_ids)]
            for one in self.users.values()
        )
        roles = sorted([one.id, one.name] for one in self.roles.values())
        rest = [self.name, self.datadog_id, self.run_id, sorted(self.privileged), sorted(self.mapped), self.unproven]
        return sha256(json.encode([rest, users, roles])).hexdigest()


_GIVEN = frozenset(name for name in Organization.__init__.__annotations__ if name != "return")


def is_disabled(identity: Identity) -> bool:
    """Whether somebody is switched off, by either of the two fields that say so."""
    return bool(identity.disabled) or identity.status == "Disabled"


def with_roles(identity: Identity, *, add: tuple[str, ...] = (), drop: tuple[str, ...] = ()) -> Identity:
    """The same identity with other roles."""
    return replace(identity, role_ids=tuple(sorted((set(identity.role_ids) | set(add)) - set(drop))))
