"""Bring organizations to what their access files say, again and again: plan always, apply only what is harmless."""

from datetime import datetime
from pathlib import Path

from msgspec import Struct

from accesssync.errors import AccessSyncError
from accesssync.jobs.provision.apply import Applied, World, apply
from accesssync.jobs.provision.plan import Observe, Planned, organization_of, plan_from
from accesssync.jobs.provision.plan_file import read
from accesssync.jobs.provision.terms import Doors
from accesssync.settings import Settings
from accesssync.store.engine import Database


class Reconciled(Struct, frozen=True, kw_only=True):
    """What came of one access file. `applied` is None where nothing was applied, and `why` says why."""

    path: Path
    planned: Planned | None
    applied: Applied | None = None
    why: str = ""
    error: AccessSyncError | None = None


def reconcile(
    engine: Database,
    settings: Settings,
    doors: Doors,
    observe: Observe,
    world: World,
    *,
    by: str,
    orgs: list[str] | None = None,
) -> list[Reconciled]:
    """Plan from every access file of the settings; apply where they allow it, and then only what adds.

    One file's failure is not another's: it is part of the answer. With `orgs`, a file that says that it is for another
    organization is left alone; one that does not say for which is for these.
    """
    return [
        _one(engine, settings, path, doors, observe, world, by=by, orgs=orgs or []) for path in settings.access_files
    ]


def _one(
    engine: Database,
    settings: Settings,
    path: Path,
    doors: Doors,
    observe: Observe,
    world: World,
    *,
    by: str,
    orgs: list[str],
) -> Reconciled:
    now: datetime = world.clock()
    applies = settings.reconcile_apply
    planned: Planned | None = None
    try:
        named = organization_of(path)
        if orgs and named is not None and named not in orgs:
            return Reconciled(path=path, planned=None, why=f"it is for {named}")
        planned = plan_from(
            engine,
            settings,
            path,
            [named] if named else orgs,
            doors,
            observe,
            mode=None,
            author=by,
            now=now,
            only_adding=applies,
        )
        why = _why_not(planned, applies)
        if why:
            return Reconciled(path=path, planned=planned, why=why)
        ready = read(engine, settings, planned.content, str(path), [])
        return Reconciled(path=path, planned=planned, applied=apply(engine, settings, ready, doors, world, by=by))
    except AccessSyncError as error:
        return Reconciled(path=path, planned=planned, error=error, why=error.message)


def _why_not(planned: Planned, applies: bool) -> str:
    """Why a plan is not applied; empty where it is."""
    plan = planned.plan
    if not plan.actions:
        return "nothing to do"
    if not applies:
        return "ACCESSSYNC_RECONCILE_APPLY is not set"
    if plan.refusals:
        return f"refused: {plan.refusals[0].rule}"
    return f"needs an approval: {plan.approval}" if plan.approval else ""
