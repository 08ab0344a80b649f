"""The life of one run: lease, undo, collect, compare, publish."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from functools import partial
from time import monotonic
from typing import Protocol

from msgspec import Struct
from msgspec.structs import replace

from accesssync.errors import AccessSyncError, AuthenticationError, IncompleteError, PartialError, RefusedError
from accesssync.jobs.findings.evaluate import Evaluated, evaluate_published
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.forward.tell import Telling, keep_within_bounds, silence, told_removals
from accesssync.jobs.governance.apply import Applied, apply_governance
from accesssync.jobs.governance.directory import Governance
from accesssync.jobs.inventory import view_at
from accesssync.jobs.sync.attribute import NOT_READ, Attributing, Looks, asked, reading_from
from accesssync.jobs.sync.classify import Judging, classify_all, count_labels
from accesssync.jobs.sync.collect import Collected, Collector, OnPage
from accesssync.jobs.sync.drift import Look, Tally, dated
from accesssync.jobs.sync.news import RunNews
from accesssync.jobs.sync.own_writes import OwnWrites, since
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.model.trail import Reading
from accesssync.snapshot.listing import Limits
from accesssync.snapshot.source import Source
from accesssync.store import activity, history, inventory, runs
from accesssync.store.background import Background
from accesssync.store.changes import write_changes
from accesssync.store.engine import Database
from accesssync.store.intents import effective_since, settle_accepted
from accesssync.store.kinds import ALL
from accesssync.store.lease import Lease, leased
from accesssync.store.record import Recorder
from accesssync.store.trail import document_of
from accesssync.trail.read import Told
from accesssync.trail.source import TrailSource


class MeteredSource(Source, TrailSource, Protocol):
    """A source that knows what it has cost."""

    @property
    def requests(self) -> int: ...
    @property
    def rate_limited(self) -> int: ...
    @property
    def rate_limit_left(self) -> float | None: ...
    def close(self) -> None: ...


class Target(Struct, frozen=True, kw_only=True):
    """The organization to sync and how to reach it."""

    name: str
    site: str
    skip: frozenset[Resource]
    judging: Judging = Judging()
    governance: Governance = Governance()
    telling: Telling | None = None
    """What is published of it; None for nothing."""
    audit_trail: bool = False
    """Whether Datadog's Audit Trail is asked who made the changes."""
    open: Callable[[], MeteredSource]

    @property
    def told(self) -> Telling:
        """What is published of it."""
        return self.telling or silence(self.name)


class Terms(Struct, frozen=True, kw_only=True):
    """What the operator and the settings ask of a sync."""

    limits: Limits = Limits()
    concurrency: int = 8
    wait: bool = False
    accepted_removals: int = 0
    require_history: bool = False
    by: str = "accesssync"
    """On whose behalf, for the audit log."""


class World(Struct, frozen=True, kw_only=True):
    """Time and the screen."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    on_page: OnPage
    monotonic: Callable[[], float] = monotonic


class Synced(Struct, frozen=True, kw_only=True):
    """What came of one organization's sync. `run` is None where none could be begun."""

    org: str
    site: str
    run: runs.RunRecord | None
    observed: dict[Resource, runs.Observed]
    counts: dict[str, int]
    nhi: dict[str, int] = {}
    """Of the user records: how many are no people, by who says so."""
    org_domains: tuple[str, ...] = ()
    """The e-mail domains that were taken for the organization's own, as they were set or inferred."""
    governance: Applied = Applied()
    """What the files of the governance directory came to."""
    alerting: int = 0
    """Changes that the organization itself made; only these may alert anybody."""
    findings: Evaluated | None = None
    """What evaluating the published run came to; None where nothing was published."""
    previous_run: int | None
    error: AccessSyncError | None


def sync_org(engine: Database, target: Target, terms: Terms, world: World) -> Synced:
    """Observe one organization once.

    Never raises an AccessSyncError: it is part of the answer, so that one organization's failure is not another's.
    """
    try:
        return _sync(engine, target, terms, world)
    except AccessSyncError as error:
        error.org = error.org or target.name
        return Synced(
            org=target.name, site=target.site, run=None, observed={}, counts={}, previous_run=None, error=error
        )


