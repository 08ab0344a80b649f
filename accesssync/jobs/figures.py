"""What the store knows of every organization, in numbers for a monitoring system."""

from collections.abc import Sequence
from datetime import datetime

from msgspec import Struct

from accesssync.jobs.sync.classify import count_labels
from accesssync.store import findings, inventory, job_states, runs
from accesssync.store.engine import Database


class Figures(Struct, frozen=True, kw_only=True):
    """One organization. Ages are in seconds, None for what never happened."""

    org: str
    proven_age: float | None
    tried_age: float | None
    last_duration: float | None
    last_ok: bool
    identities: dict[str, int]
    findings: dict[str, int]
    """Open ones by severity."""


def figures(engine: Database, names: Sequence[str], now: datetime) -> list[Figures]:
    """Figures of the organizations of these names that the store knows."""
    return [_of(engine, org, now) for org in runs.find_orgs(engine) if org.name in set(names)]


def _of(engine: Database, org: runs.OrgRecord, now: datetime) -> Figures:
    last = runs.last_run(engine, org.id)
    proven = runs.last_run(engine, org.id, complete=True)
    kinds: dict[str, int] = {}
    if org.published_run_id is not None:
        counts, labels = inventory.current_counts(engine, org.id), count_labels(engine, org.id)
        machines = labels["total"] + labels["review"]
        kinds = {
            "human": max(0, counts["users"] - machines),
            "nhi_declared": labels["declared"],
            "nhi_inferred": labels["inferred"],
            "review": labels["review"],
        }
    return Figures(
        org=org.name,
        proven_age=_age(proven.finished_at if proven else None, now),
        tried_age=_age(last.started_at if last else None, now),
        last_duration=last.duration_seconds if last and last.finished_at else None,
        last_ok=bool(last and last.status == "succeeded"),
        identities=kinds,
        findings=findings.open_by_severity(engine, org.id, now.date()),
    )


def overdue(engine: Database, now: datetime) -> dict[str, int]:
    """By job, how many of its turns are due and not begun, or never ended."""
    found: dict[str, int] = {}
    for state in job_states.load(engine):
        found[state.job] = found.get(state.job, 0) + (state.next_at <= now)
    return found


def _age(at: datetime | None, now: datetime) -> float | None:
    # A clock that was set back must not make anything come from the future.
    return None if at is None else max(0.0, (now - at).total_seconds())
