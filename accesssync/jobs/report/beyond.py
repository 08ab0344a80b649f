"""What a report has beyond one day: a period, a comparison, a sample, and the course of things in every report."""

from collections.abc import Callable, Sequence
from datetime import datetime

from msgspec import Struct
from msgspec.structs import replace

from accesssync.errors import IncompleteError, UsageError
from accesssync.jobs.inventory import View
from accesssync.jobs.report import comparison, course, period
from accesssync.jobs.report.choose import chosen_runs
from accesssync.jobs.report.past import Past
from accesssync.jobs.retention import kept_since
from accesssync.model.schedule import Schedule, parse_schedule
from accesssync.model.when import AtRun, AtTime, When, as_text
from accesssync.reports.dataset import Dataset
from accesssync.reports.material import Material
from accesssync.reports.period import sample
from accesssync.reports.period.history import Period, Ran
from accesssync.reports.period.sample import Population
from accesssync.settings import Settings
from accesssync.store.engine import Database


class Asked(Struct, frozen=True, kw_only=True):
    """What was asked for beyond the state of one day. `end` and the later date are also the day of all the rest."""

    start: When | None = None
    end: When | None = None
    earlier: When | None = None
    """The earlier date of a comparison."""
    sample: int | None = None
    seed: str = ""
    schedule: Schedule | None = None
    """How often the settings have an organization synced."""
    kept_since: datetime | None = None
    """Before which time what had ended may have been deleted."""

    @property
    def over_time(self) -> bool:
        """Whether a period was asked for."""
        return self.start is not None or self.end is not None


def usual(settings: Settings, now: datetime) -> Asked:
    """What every report has: nothing more was asked for."""
    return Asked(schedule=parse_schedule(settings.schedule_sync), kept_since=kept_since(settings, now))


class Beyond(Struct, frozen=True, kw_only=True):
    """The further datasets of one organization, its material as they have it, and what their reader has to know."""

    material: Material
    datasets: tuple[Dataset, ...]
    limitations: tuple[str, ...]


def refuse_backwards(asked: Asked, later: When | None) -> None:
    """UsageError where two dates that were given in the same way are the wrong way round."""
    for first, last, words in (
        (asked.start, asked.end, "--from is after --to"),
        (asked.earlier, later, "--compare takes the earlier date first"),
    ):
        if isinstance(first, AtTime) and isinstance(last, AtTime) and first.time > last.time:
            raise UsageError(f"{words}: {as_text(first.time)} is after {as_text(last.time)}")
        if isinstance(first, AtRun) and isinstance(last, AtRun) and first.run_id > last.run_id:
            raise UsageError(f"{words}: run-{first.run_id} is after run-{last.run_id}")


def beyond(
    engine: Database,
    view: View,
    material: Material,
    asked: Asked,
    now: datetime,
    earlier: View | None,
) -> Beyond:
    """Everything beyond one day. `earlier` is the state that the report's own is compared with."""
    past = Past(engine=engine, view=view, material=material, kept_since=asked.kept_since)
    found: list[Dataset] = []
    limits: list[str] = []
    chosen: Period | None = None
    compared: Ran | None = None
    if asked.over_time:
        choice = period.choose(past, period.Asked(start=asked.start, end=asked.end), now)
        chosen = choice.period
        material = period.limited(material, past, chosen)
        past = replace(past, material=material)
        found += period.datasets(past, chosen)
        limits += choice.limitations
    if earlier is not None:
        compared = comparison.earlier_run(past, earlier)
        found += comparison.datasets(past, compared)
        limits += comparison.limitations(past, compared)
    found += course.operation_of(past, chosen, asked.schedule)
    found += (course.previous_of(past, course.before_of(past, chosen, compared)), course.trend_of(past, chosen))
    return Beyond(material=material, datasets=tuple(found), limitations=tuple(limits))


def earlier_view(
    engine: Database, view: View, asked: Asked, warn: Callable[[str], None], *, alone: bool, allow_incomplete: bool
) -> View | None:
    """The earlier state of a comparison, chosen as that of the report is; None where none was asked for.

    UsageError where nothing was known then, IncompleteError where no run by then is proven; unless the organization is
    not `alone` in the report: then it goes without a comparison, and `warn` is told why.
    """
    if asked.earlier is None:
        return None
    try:
        return chosen_runs(engine, [view.org.name], asked.earlier, warn, allow_incomplete=allow_incomplete).views[0]
    except (UsageError, IncompleteError) as error:
        if alone:
            raise
        warn(f"not compared: {error.line()}")
        return None


def drawn(org: str, datasets: Sequence[Dataset], asked: Asked) -> tuple[tuple[Dataset, ...], tuple[str, ...]]:
    """The sample that was asked for, and how to draw it again; nothing where none was.

    It is drawn from the tables as they are written, so that whoever has the files can follow it.
    """
    if asked.sample is None:
        return (), ()
    named = {one.name: one for one in datasets}
    rights = ("access_in_period", "access_id") if "access_in_period" in named else ("grants", "grant_id")
    ids = (("identities", "identity_id"), rights, ("changes", "change_id"))
    populations = [Population(named[name], column) for name, column in ids if name in named]
    told = f"The sample of {asked.sample} was drawn with the seed {asked.seed}: {sample.RULE}."
    return (sample.draw(org, populations, asked.sample, asked.seed),), (told,)