def _sync(engine: Database, target: Target, terms: Terms, world: World) -> Synced:
    org = runs.ensure_org(engine, target.name, target.site, world.clock())
    if terms.require_history and org.published_run_id is None:
        raise RefusedError(
            "there is no earlier run to compare with",
            org=target.name,
            remedy="run once without --require-history to record the baseline",
        )
    with leased(engine, target.name, org.id, wait=terms.wait, sleep=world.sleep, holder=terms.by) as lease:
        run_id = runs.begin_run(engine, lease, world.clock())
        attempt = _Attempt(engine=engine, lease=lease, run_id=run_id, target=target, terms=terms, world=world)
        synced = _evaluated(attempt, attempt.carry_out())
        keep_within_bounds(engine, org.id, target.told, world.clock())
        return synced


def _evaluated(attempt: "_Attempt", synced: Synced) -> Synced:
    """Evaluate what was published. A failure here takes nothing of it back: the next evaluation does it again."""
    if synced.run is None or synced.run.undone:
        return synced
    target = attempt.target
    rulebook = Rulebook(governance=target.governance, domains={target.name: target.judging.org_domains})
    try:
        org = runs.find_org(attempt.engine, target.name)
        view = view_at(attempt.engine, org, None) if org else None
        if view is None:
            return synced
        found = evaluate_published(attempt.engine, attempt.lease, view, rulebook, attempt.world.clock(), target.told)
    except AccessSyncError as error:
        error.org = error.org or target.name
        return replace(synced, error=synced.error or error)
    return replace(synced, findings=found, error=synced.error or found.error)


