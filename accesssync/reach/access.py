"""One organization at one moment, indexed once so that every question about it is cheap.

A set of permissions is an integer with one bit per permission name: 100,000 identities then cost no set each, and
cutting scopes with an owner's permissions is one `&`.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.model.team import Membership, Team
from accesssync.reach.tier import privileged_permissions, tier_of


class Access:
    """Who was there at `at`, with which roles, permissions, credentials and teams.

    Nothing has to fit together. A role that no listing shows carries nothing here and is named by `unlisted_roles`.
    A permission without a name, or one that the catalogue does not list, goes by its id. A credential keeps the
    owner it names, listed or not. Of two records with one id the last stands.
    `tiers` is the organization's own mapping of permission to tier.
    """

    def __init__(
        self,
        *,
        at: datetime,
        identities: Iterable[Identity],
        roles: Iterable[Role],
        permissions: Iterable[Permission],
        credentials: Iterable[Credential] = (),
        teams: Iterable[Team] = (),
        memberships: Iterable[Membership] = (),
        tiers: Mapping[str, str] | None = None,
    ) -> None:
        self.at = at
        self.tiers = tiers or {}
        self.identities = {one.id: one for one in identities}
        self.roles = {one.id: one for one in roles}
        self.permissions = {one.id: one for one in permissions}
        self.credentials = tuple({(one.type, one.id): one for one in credentials}.values())
        self.teams = {one.id: one for one in teams}
        self.memberships = tuple(memberships)
        self._catalogue = {one.name or one.id: one for one in self.permissions.values()}
        self._bits: dict[str, int] = {}
        self._names: list[str] = []
        for name in self._catalogue:
            self._bit(name)
        self._carried = {role.id: self._pack(role.permission_ids) for role in self.roles.values()}

    def _bit(self, name: str) -> int:
        bit = self._bits.get(name)
        if bit is None:
            bit = self._bits[name] = len(self._names)
            self._names.append(name)
        return bit

    def _pack(self, permission_ids: Iterable[str]) -> int:
        packed = 0
        for one in permission_ids:
            packed |= 1 << self._bit(self.name(one))
        return packed

    def name(self, permission_id: str) -> str:
        """What a permission is called: its name, else its id."""
        listed = self.permissions.get(permission_id)
        return (listed.name if listed is not None else None) or permission_id

    def permission(self, name: str) -> Permission | None:
        """The catalogue's entry of this name."""
        return self._catalogue.get(name)

    def knows(self, name: str) -> bool:
        """Whether the catalogue lists this permission or some role carries it."""
        return name in self._bits

    def known_names(self) -> tuple[str, ...]:
        """Every permission that the catalogue lists or some role carries."""
        return tuple(self._names)

    def tier(self, name: str) -> str:
        """The tier of a permission in this organization."""
        listed = self._catalogue.get(name)
        return tier_of(name, listed.display_type if listed is not None else None, self.tiers)

    def carried(self, role_id: str) -> int:
        """The permissions of a role; none for a role that is not listed."""
        return self._carried.get(role_id, 0)

    def held(self, identity: Identity) -> int:
        """The permissions that an identity's roles carry, whether or not it can use them."""
        packed = 0
        for role_id in identity.role_ids:
            packed |= self._carried.get(role_id, 0)
        return packed

    def pack(self, names: Iterable[str]) -> int:
        """Those of these permissions that are known here, as one integer."""
        packed = 0
        for name in names:
            bit = self._bits.get(name)
            if bit is not None:
                packed |= 1 << bit
        return packed

    def unpack(self, packed: int) -> tuple[str, ...]:
        """The names of a set of permissions, the most harmful first."""
        names = []
        while packed:
            lowest = packed & -packed
            names.append(self._names[lowest.bit_length() - 1])
            packed ^= lowest
        return tuple(sorted(names, key=lambda name: (self.tier(name), name)))

    def unlisted_roles(self, identity: Identity) -> tuple[str, ...]:
        """The roles an identity has that no listing shows: what they carry is not known."""
        return tuple(role_id for role_id in identity.role_ids if role_id not in self.roles)

    def unlisted_permissions(self, identity: Identity) -> tuple[str, ...]:
        """The permission ids an identity's roles carry that the catalogue does not list: their names are not known."""
        roles = [self.roles[role_id] for role_id in identity.role_ids if role_id in self.roles]
        return tuple(sorted({one for role in roles for one in role.permission_ids if one not in self.permissions}))

    def via(self, identity: Identity, wanted: int) -> tuple[str, ...]:
        """The names of the roles through which an identity holds any of these permissions."""
        found = {self.roles[role_id].subject for role_id in identity.role_ids if self.carried(role_id) & wanted}
        return tuple(sorted(found))

    def carriers(self, wanted: int) -> tuple[str, ...]:
        """The names of the roles that carry any of these permissions, held by somebody or not."""
        return tuple(sorted({role.subject for role in self.roles.values() if self._carried[role.id] & wanted}))

    @cached_property
    def privileged(self) -> int:
        """The permissions that make a holder privileged here."""
        found = privileged_permissions(self.roles.values(), self.permissions.values(), self.tiers)
        return self.pack(found.values())

    @cached_property
    def control(self) -> int:
        """The permissions of T0."""
        return self.pack(name for name in self._names if self.tier(name) == "T0")

    @cached_property
    def service_accounts(self) -> tuple[Identity, ...]:
        """Every service account that is not disabled, by what people call it."""
        found = (one for one in self.identities.values() if one.service_account and can_act(one))
        return tuple(sorted(found, key=lambda one: (one.subject.casefold(), one.id)))

    def able(self) -> Iterator[Identity]:
        """Every identity that is not disabled."""
        return (one for one in self.identities.values() if can_act(one))

    @cached_property
    def _ties(self) -> Mapping[str, tuple[Credential, ...]]:
        ties: dict[str, list[Credential]] = defaultdict(list)
        for one in self.credentials:
            for identity_id in _tied(one):
                ties[identity_id].append(one)
        return {identity_id: tuple(found) for identity_id, found in ties.items()}

    def tied_to(self, identity_id: str) -> tuple[Credential, ...]:
        """Every credential that acts as this identity or for it, or is an API key that it created."""
        return self._ties.get(identity_id, ())

    def owned_by(self, identity_id: str) -> tuple[Credential, ...]:
        """The credentials that act as this identity and nobody else: its application keys and tokens."""
        return tuple(one for one in self.tied_to(identity_id) if acts_as_owner(one) and one.owner_id == identity_id)


def can_act(identity: Identity) -> bool:
    """Whether nothing says that an identity is disabled. One that was invited and never came counts as able."""
    return not identity.disabled and (identity.status or "").casefold() != "disabled"


def acts_as_owner(credential: Credential) -> bool:
    """Whether a credential acts as its owner, as everything does but API keys and OAuth clients."""
    return credential.type not in {CredentialType.API_KEY, CredentialType.OAUTH_CLIENT}


def _tied(credential: Credential) -> set[str]:
    if credential.type == CredentialType.API_KEY:
        return {credential.created_by_id} if credential.created_by_id is not None else set()
    if credential.type == CredentialType.OAUTH_CLIENT:
        return set(credential.user_ids)
    return {credential.owner_id} if credential.owner_id is not None else set()
