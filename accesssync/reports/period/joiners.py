"""Who joined, who left and who moved: identities that became able to act, that ceased to be, and whose access changed.

Whoever was there at the first run did not join. A person who came and went has a row in both tables; those who joined
less those who left is the difference of how many were able at the two ends.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime

from msgspec import Struct

from accesssync.findings.people import People, Person
from accesssync.model.identity import Identity
from accesssync.model.team import Membership
from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.columns import WHEN, WHO, WHY, in_order, run_name, when, who, why
from accesssync.reports.period.history import Link, Log, Names, Period, Stay, Version, Window, stays
from accesssync.reports.period.spans import Spans, around, begun, ended, held, union

HOW_JOINED = "appeared for the first time, returned after having been gone, or enabled after having been disabled."
HOW_LEFT = (
    "disabled; removed where the record itself is gone; still_active where people.csv says that the person has left "
    "and nothing was done by the end of the period."
)

JOINED = (
    ORG,
    *WHO,
    Column("how", "text", HOW_JOINED),
    *WHEN,
    Column("created_at", "moment", "When Datadog says that the record was made."),
    Column("roles", "list", "The roles held at that run."),
    Column("still_active", "flag", "Whether the identity was able to act at the end of the period."),
    *WHY,
)

LEFT = (
    ORG,
    *WHO,
    Column("how", "text", HOW_LEFT),
    *WHEN,
    Column("left_on", "day", "The last day, as people.csv has it; empty where it does not say."),
    Column(
        "hours_at_least",
        "number",
        "Hours from the end of the last day (UTC) to the beginning of the window, 0 where that is earlier; empty where "
        "the last day is not known.",
    ),
    Column(
        "hours_at_most",
        "number",
        "The same to the end of the window; empty where the last day is not known or nothing was done.",
    ),
    Column("roles", "list", "The roles held just before."),
    *WHY,
)

MOVED = (
    ORG,
    *WHO,
    *WHEN,
    Column("roles_gained", "list", "Roles given."),
    Column("roles_lost", "list", "Roles taken."),
    Column("teams_gained", "list", "Teams entered."),
    Column("teams_lost", "list", "Teams left."),
    Column("team_roles", "list", "Teams in which the person's own role changed, with both roles."),
    *WHY,
)


class Records(Struct, frozen=True, kw_only=True):
    """What is known of the identities whose ability to act, roles or teams changed in a period.

    `stays` is of everybody and for all time; `versions` has what began or ended in the period, `grants` every grant of
    these identities, `members` the memberships that began or ended in it.
    """

    stays: Mapping[str, tuple[Stay, ...]]
    versions: Mapping[str, Sequence[Version[Identity]]]
    grants: Mapping[str, Sequence[Link]]
    members: Sequence[Version[Membership]]
    exact: Mapping[tuple[str, int], tuple[datetime, datetime]] = {}
    """When a write of ours that a run saw was sent and had been answered, by identity and run."""

    def able(self, identity_id: str) -> Spans:
        """The runs at which an identity was able to act."""
        return union(stays(self.stays.get(identity_id, ())))

    def roles(self, identity_id: str, run: int, names: Names, *, before: bool = False) -> tuple[str, ...]:
        """The roles at a run, or just before it."""
        mine = self.grants.get(identity_id, ())
        if before:
            return in_order(names.role(one.target) for one in mine if one.start < run <= one.end)
        return in_order(names.role(one.target) for one in mine if one.start <= run < one.end)

    def record(self, identity_id: str, run: int) -> Identity | None:
        """An identity as the version that a run began has it."""
        return next((one.record for one in self.versions.get(identity_id, ()) if one.start == run), None)


def joined(period: Period, records: Records, names: Names, log: Log) -> Dataset:
    """Everybody who became able to act."""

    def read() -> Iterator[Row]:
        for identity_id, run in _events(period, records, begun):
            how, window = _joining(records, log, identity_id, run)
            made = records.record(identity_id, run)
            able = records.able(identity_id)
            yield (
                period.org,
                *who(names, identity_id),
                how,
                *when(window),
                made.created_at if made else None,
                records.roles(identity_id, run, names),
                held(able, period.last.id),
                *why(window),
            )

    return Dataset("joined", "Joined", "identity that became able to act", JOINED, read)


def _joining(records: Records, log: Log, identity_id: str, run: int) -> tuple[str, Window]:
    mine = records.stays[identity_id]
    if any(one.end == run for one in mine):
        return "enabled", log.window(run, "identity.updated", identity_id)
    how = "returned" if any(one.end < run for one in mine) else "appeared"
    return how, log.window(run, "identity.added", identity_id)


def left(period: Period, records: Records, names: Names, log: Log, people: People | None = None) -> Dataset:
    """Everybody who ceased to be able to act, and whoever should have."""

    def read() -> Iterator[Row]:
        for identity_id, run in _events(period, records, ended):
            gone = not any(one.start == run for one in records.stays[identity_id])
            window = log.window(run, "identity.removed" if gone else "identity.updated", identity_id)
            sent = records.exact.get((identity_id, run))
            after, before = sent or (window.after, window.before)
            person = _person(people, names, identity_id)
            yield (
                period.org,
                *who(names, identity_id),
                "removed" if gone else "disabled",
                *(run_name(run), after, before, window.cause),
                person.left_on if person else None,
                *_hours(person, after, before),
                records.roles(identity_id, run, names, before=True),
                *why(window),
            )
        yield from _still(period, records, names, people)

    return Dataset("left", "Left", "identity that ceased to be able to act, or should have", LEFT, read)


def _still(period: Period, records: Records, names: Names, people: People | None) -> Iterator[Row]:
    """Those who have left by people.csv and were able to act at the end of the period."""
    if people is None:
        return
    last = period.last.finished_at or period.last.started_at
    for identity_id in sorted(records.stays):
        person = _person(people, names, identity_id)
        if person is None or not person.gone(last.date()) or not held(records.able(identity_id), period.last.id):
            continue
        least, _ = _hours(person, period.last.started_at, None)
        nothing = (None, None, None, None)
        yield (
            period.org,
            *who(names, identity_id),
            "still_active",
            *nothing,
            person.left_on,
            least,
            None,
            records.roles(identity_id, period.last.id, names),
            *nothing,
        )


def _person(people: People | None, names: Names, identity_id: str) -> Person | None:
    return people.by_email(names.who(identity_id).email) if people is not None else None


def _hours(person: Person | None, after: datetime | None, before: datetime | None) -> tuple[float | None, float | None]:
    """At least and at most so many hours from leaving to being disabled."""
    if person is None or person.left_at is None:
        return None, None
    went = person.left_at
    least, most = (
        None if moment is None else round(max(0.0, (moment - went).total_seconds() / 3600), 1)
        for moment in (after, before)
    )
    return least, most


def _events(period: Period, records: Records, which: Callable[[Spans, int, int], list[int]]) -> list[tuple[str, int]]:
    """The identities with the runs that began, or ended, their being able to act; in the order of runs."""
    found = [
        (identity_id, run) for identity_id in records.versions for run in which(records.able(identity_id), *period.span)
    ]
    return sorted(found, key=lambda event: (event[1], event[0]))


class _Move(Struct):
    """What one run did to one identity's roles and teams."""

    roles: tuple[set[str], set[str]]
    teams: tuple[set[str], set[str]]
    places: dict[str, list[str | None]]


