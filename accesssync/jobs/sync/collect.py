"""Read every resource of an organization into the store, and settle who is gone."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from datetime import datetime
from typing import Any, Generic

from msgspec import Struct
from msgspec.structs import replace

from accesssync.drift.compare import R
from accesssync.errors import DeniedError, UpstreamError
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.snapshot import absence
from accesssync.snapshot.listing import Limits, Outcome, read_listing
from accesssync.snapshot.several import read_several
from accesssync.snapshot.source import Listing, Source
from accesssync.store.record import Recorder
from accesssync.store.runs import Observed

OnPage = Callable[[Resource, int, int | None], None]
Suspects = Callable[[Resource, list[str]], set[str]]
Sink = Callable[[list[Any]], None]

ORDER = (
    Resource.PERMISSIONS,
    Resource.ROLES,
    Resource.USERS,
    Resource.APPLICATION_KEYS,
    Resource.API_KEYS,
    Resource.ACCESS_TOKENS,
    Resource.OAUTH_CLIENTS,
    Resource.TEAMS,
    Resource.TEAM_MEMBERSHIPS,
    Resource.AUTHN_MAPPINGS,
)
"""What names things comes before what refers to them."""


class Collected(Struct, frozen=True):
    """What came of every listing, and what the removal guard refused, by resource."""

    observed: Mapping[Resource, Observed]
    refused: Mapping[Resource, str]


class Reading(Struct, Generic[R], frozen=True, kw_only=True):
    """How one resource is read: once as a whole, and again for a few records where no call reads one."""

    resource: Resource
    read: Callable[[Sink], Outcome]
    get: Callable[[str], R | None] | None
    read_again: Callable[[list[str], Sink], Outcome]


class Collector(Struct, frozen=True, kw_only=True):
    """The means of one collection.

    `own` are the ids of what our own writes ended: that they are gone is no news, and does not count as removal.
    `suspects` notes who a proven listing of users did not show, and tells who was missing from the one
    before as well.
    """

    executor: Executor
    limits: Limits
    skip: frozenset[Resource]
    accepted: int
    own: frozenset[str] = frozenset()
    clock: Callable[[], datetime]
    suspects: Suspects
    on_page: OnPage

    def run(self, source: Source, recorders: Mapping[Resource, Recorder[Any]]) -> Collected:
        """Read everything that is not skipped, and settle who is gone."""
        observed: dict[Resource, Observed] = {}
        refused: dict[Resource, str] = {}
        for resource in ORDER:
            started = self.clock()
            if resource in self.skip:
                coverage = Coverage(state=CoverageState.SKIPPED, reason="left out by ACCESSSYNC_SKIP")
            else:
                reading = self._reading(source, resource, recorders, observed)
                coverage, refusal = self._one(reading, recorders)
                if refusal:
                    refused[resource] = refusal
            observed[resource] = Observed(coverage=coverage, started_at=started, finished_at=self.clock())
        return Collected(observed, refused)

    def _one(self, reading: Reading[Any], recorders: Mapping[Resource, Recorder[Any]]) -> tuple[Coverage, str | None]:
        recorder = recorders[reading.resource]
        outcome = reading.read(recorder.offer)
        recorder.flush()
        if not outcome.coverage.proven:
            return outcome.coverage, None
        if reading.resource is not Resource.TEAMS:
            return outcome.coverage, self._settle_absent(reading, recorder, outcome)
        before = set(recorder.known())
        refusal = self._settle_absent(reading, recorder, outcome)
        self._leave_with(before.difference(recorder.known()), recorders[Resource.TEAM_MEMBERSHIPS])
        return outcome.coverage, refusal

    def _reading(
        self,
        source: Source,
        resource: Resource,
        recorders: Mapping[Resource, Recorder[Any]],
        observed: Mapping[Resource, Observed],
    ) -> Reading[Any]:
        if resource is Resource.ACCESS_TOKENS:
            return self._tokens(source, observed[Resource.APPLICATION_KEYS].coverage)
        if resource is Resource.TEAM_MEMBERSHIPS:
            return self._memberships(source, recorders, observed)
        if resource is Resource.AUTHN_MAPPINGS:
            pieces = source.authn_mappings()

            def read(sink: Sink) -> Outcome:
                return self._several(resource, pieces, sink)

            return Reading(resource=resource, read=read, get=pieces[0].get, read_again=lambda _ids, sink: read(sink))
        return self._plain(getattr(source, resource.value)())

    def _plain(self, listing: Listing[Any]) -> Reading[Any]:
        def read(sink: Sink) -> Outcome:
            return read_listing(listing, self.executor, sink, self.limits, self._counter(listing.resource))

        return Reading(resource=listing.resource, read=read, get=listing.get, read_again=lambda _ids, sink: read(sink))

    def _tokens(self, source: Source, keys: Coverage) -> Reading[Any]:
        """Everybody's tokens.

        Who may not see everybody's application keys is answered with the caller's own tokens, and with their number
        as the total: a listing that proves itself and would remove everybody else's.
        """
        plain = self._plain(source.access_tokens())

        def read(sink: Sink) -> Outcome:
            refused = _refusal(keys, source)
            return Outcome(refused, set()) if refused is not None else plain.read(sink)

        return replace(plain, read=read)

    def _memberships(
        self, source: Source, recorders: Mapping[Resource, Recorder[Any]], observed: Mapping[Resource, Observed]
    ) -> Reading[Any]:
        """The members of every team known: what the teams' own listing could not prove stays unproven here."""
        resource = Resource.TEAM_MEMBERSHIPS
        teams = observed[Resource.TEAMS].coverage

        def read(sink: Sink) -> Outcome:
            if teams.state in {CoverageState.DENIED, CoverageState.FAILED, CoverageState.SKIPPED}:
                reason = f"the listing of teams is {teams.state}" + (f": {teams.reason}" if teams.reason else "")
                return Outcome(Coverage(state=teams.state, reason=reason), set())
            ids = sorted(recorders[Resource.TEAMS].known())
            outcome = self._several(resource, [source.team_memberships(one) for one in ids], sink)
            if not teams.proven and outcome.coverage.proven:
                unproven = replace(
                    outcome.coverage, state=CoverageState.INCOMPLETE, reason="the list of teams is incomplete"
                )
                return Outcome(unproven, outcome.ids)
            return outcome

        def again(ids: list[str], sink: Sink) -> Outcome:
            concerned = sorted({one.partition(":")[0] for one in ids})
            return self._several(resource, [source.team_memberships(one) for one in concerned], sink)

        return Reading(resource=resource, read=read, get=None, read_again=again)

    def _several(self, resource: Resource, listings: Sequence[Listing[Any]], sink: Sink) -> Outcome:
        return read_several(listings, self.executor, sink, self.limits, self._counter(resource))

    def _counter(self, resource: Resource) -> Callable[[int, int | None], None]:
        return lambda received, expected: self.on_page(resource, received, expected)

    def _settle_absent(self, reading: Reading[R], recorder: Recorder[R], outcome: Outcome) -> str | None:
        """Remove who is proven gone; return why nobody was, where the guard refused."""
        absent = sorted(one for one in recorder.known() if one not in outcome.ids)
        candidates = absent
        if reading.resource is Resource.USERS:
            twice = self.suspects(reading.resource, absent)
            candidates = [one for one in absent if one in twice]
        if not absent:
            return None
        listed = len(outcome.ids)
        held = listed + len(absent)
        if absence.collapsed(held, listed, self.accepted):
            return f"the listing holds {listed:,} of {held:,} that were known"
        if reading.get is None:
            return self._settle_again(reading, recorder, candidates, listed)
        verdict = absence.confirm(
            reading.get, candidates, listed, self.executor, recorder.offer, self.accepted, self.own
        )
        recorder.flush()
        recorder.remove(verdict.removed)
        return verdict.refused

    def _settle_again(
        self, reading: Reading[R], recorder: Recorder[R], candidates: list[str], listed: int
    ) -> str | None:
        """Where no call reads one record, a second proven reading has to agree."""
        allowed = absence.limit(listed, self.accepted)
        foreign = [one for one in candidates if one not in self.own]
        if len(foreign) > allowed:
            return absence.too_many(len(foreign), listed, allowed)
        again = reading.read_again(candidates, recorder.offer)
        recorder.flush()
        if again.coverage.proven:
            recorder.remove([one for one in candidates if one not in again.ids])
        return None

    def _leave_with(self, teams: set[str], memberships: Recorder[Any]) -> None:
        """The memberships of a team that is proven gone are gone with it."""
        memberships.remove(list(_of_teams(memberships.known(), teams)))


def _refusal(keys: Coverage, source: Source) -> Coverage | None:
    """Why nobody's application keys but the caller's own can be seen; None where everybody's can."""
    if keys.proven:
        return None
    if keys.state is CoverageState.DENIED:
        return Coverage(state=keys.state, reason=keys.reason)
    try:
        source.application_keys().fetch(0, 1)
    except DeniedError as error:
        return Coverage(state=CoverageState.DENIED, passes=1, reason=f"needs {error.permission}")
    except UpstreamError as error:
        return Coverage(state=CoverageState.FAILED, passes=1, reason=error.message)
    return None


def _of_teams(memberships: Sequence[str] | Any, teams: set[str]) -> Iterator[str]:
    return (one for one in memberships if one.partition(":")[0] in teams)
