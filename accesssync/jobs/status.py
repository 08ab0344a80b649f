"""How fresh and how complete what is stored is, per organization."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from accesssync.jobs.findings.listing import open_counts
from accesssync.jobs.forward.run import Standing
from accesssync.jobs.inventory import Document, chosen_orgs, time_or_none
from accesssync.model.coverage import CoverageState
from accesssync.store import inventory, job_states, runs, sightings
from accesssync.store.engine import Database

QUARTER = timedelta(days=91)


def status(
    engine: Database,
    names: list[str],
    now: datetime,
    configured: Mapping[str, str],
    publishing: Sequence[Standing] = (),
) -> list[Document]:
    """One document per organization, by name: those stored, and those `configured` (name to site) and never synced.

    Without the latter, an organization that nobody ever managed to sync would be missing where it is watched for.
    `publishing` is how the ways of the outbox stand.
    """
    stored = [_status(engine, org, now) for org in chosen_orgs(engine, names)]
    for one in stored:
        one["outbox"] = _outbox([way for way in publishing if way.org == one["org"]], now)
    known = {one["org"] for one in stored}
    missing = [_never(name, site) for name, site in configured.items() if not names and name not in known]
    return sorted([*stored, *missing], key=lambda one: str(one["org"]))


def _never(name: str, site: str) -> Document:
    return {
        "org": name,
        "site": site,
        "datadog_org": None,
        "proven_at": None,
        "proven_age_seconds": None,
        "proven_run": None,
        "published_run": None,
        "last_run": None,
        "coverage": {},
        "proven_resources": 0,
        "resources": 0,
        "counts": {},
        "quarter": {"runs": 0, "proven": 0, "longest_gap_seconds": None},
        "findings": {},
        "jobs": [],
        "sightings": [],
        "outbox": _outbox([], None),
    }


def _outbox(ways: Sequence[Standing], now: datetime | None) -> Document:
    """How much waits to be published, and what of it was lost; an entry for two destinations counts twice."""
    oldest = min((way.oldest for way in ways if way.oldest is not None), default=None)
    return {
        "waiting": sum(way.waiting for way in ways),
        "oldest_age_seconds": max(0.0, (now - oldest).total_seconds()) if now and oldest else None,
        "dead": sum(way.dead for way in ways),
        "lost": sum(way.lost for way in ways),
        "dropped": sum(way.dropped for way in ways),
        "stopped": [f"{way.stream} to {way.route}: {way.error}" for way in ways if way.state == "stopped"],
    }


def _status(engine: Database, org: runs.OrgRecord, now: datetime) -> Document:
    last = runs.last_run(engine, org.id)
    proven = runs.last_run(engine, org.id, complete=True)
    published = runs.last_run(engine, org.id, published=True)
    # A run that is under way, or that failed at its first request, says nothing about any resource.
    told = [run for run in (last, published) if run is not None]
    coverage = next((found for run in told if (found := runs.coverage_of(engine, run.id))), {})
    proven_at = proven.finished_at if proven else None
    return {
        "org": org.name,
        "site": org.site,
        "datadog_org": org.datadog_name,
        "proven_at": time_or_none(proven_at),
        # A clock that was set back must not make a snapshot come from the future.
        "proven_age_seconds": max(0.0, (now - proven_at).total_seconds()) if proven_at else None,
        "proven_run": f"run-{proven.id}" if proven else None,
        "published_run": f"run-{published.id}" if published else None,
        "last_run": _run(last) if last else None,
        "coverage": {
            resource.value: {
                "state": one.coverage.state.value,
                "received": one.coverage.received,
                "expected": one.coverage.expected,
                "passes": one.coverage.passes,
                "reason": one.coverage.reason,
            }
            for resource, one in coverage.items()
        },
        "proven_resources": sum(
            one.coverage.state in {CoverageState.COMPLETE, CoverageState.SKIPPED} for one in coverage.values()
        ),
        "resources": len(coverage),
        "counts": inventory.current_counts(engine, org.id) if published else {},
        "findings": open_counts(engine, org.id, now),
        "quarter": _quarter(engine, org, now),
        "sightings": [
            {"kind": one.kind, "id": one.id, "text": one.text, "seen_at": time_or_none(one.seen_at)}
            for one in sightings.unconfirmed(engine, org.id)
        ],
        "jobs": [_job(state, now) for state in job_states.of_org(engine, org.name)],
    }


def _job(state: job_states.JobState, now: datetime) -> Document:
    """What the worker last did for this organization, and when it is due again: negative seconds are overdue."""
    return {
        "job": state.job,
        "next_at": time_or_none(state.next_at),
        "next_seconds": round((state.next_at - now).total_seconds(), 3),
        "under_way": state.unfinished,
        "last_at": time_or_none(state.finished_at),
        "last_outcome": state.outcome,
        "failures": state.failures,
        "deferrals": state.deferrals,
        "error": state.error,
    }


def _run(run: runs.RunRecord) -> Document:
    return {
        "run_id": f"run-{run.id}",
        "status": run.status,
        "started_at": time_or_none(run.started_at),
        "finished_at": time_or_none(run.finished_at),
        "requests": run.requests,
        "duration_seconds": round(run.duration_seconds, 3),
        "error": run.error,
    }


def _quarter(engine: Database, org: runs.OrgRecord, now: datetime) -> Document:
    """How many runs of the last 91 days were proven, and the longest time without one."""
    recent = [run for run in runs.list_runs(engine, org.id) if run.started_at >= now - QUARTER]
    ended = [run.finished_at for run in recent if run.complete and run.finished_at is not None]
    gaps = [(later - earlier).total_seconds() for earlier, later in zip(ended, [*ended[1:], now], strict=False)]
    return {
        "runs": len(recent),
        "proven": len(ended),
        "longest_gap_seconds": max([0.0, *gaps]) if ended else None,
    }
