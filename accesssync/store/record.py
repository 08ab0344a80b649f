"""Write what a run sees, while it sees it.

Most records are as they were. They cost one digest and one look into a map, nothing else: only a record
whose digest differs is read from the database, compared and written. Those that nobody has seen before are
written by accesssync.store.newcomers.
"""

from collections.abc import Iterable
from datetime import date, datetime
from functools import partial
from operator import attrgetter, itemgetter
from typing import Any, Generic

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import Connection, Engine, bindparam, delete, select, update

from accesssync.drift.compare import R, keep_known
from accesssync.drift.facts import FACTS_VERSION, mark_of, read_mark, same
from accesssync.drift.text import bounded
from accesssync.store.activity import ActivityWriter
from accesssync.store.background import AtOnce, Writing
from accesssync.store.bulk import Row, batches, insert_rows
from accesssync.store.engine import translated
from accesssync.store.kinds import Kind, Links
from accesssync.store.known import DIGEST, Known, stamp_in, stamp_of
from accesssync.store.lease import Lease, writing
from accesssync.store.newcomers import Newcomers

CHUNK = 8_000
"""Rows of one transaction. A promise says at most 10,000; the rest is room for rows that close others."""

WAITING = 2 * CHUNK
"""Rows of changed records collected before they are written, in the order of ids, which is that of their indexes."""


class Stored(Struct, Generic[R], frozen=True):
    """A version that holds now."""

    key: int
    from_run: int
    first_run: int
    facts_version: int
    record: R
    link_keys: dict[str, tuple[int, int]]
    """Of each reference: its row's key and the run that began it."""


class Batch(Struct):
    """The rows that one transaction writes."""

    versions: list[Row]
    links: list[Row]
    closed: list[int]
    erased: list[int]
    links_closed: list[int]
    links_erased: list[int]

    @property
    def size(self) -> int:
        """How many rows that is."""
        opened, ended = len(self.versions) + len(self.links), len(self.closed) + len(self.links_closed)
        return opened + ended + len(self.erased) + len(self.links_erased)


