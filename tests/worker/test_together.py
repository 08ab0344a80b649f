"""The order in which turns are taken out of the queue."""

from accesssync.store.job_states import JobState
from accesssync.worker.together import priority_of
from accesssync.worker.work import Unit
from tests.builders import NOW


def priority(job: str, failures: int = 0) -> int:
    state = JobState(job=job, org="acme", next_at=NOW, changed_at=NOW, failures=failures)
    return priority_of(Unit(job, "acme"), state)


def test_who_failed_waits_behind_all_and_what_is_quick_before_what_takes_long() -> None:
    assert priority("watch") == priority("evaluate") > priority("sync")
    assert priority("sync") > priority("sync", failures=1) == priority("watch", failures=3)
