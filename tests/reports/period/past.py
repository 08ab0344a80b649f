"""Made-up histories: what an organization was at each run, and the same as spans."""

from collections.abc import Callable, Hashable, Iterable
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from hypothesis import strategies as st
from msgspec import Struct

from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.reach.access import Access, can_act
from accesssync.reports.period.history import Link, Ran, Stay, Version
from accesssync.reports.period.spans import OPEN, Spans

K = TypeVar("K", bound=Hashable)

FIRST = datetime(2026, 1, 1, tzinfo=UTC)
IDENTITIES = ("ada", "bob", "cyn")
ROLES = ("admin", "standard", "other")
PERMISSIONS = {"p-1": "user_access_manage", "p-2": "dashboards_read", "p-3": "org_app_keys_write"}
"""One of T0, one ordinary, one of T1."""


class State(Struct, frozen=True):
    """An organization at one run."""

    people: dict[str, tuple[bool, bool]]
    """Whether each identity is able to act, and whether it is a service account."""
    grants: frozenset[tuple[str, str]]
    carried: frozenset[tuple[str, str]]
    catalogue: frozenset[str]
    machines: frozenset[str]

    def access(self) -> Access:
        """The same, as reach sees it."""
        return Access(
            at=FIRST,
            identities=[
                Identity(
                    id=one,
                    disabled=not able,
                    service_account=account,
                    role_ids=tuple(role for who, role in sorted(self.grants) if who == one),
                )
                for one, (able, account) in self.people.items()
            ],
            roles=[
                Role(
                    id=role,
                    name="Datadog Standard Role" if role == "standard" else role,
                    permission_ids=tuple(one for who, one in sorted(self.carried) if who == role),
                )
                for role in ROLES
            ],
            permissions=[Permission(id=one, name=PERMISSIONS[one]) for one in sorted(self.catalogue)],
        )

    def able(self) -> set[str]:
        """Who could act."""
        return {one.id for one in self.access().identities.values() if can_act(one)}

    def privileged(self) -> set[str]:
        """Who could act and was privileged."""
        access = self.access()
        return {one.id for one in access.identities.values() if can_act(one) and access.held(one) & access.privileged}


people = st.dictionaries(st.sampled_from(IDENTITIES), st.tuples(st.booleans(), st.booleans()))
states = st.builds(
    State,
    people=people,
    grants=st.frozensets(st.tuples(st.sampled_from(IDENTITIES), st.sampled_from(ROLES))),
    carried=st.frozensets(st.tuples(st.sampled_from(ROLES), st.sampled_from(tuple(PERMISSIONS)))),
    catalogue=st.frozensets(st.sampled_from(tuple(PERMISSIONS))),
    machines=st.frozensets(st.sampled_from(IDENTITIES)),
)
pasts = st.lists(states, min_size=1, max_size=6)


class Past(Struct, frozen=True):
    """States with the runs that left them. The numbers of runs leave gaps: other organizations have runs, too."""

    states: list[State]

    @property
    def runs(self) -> list[Ran]:
        """The runs, an hour apart, all proven."""
        return [ran(3 + 2 * number) for number in range(len(self.states))]

    def spans(self, what: Callable[[State], Iterable[K]]) -> dict[K, list[tuple[int, int]]]:
        """From which run up to which each thing was there."""
        found: dict[K, list[tuple[int, int]]] = {}
        for run, state in zip(self.runs, self.states, strict=True):
            now = set(what(state))
            for one in now:
                mine = found.setdefault(one, [])
                if not mine or mine[-1][1] != OPEN:
                    mine.append((run.id, OPEN))
            for one, mine in found.items():
                if one not in now and mine[-1][1] == OPEN:
                    mine[-1] = (mine[-1][0], run.id)
        return found

    def stays(self) -> dict[str, tuple[Stay, ...]]:
        found: dict[str, list[Stay]] = {}
        told = self.spans(lambda state: [(who, *facts) for who, facts in state.people.items()])
        for (one, able, account), spans in told.items():
            found.setdefault(one, []).extend(Stay(*span, able, account) for span in spans)
        return {one: tuple(sorted(mine, key=lambda stay: stay.start)) for one, mine in found.items()}

    def grants(self) -> list[Link]:
        return [Link(*pair, *span) for pair, spans in self.spans(lambda state: state.grants).items() for span in spans]

    def carried(self) -> list[Link]:
        return [Link(*pair, *span) for pair, spans in self.spans(lambda state: state.carried).items() for span in spans]

    def roles(self) -> list[Version[Role]]:
        start = self.runs[0].id
        return [
            Version(Role(id=role, name="Datadog Standard Role" if role == "standard" else role), start, OPEN)
            for role in ROLES
        ]

    def permissions(self) -> list[Version[Permission]]:
        return [
            Version(Permission(id=one, name=PERMISSIONS[one]), *span)
            for one, spans in self.spans(lambda state: state.catalogue).items()
            for span in spans
        ]

    def machines(self) -> dict[str, Spans]:
        """Who was taken for a machine."""
        return {one: tuple(spans) for one, spans in self.spans(lambda state: state.machines).items()}


def ran(run: int, *, proven: bool = True, published: bool = True) -> Ran:
    """A run that began an hour after the one before."""
    at = FIRST + timedelta(hours=run)
    return Ran(id=run, started_at=at, finished_at=at + timedelta(minutes=1), published=published, proven=proven)