class Recorder(Generic[R]):
    """Records one kind for one run. Not for use by several threads at once."""

    def __init__(
        self,
        engine: Engine,
        lease: Lease,
        run_id: int,
        kind: Kind[R],
        today: date,
        background: Writing | None = None,
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._run = run_id
        self._kind: Kind[R] = kind
        self._background = background or AtOnce()
        self._known = Known()
        self._shared: tuple[str, ...] = (kind.resource.value,) if kind.shared else ()
        with translated(f"the stored {kind.resource} cannot be read"), engine.connect() as connection:
            self._load(connection)
        self._facts = attrgetter(*kind.facts)
        self._new: Newcomers[R] = Newcomers(engine, lease, run_id, kind, self._background)
        self._changed: dict[str, tuple[R, bytes]] = {}
        self._weight = 0
        what = (kind.resource.value, kind.activity or "")
        self._activity = (
            ActivityWriter(engine, lease, run_id, what, today, self._known, self._background) if kind.activity else None
        )

    def known(self) -> Iterable[str]:
        """The ids of every record that holds: those stored before and those seen in this run."""
        return self._known

    def offer(self, records: list[R]) -> None:
        """Take records as they come in; write those that differ, in chunks."""
        pack, entries, field = self._kind.pack, self._known.entries, self._kind.activity
        for record in records:
            one = record.id
            before = entries.get(one, b"")
            seen = UNSET if field is None else getattr(record, field)
            digest, packed = pack(record)
            now = digest + (stamp_in(before) if seen is UNSET else stamp_of(seen))
            if now != before:
                self._take(record, packed, seen, before, now)
        if self._weight >= WAITING:
            self._hand_over()

    def _take(self, record: R, packed: bytes, seen: datetime | UnsetType | None, before: bytes, now: bytes) -> None:
        """Note a record that is new, differs or was active, to be written with others."""
        one = record.id
        self._known.entries[one] = now
        if now[:DIGEST] != before[:DIGEST]:
            if len(before) < DIGEST or one in self._new:
                self._new.put(record, now[:DIGEST], packed)
            else:
                self._changed[one] = record, now[:DIGEST]
                self._weight += self._rows(record)
        if self._activity is not None and seen is not UNSET:
            earlier = stamp_in(before)
            if earlier != stamp_in(now):
                self._activity.offer(one, seen, first=not earlier)

    def flush(self) -> None:
        """Write what is waiting, and wait until it is written."""
        self._new.hand_over()
        self._hand_over()
        if self._activity is not None:
            self._activity.hand_over()
        self._background.wait()

    def _hand_over(self) -> None:
        """Write the changed records that are waiting."""
        if self._changed:
            changed, self._changed, self._weight = self._changed, {}, 0
            self._background.submit(partial(self._write_in_order, changed))

    def _write_in_order(self, changed: dict[str, tuple[R, bytes]]) -> None:
        """Write changed records by id, in transactions of bounded size."""
        chunk: list[tuple[R, bytes]] = []
        weight = 0
        with translated(f"{self._kind.resource} cannot be written"):
            for _, (record, digest) in sorted(changed.items(), key=itemgetter(0)):
                rows = self._rows(record)
                if chunk and weight + rows > CHUNK:
                    self._write_all(chunk)
                    chunk, weight = [], 0
                chunk.append((record, digest))
                weight += rows
            self._write_all(chunk)

    def _rows(self, record: R) -> int:
        """How many rows a record that differs may need."""
        return 2 + (len(getattr(record, self._kind.links.field)) if self._kind.links else 0)

    def _write_all(self, chunk: list[tuple[R, bytes]]) -> None:
        # In one transaction, unless more references are lost than anybody could foresee.
        while chunk:
            chunk = chunk[self._write(chunk) :]

    def _write(self, chunk: list[tuple[R, bytes]]) -> int:
        """Write as many records as one transaction may hold, at least one; tell how many."""
        batch = Batch([], [], [], [], [], [])
        with writing(self._engine, self._lease) as connection:
            stored = self._read(connection, [record.id for record, _ in chunk])
            planned = 0
            for record, digest in chunk:
                self._plan(batch, record, digest, stored[record.id])
                planned += 1
                # A record can lose more references than it has now.
                if batch.size >= CHUNK:
                    break
            self._close(connection, self._kind.table, batch.closed, batch.erased)
            insert_rows(connection, self._kind.table, self._kind.columns, batch.versions)
            if self._kind.links is not None:
                links = self._kind.links
                self._close(connection, links.table, batch.links_closed, batch.links_erased)
                columns = ("org_id", "from_run", links.owner, links.target)
                insert_rows(connection, links.table, columns, batch.links)
        return planned

    def _plan(self, batch: Batch, offered: R, digest: bytes, stored: Stored[R]) -> None:
        """Decide which rows a record that was stored before and differs needs."""
        org_id, run, links = self._lease.org_id, self._run, self._kind.links
        record: R = keep_known(stored.record, bounded(offered))
        # What was never understood stays so for as long as it is not.
        _, unread = read_mark(self._kind.record, stored.facts_version)
        mark = mark_of(self._kind.record, unread.intersection(offered.malformed)) if unread else FACTS_VERSION
        if not self._differs(stored, record, mark):
            return
        (batch.erased if stored.from_run == run else batch.closed).append(stored.key)
        # The digest is of what Datadog sent, so that the same answer next time costs nothing. It covers the
        # references too, hence a new version when only they differ: a digest changed in place would survive an undo.
        facts: tuple[Any, ...] = self._facts(record)
        batch.versions.append((org_id, run, stored.first_run, mark, digest, *self._shared, record.id, *facts))
        if links is None:
            return
        wanted, held = set(getattr(record, links.field)), stored.link_keys
        batch.links.extend((org_id, run, record.id, target) for target in wanted - held.keys())
        for target in held.keys() - wanted:
            key, from_run = held[target]
            (batch.links_erased if from_run == run else batch.links_closed).append(key)

    def _differs(self, stored: Stored[R], after: R, mark: int) -> bool:
        if stored.facts_version != mark:
            return True
        links = self._kind.links
        if links is not None and set(getattr(after, links.field)) != stored.link_keys.keys():
            return True
        return any(not same(name, getattr(stored.record, name), getattr(after, name)) for name in self._kind.facts)

    def remove(self, ids: Iterable[str]) -> None:
        """End every version and reference of records that are proven gone."""
        gone = [one for one in ids if one in self._known]
        if not gone:
            return
        self.flush()
        with translated(f"{self._kind.resource} cannot be removed"), writing(self._engine, self._lease) as connection:
            for stored in self._read(connection, gone).values():
                one_closed, one_erased = ([], [stored.key]) if stored.from_run == self._run else ([stored.key], [])
                self._close(connection, self._kind.table, one_closed, one_erased)
                if self._kind.links is not None:
                    rows = stored.link_keys.values()
                    closed = [key for key, from_run in rows if from_run != self._run]
                    erased = [key for key, from_run in rows if from_run == self._run]
                    self._close(connection, self._kind.links.table, closed, erased)
        for one in gone:
            self._known.drop(one)

    def _load(self, connection: Connection) -> None:
        table = self._kind.table
        query = select(table.c.id, table.c.digest).where(self._kind.mine(self._lease.org_id), table.c.to_run.is_(None))
        result = connection.execution_options(yield_per=5_000).execute(query)
        entries = self._known.entries
        for one, digest in result:
            entries[one] = bytes(digest)

    def _read(self, connection: Connection, ids: list[str]) -> dict[str, Stored[R]]:
        """The versions that hold now, of the ids given."""
        kind, org_id = self._kind, self._lease.org_id
        found: dict[str, Stored[R]] = {}
        for batch in batches(ids):
            held = self._read_links(connection, batch, kind.links) if kind.links is not None else {}
            query = select(kind.table).where(
                kind.mine(org_id), kind.table.c.to_run.is_(None), kind.table.c.id.in_(batch)
            )
            for row in connection.execute(query).mappings():
                links = held.get(row["id"], {})
                record = kind.from_row(row, tuple(sorted(links)))
                found[row["id"]] = Stored(
                    row["key"], row["from_run"], row["first_run"], row["facts_version"], record, links
                )
        return found

    def _read_links(
        self, connection: Connection, ids: Iterable[str], links: Links
    ) -> dict[str, dict[str, tuple[int, int]]]:
        table = links.table
        owner, target = table.c[links.owner], table.c[links.target]
        query = select(owner, target, table.c.key, table.c.from_run).where(
            table.c.org_id == self._lease.org_id, table.c.to_run.is_(None), owner.in_(ids)
        )
        held: dict[str, dict[str, tuple[int, int]]] = {}
        for one, other, key, from_run in connection.execute(query):
            held.setdefault(one, {})[other] = (key, from_run)
        return held

    def _close(self, connection: Connection, table: Any, closed: list[int], erased: list[int]) -> None:
        """End rows of earlier runs; take back rows that this run itself had begun."""
        if closed:
            close = update(table).where(table.c.key == bindparam("row")).values(to_run=self._run)
            connection.execute(close, [{"row": key} for key in closed])
        if erased:
            erase = delete(table).where(table.c.key == bindparam("row"))
            connection.execute(erase, [{"row": key} for key in erased])
