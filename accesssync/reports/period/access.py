"""Every grant that held at any time in a period, also for a moment only."""

from collections.abc import Callable, Iterator

from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.datasets.grants import grant_id
from accesssync.reports.period.columns import WHO, run_name, who
from accesssync.reports.period.history import Link, Log, Names, Period
from accesssync.reports.period.privilege import Powers

COLUMNS = (
    ORG,
    Column("access_id", "id", "The id of the grant, and the run that saw it first."),
    Column("grant_id", "id", "Made of identity and role: the same grant has the same one in every report."),
    *WHO,
    Column("role_id", "id", "Datadog's id of the role."),
    Column("role", "text", "The role's name, as last known by the end of the period."),
    Column("privileged", "flag", "Whether the role made its holders privileged at any time while it was held here."),
    Column("since", "moment", "The run that saw the grant first ended at this time."),
    Column("since_baseline", "flag", "Whether that was the first run of all: then nobody knows since when."),
    Column("since_run", "id", "That run."),
    Column(
        "until", "moment", "The run that did not see it any more ended at this time; empty where it held to the end."
    ),
    Column("until_run", "id", "That run."),
    Column("held_at_start", "flag", "Whether it held when the period began."),
    Column("held_at_end", "flag", "Whether it held when the period ended."),
    Column("came_and_went", "flag", "Whether it neither held at the one nor at the other end."),
    Column("actor", "text", "Who gave it in the period, where that is known.", personal=True),
    Column("explanation", "text", "Why it was given in the period, as it was told.", personal=True),
)


def access_in_period(
    period: Period, grants: Callable[[], Iterator[Link]], names: Names, log: Log, powers: Powers
) -> Dataset:
    """The register of access of a period. `grants` gives those that overlap it, by identity and role."""
    times = {one.id: one for one in period.runs}

    def read() -> Iterator[Row]:
        first, last = period.first.id, period.last.id
        for one in grants():
            grant = grant_id(one.owner, one.target)
            began, ended = times.get(one.start), times.get(one.end) if one.end <= last else None
            at_start, at_end = one.start <= first, one.end > last
            why = log.window(one.start, "grant.added", one.owner, one.target) if not at_start else None
            yield (
                period.org,
                f"{grant}-{one.start}",
                grant,
                *who(names, one.owner),
                one.target,
                names.role(one.target),
                any(start < one.end and end > one.start for start, end in powers.spans.get(one.target, ())),
                began.finished_at if began else None,
                began.baseline if began else None,
                run_name(one.start),
                ended.finished_at if ended else None,
                run_name(one.end) if ended else None,
                at_start,
                at_end,
                not at_start and not at_end,
                why.actor if why else None,
                why.explanation if why else None,
            )

    return Dataset("access_in_period", "Access in the period", "grant, each time it was given", COLUMNS, read)
