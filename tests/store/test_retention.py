"""What is too old goes, what holds stays, and nothing that is kept is left without its run."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, insert, select

from accesssync.jobs.retention import _before
from accesssync.store import retention
from accesssync.store.tables import activity, changes, coverages, identities, metadata, runs
from tests.builders import NOW, FakeSource, Org, Syncing, dump, identity

DAY = timedelta(days=1)


def cutoffs(before: datetime | None) -> retention.Cutoffs:
    day = before.date() if before else None
    return retention.Cutoffs(history=before, changes=before, activity=day, runs=before)


def never() -> None:
    """Nobody asks it to stop."""


def count(engine: Engine, table: Any) -> int:
    with engine.connect() as connection:
        return int(connection.execute(select(func.count()).select_from(table)).scalar_one())


@pytest.fixture
def aged(sync: Syncing) -> Syncing:
    """Ten daily runs, in each of which one person changed a name."""
    org = Org(5)
    for number in range(10):
        org.put(identity(1, name=f"Name {number}"))
        sync.clock.time = NOW + number * DAY
        assert sync(FakeSource(org)).error is None
    return sync


@pytest.mark.usefixtures("aged")
def test_what_ended_goes_and_what_holds_stays_whatever_its_age(engine: Engine) -> None:
    before = count(engine, identities)
    deleted = retention.retain(engine, cutoffs(NOW + 1000 * DAY), never)
    assert deleted["identities"] == 9
    assert count(engine, identities) == before - 9 == 5
    with engine.connect() as connection:
        assert not connection.execute(select(identities.c.key).where(identities.c.to_run.is_not(None))).all()
    assert count(engine, changes) == 0


@pytest.mark.usefixtures("aged")
def test_no_row_is_left_that_names_a_run_that_is_gone(engine: Engine) -> None:
    for day in range(12):
        retention.retain(engine, cutoffs(NOW + day * DAY + timedelta(hours=1)), never)
        with engine.connect() as connection:
            known = set(connection.execute(select(runs.c.id)).scalars())
            for column in retention.citations():
                cited = set(connection.execute(select(column).where(column.is_not(None))).scalars())
                # A run that was undone may have been deleted; its number is on nothing.
                assert cited <= known, (day, column)
            assert set(connection.execute(select(coverages.c.run_id)).scalars()) <= known
    # The one that began what holds, the one that is published, the newest proof.
    assert count(engine, runs) <= 3


@pytest.mark.usefixtures("aged")
def test_what_is_told_of_the_time_since_is_the_same_as_before(engine: Engine) -> None:
    def since(day: int) -> list[Any]:
        query = select(changes.c.kind, changes.c.run_id).where(changes.c.run_id > day).order_by(changes.c.run_id)
        with engine.connect() as connection:
            return [tuple(row) for row in connection.execute(query)]

    kept = since(6)
    retention.retain(engine, cutoffs(NOW + 5 * DAY + timedelta(hours=1)), never)
    assert since(6) == kept
    assert kept


def test_a_next_run_sees_no_news_in_what_was_deleted(aged: Syncing, engine: Engine) -> None:
    retention.retain(engine, cutoffs(NOW + 1000 * DAY), never)
    org = Org(5)
    org.put(identity(1, name="Name 9"))
    aged.clock.time = NOW + 11 * DAY
    done = aged(FakeSource(org))
    assert done.error is None
    assert done.run is not None
    assert not done.run.baseline
    assert (done.run.added, done.run.updated, done.run.removed) == (0, 0, 0)


@pytest.mark.usefixtures("aged")
def test_activity_that_was_replaced_goes(engine: Engine) -> None:
    day = NOW.date()
    row = {"org_id": 1, "subject_kind": "identity", "subject_id": "user-0001", "field": "last_login_at", "run_id": 1}
    with engine.begin() as connection:
        connection.execute(insert(activity), {**row, "day": day, "until_day": day + 2 * DAY, "value": NOW})
        connection.execute(insert(activity), {**row, "day": day + 2 * DAY, "until_day": None, "value": NOW})
    assert retention.retain(engine, cutoffs(NOW + 1 * DAY), never).get("activity", 0) == 0
    assert retention.retain(engine, cutoffs(NOW + 500 * DAY), never)["activity"] == 1


@pytest.mark.usefixtures("aged")
def test_zero_months_is_for_ever(engine: Engine) -> None:
    before = dump(engine)
    assert retention.retain(engine, cutoffs(None), never) == {}
    assert dump(engine) == before


@pytest.mark.usefixtures("aged")
def test_it_deletes_in_pieces_and_stops_when_asked(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "CHUNK", 2)
    monkeypatch.setattr(retention, "HISTORY", (identities,))
    asked: list[None] = []

    def check() -> None:
        asked.append(None)
        if len(asked) == 3:
            raise InterruptedError

    with pytest.raises(InterruptedError):
        retention.retain(engine, cutoffs(NOW + 1000 * DAY), check)
    assert count(engine, identities) == 5 + 9 - 4
    retention.retain(engine, cutoffs(NOW + 1000 * DAY), never)
    assert count(engine, identities) == 5


def test_every_table_that_names_a_run_is_known_to(engine: Engine) -> None:
    del engine
    known = {(column.table.name, column.name) for column in retention.citations()}
    for table in metadata.sorted_tables:
        for column in table.c:
            refers = any(key.column.table is runs for key in column.foreign_keys)
            if (refers or "run" in column.name.split("_")) and table not in retention.RUN_PARTS:
                assert (table.name, column.name) in known


def test_months_are_those_of_the_calendar() -> None:
    assert _before(NOW, 25) == NOW.replace(year=2024, month=10)
    assert _before(NOW.replace(month=3, day=31), 1) == NOW.replace(month=2, day=28)
    assert _before(NOW, 0) is None
