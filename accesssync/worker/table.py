"""The table of jobs: what the worker does, how often unless told otherwise, and how long it may take.

To add a job, write its use case in `jobs/`, a function here that calls it and says what came of it, and an entry. Its
schedule is a setting `ACCESSSYNC_SCHEDULE__NAME`.
"""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from accesssync.model.schedule import Schedule, parse_schedule
from accesssync.settings import Settings
from accesssync.worker.leash import Leash
from accesssync.worker.work import Job, Means, Outcome, outcome_of

if TYPE_CHECKING:
    from accesssync.datadog.transport import Event

GRACE_SECONDS = 60.0
"""What a run gets on top of its own deadline for reading, to compare and write."""


REPORT_SECONDS = 3600.0
"""How long a report may take: the largest take minutes."""

DIGEST_SPAN = timedelta(days=7)
"""What a digest is about."""

RETENTION_SECONDS = 3600.0
"""How long deleting may take at a time; the rest goes the next day."""


def sync(means: Means, org: str, leash: Leash) -> Outcome:
    """Observe one organization, store and compare."""
    from accesssync.jobs.opening import targets, terms
    from accesssync.jobs.sync.run import World, sync_org

    [target] = targets(
        means.settings,
        [org],
        sleep=leash.sleep,
        monotonic=means.monotonic,
        rng=means.rng,
        on_event=partial(heard, means),
        on_answer=lambda name, status: means.metrics.requests.labels(name, str(status)).inc(),
    )
    world = World(clock=means.now, sleep=leash.sleep, on_page=lambda _what, _done, _total: leash.check())
    synced = sync_org(means.database, target, terms(means.settings, by=means.settings.operator or "worker"), world)
    run = synced.run
    if synced.error is not None:
        return outcome_of(synced.error, run.id if run else None)
    if run is None:
        raise RuntimeError("a sync without a run or an error")
    proven = sum(one.coverage.state in {"complete", "skipped"} for one in synced.observed.values())
    changed = f"{run.added} added, {run.updated} updated, {run.removed} removed"
    what = "baseline" if run.baseline else changed if run.added + run.updated + run.removed else "nothing changed"
    return Outcome(
        kind="done", text=f"proven {proven}/{len(synced.observed)}, {what}, {run.requests} requests", run_id=run.id
    )


def evaluate(means: Means, org: str, leash: Leash) -> Outcome:
    """Run every check over what is stored: some findings come of time alone."""
    from accesssync.jobs.findings.evaluate import evaluate_orgs
    from accesssync.jobs.findings.rulebook import rulebook_of
    from accesssync.jobs.forward.tell import tellings
    from accesssync.jobs.governance.directory import load_governance
    from accesssync.store.runs import find_org

    known = find_org(means.database, org)
    if known is None or known.published_run_id is None:
        return Outcome(kind="done", text="nothing to evaluate before the first sync")
    rulebook = rulebook_of(means.settings, load_governance(means.settings.governance_dir, means.now().date()))
    [judged] = evaluate_orgs(
        means.database, [org], rulebook, clock=means.now, sleep=leash.sleep, telling=tellings(means.settings)
    )
    if judged.error is not None:
        return outcome_of(judged.error)
    if judged.evaluated is None:
        raise RuntimeError("an evaluation without a result or an error")
    told = judged.evaluated
    return Outcome(kind="done", text=f"{told.opened} opened, {told.resolved} resolved, {told.open} open")


def plan(means: Means, org: str, leash: Leash) -> Outcome:  # noqa: ARG001 - a file says itself whom it is for
    """Plan from every access file, and apply what the settings let be applied."""
    from accesssync.jobs.provision.apply import World
    from accesssync.jobs.provision.doors import doors, observe_once
    from accesssync.jobs.provision.reconcile import reconcile
    from accesssync.settings import OrgSettings

    settings, by = means.settings, means.settings.operator or "worker"

    def observe(one: OrgSettings) -> None:
        observe_once(
            means.database,
            settings,
            one,
            clock=means.now,
            sleep=leash.sleep,
            monotonic=means.monotonic,
            rng=means.rng,
            by=by,
        )

    # Nobody stops between a write and its confirmation; between two writes is the place.
    ways = doors(
        settings, sleep=leash.sit_out, monotonic=means.monotonic, rng=means.rng, on_event=partial(heard, means)
    )
    world = World(clock=means.now, sleep=leash.sit_out, on_done=lambda _done, _of: leash.check())
    done = reconcile(means.database, settings, ways, observe, world, by=by, orgs=list(means.orgs))
    for one in done:
        leash.check()
        actions = len(one.planned.plan.actions) if one.planned else 0
        applied = f"{len(one.applied.results)} applied" if one.applied else one.why
        level = "warning" if one.error or one.why.startswith(("refused", "needs")) else "info"
        means.log("plan.file", f"{one.path}: {actions} actions, {applied}", level=level, actions=actions)
    failed = [one.error or (one.applied.error if one.applied else None) for one in done]
    errors = [error for error in failed if error is not None]
    if errors and len(errors) == len(done):
        return outcome_of(errors[0])
    text = f"{len(done)} access files, {len(errors)} failed"
    if errors:
        return Outcome(kind="partial", text=f"{text}: {errors[0].line()}", error=errors[0])
    return Outcome(kind="done", text=text)


