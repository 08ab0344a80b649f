"""Who gained and who lost privileged access in a period, by which way."""

from collections.abc import Callable, Iterator, Mapping

from accesssync.reports.dataset import Cell, Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.columns import WHEN, WHO, WHY, in_order, when, who, why
from accesssync.reports.period.history import Log, Names, Period, Stay, Window, stays
from accesssync.reports.period.privilege import Holding, Powers
from accesssync.reports.period.spans import Spans, around, begun, ended, held, union

MOST_NAMED = 12
"""Permissions named in one cell."""

_VIA = (
    Column("tier", "text", "The most harmful tier that came or went with it, such as T0 or T1a."),
    Column("via_roles", "list", "The roles that carried it."),
    Column("permissions", "list", f"The privileged permissions, the most harmful first, {MOST_NAMED} at most."),
    Column("permission_count", "count", "How many privileged permissions there were."),
)

GAINED = (
    ORG,
    *WHO,
    Column(
        "how", "text", "granted a role; role_changed where a role held came to carry it; joined or enabled with it."
    ),
    *_VIA,
    *WHEN,
    Column("still_privileged", "flag", "Whether it was so at the end of the period without a break."),
    Column("lost_by", "moment", "The end of the window in which it was lost again, within the period."),
    *WHY,
)

LOST = (
    ORG,
    *WHO,
    Column("how", "text", "revoked a role; role_changed where a role ceased to carry it; left with the identity."),
    *_VIA,
    *WHEN,
    Column("privileged_by", "moment", "The end of the window in which it was gained; empty where it was so at first."),
    *WHY,
)  # fmt: skip


class Powerful:
    """The runs at which identities became privileged or ceased to be, and by what."""

    def __init__(self, powers: Powers, holdings: Mapping[str, Holding], able: Mapping[str, tuple[Stay, ...]]) -> None:
        self.powers = powers
        self.holdings = holdings
        self._able = able

    def able(self, identity_id: str) -> Spans:
        """The runs at which an identity was able to act."""
        return union(stays(self._able.get(identity_id, ())))

    def carriers(self, identity_id: str, run: int) -> dict[str, tuple[str, ...]]:
        """The roles held at a run that made privileged, each with its permissions then."""
        found = ((one, self.powers.at(one, run)) for one in self.holdings[identity_id].via(run))
        return {one: names for one, names in found if names}

    def via(self, names: Names, identity_id: str, run: int) -> tuple[Cell, ...]:
        """The tier, the roles and the permissions that made somebody privileged at a run."""
        carriers = self.carriers(identity_id, run)
        found = self.powers.rank(name for many in carriers.values() for name in many)
        roles = in_order(names.role(one) for one in carriers)
        return self.powers.tier(found), roles, tuple(found[:MOST_NAMED]), len(found)

    def gaining(self, identity_id: str, run: int, log: Log) -> tuple[str, Window]:
        """How somebody became privileged at a run, and when."""
        span = around(self.able(identity_id), run)
        if span is not None and span[0] == run:
            before = any(one.end == run for one in self._able[identity_id])
            if before:
                return "enabled", log.window(run, "identity.updated", identity_id)
            return "joined", log.window(run, "identity.added", identity_id)
        given = [one.target for one in self.holdings[identity_id].grants if one.start == run]
        given = [one for one in given if self.powers.at(one, run)]
        if given:
            wanted = [("grant.added", identity_id, one) for one in given]
            return "granted", log.first_of(run, wanted) or log.window(run, "grant.added", identity_id, given[0])
        return "role_changed", _of_roles(log, run, "role_permission.added", self.carriers(identity_id, run))

    def losing(self, identity_id: str, run: int, log: Log) -> tuple[str, Window]:
        """How somebody ceased to be privileged at a run, and when."""
        if not held(self.able(identity_id), run):
            gone = not any(one.start == run for one in self._able[identity_id])
            return "left", log.window(run, "identity.removed" if gone else "identity.updated", identity_id)
        taken = [one.target for one in self.holdings[identity_id].grants if one.end == run]
        taken = [one for one in taken if self.powers.at(one, run - 1)]
        if taken:
            wanted = [("grant.removed", identity_id, one) for one in taken]
            return "revoked", log.first_of(run, wanted) or log.window(run, "grant.removed", identity_id, taken[0])
        return "role_changed", _of_roles(log, run, "role_permission.removed", self.carriers(identity_id, run - 1))


def _of_roles(log: Log, run: int, kind: str, carriers: Mapping[str, tuple[str, ...]]) -> Window:
    """The window of a change of one of these roles; that between the runs where none was recorded."""
    return log.of_any(run, kind, carriers) or log.window(run, kind, "")


def gained(period: Period, powerful: Powerful, names: Names, log: Log) -> Dataset:
    """Everybody who became privileged, each time it happened."""

    def read() -> Iterator[Row]:
        for run, identity_id in _at_runs(period, powerful, begun):
            span = around(powerful.holdings[identity_id].spans, run)
            end = span[1] if span else run
            how, window = powerful.gaining(identity_id, run, log)
            lost = powerful.losing(identity_id, end, log)[1].before if end <= period.last.id else None
            yield (
                period.org,
                *who(names, identity_id),
                how,
                *powerful.via(names, identity_id, run),
                *when(window),
                lost is None,
                lost,
                *why(window),
            )

    return Dataset("privileged_gained", "Privileged access gained", "identity that became privileged", GAINED, read)


def lost(period: Period, powerful: Powerful, names: Names, log: Log) -> Dataset:
    """Everybody who ceased to be privileged, each time it happened."""

    def read() -> Iterator[Row]:
        for run, identity_id in _at_runs(period, powerful, ended):
            span = around(powerful.holdings[identity_id].spans, run - 1)
            start = span[0] if span else run
            how, window = powerful.losing(identity_id, run, log)
            since = powerful.gaining(identity_id, start, log)[1].before if start > period.first.id else None
            yield (
                period.org,
                *who(names, identity_id),
                how,
                *powerful.via(names, identity_id, run - 1),
                *when(window),
                since,
                *why(window),
            )

    return Dataset("privileged_lost", "Privileged access lost", "identity that ceased to be privileged", LOST, read)


def _at_runs(
    period: Period, powerful: Powerful, which: Callable[[Spans, int, int], list[int]]
) -> list[tuple[int, str]]:
    return sorted(
        (run, identity_id)
        for identity_id, holding in powerful.holdings.items()
        for run in which(holding.spans, *period.span)
    )
