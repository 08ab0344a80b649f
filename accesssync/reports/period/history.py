"""What the store hands in: records and links as spans of runs, the runs, and who told what of a change."""

from collections.abc import Container, Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Generic, TypeVar

from msgspec import Struct

from accesssync.model.change import Cause, Change
from accesssync.reports.period.spans import Span

R = TypeVar("R")


class Version(Struct, Generic[R], frozen=True, gc=False):
    """A record as it was from one run on, up to another."""

    record: R
    start: int
    end: int


class Link(Struct, frozen=True, gc=False):
    """One record refers to another: an identity to a role, a role to a permission."""

    owner: str
    target: str
    start: int
    end: int


class Stay(Struct, frozen=True, gc=False):
    """An identity was listed from one run up to another. `able`: nothing said that it was disabled."""

    start: int
    end: int
    able: bool
    service_account: bool


class Ran(Struct, frozen=True, kw_only=True):
    """One try to read the organization. `published`: readers see it; `proven`: every listing was complete."""

    id: int
    started_at: datetime
    finished_at: datetime | None
    published: bool
    proven: bool
    baseline: bool = False


class Period(Struct, frozen=True, kw_only=True):
    """What was asked about, as runs: the state that `first` left is the one at the start, that of `last` the one at
    the end. In between are the runs after `first` up to `last`.

    `runs` are the published runs from `first` to `last`, oldest first. `begins` is later than `start` where history is.
    """

    org: str
    start: datetime | None
    end: datetime
    first: Ran
    last: Ran
    runs: tuple[Ran, ...]

    @property
    def span(self) -> Span:
        """The runs whose changes are meant: after the one, up to the other."""
        return self.first.id, self.last.id

    @property
    def clipped(self) -> bool:
        """Whether history begins later than was asked for, or the first run is the beginning of it."""
        began = self.first.finished_at or self.first.started_at
        return self.start is None or began > self.start


class Window(Struct, frozen=True, kw_only=True):
    """When something happened, as exactly as is known, and who gave which reason.

    It came about after `after` (None where nobody looked before) and by `before`. `basis` is `ticket` where somebody
    explained it, `plan` where an applied plan did it, `decided` where a single command of ours did, and `none`.
    """

    run: int
    after: datetime | None
    before: datetime
    cause: str = Cause.ORG.value
    actor: str | None = None
    basis: str = "none"
    explanation: str | None = None


class Log:
    """The changes of a period, found by what they did.

    `ticketed` are the ids of changes that people explained.
    """

    def __init__(self, runs: Sequence[Ran], changes: Iterable[Change] = (), ticketed: Iterable[str] = ()) -> None:
        self._runs = {one.id: one for one in runs}
        self._before = {one.id: earlier for earlier, one in pairwise(runs)}
        self._ticketed = frozenset(ticketed)
        self._changes: dict[tuple[int, str, str, str], Change] = {}
        self._subjects: dict[tuple[int, str], list[tuple[str, str]]] = {}
        for one in changes:
            subject = one.subject_id, part_of(one)
            self._changes[one.run_id, one.kind, *subject] = one
            self._subjects.setdefault((one.run_id, one.kind), []).append(subject)

    def window(self, run: int, kind: str, subject_id: str, part: str = "") -> Window:
        """When the change of this kind happened that a run saw.

        Where no change was recorded, as for what a newer version of accesssync decodes, the window is that between the
        two runs.
        """
        found = self._changes.get((run, kind, subject_id, part))
        if found is None:
            earlier, seen = self._before.get(run), self._runs[run]
            before = seen.finished_at or seen.started_at
            return Window(run=run, after=earlier.started_at if earlier else None, before=before)
        return Window(
            run=run,
            after=found.observed_after,
            before=found.observed_before,
            cause=found.cause.value,
            actor=found.actor,
            basis=basis_of(found, self._ticketed),
            explanation=found.explanation,
        )

    def of_any(self, run: int, kind: str, subjects: Container[str]) -> Window | None:
        """The window of a change of this kind to any of these subjects; None where none was recorded."""
        found = (one for one in self._subjects.get((run, kind), ()) if one[0] in subjects)
        return next((self.window(run, kind, *one) for one in found), None)

    def first_of(self, run: int, wanted: Iterable[tuple[str, str, str]]) -> Window | None:
        """The window of the first of these (kind, subject, part) that was recorded; None where none was."""
        return next((self.window(run, *one) for one in wanted if (run, *one) in self._changes), None)


def part_of(change: Change) -> str:
    """What tells apart changes of one subject and kind in one run: the role, the permission or the team."""
    for name in ("role_id", "permission_id", "team_id", "user_id"):
        pair = change.fields.get(name)
        if pair is not None and not change.kind.endswith(".updated"):
            value = pair[1] if pair[1] is not None else pair[0]
            if change.kind.startswith(("grant.", "role_permission.", "membership.", "credential.user_")):
                return str(value)
    return ""


def basis_of(change: Change, ticketed: frozenset[str]) -> str:
    """By what a change is explained: `ticket`, `plan`, `decided`, or `none`."""
    if change.id in ticketed:
        return "ticket"
    if change.explanation is None:
        return "none"
    return "plan" if change.explanation.startswith("plan ") else "decided"


def stays(spans: Iterable[Stay]) -> tuple[Span, ...]:
    """The spans of an identity's stays that are able."""
    return tuple((one.start, one.end) for one in spans if one.able)


class Who(Struct, frozen=True, gc=False):
    """How a report names an identity: as it was last known by the end of the period."""

    email: str | None
    name: str | None
    type: str


class Names(Struct, frozen=True, kw_only=True):
    """How a report calls what it speaks of; each by its id, as last known by the end of the period."""

    people: Mapping[str, Who]
    roles: Mapping[str, str | None]
    teams: Mapping[str, str | None] = {}
    permissions: Mapping[str, str | None] = {}

    def who(self, identity_id: str) -> Who:
        """An identity; of one that was never listed only the id is known."""
        return self.people.get(identity_id) or Who(None, None, "unknown")

    def role(self, role_id: str) -> str:
        """A role by its name, else its id."""
        return self.roles.get(role_id) or role_id

    def permission(self, permission_id: str) -> str:
        """A permission by its name, else its id."""
        return self.permissions.get(permission_id) or permission_id

    def team(self, team_id: str) -> str:
        """A team by its name, else its id."""
        return self.teams.get(team_id) or team_id