def watch(means: Means, org: str, leash: Leash) -> Outcome:
    """Look for new holders of the most harmful permissions and new keys; what is new makes a sync due."""
    from accesssync.jobs.opening import open_org
    from accesssync.jobs.watch import watch as look
    from accesssync.store import job_states

    [settings] = means.settings.organizations([org])
    source = open_org(
        means.settings,
        settings,
        sleep=leash.sleep,
        monotonic=means.monotonic,
        rng=means.rng,
        on_event=partial(heard, means),
        on_answer=lambda status: means.metrics.requests.labels(org, str(status)).inc(),
    )
    try:
        found = look(means.database, org, source, means.now())
    finally:
        source.close()
    if not found.known:
        return Outcome(kind="done", text="nothing to compare with before the first sync")
    for one in found.new:
        means.log("watch.seen", f"{org}: {one.text}", level="warning", org=org, kind=one.kind, id=one.id)
    means.metrics.seen.labels(org).inc(len(found.new))
    if found.new:
        job_states.request(means.database, "sync", org, at=means.now(), now=means.now())
    missing = f"; not seen: {', '.join(found.denied)}" if found.denied else ""
    what = f"{len(found.new)} new, a sync is due" if found.new else "nothing new"
    text = f"{what} in {found.roles} roles and the keys, {source.requests} requests{missing}"
    return Outcome(kind="done", text=text)


def report(means: Means, org: str, leash: Leash) -> Outcome:  # noqa: ARG001 - it is of all of them
    """Write a report of all organizations, and remove the oldest ones."""
    from uuid import UUID

    from accesssync.jobs.report.generations import make_generation

    kept = make_generation(
        means.database,
        means.settings,
        names=means.orgs,
        by=means.settings.operator or "worker",
        now=means.now(),
        token=UUID(int=means.rng.getrandbits(128), version=4),
        check=leash.check,
    )
    for text in kept.made.warnings:
        means.log("report.note", text, level="warning")
    older = f", {kept.removed} older removed" if kept.removed else ""
    text = f"{len(kept.made.files)} files in {kept.made.out}{older}"
    error = kept.made.choice.error
    if error is not None:
        return Outcome(kind="partial", text=f"{text}: {error.line()}", error=error)
    return Outcome(kind="done", text=text)


def forward(means: Means, org: str, leash: Leash) -> Outcome:
    """Deliver what waits to be published; a way that failed lately is left alone for a while."""
    from accesssync.jobs.forward.deliver import World
    from accesssync.jobs.forward.run import Connecting, deliver_all

    world = World(
        clock=means.now,
        sleep=leash.sleep,
        rng=means.rng,
        check=leash.check,
        on_progress=lambda _what, _done, _of: None,
    )
    connecting = Connecting(
        sleep=leash.sleep,
        monotonic=means.monotonic,
        rng=means.rng,
        on_answer=lambda name, status: means.metrics.requests.labels(name, str(status)).inc(),
    )
    turns = []
    for turn in deliver_all(means.database, means.settings, [org], connecting, world, patient=True):
        turns.append(turn)
        means.metrics.published(turn.org, turn.stream, turn.route, turn.delivered, turn.dead, turn.lost, turn.dropped)
        if turn.error is not None:
            text = f"{org} {turn.stream} to {turn.route}: {turn.error}; {turn.remedy or 'it is tried again'}"
            means.log("forward.kept", text, level="warning", org=org, stream=turn.stream, waiting=turn.waiting)
    done = sum(turn.delivered for turn in turns if turn.stream != "metrics")
    waiting = sum(turn.waiting for turn in turns)
    kept = [turn for turn in turns if turn.error is not None]
    text = f"{done:,} delivered, {waiting:,} waiting"
    # Each way has its own pauses: a failed turn here would make those wait that get through.
    return Outcome(kind="partial" if kept else "done", text=text)


