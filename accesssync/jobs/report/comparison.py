"""Who gained and lost what between two dates: the two runs that are meant, and what only one of them has."""

from collections.abc import Iterator

from accesssync.errors import UsageError
from accesssync.jobs.inventory import View
from accesssync.jobs.report.past import CARRIED, GRANTS, Past
from accesssync.model.credential import Credential
from accesssync.reports.dataset import Dataset
from accesssync.reports.period import compare
from accesssync.reports.period.compare import NOT_IN_IT, Between
from accesssync.reports.period.history import Ran, Version
from accesssync.store import spans, tables
from accesssync.store.inventory import Moment
from accesssync.store.kinds import CREDENTIALS, IDENTITIES
from accesssync.store.spans import Range

COUNTED = {
    "identities": tables.identities,
    "grants": tables.grants,
    "credentials": tables.credentials,
    "role_permissions": tables.role_permissions,
}


def earlier_run(past: Past, view: View) -> Ran:
    """The run that the earlier of two dates stands for; UsageError where it is the later one."""
    found = next((one for one in past.runs if one.id == view.run.id), None)
    if found is None:
        later, kept = view.run.id > past.view.run.id, past.runs[0].id
        raise UsageError(
            f"run-{view.run.id} is later than run-{past.view.run.id}"
            if later
            else f"run-{view.run.id} is older than what is kept: what had ended by run-{kept} may have been deleted",
            org=past.view.org.name,
            remedy="--compare takes the earlier date first" if later else f"compare with run-{kept} or a later one",
        )
    return found


def limitations(past: Past, earlier: Ran) -> Iterator[str]:
    """What the reader of a comparison has to know."""
    last = past.runs[-1]
    if earlier.id == last.id:
        yield f"Both dates stand for run-{last.id}: nothing can differ."
    else:
        yield f"Compared are the states of run-{earlier.id} and run-{last.id}. {NOT_IN_IT}"
    for one in (earlier, last):
        if not one.proven:
            yield f"The state of run-{one.id} was not proven complete: what it lacks may only not have been seen."


def datasets(past: Past, earlier: Ran) -> tuple[Dataset, ...]:
    """The comparison of an earlier run with the run of the report."""
    engine, org_id, last = past.engine, past.view.org.id, past.view.run
    within = Range(org_id, earlier.id, last.id)
    ended = earlier.finished_at or earlier.started_at
    moments = Moment(org_id, earlier.id, ended.date()), past.view.moment
    credentials: list[Version[Credential]] = []
    for kind in CREDENTIALS:
        credentials += spans.versions(engine, kind, within, "apart")
    between = Between(
        org=past.view.org.name,
        earlier=earlier,
        later=past.runs[-1],
        identities=tuple(spans.versions(engine, IDENTITIES, within, "apart")),
        grants=tuple(spans.links(engine, GRANTS, within, "apart")),
        credentials=tuple(credentials),
        role_permissions=tuple(spans.links(engine, CARRIED, within, "apart")),
        stays=past.stays,
        names=past.names,
        power=past.powerful,
        counts={
            name: (spans.count_held(engine, table, moments[0]), spans.count_held(engine, table, moments[1]))
            for name, table in COUNTED.items()
        },
    )
    return compare.datasets(between)