class _Attempt(Struct, frozen=True, kw_only=True):
    """One run under way."""

    engine: Database
    lease: Lease
    run_id: int
    target: Target
    terms: Terms
    world: World

    def carry_out(self) -> Synced:
        """Collect and publish, or take everything back and say why."""
        started = self.world.clock()
        org = runs.find_org(self.engine, self.target.name)
        previous = org.published_run_id if org else None
        try:
            source = self.target.open()
        except AccessSyncError as error:
            return self._failed(error, started, previous, {}, None)
        try:
            account = source.account()
            runs.bind_org(self.engine, self.lease, self.target.site, account.org_id, account.org_name)
            collected = self._collect(source)
            verdict = judge(self.target.name, collected)
            if not any(_read(one.coverage) for one in collected.observed.values()):
                return self._failed(verdict, started, previous, dict(collected.observed), source)
            return self._publish(collected, verdict, started, previous, source)
        except AccessSyncError as failure:
            return self._failed(failure, started, previous, {}, source)
        except BaseException:
            # A signal or a bug. The facts of this run are taken back now if that is still possible, else by the next.
            with suppress(AccessSyncError):
                self._failed(AccessSyncError("interrupted"), started, previous, {}, source)
            raise
        finally:
            source.close()

    def _collect(self, source: MeteredSource) -> Collected:
        engine, lease, run_id, today = self.engine, self.lease, self.run_id, self.world.clock().date()

        def suspects(resource: Resource, ids: list[str]) -> set[str]:
            return runs.record_absences(engine, lease, run_id, resource, ids)

        with _readers(self.terms.concurrency) as executor, closing(Background()) as background:
            recorders = {kind.resource: Recorder(engine, lease, run_id, kind, today, background) for kind in ALL}
            collector = Collector(
                executor=executor,
                limits=self.terms.limits,
                skip=self.target.skip,
                accepted=self.terms.accepted_removals,
                own=self._own(self._proven_at(kind.resource) for kind in ALL).ended,
                clock=self.world.clock,
                suspects=suspects,
                on_page=self.world.on_page,
            )
            return collector.run(source, recorders)

    def _publish(
        self,
        collected: Collected,
        error: AccessSyncError | None,
        started: datetime,
        previous: int | None,
        source: MeteredSource,
    ) -> Synced:
        org_id, observed = self.lease.org_id, dict(collected.observed)
        judging, now = self.target.judging, self.world.clock()
        tally, reading = Tally(), NOT_READ
        since = self._trail_since(observed) if self.target.audit_trail and previous is not None else None
        with asked(source, since, self.world.clock, self.world.monotonic) as answer:
            domains = classify_all(self.engine, self.lease, self.run_id, judging, now, observed)
            applied = apply_governance(self.engine, self.lease, self.run_id, self.target.governance, now)
            if previous is None:
                tally.added = history.baseline_size(self.engine, org_id, self.run_id)
            else:
                reading = self._write_changes(tally, observed, now, answer())
        settle_accepted(self.engine, self.lease, now)
        activity.thin(self.engine, self.lease, self.world.clock().date())
        result = self._result(
            started,
            source,
            error,
            status=_status(error),
            baseline=previous is None,
            complete=all(
                one.coverage.state in {CoverageState.COMPLETE, CoverageState.SKIPPED} for one in observed.values()
            ),
            counts=inventory.current_counts(self.engine, org_id),
            tally=tally,
            reading=reading,
        )
        refused = [f"{resource.value}: {reason}" for resource, reason in collected.refused.items()]
        told = told_removals(self.target.told, self.run_id, refused, result.finished_at)
        runs.publish(self.engine, self.lease, self.run_id, observed, result, told)
        synced = self._synced(observed, previous, error, result.counts, tally.alerting)
        return replace(synced, org_domains=domains, governance=applied)

    def _trail_since(self, observed: Iterable[Resource]) -> datetime:
        return reading_from((self._proven_at(resource) for resource in observed), self.world.clock())

    def _write_changes(
        self, tally: Tally, observed: dict[Resource, runs.Observed], now: datetime, told: Told
    ) -> Reading:
        org_id = self.lease.org_id
        before = {resource: self._look(resource) for resource in observed}
        changes = dated(
            history.deltas(self.engine, org_id, self.run_id),
            org=self.target.name,
            run_id=self.run_id,
            before=before,
            now=observed,
        )
        own = self._own(look.proven_at for look in before.values())
        attributing = Attributing(self.engine, self.lease, self.run_id, told, own=own.touched)
        changes = attributing.naming(own.explained(changes))
        news = RunNews(self.engine, self.lease, self.run_id, self.target.told, self.target.governance, now)
        write_changes(self.engine, self.lease, self.run_id, tally.counting(changes), now, news.teller())
        news.tell_verdicts(before, observed)
        looks = {name: one.started_at for name, one in observed.items() if one.coverage.proven}
        return attributing.settle(Looks(looks, partial(runs.first_proven, self.engine, org_id)))

    def _proven_at(self, resource: Resource) -> datetime | None:
        proven = runs.last_proven(self.engine, self.lease.org_id, resource)
        return proven.started_at if proven else None

    def _own(self, proven: Iterable[datetime | None]) -> OwnWrites:
        """What we wrote ourselves since the last proven looks."""
        start = since(proven)
        return OwnWrites(effective_since(self.engine, self.lease.org_id, start) if start is not None else ())

    def _look(self, resource: Resource) -> Look:
        org_id = self.lease.org_id
        shown: dict[str, datetime | None] = {}
        for record_id, missed in runs.absent_since(self.engine, org_id, resource).items():
            if missed < self.run_id:
                seen = runs.last_proven(self.engine, org_id, resource, before_run=missed)
                shown[record_id] = seen.started_at if seen else None
        return Look(self._proven_at(resource), shown)

    def _failed(
        self,
        error: AccessSyncError | None,
        started: datetime,
        previous: int | None,
        observed: dict[Resource, runs.Observed],
        source: MeteredSource | None,
    ) -> Synced:
        result = self._result(
            started, source, error, status="failed", baseline=False, complete=False, counts={}, tally=Tally()
        )
        runs.fail(self.engine, self.lease, self.run_id, observed, result)
        counts = inventory.current_counts(self.engine, self.lease.org_id)
        return self._synced(observed, previous, error, counts)

    def _result(
        self,
        started: datetime,
        source: MeteredSource | None,
        error: AccessSyncError | None,
        *,
        status: str,
        baseline: bool,
        complete: bool,
        counts: dict[str, int],
        tally: Tally,
        reading: Reading = NOT_READ,
    ) -> runs.Result:
        finished = self.world.clock()
        return runs.Result(
            finished_at=finished,
            status=status,
            baseline=baseline,
            complete=complete,
            requests=source.requests if source else 0,
            duration_seconds=max(0.0, (finished - started).total_seconds()),
            rate_limit_left=source.rate_limit_left if source else None,
            counts=counts,
            added=tally.added,
            updated=tally.updated,
            removed=tally.removed,
            error_code=error.code if error else None,
            error=error.line() if error else None,
            rate_limited=source.rate_limited if source else None,
            audit_trail=document_of(reading) if self.target.audit_trail else None,
        )

    def _synced(
        self,
        observed: dict[Resource, runs.Observed],
        previous: int | None,
        error: AccessSyncError | None,
        counts: dict[str, int],
        alerting: int = 0,
    ) -> Synced:
        if error is not None:
            error.org = error.org or self.target.name
        return Synced(
            org=self.target.name,
            site=self.target.site,
            run=runs.get_run(self.engine, self.run_id),
            observed=observed,
            counts=counts,
            nhi=count_labels(self.engine, self.lease.org_id),
            alerting=alerting,
            previous_run=previous,
            error=error,
        )


