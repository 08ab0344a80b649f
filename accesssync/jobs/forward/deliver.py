"""Deliver one stream to one destination: in order, at least once, and past what can never be delivered."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from random import Random
from typing import Literal

from msgspec import Struct
from msgspec.structs import replace

from accesssync.errors import DeferredError, LockedError, StoreError
from accesssync.forward.destination import Route
from accesssync.forward.entry import Entry
from accesssync.forward.pack import halves, hopeless, packed
from accesssync.forward.telling import moment_text
from accesssync.jobs.forward.dead_letters import DeadLetters
from accesssync.jobs.forward.sources import Source
from accesssync.model.delivery import Delivered, Later, Outcome, Refused, Stopped
from accesssync.store import outbox
from accesssync.store.engine import Database
from accesssync.store.lease import alone
from accesssync.store.outbox import Way

MOST_DEAD = 100
"""Records put aside in one turn. More than that at once is no poison, but a destination that takes nothing."""

PRUNE_EVERY = 10
"""Batches after which what everybody has is deleted."""

READ, READ_BYTES = 200, 5_000_000
"""Entries and bytes of bodies read at a time, also for a destination that takes them one by one."""

BACKOFF_SECONDS = 0.5
LONGEST_PAUSE = 900.0
"""The longest pause of the worker between two tries of a stream that does not get through."""

State = Literal["ok", "later", "stopped", "locked", "not_allowed"]

Record = tuple[int, Entry, bytes]


class Patience(Struct, frozen=True, kw_only=True):
    """How long a turn tries: so many times per batch, waiting so many seconds in all for each. `drain`: without end."""

    attempts: int
    wait: float
    drain: bool = False


class World(Struct, frozen=True, kw_only=True):
    """Time, chance, and whether to go on. `check` may raise to stop: what was delivered by then is remembered."""

    clock: Callable[[], datetime]
    sleep: Callable[[float], None]
    rng: Random
    check: Callable[[], None]
    on_progress: Callable[[str, int, int], None]


class Turn(Struct, kw_only=True):
    """What came of one way in one turn. `error` says why it did not come to its end, `remedy` what to do."""

    org: str
    stream: str
    route: str
    state: State = "ok"
    delivered: int = 0
    dead: int = 0
    lost: int = 0
    dropped: int = 0
    batches: int = 0
    waiting: int = 0
    oldest: datetime | None = None
    error: str | None = None
    remedy: str | None = None
    status: int = 0


class Delivery:
    """One way, for one turn. Nobody else goes it at the same time."""

    def __init__(
        self,
        engine: Database,
        org_id: int,
        route: Route,
        source: Source,
        routes: Sequence[str],
        letters: DeadLetters,
        patience: Patience,
        world: World,
    ) -> None:
        self._engine = engine
        self._way = Way(org_id, route.stream.value, route.name)
        self._route = route
        self._source = source
        self._routes = routes
        self._letters = letters
        self._patience = patience
        self._world = world
        self._turn = Turn(org=route.org, stream=route.stream.value, route=route.name)
        self._place = 0
        self._total = 0

    def carry_out(self, max_age: timedelta) -> Turn:
        """Deliver what waits, until there is no more of it or nothing gets through.

        What goes wrong is part of the answer. Raises StoreError where the store itself does not do, and what `check`
        raises.
        """
        way = self._way
        name = f"delivery {self._route.org} {way.stream} {way.route}"
        busy = f"another process delivers {way.stream} to {way.route}"
        try:
            with alone(self._engine, name, busy, org=self._route.org):
                start = self._source.start(self._world.clock() - max_age)
                self._place = outbox.ensure_delivery(self._engine, way, start).after_seq
                self._total = self._source.waiting(self._place).waiting
                try:
                    stop = self._deliver()
                finally:
                    self._source.prune(self._routes)
                self._note(stop)
        except LockedError as error:
            self._turn.state, self._turn.error = "locked", error.message
        left = self._source.waiting(self._place)
        self._turn.waiting, self._turn.oldest = left.waiting, left.oldest
        return self._turn

    def _deliver(self) -> Later | Stopped | None:
        """Everything that waits; what stopped it before the end."""
        with ThreadPoolExecutor(1, thread_name_prefix="prepare") as ahead:
            # The next records are made while the destination looks at these.
            coming = ahead.submit(self._next, self._place)
            while True:
                self._world.check()
                records = coming.result()
                if not records:
                    return None
                coming = ahead.submit(self._next, records[-1][0])
                for batch in packed((((place, entry), record) for place, entry, record in records), self._route.limits):
                    stop = self._send([(place, entry, record) for (place, entry), record in batch])
                    if stop is not None:
                        return stop

    def _next(self, after: int) -> list[Record]:
        most = max(self._route.limits.records, READ)
        placed = self._source.read(after, most=most, most_bytes=READ_BYTES)
        return [(place, entry, self._prepared(entry)) for place, entry in placed]

    def _prepared(self, entry: Entry) -> bytes:
        """The record of an entry; an empty one where it cannot be made, which is put aside."""
        try:
            return self._route.prepare(entry, self._world.clock())
        except Exception:  # noqa: BLE001 - one entry must not hold up those behind it
            return b""

    def _send(self, batch: Sequence[Record]) -> Later | Stopped | None:
        """Deliver a batch; one that is refused in ever smaller parts, until those at fault are found and put aside."""
        parts = [batch]
        while parts:
            self._world.check()
            part = parts.pop()
            if len(part) == 1 and hopeless(part[0][2], self._route.limits):
                outcome: Outcome = Refused(self._why(part[0][2]))
            else:
                outcome = self._try([record for _, _, record in part])
            if isinstance(outcome, Delivered):
                self._settle(part[-1][0], delivered=len(part))
            elif isinstance(outcome, Later | Stopped):
                return outcome
            elif len(part) > 1:
                first, second = halves(part)
                parts += [second, first]
            elif self._turn.dead + self._turn.lost >= MOST_DEAD:
                return Stopped(
                    f"{MOST_DEAD:,} records were refused one by one, the last with: {outcome.reason}",
                    "look at the dead-letter file; the next turn goes on",
                    outcome.status,
                )
            elif (stop := self._bury(part[0], outcome)) is not None:
                return stop
        return None

    def _why(self, record: bytes) -> str:
        if not record:
            return "it could not be written (a bug in accesssync)"
        return f"it has {len(record):,} bytes, more than {self._route.name} takes"

    def _try(self, records: Sequence[bytes]) -> Outcome:
        """Send until there is an answer that stays, or patience ends."""
        waited, attempt = 0.0, 0
        while True:
            outcome = self._route.destination.send(records)
            attempt += 1
            if not isinstance(outcome, Later):
                return outcome
            ceiling = min(60.0, BACKOFF_SECONDS * 2 ** min(attempt - 1, 16))
            pause = outcome.seconds if outcome.seconds is not None else self._world.rng.random() * ceiling
            patient = attempt < self._patience.attempts and waited + pause <= self._patience.wait
            if not (patient or self._patience.drain):
                return outcome
            waited += pause
            try:
                self._world.sleep(pause)
            except DeferredError:
                return replace(outcome, seconds=pause)

    def _bury(self, record: Record, refused: Refused) -> Stopped | None:
        """Put a record aside. Where that cannot be done it waits, and with it its stream."""
        place, entry, _ = record
        letter = {
            "at": moment_text(self._world.clock()),
            "org": entry.org,
            "stream": entry.stream.value,
            "destination": self._route.name,
            "status": refused.status,
            "reason": refused.reason,
            "dedup_id": entry.dedup_id,
            "observed_at": moment_text(entry.observed_at),
            "body": dict(entry.body),
        }
        try:
            kept = self._letters.put(letter)
        except StoreError as error:
            return Stopped(error.message, error.remedy)
        self._settle(place, dead=int(kept), lost=int(not kept))
        return None

    def _settle(self, place: int, *, delivered: int = 0, dead: int = 0, lost: int = 0) -> None:
        turn, now = self._turn, self._world.clock()
        outbox.settle(
            self._engine, self._way, self._place, place, now, delivered=delivered, dead=dead, lost=lost
        )  # fmt: skip
        self._place = place
        turn.delivered += delivered
        turn.dead += dead
        turn.lost += lost
        turn.batches += 1
        if turn.batches % PRUNE_EVERY == 0:
            self._source.prune(self._routes)
        self._world.on_progress(f"{turn.org} {turn.stream}", turn.delivered + turn.dead + turn.lost, self._total)

    def _note(self, stop: Later | Stopped | None) -> None:
        """Remember how the turn ended."""
        turn, now = self._turn, self._world.clock()
        known = outbox.find_delivery(self._engine, self._way)
        if stop is None:
            if known is not None and known.state != "ok":
                outbox.note(self._engine, self._way, "ok", None, now)
            return
        turn.state = "later" if isinstance(stop, Later) else "stopped"
        turn.error, turn.status = stop.reason, stop.status
        turn.remedy = stop.remedy if isinstance(stop, Stopped) else "it is tried again; nothing is lost meanwhile"
        pause = _pause(known.failures if known else 0, stop.seconds if isinstance(stop, Later) else None)
        outbox.note(self._engine, self._way, turn.state, stop.reason, now, not_before=now + timedelta(seconds=pause))


def _pause(failures: int, asked: float | None) -> float:
    """How long the worker leaves a way alone: longer each time, up to a quarter of an hour."""
    return max(asked or 0.0, min(LONGEST_PAUSE, 5.0 * 2.0 ** min(failures, 10)))
