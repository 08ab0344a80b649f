"""Read everything that a report of one organization is made from."""

from datetime import datetime, timedelta
from functools import partial

from accesssync.findings.catalogue import ruleset
from accesssync.jobs.findings.picture import picture_at
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.inventory import View
from accesssync.reports.material import Material, Seen
from accesssync.store import changes, finding_history, inventory, material
from accesssync.store.decisions import latest_decisions
from accesssync.store.engine import Database
from accesssync.store.governed import governed_at
from accesssync.store.spans import ticketed

RECENT = timedelta(days=90)
"""How far back changes and runs are told of: a quarter, as most reviews look at."""


def material_at(engine: Database, view: View, rulebook: Rulebook, *, all_permissions: bool = False) -> Material:
    """One organization at one published run, whole. What may be long is read when it is asked for."""
    moment, at = view.moment, ended(view)
    since = at - RECENT
    seen = {run: Seen(when, baseline) for run, (when, baseline) in inventory.run_times(engine, view.org.id).items()}
    oldest = min((run for run, one in seen.items() if one.at is not None and one.at >= since), default=view.run.id)
    said = governed_at(engine, moment)
    entered = latest_decisions(engine, view.org.id, view.decided_until)
    decided = {**entered, **{id_: one.decision for (_, id_), one in said.items() if one.decision is not None}}
    return Material(
        org=view.org.name,
        run_id=view.run.id,
        at=at,
        latest=view.latest,
        picture=picture_at(engine, view, rulebook, at),
        seen=seen,
        first_runs=material.identity_runs(engine, moment),
        role_runs=material.role_runs(engine, moment),
        grant_runs=material.grant_runs(engine, moment),
        permission_runs=material.permission_runs(engine, moment),
        reasons=material.read_reasons(engine, moment),
        answers_for={key: (one.owner, one.purpose) for key, one in said.items()},
        reviews_due={id_: one.review_by for id_, one in decided.items() if one.review_by is not None},
        explained=material.explained_grants(engine, moment),
        findings=partial(finding_history.findings_at, engine, moment, at, view.decided_until),
        changes=partial(
            changes.list_changes, engine, view.org.name, view.org.id, after_run=oldest - 1, until_run=view.run.id
        ),
        attempts=partial(material.read_attempts, engine, view.org.id, view.decided_until),
        looks=partial(material.read_looks, engine, moment, since),
        ruleset=ruleset(),
        since=since,
        ticketed=ticketed(engine, view.org.id),
        all_permissions=all_permissions,
    )


def ended(view: View) -> datetime:
    """The end of the run: the moment that a report is about."""
    return view.run.finished_at or view.run.started_at
