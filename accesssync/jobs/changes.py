"""What changed, in which window; and everything known about one identity, in order."""

from collections.abc import Iterator
from typing import Any

from accesssync.errors import UsageError
from accesssync.jobs.inventory import Document, chosen_orgs, time_or_none, view_at
from accesssync.model.change import Cause, Change, change_id
from accesssync.model.coverage import Resource
from accesssync.model.when import AtRun, When
from accesssync.store import changes as stored
from accesssync.store import history, inventory, runs
from accesssync.store.activity import recorded
from accesssync.store.engine import Database


def changes(
    engine: Database, names: list[str], *, since: When | None, until: When | None, baseline: bool
) -> Iterator[Change]:
    """Changes after `since` up to `until`, oldest first; those of a first run only with `baseline`.

    A run as `since` is itself excluded. A time stands for the last run published by then.
    """
    orgs = chosen_orgs(engine, names)
    for when in (since, until):
        if isinstance(when, AtRun) and all(_run_by(engine, org, when) is None for org in orgs):
            raise UsageError(f"run-{when.run_id} is not a published run of these organizations")
    for org in orgs:
        span = _span(engine, org, since, until)
        if span is None:
            continue
        after, last = span
        if baseline:
            for run in runs.list_runs(engine, org.id, published=True):
                if run.baseline and after < run.id <= last:
                    yield from baseline_changes(engine, org, run)
        yield from stored.list_changes(engine, org.name, org.id, after_run=after, until_run=last)


def _span(engine: Database, org: runs.OrgRecord, since: When | None, until: When | None) -> tuple[int, int] | None:
    """The runs meant, as (after this one, up to this one); None where none can be."""
    if org.published_run_id is None:
        return None
    after, last = 0, org.published_run_id
    if until is not None:
        end = _run_by(engine, org, until)
        if end is None:
            return None
        last = min(end, last)
    if since is not None:
        start = _run_by(engine, org, since)
        if start is None and isinstance(since, AtRun):
            return None
        after = start or 0
    return after, last


def _run_by(engine: Database, org: runs.OrgRecord, when: When) -> int | None:
    if isinstance(when, AtRun):
        view = view_at(engine, org, when)
        return view.run.id if view else None
    run = runs.run_at(engine, org.id, when.time)
    return run.id if run else None


def baseline_changes(
    engine: Database, org: runs.OrgRecord, run: runs.RunRecord, only: str | None = None
) -> Iterator[Change]:
    """What the first run found, as additions. They are read from the facts: a baseline stores no changes."""
    observed = runs.coverage_of(engine, run.id)
    for delta in history.deltas(engine, org.id, run.id, only):
        seen = observed.get(delta.resource)
        ended = seen.finished_at if seen else run.finished_at or run.started_at
        yield Change(
            id=change_id(org.name, run.id, delta),
            org=org.name,
            run_id=run.id,
            observed_after=None,
            observed_before=ended,
            kind=delta.kind,
            cause=Cause.ORG,
            subject_id=delta.subject_id,
            subject=delta.subject,
            fields=delta.fields,
            baseline=True,
        )


def document(change: Change) -> Document:
    """A change as the contract writes it."""
    return {
        "id": change.id,
        "org": change.org,
        "run_id": f"run-{change.run_id}",
        "observed_after": time_or_none(change.observed_after),
        "observed_before": time_or_none(change.observed_before),
        "kind": change.kind,
        "cause": change.cause.value,
        "subject_id": change.subject_id,
        "subject": change.subject,
        "fields": {name: list(pair) for name, pair in change.fields.items()},
        "actor": change.actor,
        "explanation": change.explanation,
        "baseline": change.baseline,
    }


def timeline(engine: Database, names: list[str], text: str) -> list[Document]:
    """Everything recorded about whoever has, or ever had, `text` as id, e-mail or handle, oldest first.

    UsageError where nobody ever did.
    """
    events: list[Document] = []
    known = False
    for org in chosen_orgs(engine, names):
        view = view_at(engine, org, None)
        if view is None:
            continue
        for identity_id in inventory.ever_identities(engine, org.id, view.run.id, text):
            known = True
            events += _events(engine, org, identity_id, view.run.id)
    if not known:
        raise UsageError(
            f"nobody has or ever had {text!r} as id, e-mail or handle", remedy="accesssync identities lists everybody"
        )
    return sorted(events, key=lambda event: (event["at"], event["kind"]))


def _events(engine: Database, org: runs.OrgRecord, identity_id: str, run_id: int) -> list[Document]:
    events: list[dict[str, Any]] = []
    for run in runs.list_runs(engine, org.id, published=True):
        if run.baseline:
            events += [_event(change) for change in baseline_changes(engine, org, run, identity_id)]
    seen = stored.list_changes(engine, org.name, org.id, until_run=run_id, subject_id=identity_id)
    events += [_event(change) for change in seen]
    for value, seen_on in recorded(engine, org.id, Resource.USERS, identity_id, "last_login_at"):
        events.append(
            {
                "org": org.name,
                "at": time_or_none(value),
                "kind": "activity.login",
                "subject_id": identity_id,
                "subject": None,
                "recorded_on": seen_on.isoformat(),
            }
        )
    return events


def _event(change: Change) -> Document:
    return {"at": time_or_none(change.observed_before), **document(change)}
