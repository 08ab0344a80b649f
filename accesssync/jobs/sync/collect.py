"""Read every resource of an organization into the store, and settle who is gone."""

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from datetime import datetime
from typing import TypeVar

from msgspec import Struct

from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role
from accesssync.snapshot import absence
from accesssync.snapshot.listing import Limits, Outcome, read_listing
from accesssync.snapshot.source import Listing, Source
from accesssync.store.record import Recorder
from accesssync.store.runs import Observed

R = TypeVar("R", Identity, Role, Permission)

OnPage = Callable[[Resource, int, int | None], None]
Suspects = Callable[[Resource, list[str]], set[str]]


class Recorders(Struct, frozen=True):
    """One recorder per kind."""

    permissions: Recorder[Permission]
    roles: Recorder[Role]
    users: Recorder[Identity]


class Collected(Struct, frozen=True):
    """What came of every listing, and what the removal guard refused, by resource."""

    observed: Mapping[Resource, Observed]
    refused: Mapping[Resource, str]


class Collector(Struct, frozen=True, kw_only=True):
    """The means of one collection.

    `suspects` notes who a proven listing of users did not show, and tells who was missing from the one
    before as well.
    """

    executor: Executor
    limits: Limits
    skip: frozenset[Resource]
    accepted: int
    clock: Callable[[], datetime]
    suspects: Suspects
    on_page: OnPage

    def run(self, source: Source, recorders: Recorders) -> Collected:
        """Read permissions, roles and users, in this order: what names things comes before what refers to them."""
        observed: dict[Resource, Observed] = {}
        refused: dict[Resource, str] = {}
        self._one(source.permissions, Resource.PERMISSIONS, recorders.permissions, observed, refused)
        self._one(source.roles, Resource.ROLES, recorders.roles, observed, refused)
        self._one(source.users, Resource.USERS, recorders.users, observed, refused)
        return Collected(observed, refused)

    def _one(
        self,
        open_listing: Callable[[], Listing[R]],
        resource: Resource,
        recorder: Recorder[R],
        observed: dict[Resource, Observed],
        refused: dict[Resource, str],
    ) -> None:
        started = self.clock()
        if resource in self.skip:
            coverage = Coverage(state=CoverageState.SKIPPED, reason="ACCESSSYNC_SKIP")
        else:
            listing = open_listing()
            outcome = self._read(listing, recorder)
            coverage = outcome.coverage
            if coverage.proven:
                refusal = self._settle_absent(listing, recorder, outcome)
                if refusal:
                    refused[resource] = refusal
            recorder.flush()
        observed[resource] = Observed(coverage=coverage, started_at=started, finished_at=self.clock())

    def _read(self, listing: Listing[R], recorder: Recorder[R]) -> Outcome:
        def on_page(received: int, expected: int | None) -> None:
            self.on_page(listing.resource, received, expected)

        outcome = read_listing(listing, self.executor, recorder.offer, self.limits, on_page)
        recorder.flush()
        return outcome

    def _settle_absent(self, listing: Listing[R], recorder: Recorder[R], outcome: Outcome) -> str | None:
        """Remove who is proven gone; return why nobody was, where the guard refused."""
        absent = sorted(one for one in recorder.known() if one not in outcome.ids)
        candidates = absent
        if listing.resource is Resource.USERS:
            twice = self.suspects(listing.resource, absent)
            candidates = [one for one in absent if one in twice]
        if not absent:
            return None
        listed = len(outcome.ids)
        if absence.collapsed(recorder.stored_before, listed, self.accepted):
            return f"the listing holds {listed:,} where {recorder.stored_before:,} are stored"
        if listing.get is None:
            candidates = self._absent_again(listing, recorder, candidates)
            allowed = absence.limit(listed, self.accepted)
            if len(candidates) > allowed:
                return f"{len(candidates):,} would be removed, {allowed} is the most for one run"
            recorder.remove(candidates)
            return None
        verdict = absence.confirm(listing, candidates, listed, self.executor, recorder.offer, self.accepted)
        recorder.remove(verdict.removed)
        return verdict.refused

    def _absent_again(self, listing: Listing[R], recorder: Recorder[R], candidates: list[str]) -> list[str]:
        """Where no call reads one record, a second proven pass has to agree."""
        again = self._read(listing, recorder)
        return [one for one in candidates if one not in again.ids] if again.coverage.proven else []
