"""Which run a report rests on: the newest that is proven, unless one that is not was asked for."""

from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from accesssync.errors import AccessSyncError, IncompleteError, PartialError, UsageError
from accesssync.jobs.inventory import View, views
from accesssync.model.coverage import CoverageState
from accesssync.model.when import AtRun, When, as_text
from accesssync.store import runs
from accesssync.store.engine import Database
from accesssync.store.inventory import Moment

PROVE = "give the keys what is denied, or name it in ACCESSSYNC_SKIP; --allow-incomplete reports from what was seen"
_SETTLED = (CoverageState.COMPLETE, CoverageState.SKIPPED)


class Choice(Struct, frozen=True, kw_only=True):
    """The runs to report from, one an organization. `left_out` says why there is none of others."""

    views: tuple[View, ...]
    left_out: tuple[AccessSyncError, ...] = ()

    @property
    def error(self) -> PartialError | None:
        """What is wrong with the report itself; None where every organization is in it."""
        if not self.left_out:
            return None
        names = ", ".join(one.org or "?" for one in self.left_out)
        return PartialError(f"not in the report: {names}", remedy="the notes above say why")


def chosen_runs(
    engine: Database,
    names: Sequence[str],
    when: When | None,
    warn: Callable[[str], None],
    *,
    allow_incomplete: bool = False,
) -> Choice:
    """For each organization the run to report from. What a reader has to know about the choice is told to `warn`.

    An organization of which no run is proven is left out where others are not, unless it was asked for by name: then,
    and where that leaves none, IncompleteError. UsageError where nothing was known at that time.
    """
    left_out: list[AccessSyncError] = []

    def skipped(error: UsageError) -> None:
        warn(error.line())
        # Of a time before its first run there is nothing to be told. Today there should be.
        if when is None:
            left_out.append(error)

    found = views(engine, names, when, skipped)
    chosen: list[View] = []
    for one in found:
        try:
            chosen.append(_proven(engine, one, when, warn, allow_incomplete=allow_incomplete))
        except IncompleteError as error:
            if names or len(found) == 1:
                raise
            left_out.append(error)
            warn(error.line())
    if not chosen:
        raise left_out[-1]
    return Choice(views=tuple(chosen), left_out=tuple(left_out))


def _proven(
    engine: Database, view: View, when: When | None, warn: Callable[[str], None], *, allow_incomplete: bool
) -> View:
    if view.proven:
        return view
    seen = runs.coverage_of(engine, view.run.id)
    unproven = [
        f"{resource.value} {one.coverage.state.value}"
        for resource, one in sorted(seen.items())
        if one.coverage.state not in _SETTLED
    ]
    what = f"run-{view.run.id} is not proven complete ({', '.join(unproven)})"
    if allow_incomplete:
        warn(f"{view.org.name}: {what}: the report may lack what was not seen")
        return view
    # A run that was asked for by its number is not replaced by another one.
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
