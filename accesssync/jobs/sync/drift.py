"""Give every difference of a run its window and its cause."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec import Struct

from accesssync.model.change import Cause, Change, Delta, change_id
from accesssync.model.coverage import Resource
from accesssync.store.runs import Observed


class Tally(Struct):
    """How many changes a run brought, and how many of them are the organization's own doing."""

    added: int = 0
    updated: int = 0
    removed: int = 0
    alerting: int = 0

    def counting(self, changes: Iterable[Change]) -> Iterator[Change]:
        """The same changes, each counted as it passes."""
        for change in changes:
            if change.kind.endswith("added"):
                self.added += 1
            elif change.kind.endswith("removed"):
                self.removed += 1
            else:
                self.updated += 1
            self.alerting += change.cause is Cause.ORG
            yield change


class Look(Struct, frozen=True):
    """When a resource was last proven complete before this run, if ever.

    `shown_at` is, for records that went missing earlier and are removed only now, when they were last shown.
    """

    proven_at: datetime | None
    shown_at: Mapping[str, datetime | None]


def dated(
    deltas: Iterable[Delta],
    *,
    org: str,
    run_id: int,
    before: Mapping[Resource, Look],
    now: Mapping[Resource, Observed],
) -> Iterator[Change]:
    """The changes that a run saw.

    What appears in a listing that was never proven complete before may have been there all along, and so may
    references that no answer before made sense of: the cause is `coverage`. Once a listing was proven, whatever
    appears in it later came later, however long nobody could look.
    """
    for delta in deltas:
        look = before[delta.resource]
        appeared = delta.kind.endswith("added")
        opened = appeared and (delta.opened or look.proven_at is None)
        yield Change(
            id=change_id(org, run_id, delta),
            org=org,
            run_id=run_id,
            observed_after=look.shown_at.get(delta.subject_id, look.proven_at),
            observed_before=now[delta.resource].finished_at,
            kind=delta.kind,
            cause=Cause.COVERAGE if opened else Cause.ORG,
            subject_id=delta.subject_id,
            subject=delta.subject,
            fields=delta.fields,
        )