def digest(means: Means, org: str, leash: Leash) -> Outcome:  # noqa: ARG001 - it is read at once
    """Tell what the last seven days came to, wherever the alerts go."""
    from accesssync.jobs.forward.digest import keep_digest
    from accesssync.jobs.forward.tell import tellings
    from accesssync.store.runs import find_org

    known = find_org(means.database, org)
    if known is None or known.published_run_id is None:
        return Outcome(kind="done", text="nothing to tell before the first sync")
    now = means.now()
    kept = keep_digest(means.database, known, tellings(means.settings)(org), now - DIGEST_SPAN, now)
    return Outcome(kind="done", text="told" if kept else "the alerts are off")


def retention(means: Means, org: str, leash: Leash) -> Outcome:  # noqa: ARG001 - it concerns all of them
    """Delete what is older than it has to be kept."""
    from accesssync.jobs.retention import retain

    deleted = retain(means.database, means.settings, means.now(), leash.check)
    told = ", ".join(f"{count:,} of {table}" for table, count in deleted.items())
    return Outcome(kind="done", text=f"deleted {told}" if told else "nothing is too old")


def heard(means: Means, event: "Event") -> None:
    """A wait of the connection, for the log and the metrics."""
    if event.limited:
        means.metrics.waits.labels(event.org).inc()
        means.metrics.waited.labels(event.org).inc(event.wait)
    means.log(
        event.kind,
        f"{event.org} {event.resource}: {event.reason}; waiting {event.wait:.1f} s",
        level="warning",
        org=event.org,
        resource=event.resource,
        wait_seconds=round(event.wait, 3),
    )


def _schedule(name: str) -> Callable[[Settings], Schedule]:
    return lambda settings: parse_schedule(getattr(settings, f"schedule_{name}"))


def _plan_schedule(settings: Settings) -> Schedule:
    """Never, where there is nothing to plan from."""
    return parse_schedule(settings.schedule_plan if settings.access_files else "off")


def _forward_schedule(settings: Settings) -> Schedule:
    """Never, where no stream is on."""
    on = settings.forward_streams or settings.forward_metrics
    return parse_schedule(settings.schedule_forward if on else "off")


def _digest_schedule(settings: Settings) -> Schedule:
    """Never, where the alerts that it goes with are off."""
    return parse_schedule(settings.schedule_digest if settings.forward_alerts else "off")


def _run_deadline(settings: Settings) -> float:
    return settings.run_deadline + GRACE_SECONDS


JOBS = {
    job.name: job
    for job in (
        Job(
            name="sync",
            summary="observe the organizations, store what changed",
            schedule=_schedule("sync"),
            per_org=True,
            deadline=_run_deadline,
            run=sync,
        ),
        Job(
            name="evaluate",
            summary="run every check again: some findings come of time alone",
            schedule=_schedule("evaluate"),
            per_org=True,
            aside=True,
            deadline=_run_deadline,
            run=evaluate,
        ),
        Job(
            name="plan",
            summary="plan from the access files, and apply what the settings let be applied",
            schedule=_plan_schedule,
            per_org=False,
            aside=True,
            deadline=_run_deadline,
            run=plan,
        ),
        Job(
            name="watch",
            summary="look for new holders of the most harmful permissions and for new keys",
            schedule=_schedule("watch"),
            per_org=True,
            aside=True,
            deadline=_run_deadline,
            run=watch,
        ),
        Job(
            name="report",
            summary="write a report of all organizations, where a schedule for it is set",
            schedule=_schedule("report"),
            per_org=False,
            aside=True,
            deadline=lambda _settings: REPORT_SECONDS,
            run=report,
        ),
        Job(
            name="forward",
            summary="deliver what waits to be published",
            schedule=_forward_schedule,
            per_org=True,
            aside=True,
            deadline=_run_deadline,
            run=forward,
        ),
        Job(
            name="digest",
            summary="tell what the last seven days came to, wherever the alerts go",
            schedule=_digest_schedule,
            per_org=True,
            aside=True,
            deadline=_run_deadline,
            run=digest,
        ),
        Job(
            name="retention",
            summary="delete what is older than it has to be kept",
            schedule=_schedule("retention"),
            per_org=False,
            aside=True,
            deadline=lambda _settings: RETENTION_SECONDS,
            run=retention,
        ),
    )
}
