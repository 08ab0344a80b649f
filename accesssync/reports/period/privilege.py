"""Which roles made their holders privileged at which runs, and who was privileged when.

Privileged is what `reach.tier` says of a run: with the permissions that roles carried then, the catalogue as it was
then, and less what the Standard role carried then. The tiers are the organization's as they are now.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from accesssync.model.role import Permission, Role
from accesssync.reach.tier import STANDARD_ROLE, privileged_permissions, rank, tier_of
from accesssync.reports.period.history import Link, Stay, Version, stays
from accesssync.reports.period.spans import OPEN, Spans, around, intersection, union


class Carried(Struct, frozen=True):
    """The privileged permissions that a role carried from one run up to another, the most harmful first."""

    start: int
    end: int
    permissions: tuple[str, ...]


class Powers:
    """The roles that ever made their holders privileged."""

    def __init__(self, carried: Mapping[str, tuple[Carried, ...]], tiers: Mapping[str, str] | None = None) -> None:
        self.carried = carried
        self.spans: Mapping[str, Spans] = {
            role: union((one.start, one.end) for one in many) for role, many in carried.items()
        }
        self._tiers = tiers

    def at(self, role_id: str, run: int) -> tuple[str, ...]:
        """The privileged permissions that a role carried at a run."""
        found = (one.permissions for one in self.carried.get(role_id, ()) if one.start <= run < one.end)
        return next(found, ())

    def rank(self, names: Iterable[str]) -> list[str]:
        """Permissions, the most harmful first."""
        return rank(set(names), self._tiers)

    def tier(self, names: Iterable[str]) -> str | None:
        """The most harmful tier of some permissions."""
        return min((tier_of(name, overrides=self._tiers) for name in names), default=None)


def powers(
    roles: Iterable[Version[Role]],
    carried: Iterable[Link],
    permissions: Iterable[Version[Permission]],
    tiers: Mapping[str, str] | None = None,
) -> Powers:
    """Read all history of roles and permissions once, in the order of runs."""
    sweep = _Sweep(tiers)
    found: dict[str, list[Carried]] = defaultdict(list)
    for run, steps in _by_run(roles, carried, permissions):
        for role_id, names in sweep.step(steps):
            earlier = found[role_id]
            if earlier and earlier[-1].end == OPEN:
                last = earlier.pop()
                earlier += [Carried(last.start, run, last.permissions)] if last.start < run else []
            if names:
                earlier.append(Carried(run, OPEN, names))
    return Powers({role_id: tuple(many) for role_id, many in found.items() if many}, tiers)


_Step = tuple[str, bool, str, object]
"""What began or ended: the kind, whether it began, whose, and what."""


def _by_run(
    roles: Iterable[Version[Role]], carried: Iterable[Link], permissions: Iterable[Version[Permission]]
) -> Iterator[tuple[int, list[_Step]]]:
    """What each run ended and began, what it ended first."""
    ended: dict[int, list[_Step]] = defaultdict(list)
    begun: dict[int, list[_Step]] = defaultdict(list)

    def note(start: int, end: int, kind: str, one: str, what: object) -> None:
        begun[start].append((kind, True, one, what))
        if end != OPEN:
            ended[end].append((kind, False, one, what))

    for role in roles:
        note(role.start, role.end, "role", role.record.id, role.record.name)
    for link in carried:
        note(link.start, link.end, "carries", link.owner, link.target)
    for permission in permissions:
        note(permission.start, permission.end, "permission", permission.record.id, permission.record)
    for run in sorted(ended.keys() | begun.keys()):
        yield run, ended[run] + begun[run]


class _Sweep:
    """The roles and the catalogue as one run after the other has them."""

    def __init__(self, tiers: Mapping[str, str] | None) -> None:
        self._tiers = tiers
        self._names: dict[str, str | None] = {}
        self._carried: dict[str, set[str]] = defaultdict(set)
        self._catalogue: dict[str, Permission] = {}
        self._privileged: Mapping[str, str] = {}
        self._now: dict[str, tuple[str, ...]] = {}

    def step(self, steps: list[_Step]) -> Iterator[tuple[str, tuple[str, ...]]]:
        """The roles whose privileged permissions differ after one run, each with those that it has then."""
        touched = {one for kind, _, one, _ in steps if kind != "permission"}
        anew = any(kind == "permission" for kind, _, _, _ in steps) or self._standard(touched)
        for kind, began, one, what in steps:
            self._apply(kind, one, what, began=began)
        if anew or self._standard(touched):
            ordinary = (
                Role(id=one, name=name, permission_ids=tuple(self._carried[one]))
                for one, name in self._names.items()
                if name == STANDARD_ROLE
            )
            self._privileged = privileged_permissions(ordinary, self._catalogue.values(), self._tiers)
            touched |= set(self._carried)
        for role_id in sorted(touched):
            mine = self._carried[role_id] if role_id in self._names else set()
            names = tuple(rank({self._privileged[one] for one in mine if one in self._privileged}, self._tiers))
            if names != self._now.get(role_id, ()):
                self._now[role_id] = names
                yield role_id, names

    def _standard(self, touched: set[str]) -> bool:
        return any(self._names.get(one) == STANDARD_ROLE for one in touched)

    def _apply(self, kind: str, one: str, what: object, *, began: bool) -> None:
        if kind == "carries":
            (self._carried[one].add if began else self._carried[one].discard)(str(what))
        elif kind == "role":
            if began:
                self._names[one] = what if isinstance(what, str) else None
            else:
                self._names.pop(one, None)
        elif began and isinstance(what, Permission):
            self._catalogue[one] = what
        else:
            self._catalogue.pop(one, None)


class Holding(Struct, frozen=True):
    """Somebody's grants of roles that ever made their holders privileged, and when that made them so."""

    grants: tuple[Link, ...]
    spans: Spans
    """The runs at which the identity was able and privileged."""

    def via(self, run: int) -> tuple[str, ...]:
        """The roles held at a run, by id."""
        return tuple(dict.fromkeys(one.target for one in self.grants if one.start <= run < one.end))


def holdings(grants: Iterable[Link], able: Mapping[str, tuple[Stay, ...]], found: Powers) -> dict[str, Holding]:
    """Who was privileged when, from the grants of the roles that ever made anybody so."""
    mine: dict[str, list[Link]] = defaultdict(list)
    for one in grants:
        if one.target in found.spans:
            mine[one.owner].append(one)
    holding = {}
    for identity_id, links in mine.items():
        reach = union(span for one in links for span in intersection(((one.start, one.end),), found.spans[one.target]))
        spans = intersection(union(stays(able.get(identity_id, ()))), reach)
        if spans:
            holding[identity_id] = Holding(tuple(links), spans)
    return holding


def since(holding: Holding, run: int) -> int | None:
    """The run from which somebody has been privileged without a break; None where they are not at that run."""
    span = around(holding.spans, run)
    return span[0] if span else None
