"""What happened between two dates: choose the runs that are meant, read what they began and ended, make the tables."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

from msgspec import Struct
from msgspec.structs import replace

from accesssync.errors import UsageError
from accesssync.jobs.inventory import view_at
from accesssync.jobs.report.past import GRANTS, Past
from accesssync.model.operation import Operation
from accesssync.model.team import Membership
from accesssync.model.when import AtTime, When, as_text
from accesssync.reports.dataset import Dataset
from accesssync.reports.material import Material
from accesssync.reports.period.access import access_in_period
from accesssync.reports.period.credentials import Book, created, gone
from accesssync.reports.period.history import Link, Log, Period, Ran, Version
from accesssync.reports.period.joiners import Records, joined, left, moved, touched
from accesssync.reports.period.privileges import gained, lost
from accesssync.reports.period.spans import ended
from accesssync.store import changes, material, spans
from accesssync.store.intents import effective_since
from accesssync.store.kinds import CREDENTIALS, IDENTITIES, MEMBERSHIPS
from accesssync.store.spans import Range


class Asked(Struct, frozen=True, kw_only=True):
    """The two dates of --from and --to; None for what was not said."""

    start: When | None = None
    end: When | None = None


class Chosen(Struct, frozen=True, kw_only=True):
    """A period, and what its reader has to know of how it was chosen."""

    period: Period
    limitations: tuple[str, ...]


def choose(past: Past, asked: Asked, now: datetime) -> Chosen:
    """The runs of a period that ends with the run of the report.

    A run as the beginning is itself left out: its state is the one at the beginning. UsageError for a run that is not
    this organization's, and for a beginning after the end.
    """
    view, known = past.view, past.runs
    last = known[-1]
    start, first = _first(past, asked.start)
    end = asked.end.time if isinstance(asked.end, AtTime) else _ended(last) if asked.end else now
    end = min(end, now)
    if first.id > last.id or (start is not None and start > end):
        raise UsageError(
            "--from is after --to, or no run in between is proven: "
            f"the report is of run-{last.id} of {as_text(_ended(last))}",
            org=view.org.name,
            remedy="accesssync status tells the runs; --allow-incomplete takes one that is not proven",
        )
    runs = tuple(one for one in known if first.id <= one.id <= last.id)
    period = Period(org=view.org.name, start=start, end=max(end, _ended(last)), first=first, last=last, runs=runs)
    return Chosen(period=period, limitations=tuple(_limitations(period)))


def _first(past: Past, start: When | None) -> tuple[datetime | None, Ran]:
    """When a period begins, and the run whose state is the one at its beginning: the first that there is at least."""
    oldest = past.runs[0]
    if start is None:
        return None, oldest
    if isinstance(start, AtTime):
        by_then = [one for one in past.runs if _ended(one) <= start.time]
        later = [one for one in past.tries if one.published and _ended(one) <= start.time and one.id > past.runs[-1].id]
        return start.time, (later or by_then or [oldest])[-1]
    view = view_at(past.engine, past.view.org, start)
    if view is None:
        raise UsageError(f"run-{start.run_id} is not a run of this organization", org=past.view.org.name)
    named = next((one for one in past.tries if one.id == view.run.id), oldest)
    return _ended(named), max(named, oldest, key=lambda one: one.id)


def _ended(run: Ran) -> datetime:
    return run.finished_at or run.started_at


def _limitations(period: Period) -> Iterator[str]:
    """What the reader of a period has to know."""
    first, last = period.first, period.last
    began = "the beginning" if period.start is None else as_text(period.start)
    yield (
        f"The period is {began} to {as_text(period.end)}: what the runs after run-{first.id} up to run-{last.id} saw. "
        "A change counts where it was seen; its window tells since when it may have been there."
    )
    if period.start is not None and period.clipped:
        why = "nothing was known before" if first.baseline else "what had ended before may have been deleted"
        yield (
            f"History begins with run-{first.id} of {as_text(_ended(first))}, later than the period: {why}. Whoever "
            "was there by then did not join."
        )
    if first.id == last.id:
        yield f"No run was published between {began} and {as_text(period.end)}: the run after it tells what happened."
    unproven = [f"run-{one.id}" for one in period.runs[1:] if not one.proven]
    if unproven:
        told = ", ".join(unproven[:10]) + (f" and {len(unproven) - 10} more" if len(unproven) > 10 else "")
        yield (
            f"Of {len(period.runs) - 1} runs {len(unproven)} were not proven complete ({told}): they removed nobody, "
            "and what went in their time was seen by the next that was."
        )
    if not first.proven:
        yield f"The state at the beginning is that of run-{first.id}, which was not proven complete."


def limited(material_: Material, past: Past, period: Period) -> Material:
    """The material of a report with the changes and runs of the period alone."""
    org = past.view.org
    start = period.start or period.first.started_at
    return replace(
        material_,
        changes=partial(
            changes.list_changes, past.engine, org.name, org.id, after_run=period.first.id, until_run=period.last.id
        ),
        looks=partial(material.read_looks, past.engine, past.view.moment, start),
        since=start,
    )


def datasets(past: Past, period: Period) -> tuple[Dataset, ...]:
    """Everything that happened in a period, what came and went included."""
    engine, org = past.engine, past.view.org
    within = Range(org.id, *period.span)
    log = Log(
        period.runs,
        changes.list_changes(engine, org.name, org.id, after_run=within.first, until_run=within.last),
        past.material.ticketed,
    )
    records = _records(past, period, log)
    names, people = past.names, past.material.picture.people
    book = Book(one for kind in CREDENTIALS for one in spans.versions(engine, kind, within, "touched"))

    def grants() -> Iterator[Link]:
        return spans.links(engine, GRANTS, within)

    return (
        joined(period, records, names, log),
        left(period, records, names, log, people),
        moved(period, records, names, log),
        gained(period, past.powerful, names, log),
        lost(period, past.powerful, names, log),
        access_in_period(period, grants, names, log, past.powers),
        created(period, book, names, log),
        gone(period, book, names, log),
    )


def _records(past: Past, period: Period, log: Log) -> Records:
    engine, within = past.engine, Range(past.view.org.id, *period.span)
    versions = touched(spans.versions(engine, IDENTITIES, within, "touched"))
    moving = {one.owner for one in spans.links(engine, GRANTS, within, "touched")}
    grants: dict[str, list[Link]] = {}
    for one in spans.links(engine, GRANTS, within, owners=sorted(moving | versions.keys())):
        grants.setdefault(one.owner, []).append(one)
    members: list[Version[Membership]] = list(spans.versions(engine, MEMBERSHIPS, within, "touched"))
    records = Records(stays=past.stays, versions=versions, grants=grants, members=members)
    return replace(records, exact=_own(past, period, records, log))


def _own(past: Past, period: Period, records: Records, log: Log) -> dict[tuple[str, int], tuple[datetime, datetime]]:
    """When our own writes disabled somebody: from being sent until the answer."""
    since = min((one.started_at for one in period.runs), default=period.end) - timedelta(days=1)
    sent: dict[str, list[tuple[datetime, datetime]]] = {}
    for one in effective_since(past.engine, past.view.org.id, since):
        if one.operation == Operation.DISABLE_USER and one.subject_id and one.sent_at and one.ended_at:
            sent.setdefault(one.subject_id, []).append((one.sent_at, one.ended_at))
    found = {}
    for identity_id, moments in sent.items():
        for run in ended(records.able(identity_id), *period.span):
            window = log.window(run, "identity.updated", identity_id)
            fitting = [
                (sent_at, answered)
                for sent_at, answered in moments
                if (window.after is None or window.after <= sent_at) and sent_at <= window.before
            ]
            if fitting:
                found[identity_id, run] = fitting[-1][0], min(fitting[-1][1], window.before)
    return found
