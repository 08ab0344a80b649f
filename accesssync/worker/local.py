"""One process that does everything itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from accesssync.store import job_states
from accesssync.store.job_states import JobState
from accesssync.worker.clockwork import ASIDE, PROBATION, WORK, Clockwork
from accesssync.worker.perform import Performer
from accesssync.worker.work import Means, Unit, counted


class OwnHands:
    """Does each turn in the thread that it is handed out in."""

    def __init__(self, means: Means, performer: Performer) -> None:
        self._means = means
        self._performer = performer

    @property
    def lanes(self) -> Mapping[str, int]:
        """As many threads as the settings say, and two beside them."""
        return {WORK: self._means.settings.worker_slots, PROBATION: 1, ASIDE: 1}

    def accept(self, unit: Unit, due: datetime, to: datetime, state: JobState) -> None:  # noqa: ARG002
        """Take the turn, unless another process on the same database was quicker, and do it."""
        if job_states.move(self._means.database, *unit, due=due, to=to, now=self._means.now()):
            self._performer.perform(unit, due)


class Alone:
    """One process that plans and does everything."""

    def __init__(self, means: Means, orgs: Sequence[str], performer: Performer) -> None:
        self._means = means
        self._orgs = orgs
        self._clockwork = Clockwork(means, orgs, OwnHands(means, performer), adopt=True)

    def start(self) -> None:
        """Plan, and begin what is due."""
        self._means.metrics.leading.set(1)
        self._clockwork.start()

    def look(self) -> None:
        """Take over what others have written."""
        self._clockwork.look()

    def reckon(self) -> None:
        """Plan anew."""
        self._clockwork.reckon()

    def stop(self) -> None:
        """Begin nothing new."""
        self._clockwork.stop()

    def close(self, seconds: float) -> None:
        """There is nothing to let go of."""

    def status(self) -> str:
        """One line about what it does."""
        return f"{counted(self._orgs)}, up to {self._means.settings.worker_slots} jobs at once"
