"""Which run a report rests on: the newest that is proven, unless one that is not was asked for."""

from collections.abc import Callable, Sequence

from msgspec.structs import replace

from accesssync.errors import IncompleteError
from accesssync.jobs.inventory import View, views
from accesssync.model.when import AtRun, When, as_text
from accesssync.store import runs
from accesssync.store.engine import Database
from accesssync.store.inventory import Moment

PROVE = "give the keys what is denied, or name it in ACCESSSYNC_SKIP; --allow-incomplete reports from what was seen"


def chosen_runs(
    engine: Database,
    names: Sequence[str],
    when: When | None,
    warn: Callable[[str], None],
    *,
    allow_incomplete: bool = False,
) -> list[View]:
    """For each organization the run to report from. What a reader has to know about the choice is told to `warn`.

    UsageError where nothing was known at that time, IncompleteError where no run by then is proven.
    """
    found = views(engine, names, when, lambda error: warn(error.line()))
    return [_proven(engine, one, when, warn, allow_incomplete=allow_incomplete) for one in found]


def _proven(
    engine: Database, view: View, when: When | None, warn: Callable[[str], None], *, allow_incomplete: bool
) -> View:
    if view.proven:
        return view
    seen = runs.coverage_of(engine, view.run.id)
    unproven = ", ".join(
        f"{resource.value} {one.coverage.state.value}"
        for resource, one in seen.items()
        if one.coverage.state.value not in ("complete", "skipped")
    )
    what = f"run-{view.run.id} is not proven complete ({unproven})"
    if allow_incomplete:
        warn(f"{view.org.name}: {what}: this report may lack what was not seen")
        return view
    older = None if isinstance(when, AtRun) else _older(engine, view)
    if older is None:
        reason = what if isinstance(when, AtRun) else f"no run is proven complete; {what}"
        raise IncompleteError(reason, org=view.org.name, remedy=PROVE)
    warn(f"{view.org.name}: {what}; the report rests on run-{older.run.id} of {as_text(older.run.started_at)}")
    return older


def _older(engine: Database, view: View) -> View | None:
    """The newest proven run before one. What was decided after it does not count."""
    before = [run for run in runs.list_runs(engine, view.org.id, published=True) if run.id < view.run.id]
    run = next((run for run in reversed(before) if run.complete and run.finished_at is not None), None)
    if run is None or run.finished_at is None:
        return None
    return replace(view, run=run, moment=Moment(view.org.id, run.id, run.finished_at.date()), latest=False)
