"""What a set of roles amounts to. Worked out once for each set: many people hold the same roles."""

from collections.abc import Mapping

from msgspec import Struct

from accesssync.reach.access import Access


class Part(Struct, frozen=True, gc=False):
    """One permission of a set of roles, and the roles that carry it."""

    name: str
    tier: str
    privileged: bool
    restricted: bool
    """Whether Datadog itself adds it to every custom role."""
    via: tuple[str, ...]
    runs: tuple[tuple[str, int], ...]
    """Each of those roles by its id, with the run since which it carries the permission."""

    def since(self, grants: Mapping[str, int]) -> int | None:
        """The run since which it is held by somebody whose grants began with these runs; None where that is unknown."""
        return min((max(grants[role], run) for role, run in self.runs if role in grants), default=None)


class Holding(Struct, frozen=True, kw_only=True):
    """What whoever holds a set of roles may do.

    `tier` is the most harmful tier of what is held: T0 or T1 only where it goes beyond what Datadog gives every
    colleague, else T2 or T3, empty where nothing is held. It is None where a role is not listed and the others tell of
    no privilege: then nobody knows.
    """

    roles: tuple[str, ...]
    packed: int
    tier: str | None
    privileged: tuple[str, ...]
    via: tuple[str, ...]
    """The roles that carry what makes privileged."""

    @property
    def is_privileged(self) -> bool | None:
        """Whether it is more than ordinary colleagues may do; None where nobody knows."""
        return True if self.privileged else None if self.tier is None else False


class Holdings:
    """The sets of roles of one organization, each worked out when it is first asked for.

    `runs` are those since which each role carries each permission, by the ids of both.
    """

    def __init__(self, access: Access, runs: Mapping[str, Mapping[str, int]] | None = None) -> None:
        self._access = access
        self._runs = runs or {}
        self._found: dict[tuple[str, ...], Holding] = {}
        self._tiers: dict[int, str] = {}
        self._same: dict[tuple[str, tuple[tuple[str, int], ...]], Part] = {}
        self._parts: dict[tuple[tuple[str, ...], bool], tuple[Part, ...]] = {}

    def of(self, role_ids: tuple[str, ...]) -> Holding:
        """What a set of roles amounts to."""
        found = self._found.get(role_ids)
        if found is None:
            found = self._found[role_ids] = self._holding(role_ids)
        return found

    def parts(self, role_ids: tuple[str, ...], *, privileged: bool) -> tuple[Part, ...]:
        """Every permission of a set of roles, the most harmful first; with `privileged` only those that make so."""
        found = self._parts.get((role_ids, privileged))
        if found is None:
            access, holding = self._access, self.of(role_ids)
            wanted = holding.privileged if privileged else access.unpack(holding.packed)
            found = tuple(self._part(role_ids, name) for name in wanted)
            self._parts[role_ids, privileged] = found
        return found

    def tier(self, packed: int) -> str:
        """The most harmful tier of a set of permissions, counted as that of a holding."""
        found = self._tiers.get(packed)
        if found is None:
            found = self._tiers[packed] = self._tier(packed, packed & self._access.privileged)
        return found

    def _part(self, role_ids: tuple[str, ...], name: str) -> Part:
        access = self._access
        bit, listed = access.pack((name,)), access.permission(name)
        runs = [
            (one, self._runs.get(one, {}).get(listed.id if listed else name, 0))
            for one in role_ids
            if access.carried(one) & bit
        ]
        part = Part(
            name=name,
            tier=access.tier(name),
            privileged=bool(bit & access.privileged),
            restricted=bool(listed is not None and listed.restricted),
            via=self._carrying(role_ids, bit),
            runs=tuple(runs),
        )
        # Of many sets the same is true: those of administrators are large, and hardly two are the same.
        return self._same.setdefault((name, part.runs), part)

    def _carrying(self, role_ids: tuple[str, ...], wanted: int) -> tuple[str, ...]:
        roles = self._access.roles
        return tuple(sorted(roles[one].subject for one in role_ids if self._access.carried(one) & wanted))

    def _holding(self, role_ids: tuple[str, ...]) -> Holding:
        access = self._access
        packed = 0
        for one in role_ids:
            packed |= access.carried(one)
        above = packed & access.privileged
        listed = all(one in access.roles for one in role_ids)
        return Holding(
            roles=tuple(sorted(access.roles[one].subject if one in access.roles else one for one in role_ids)),
            packed=packed,
            tier=self.tier(packed) if above or listed else None,
            privileged=access.unpack(above),
            via=self._carrying(role_ids, above) if above else (),
        )

    def _tier(self, packed: int, above: int) -> str:
        if above:
            return self._access.tier(self._access.unpack(above)[0])[:2]
        if not packed:
            return ""
        # What Datadog gives everybody is nobody's privilege, whatever harm it can do.
        return "T2" if any(self._access.tier(name) != "T3" for name in self._access.unpack(packed)) else "T3"
