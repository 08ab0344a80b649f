"""How much harm a permission can do.

T0 is the control plane: whoever holds it can gain any right. T1 is security-relevant in other ways. Everything
else is T2 where it writes and T3 where it reads; a permission nobody has classified counts as T2. An organization
may see some of it differently: every function here takes its own mapping of permission to tier.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct, json

from accesssync.model.role import Permission, Role

STANDARD_ROLE = "Datadog Standard Role"
"""The built-in role that an ordinary colleague gets. What it carries is nobody's privilege."""

ORDINARY = {"T2": "changes things", "T3": "reads things"}
"""The tiers of what is in no list."""


class Tier(Struct, frozen=True):
    """A class of permissions that do the same kind of harm."""

    tier: str
    what: str
    permissions: tuple[str, ...]


class _File(Struct, frozen=True):
    version: int
    tiers: tuple[Tier, ...]


@cache
def tiers() -> tuple[Tier, ...]:
    """The classes that come with accesssync, the most harmful first."""
    data = (files("accesssync.reach") / "data" / "tiers.json").read_bytes()
    return json.decode(data, type=_File).tiers


@cache
def _classified() -> Mapping[str, str]:
    return {name: tier.tier for tier in tiers() for name in tier.permissions}


def known_tiers() -> tuple[str, ...]:
    """Every tier that a permission can be put into: those of the list, T1 as a whole, and the ordinary ones."""
    return tuple(sorted({*(one.tier for one in tiers()), "T1", *ORDINARY}))


def tier_of(name: str, display_type: str | None = None, overrides: Mapping[str, str] | None = None) -> str:
    """The tier of a permission by its name; `display_type` is Datadog's own "read", "write" or "other"."""
    found = (overrides or {}).get(name) or _classified().get(name)
    if found is not None:
        return found
    return "T3" if display_type == "read" else "T2"


def privileged_permissions(
    roles: Iterable[Role], permissions: Iterable[Permission], overrides: Mapping[str, str] | None = None
) -> Mapping[str, str]:
    """The permissions that make a holder privileged here, by id: T0 and T1, less what the Standard role carries."""
    ordinary = {one for role in roles if role.name == STANDARD_ROLE for one in role.permission_ids}
    return {
        one.id: one.name
        for one in permissions
        if one.name is not None
        and one.id not in ordinary
        and tier_of(one.name, one.display_type, overrides)[:2] in {"T0", "T1"}
    }


def rank(names: Iterable[str], overrides: Mapping[str, str] | None = None) -> list[str]:
    """Permissions by name, the most harmful first."""
    return sorted(names, key=lambda name: (tier_of(name, overrides=overrides), name))