@contextmanager
def _readers(count: int) -> Iterator[ThreadPoolExecutor]:
    """Threads that read; whoever is told to stop does not wait for what they are reading."""
    executor = ThreadPoolExecutor(count, thread_name_prefix="read")
    try:
        yield executor
    except Exception:
        executor.shutdown(wait=True, cancel_futures=True)
        raise
    except BaseException:
        executor.shutdown(wait=False, cancel_futures=True)
        raise
    executor.shutdown(wait=True)


def judge(org: str, collected: Collected) -> AccessSyncError | None:
    """What is wrong with a collection as a whole; the worst thing first. None where nothing is."""
    coverages = {resource: one.coverage for resource, one in collected.observed.items()}
    short = {r: c for r, c in coverages.items() if c.state in {CoverageState.INCOMPLETE, CoverageState.FAILED}}
    denied = {r: c for r, c in coverages.items() if c.state is CoverageState.DENIED}
    if short:
        what = ", ".join(f"{resource} ({coverage.reason})" for resource, coverage in short.items())
        return IncompleteError(
            f"not proven complete: {what}",
            org=org,
            remedy="nobody was removed; run again, and see accesssync status",
        )
    if collected.refused:
        what = ", ".join(f"{resource}: {reason}" for resource, reason in collected.refused.items())
        return RefusedError(
            f"removals refused: {what}",
            org=org,
            remedy="if they are really gone, run once: accesssync sync --accept-removals N",
        )
    if denied and not any(_read(coverage) for coverage in coverages.values()):
        what = ", ".join(f"{resource} {coverage.reason}" for resource, coverage in denied.items())
        return AuthenticationError(
            f"the keys may read nothing: {what}", org=org, remedy="give the key's owner these permissions"
        )
    if denied:
        what = ", ".join(f"{resource} {coverage.reason}" for resource, coverage in denied.items())
        return PartialError(
            f"denied: {what}", org=org, remedy="give the permission, or name the resource in ACCESSSYNC_SKIP"
        )
    degraded = {r: c.degraded for r, c in coverages.items() if c.degraded}
    if degraded:
        what = ", ".join(f"{count} {resource}" for resource, count in degraded.items())
        return PartialError(
            f"records with attributes that could not be understood: {what}",
            org=org,
            remedy="what was known of these attributes is kept",
        )
    return None


def _read(coverage: Coverage) -> bool:
    return coverage.state in {CoverageState.COMPLETE, CoverageState.INCOMPLETE}


def _status(error: AccessSyncError | None) -> str:
    if error is None:
        return "succeeded"
    return "failed" if isinstance(error, IncompleteError) else "partial"
