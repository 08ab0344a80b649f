"""When a subject was last active: one row per subject, field and UTC day; never a change."""

from datetime import date, datetime, timedelta
from functools import partial
from operator import itemgetter
from typing import Any

from sqlalchemy import ColumnElement, Engine, and_, bindparam, delete, exists, func, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from accesssync.store.background import Writing
from accesssync.store.bulk import Insertion, insertion
from accesssync.store.drawers import Drawers
from accesssync.store.engine import translated
from accesssync.store.known import Known, stamp_of
from accesssync.store.lease import Lease, writing
from accesssync.store.tables import activity

DAILY_FOR = timedelta(days=90)
"""How long activity is kept by the day; older than that, by the week."""

CHUNK = 8_000
"""Rows of one transaction."""

ROOM = 20_000
"""New subjects that wait, one row each."""

WAITING = 12_000
"""Values that replace others, collected before they are written in the order of their key."""

COLUMNS = ("org_id", "subject_kind", "field", "day", "run_id", "subject_id", "value")


class ActivityWriter:
    """Reads the newest value per subject into `known`, which must hold its records by then; writes those that moved."""

    def __init__(
        self,
        engine: Engine,
        lease: Lease,
        run_id: int,
        what: tuple[str, str],
        today: date,
        known: Known,
        background: Writing,
    ) -> None:
        self._engine = engine
        self._lease = lease
        self._run = run_id
        self._kind, self.field = what
        self._today = today
        self._background = background
        self._clock_went_back = self._load(known)
        self._new: Drawers[datetime | None] = Drawers(ROOM)
        self._moved: dict[str, datetime | None] = {}

    def _load(self, known: Known) -> bool:
        """Read the newest values; tell whether any of them was seen on a day that is yet to come."""
        current = *self._mine(), activity.c.until_day.is_(None)
        query = select(activity.c.subject_id, activity.c.value).where(*current)
        later = select(activity.c.day).where(*current, activity.c.day > self._today).limit(1)
        entries = known.entries
        with self._engine.connect() as connection:
            result = connection.execution_options(yield_per=5_000).execute(query)
            for one, value in result:
                entries[one] = entries.get(one, b"") + stamp_of(value)
            return connection.execute(later).first() is not None

    def _mine(self) -> tuple[ColumnElement[bool], ...]:
        return (
            activity.c.org_id == self._lease.org_id,
            activity.c.subject_kind == self._kind,
            activity.c.field == self.field,
        )

    def offer(self, subject_id: str, value: datetime | None, *, first: bool) -> None:
        """Take a value other than the newest one, None where Datadog said "never"; `first` where there is none."""
        if first or subject_id in self._new:
            self._new.put(subject_id, value)
            if self._new.crowded:
                self._write(self._new.take())
            return
        self._moved[subject_id] = value
        if len(self._moved) >= WAITING:
            self._hand_over_moved()

    def hand_over(self) -> None:
        """Write what is waiting."""
        for values in self._new.take_all():
            self._write(values)
        self._hand_over_moved()

    def _hand_over_moved(self) -> None:
        if self._moved:
            moved, self._moved = sorted(self._moved.items(), key=itemgetter(0)), {}
            self._background.submit(partial(self._move, moved))

    def _write(self, values: list[tuple[str, datetime | None]]) -> None:
        """Make the rows of new subjects ready here, and have them written in the background."""
        shared = dict(zip(COLUMNS, self._fixed(), strict=False))
        for start in range(0, len(values), CHUNK):
            part = values[start : start + CHUNK]
            rows = insertion(self._engine.dialect.name, activity, COLUMNS[len(shared) :], part, shared)
            self._background.submit(partial(self._insert, rows))

    def _insert(self, insert: Insertion) -> None:
        with translated("the activity cannot be written"), writing(self._engine, self._lease) as connection:
            insert(connection)

    def _move(self, values: list[tuple[str, datetime | None]]) -> None:
        """Two rows each: today's, and the one of an earlier day that it replaces."""
        fixed = self._fixed()
        for start in range(0, len(values), CHUNK // 2):
            part = values[start : start + CHUNK // 2]
            with translated("the activity cannot be written"), writing(self._engine, self._lease) as connection:
                insert = (postgresql if connection.dialect.name == "postgresql" else sqlite).insert(activity)
                upsert = insert.on_conflict_do_update(
                    index_elements=["org_id", "subject_kind", "subject_id", "field", "day"],
                    set_={"value": insert.excluded.value, "run_id": insert.excluded.run_id},
                )
                subjects = [{"subject": one} for one, _ in part]
                of_subject = *self._mine(), activity.c.subject_id == bindparam("subject")
                if self._clock_went_back:
                    # Two rows that hold on one day would make two of whoever they belong to.
                    connection.execute(delete(activity).where(*of_subject, activity.c.day > self._today), subjects)
                connection.execute(upsert, [dict(zip(COLUMNS, (*fixed, *one), strict=True)) for one in part])
                holds = or_(activity.c.until_day.is_(None), activity.c.until_day > self._today)
                until = update(activity).where(*of_subject, activity.c.day < self._today, holds)
                connection.execute(until.values(until_day=self._today), subjects)

    def _fixed(self) -> tuple[int, str, str, date, int]:
        return (self._lease.org_id, self._kind, self.field, self._today, self._run)


def thin(engine: Engine, lease: Lease, today: date) -> int:
    """Keep one row a week of what is older than 90 days: the first of each week. Returns the rows dropped.

    The first and not the last, so that reading a past date can show a value too old but never one from its future.
    """
    cutoff = today - DAILY_FOR
    earlier = activity.alias("earlier")
    same = and_(
        earlier.c.org_id == activity.c.org_id,
        earlier.c.subject_kind == activity.c.subject_kind,
        earlier.c.subject_id == activity.c.subject_id,
        earlier.c.field == activity.c.field,
    )
    with writing(engine, lease) as connection:
        postgres = connection.dialect.name == "postgresql"

        def week(day: ColumnElement[date]) -> ColumnElement[Any]:
            if postgres:
                return func.date_trunc("week", day)
            return func.date(day, "-6 days", "weekday 1")

        old = activity.c.org_id == lease.org_id, activity.c.day < cutoff
        if (
            connection.execute(select(activity.c.day).where(*old, activity.c.until_day.is_not(None)).limit(1)).first()
            is None
        ):
            return 0
        dropped = connection.execute(
            delete(activity).where(
                *old,
                activity.c.until_day.is_not(None),
                exists().where(same, earlier.c.day < activity.c.day, week(earlier.c.day) == week(activity.c.day)),
            )
        ).rowcount
        if dropped:
            following = select(func.min(earlier.c.day)).where(same, earlier.c.day > activity.c.day)
            connection.execute(
                update(activity)
                .where(*old, activity.c.until_day.is_not(None))
                .values(until_day=following.scalar_subquery())
            )
        return dropped


def recorded(engine: Engine, org_id: int, kind: str, subject_id: str, field: str) -> list[tuple[datetime, date]]:
    """Every time at which a subject was seen to have been active, with the day on which that was seen."""
    query = (
        select(activity.c.value, activity.c.day)
        .where(
            activity.c.org_id == org_id,
            activity.c.subject_kind == kind,
            activity.c.subject_id == subject_id,
            activity.c.field == field,
            activity.c.value.is_not(None),
        )
        .order_by(activity.c.day)
    )
    with translated("the activity cannot be read"), engine.connect() as connection:
        return [(row[0], row[1]) for row in connection.execute(query)]
