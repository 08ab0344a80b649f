"""Where entries to be delivered come from: the outbox, and the audit log, which is one by itself."""

from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from itertools import islice
from typing import Protocol

from msgspec import Struct, json

from accesssync.findings.severity import SEVERITIES
from accesssync.forward.audit_trail import of_audit
from accesssync.forward.entry import Entry, Stream
from accesssync.forward.telling import About
from accesssync.store import audit, outbox
from accesssync.store.engine import Database
from accesssync.store.outbox import Backlog, Way

Placed = tuple[int, Entry]
"""An entry with its place in the stream."""


class Source(Protocol):
    """One stream of one organization."""

    def start(self, since: datetime) -> int:
        """The place behind which somebody begins who comes for the first time."""
        ...

    def read(self, after: int, *, most: int, most_bytes: int) -> list[Placed]:
        """The next entries: at most so many, and no more than it takes to reach so many bytes."""
        ...

    def waiting(self, after: int) -> Backlog:
        """How much waits behind a place."""
        ...

    def trim(self, routes: Sequence[str], before: datetime, most: int, now: datetime) -> int:
        """Drop, and count for every route, what came before a time, and what is more than `most`; how many that were.

        Of what is too much, the oldest of the least severe goes first; of the audit log, the oldest.
        """
        ...

    def prune(self, routes: Sequence[str]) -> None:
        """Forget what all of these routes have."""
        ...


class OutboxSource(Struct, frozen=True):
    """A stream that the outbox keeps."""

    engine: Database
    org: str
    org_id: int
    stream: Stream

    def start(self, since: datetime) -> int:  # noqa: ARG002 - what is kept is kept for everybody
        """Everything that is kept."""
        return 0

    def read(self, after: int, *, most: int, most_bytes: int) -> list[Placed]:
        """The next entries, as they were kept."""
        found = outbox.read_waiting(
            self.engine, self.org_id, self.stream.value, after, most=most, most_bytes=most_bytes
        )
        return [
            (
                one.seq,
                Entry(
                    stream=self.stream,
                    org=self.org,
                    dedup_id=one.dedup_id,
                    observed_at=one.observed_at,
                    body=json.decode(one.body),
                    severity=SEVERITIES[len(SEVERITIES) - 1 - one.severity],
                ),
            )
            for one in found
        ]

    def waiting(self, after: int) -> Backlog:
        """What is kept behind a place."""
        return outbox.backlog(self.engine, self.org_id, self.stream.value, after)

    def trim(self, routes: Sequence[str], before: datetime, most: int, now: datetime) -> int:  # noqa: ARG002
        """Drop what is too old, then what is too much."""
        old = outbox.drop_old(self.engine, self.org_id, self.stream.value, routes, before)
        return old + outbox.drop_surplus(self.engine, self.org_id, self.stream.value, routes, most)

    def prune(self, routes: Sequence[str]) -> None:
        """Delete what all of these routes have."""
        outbox.prune(self.engine, self.org_id, self.stream.value, routes)


class AuditSource(Struct, frozen=True):
    """The audit log, which is kept anyway: nothing is stored twice, and nothing of it is ever deleted.

    To drop means to pass over.
    """

    engine: Database
    about: About
    org_id: int

    def start(self, since: datetime) -> int:
        """What is older than an entry may get is not news."""
        return audit.place_before(self.engine, since)

    def read(self, after: int, *, most: int, most_bytes: int) -> list[Placed]:
        """The next entries of this organization, and of what concerns all of them."""
        chosen = audit.Selection(orgs=(self.about.org,), after_seq=after)
        found: list[Placed] = []
        size = 0
        with closing(audit.read_log(self.engine, chosen)) as log:
            for sealed in islice(log, most):
                found.append((sealed.seq, of_audit(sealed, self.about)))
                size += len(sealed.body) + len(sealed.personal)
                if size >= most_bytes:
                    break
        return found

    def waiting(self, after: int) -> Backlog:
        """The entries behind a place."""
        return audit.backlog(self.engine, self.about.org, after)

    def trim(self, routes: Sequence[str], before: datetime, most: int, now: datetime) -> int:
        """Pass over what is too old or too much."""
        floor = max(audit.place_before(self.engine, before), audit.place_of_surplus(self.engine, self.about.org, most))
        passed = 0
        for route in routes:
            way = Way(self.org_id, Stream.AUDIT.value, route)
            known = outbox.find_delivery(self.engine, way)
            if known is None or known.after_seq >= floor:
                continue
            missed = audit.backlog(self.engine, self.about.org, known.after_seq, upto=floor).waiting
            outbox.settle(self.engine, way, known.after_seq, floor, now, dropped=missed)
            passed = max(passed, missed)
        return passed

    def prune(self, routes: Sequence[str]) -> None:
        """Nothing: it is the log itself."""
