"""How it came to be: the trend, the figures before, and the proof that it was looked at as often as agreed."""

from datetime import datetime, timedelta

from accesssync.jobs.report.past import Past
from accesssync.model.schedule import Schedule
from accesssync.reports.dataset import Dataset
from accesssync.reports.period import operation, previous, trend
from accesssync.reports.period.history import Period, Ran
from accesssync.reports.period.previous import Before
from accesssync.reports.period.trend import Point
from accesssync.store import finding_history, job_states, spans
from accesssync.store.inventory import Moment

QUARTER = timedelta(days=91)
"""How far back operation is proven where no period was asked for."""

MONTH = timedelta(days=30)

PRESSING = ("critical", "high")


def trend_of(past: Past, period: Period | None) -> Dataset:
    """The trend over the period, or over everything that is known."""
    runs = period.runs if period is not None else past.runs
    return trend.dataset(past.view.org.name, _counted(past, trend.points(runs)))


def before_of(past: Past, period: Period | None, compared: Ran | None) -> Before:
    """The run whose figures are those before."""
    if period is not None:
        return Before(period.first, "period")
    if compared is not None:
        return Before(compared, "comparison")
    at = past.material.at - MONTH
    known = [one for one in past.runs if one.finished_at is not None and one.finished_at <= at]
    return Before(known[-1], "30 days") if known else Before(past.runs[0], "beginning")


def previous_of(past: Past, before: Before) -> Dataset:
    """What the figures were then and are now."""
    last = past.runs[-1]
    if before.run.id >= last.id:
        return previous.previous(past.view.org.name, before, ())
    then, now = _counted(past, [before.run, last])
    names = ("people", "machines", "privileged_people", "privileged_machines")
    figures = [(name, int(getattr(then, name)), int(getattr(now, name))) for name in names]
    figures.append(("open_critical_high", _pressing(past, before.run), _pressing(past, last)))
    return previous.previous(past.view.org.name, before, figures)


def operation_of(past: Past, period: Period | None, configured: Schedule | None) -> tuple[Dataset, Dataset]:
    """The proof of operation over the period, or over the last 91 days before the report.

    The schedule of the settings counts where a worker keeps it for this organization.
    """
    end = period.end if period is not None else past.material.at
    asked = period.start if period is not None else end - QUARTER
    began = min((one.started_at for one in past.tries), default=end)
    start = max(began, asked) if asked is not None else began
    org = past.view.org
    kept = job_states.find(past.engine, "sync", org.name) is not None
    told = operation.Told(
        org=org.name,
        start=start,
        end=end,
        tries=[one for one in past.tries if start <= one.started_at <= end],
        looks=spans.looks(past.engine, org.id, start, end),
        configured=configured if kept else None,
    )
    return operation.datasets(operation.operation(told))


def _counted(past: Past, runs: list[Ran]) -> list[Point]:
    return trend.trend(runs, past.stays, past.machines, past.holdings)


def _pressing(past: Past, run: Ran) -> int:
    at: datetime = run.finished_at or run.started_at
    last = run.id == past.view.run.id
    moment = past.view.moment if last else Moment(past.view.org.id, run.id, at.date())
    found = finding_history.findings_at(past.engine, moment, at, past.view.decided_until if last else at)
    return sum(one.status == "open" and one.severity in PRESSING for one in found)
