"""Ask Datadog's Audit Trail who made the changes of a run, and what came and went without any run seeing it.

Nothing depends on it: what cannot be read is said in the run's record, and a change without an actor is a change.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from datetime import datetime, timedelta

from msgspec import Struct
from msgspec.structs import replace

from accesssync.model.change import Change
from accesssync.model.coverage import Resource
from accesssync.model.trail import Reading, TrailEvent, TrailState
from accesssync.store import trail
from accesssync.store.engine import Database
from accesssync.store.lease import Lease
from accesssync.store.trail import Kept
from accesssync.trail.join import LATENESS, SKEW, Trail, attributed
from accesssync.trail.read import Told, read_trail
from accesssync.trail.source import TrailSource
from accesssync.trail.unseen import Candidate, candidates, settled

BACK_AT_MOST = timedelta(days=7)
"""How far back one reading goes: where nobody could look for longer, the rest stays without an actor."""

NOT_READ = Reading(state=TrailState.OFF)


class Looks(Struct, frozen=True):
    """When this run's proven looks began, by resource, and what tells when the first ones ever did."""

    now: Mapping[Resource, datetime]
    first: Callable[[], Mapping[Resource, datetime]]


def reading_from(proven: Iterable[datetime | None], now: datetime) -> datetime:
    """From when on events are of interest: since the oldest of the last proven looks, and what may have come late."""
    known = [one for one in proven if one is not None]
    return max(min(known, default=now) - LATENESS, now - BACK_AT_MOST)


@contextmanager
def asked(
    source: TrailSource, since: datetime | None, now: Callable[[], datetime], monotonic: Callable[[], float]
) -> Iterator[Callable[[], Told]]:
    """Ask in a thread of its own while others work; None as `since` asks nothing. Gives what waits for the answer."""
    if since is None:
        yield lambda: Told(NOT_READ)
        return
    until = now()
    executor = ThreadPoolExecutor(1, thread_name_prefix="trail")
    answer: Future[Told] = executor.submit(read_trail, source, since, until, monotonic)
    try:
        yield answer.result
    finally:
        executor.shutdown(wait=False, cancel_futures=True)


class Attributing:
    """The events of one reading, and what they come to."""

    def __init__(self, engine: Database, lease: Lease, run_id: int, told: Told, *, own: Collection[str] = ()) -> None:
        self._engine = engine
        self._lease = lease
        self._run_id = run_id
        self._told = told
        self._own = frozenset(one.lower() for one in own)
        self._trail = Trail(told.events)
        self._joined: dict[str, list[str]] = {}
        self._named = 0

    def naming(self, changes: Iterable[Change]) -> Iterator[Change]:
        """The changes of this run, with an actor where the Audit Trail knows one."""
        if not self._told.events:
            yield from changes
            return
        for change in changes:
            [named] = attributed([change], self._trail, self._joined)
            self._named += named.actor is not None and change.actor is None
            yield named

    def settle(self, looks: Looks) -> Reading:
        """Name the actors of earlier changes of whom events came late, and keep what accounts for something or should.

        To be called after the changes of this run are written.
        """
        reading = self._told.reading
        if not self._told.events or reading.since is None:
            return reading
        self._look_back(reading.since)
        unseen = list(self._unseen(looks))
        by_id = {one.id: one for one in self._told.events}
        kept = [Kept(event=by_id[event], change_ids=tuple(changes)) for event, changes in self._joined.items()]
        trail.write_events(self._engine, self._lease, self._run_id, [*kept, *unseen])
        return replace(reading, joined=self._named, unseen=len(unseen))

    def _look_back(self, since: datetime) -> None:
        actors: dict[str, str] = {}
        earlier = trail.changes_since(
            self._engine, self._lease.org, self._lease.org_id, since - SKEW, self._run_id - 1
        )  # fmt: skip
        for change in earlier:
            found = self._trail.attribution(change)
            for one in found.events:
                self._joined.setdefault(one.id, []).append(change.id)
            if found.actor and change.actor is None:
                actors[change.id] = found.actor
        self._named += len(actors)
        trail.name_actors(self._engine, self._lease, actors)

    def _unseen(self, looks: Looks) -> Iterator[Kept]:
        """What an event gave, a proven look that began after it did not show, and none showed before."""
        some = [
            one
            for one in candidates(self._told.events, self._joined)
            if settled(one.event, looks.now.get(one.resource)) and not self._ours(one)
        ]
        first = looks.first() if some else {}
        found = [one for one in some if _in_sight(one.event, first.get(one.resource))]
        yield from self._unseen_records([one for one in found if one.role_id is None])
        yield from self._unseen_grants([one for one in found if one.role_id is not None])

    def _ours(self, one: Candidate) -> bool:
        asset = (one.event.asset_id or "").lower()
        return asset in self._own or not self._own.isdisjoint(one.subjects)

    def _unseen_records(self, found: list[Candidate]) -> Iterator[Kept]:
        stored = trail.ever_stored(
            self._engine, self._lease.org_id, [one.event.asset_id for one in found if one.event.asset_id]
        )  # fmt: skip
        for one in found:
            event = one.event
            if event.asset_id is not None and event.asset_id.lower() not in stored:
                yield Kept(event=event, subject_id=event.asset_id, subject=event.asset_name or event.asset_id)

    def _unseen_grants(self, found: list[Candidate]) -> Iterator[Kept]:
        if not found:
            return
        org_id = self._lease.org_id
        called = trail.identities_called(self._engine, org_id, {text for one in found for text in one.subjects})
        named = {
            one.event.id: set().union(*(called.get(text, set()) for text in one.subjects)) for one in found
        }  # fmt: skip
        ids = sorted({identity for people in named.values() for identity, _ in people})
        since = min(one.event.at for one in found) - SKEW
        held = trail.held_since(self._engine, org_id, ids, since)
        for one in found:
            people = named[one.event.id]
            who = {identity for identity, _ in people}
            # Of several, nobody knows which was meant; of nobody, the record itself is what came and went.
            if len(who) == 1 and one.role_id is not None and (min(who), one.role_id) not in held:
                identity, subject = min(people)
                yield Kept(event=one.event, subject_id=identity, subject=subject, role_id=one.role_id)


def _in_sight(event: TrailEvent, first: datetime | None) -> bool:
    return first is not None and event.at > first + SKEW
