"""What an identity's roles let it do, permission by permission."""

from msgspec import Struct

from accesssync.model.identity import Identity
from accesssync.reach.access import Access


class Held(Struct, frozen=True, kw_only=True):
    """One permission of an identity and the roles it has it through.

    `restricted` ones were added to the role by Datadog itself: no choice of anybody here.
    """

    permission: str
    via: tuple[str, ...]
    tier: str
    privileged: bool
    restricted: bool


class Expansion(Struct, frozen=True, kw_only=True):
    """The permissions of one identity, the most harmful first.

    `unlisted_roles` are held but shown by no listing, `unlisted_permissions` carried but in no catalogue (they
    appear under their ids): with either, the identity may be able to do more than is said here, or by other names.
    """

    identity_id: str
    permissions: tuple[Held, ...]
    unlisted_roles: tuple[str, ...]
    unlisted_permissions: tuple[str, ...]


def expand(access: Access, identity: Identity) -> Expansion:
    """The permissions that an identity's roles carry, and which roles those are. Disabled or not."""
    found = []
    for name in access.unpack(access.held(identity)):
        packed = access.pack((name,))
        listed = access.permission(name)
        found.append(
            Held(
                permission=name,
                via=access.via(identity, packed),
                tier=access.tier(name),
                privileged=bool(packed & access.privileged),
                restricted=bool(listed is not None and listed.restricted),
            )
        )
    return Expansion(
        identity_id=identity.id,
        permissions=tuple(found),
        unlisted_roles=access.unlisted_roles(identity),
        unlisted_permissions=access.unlisted_permissions(identity),
    )
