"""Logins: one row a day, readable for any past day, thinned with age, and never a change."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine

from accesssync.store import activity, inventory, runs
from accesssync.store.inventory import Moment
from accesssync.store.kinds import IDENTITIES
from accesssync.store.lease import Lease, leased
from accesssync.store.record import Recorder
from tests.builders import NOW, dump, identity

TODAY = NOW.date()


@pytest.fixture
def lease(engine: Engine) -> Iterator[Lease]:
    org_id = runs.ensure_org(engine, "acme", "datadoghq.eu", NOW).id
    with leased(engine, "acme", org_id, wait=False, sleep=lambda _seconds: None) as held:
        recorder = Recorder(engine, held, runs.begin_run(engine, held, NOW), IDENTITIES, TODAY - timedelta(days=999))
        recorder.offer([identity(1)])
        recorder.flush()
        with engine.begin() as connection:
            connection.exec_driver_sql("DELETE FROM activity")
        yield held


def see(engine: Engine, lease: Lease, day: date, *values: datetime | None) -> None:
    """What the looks of one day showed."""
    for value in values:
        recorder = Recorder(engine, lease, 1, IDENTITIES, day)
        recorder.offer([identity(1, last_login_at=value)])
        recorder.flush()


def login(engine: Engine, lease: Lease, day: date) -> object:
    """The last login as it was known on a day; fails where the identity is there twice."""
    [one] = list(inventory.list_identities(engine, Moment(lease.org_id, 1, day)))
    return one.identity.last_login_at


def ago(days: float) -> datetime:
    return NOW - timedelta(days=days)


def test_one_row_a_day_whatever_happens_in_it(engine: Engine, lease: Lease) -> None:
    see(engine, lease, TODAY, ago(3), ago(2), ago(1), ago(1))
    assert len(dump(engine)["activity"]) == 1
    assert login(engine, lease, TODAY) == ago(1)


def test_a_login_that_does_not_move_writes_nothing(engine: Engine, lease: Lease) -> None:
    see(engine, lease, TODAY, ago(3))
    before = dump(engine)
    see(engine, lease, TODAY + timedelta(days=1), ago(3))
    see(engine, lease, TODAY + timedelta(days=30), ago(3))
    assert dump(engine) == before
    assert login(engine, lease, TODAY + timedelta(days=60)) == ago(3)


def test_every_past_day_shows_what_was_known_then(engine: Engine, lease: Lease) -> None:
    for days, value in ((40, None), (30, ago(31)), (10, ago(10)), (2, ago(2))):
        see(engine, lease, TODAY - timedelta(days=days), value)
    shown = {days: login(engine, lease, TODAY - timedelta(days=days)) for days in (41, 40, 35, 30, 11, 10, 3, 2, 0)}
    assert str(shown.pop(41)) == "UNSET"
    assert shown == {40: None, 35: None, 30: ago(31), 11: ago(31), 10: ago(10), 3: ago(10), 2: ago(2), 0: ago(2)}


def test_a_new_subject_that_moves_before_it_is_written_has_its_last_value(engine: Engine, lease: Lease) -> None:
    recorder = Recorder(engine, lease, 1, IDENTITIES, TODAY)
    recorder.offer([identity(1, last_login_at=value) for value in (ago(5), ago(4), ago(3))])
    recorder.flush()
    assert login(engine, lease, TODAY) == ago(3)


def test_a_clock_that_was_set_back_makes_nobody_appear_twice(engine: Engine, lease: Lease) -> None:
    for days, value in ((-9, ago(9)), (0, ago(1)), (-3, ago(0.5)), (-2, ago(0.4))):
        see(engine, lease, TODAY + timedelta(days=days), value)
    shown = {days: login(engine, lease, TODAY + timedelta(days=days)) for days in (-9, -4, -3, -2, 0, 9)}
    assert shown == {-9: ago(9), -4: ago(9), -3: ago(0.5), -2: ago(0.4), 0: ago(0.4), 9: ago(0.4)}


def test_old_rows_are_thinned_to_the_first_of_each_week(engine: Engine, lease: Lease) -> None:
    monday = date(2026, 3, 2)
    for day in range(21):
        see(engine, lease, monday + timedelta(days=day), ago(300 - day))
    see(engine, lease, TODAY - timedelta(days=89), ago(89))
    see(engine, lease, TODAY - timedelta(days=88), ago(88))
    assert activity.thin(engine, lease, TODAY) == 18
    kept = [seen for _, seen in activity.recorded(engine, lease.org_id, "users", "user-0001", "last_login_at")]
    assert kept == [monday, monday + timedelta(7), monday + timedelta(14)] + [
        TODAY - timedelta(days=each) for each in (89, 88)
    ]
    assert login(engine, lease, monday + timedelta(days=6)) == ago(300)
    assert login(engine, lease, monday + timedelta(days=7)) == ago(293)
    assert activity.thin(engine, lease, TODAY) == 0


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(days=st.lists(st.integers(60, 200), unique=True, min_size=1, max_size=20).map(sorted))
def test_thinning_never_shows_a_past_day_its_future(engine: Engine, lease: Lease, days: list[int]) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DELETE FROM activity")
    for each in reversed(days):
        see(engine, lease, TODAY - timedelta(days=each), ago(each))
    looks = sorted({max(0, each + by) for each in days for by in (-8, -1, 0, 1)})
    before = {each: login(engine, lease, TODAY - timedelta(days=each)) for each in looks}
    activity.thin(engine, lease, TODAY)
    for each, truth in before.items():
        shown = login(engine, lease, TODAY - timedelta(days=each))
        if isinstance(truth, datetime):
            assert isinstance(shown, datetime)
            assert timedelta(0) <= truth - shown < timedelta(days=7)
        else:
            assert shown is truth