def moved(period: Period, records: Records, names: Names, log: Log) -> Dataset:
    """Everybody who stayed and whose roles or teams changed, once for each run that saw it."""

    def read() -> Iterator[Row]:
        moves = _moves(period, records)
        for run, identity_id in sorted(moves):
            span = around(records.able(identity_id), run)
            move = moves[run, identity_id]
            gained, lost = move.roles[0] - move.roles[1], move.roles[1] - move.roles[0]
            came, went = move.teams[0] - move.teams[1], move.teams[1] - move.teams[0]
            changed = [team for team, both in move.places.items() if len(both) == 2 and both[0] != both[1]]
            if span is None or span[0] == run or not (gained or lost or came or went or changed):
                continue
            wanted = [("grant.added", identity_id, one) for one in sorted(gained)]
            wanted += [("grant.removed", identity_id, one) for one in sorted(lost)]
            wanted += [("membership.added", identity_id, one) for one in sorted(came)]
            wanted += [("membership.removed", identity_id, one) for one in sorted(went)]
            window = log.first_of(run, wanted) or log.window(run, "", identity_id)
            yield (
                period.org,
                *who(names, identity_id),
                *when(window),
                in_order(names.role(one) for one in gained),
                in_order(names.role(one) for one in lost),
                in_order(names.team(one) for one in came),
                in_order(names.team(one) for one in went),
                in_order(_place(names.team(one), *move.places[one]) for one in changed),
                *why(window),
            )

    return Dataset("moved", "Moved", "identity x run that saw its roles or teams change", MOVED, read)


def _place(team: str, before: str | None, after: str | None) -> str:
    return f"{team}: {before or 'member'} to {after or 'member'}"


def _moves(period: Period, records: Records) -> dict[tuple[int, str], _Move]:
    after, last = period.span
    moves: dict[tuple[int, str], _Move] = defaultdict(lambda: _Move((set(), set()), (set(), set()), {}))
    for identity_id, links in records.grants.items():
        for link in links:
            if after < link.start <= last:
                moves[link.start, identity_id].roles[0].add(link.target)
            if after < link.end <= last:
                moves[link.end, identity_id].roles[1].add(link.target)
    for one in sorted(records.members, key=lambda version: version.start):
        team, user = one.record.team_id, one.record.user_id
        if after < one.end <= last:
            move = moves[one.end, user]
            move.teams[1].add(team)
            move.places.setdefault(team, []).insert(0, one.record.role)
        if after < one.start <= last:
            move = moves[one.start, user]
            move.teams[0].add(team)
            move.places.setdefault(team, []).append(one.record.role)
    return moves


def touched(versions: Iterable[Version[Identity]]) -> dict[str, list[Version[Identity]]]:
    """Versions by identity."""
    found: dict[str, list[Version[Identity]]] = defaultdict(list)
    for one in versions:
        found[one.record.id].append(one)
    return dict(found)
