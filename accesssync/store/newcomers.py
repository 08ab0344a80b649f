"""Write the records that were never seen before: nothing is read for them, nothing compared.

At the first sync that is everybody, so this is the path on which each microsecond and each byte of a record counts.
"""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Final, Generic

from sqlalchemy import Engine

from accesssync.drift.compare import R
from accesssync.drift.facts import Facts, mark_of
from accesssync.drift.text import LONGEST, bounded
from accesssync.store.background import Writing
from accesssync.store.bulk import Insertion, Row, insertion
from accesssync.store.drawers import Drawers
from accesssync.store.engine import translated
from accesssync.store.kinds import Kind
from accesssync.store.known import DIGEST
from accesssync.store.lease import Lease, writing

CHUNK: Final = 8_000
"""Rows of one transaction. A promise says at most 10,000."""

ROOM: Final = 4 * 1024 * 1024
"""Packed bytes that wait. A user record with its roles takes 200 of them, and as much again for its place."""


class Newcomers(Generic[R]):
    """Collects new records of one kind, packed, and writes them. Not for use by several threads at once."""

    def __init__(self, engine: Engine, lease: Lease, run_id: int, kind: Kind[R], background: Writing) -> None:
        self._engine = engine
        self._lease = lease
        self._kind: Kind[R] = kind
        self._background = background
        self._waiting: Drawers[bytes] = Drawers(ROOM)
        # Begins every row, those of references too.
        self._run = {"org_id": lease.org_id, "from_run": run_id}
        self._version = {**self._run, "first_run": run_id, **({"resource": kind.resource.value} if kind.shared else {})}
        self._mark = mark_of(kind.record)

    def __contains__(self, one: str) -> bool:
        """Whether a record of this id waits to be written."""
        return one in self._waiting

    def put(self, record: R, digest: bytes, packed: bytes) -> None:
        """Take a record that nobody has seen before, or another state of one that still waits."""
        if len(packed) > LONGEST:
            # Only then can any of its texts be too long.
            _, packed = self._kind.pack(bounded(record))
        self._waiting.put(record.id, digest + packed, len(packed))
        if self._waiting.crowded:
            self._write(self._waiting.take())

    def hand_over(self) -> None:
        """Write everything that waits."""
        for drawer in self._waiting.take_all():
            self._write(drawer)

    def _write(self, drawer: list[tuple[str, bytes]]) -> None:
        """Make rows ready here, one transaction after another, and have them written in the background."""
        kind: Kind[R] = self._kind
        ready = partial(insertion, self._engine.dialect.name)
        for versions, links in self._chunks(drawer):
            columns = (*kind.facts, "facts_version", "digest", "id")
            insertions = [ready(kind.table, columns, versions, self._version)]
            if kind.links is not None:
                insertions.append(ready(kind.links.table, (kind.links.owner, kind.links.target), links, self._run))
            self._background.submit(partial(self._insert, insertions))

    def _chunks(self, drawer: list[tuple[str, bytes]]) -> Iterator[tuple[list[Row], list[Row]]]:
        """The rows of versions and of references, as many at a time as one transaction may write."""
        unpack: Callable[[bytes], Facts] = self._kind.unpack
        versions: list[Row] = []
        links: list[Row] = []
        for one, item in drawer:
            found: Facts = unpack(item[DIGEST:])
            if versions and len(versions) + len(links) + 1 + len(found.references) > CHUNK:
                yield versions, links
                versions, links = [], []
            mark = mark_of(self._kind.record, found.malformed) if found.malformed else self._mark
            versions.append((*found.facts, mark, item[:DIGEST], one))
            links.extend([(one, target) for target in found.references])
        if versions:
            yield versions, links

    def _insert(self, insertions: list[Insertion]) -> None:
        with (
            translated(f"{self._kind.resource} cannot be written"),
            writing(self._engine, self._lease) as connection,
        ):
            for insert in insertions:
                insert(connection)
