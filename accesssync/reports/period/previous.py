"""What the figures on the first page were before, and since when.

The time before is said by whoever asks: the beginning of the period or of the comparison, else thirty days before the
report. Not the last report that was made: the same command has to give the same figures, whoever made which reports.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from accesssync.reports.dataset import Column, Dataset, Row
from accesssync.reports.datasets.columns import ORG
from accesssync.reports.period.columns import run_name
from accesssync.reports.period.history import Ran

COLUMNS = (
    ORG,
    Column(
        "figure",
        "text",
        "people, machines, privileged_people or privileged_machines, as the trend counts them; or open_critical_high, "
        "findings.",
    ),
    Column("now", "count", "The figure at the run of the report."),
    Column("before", "count", "The figure at the earlier run."),
    Column("change", "count", "By how much it grew; negative where it fell."),
    Column("since_at", "moment", "When the earlier run ended."),
    Column("since_run_id", "id", "The earlier run."),
    Column(
        "since", "text", "Why that one: period, comparison, 30 days, or beginning where history is younger than that."
    ),
)


class Before(Struct, frozen=True):
    """The run to compare with, and why that one."""

    run: Ran
    since: str


def previous(org: str, before: Before, figures: Sequence[tuple[str, int, int]]) -> Dataset:
    """The figures as (name, before, now), as an export; none where there is nothing earlier to compare with."""

    def read() -> Iterator[Row]:
        for name, earlier, now in figures:
            told = before.run.finished_at, run_name(before.run.id), before.since
            yield org, name, now, earlier, now - earlier, *told

    return Dataset("previous", "The figures before", "figure of the first page", COLUMNS, read)
