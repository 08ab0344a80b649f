"""Rows written in bulk are stored to the byte as SQLAlchemy would store them."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Connection, Engine, insert, text

from accesssync.store import runs
from accesssync.store.bulk import PARAMETERS, insert_rows
from accesssync.store.lease import leased
from accesssync.store.tables import credentials, waivers
from tests.builders import NOW, open_database

moments = st.datetimes(min_value=datetime(1, 1, 1), max_value=datetime(9999, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@pytest.fixture
def sqlite(sqlite_url: str) -> Iterator[Engine]:
    opened = open_database(sqlite_url)
    yield opened
    opened.dispose()


@contextmanager
def a_run(engine: Engine) -> Iterator[tuple[Connection, int, int]]:
    """A connection with whatever a row has to refer to: an organization and a run. Nothing of it is kept."""
    org_id = runs.ensure_org(engine, "acme", "datadoghq.eu", NOW).id
    with leased(engine, "acme", org_id, wait=False, sleep=lambda _seconds: None) as lease:
        run_id = runs.begin_run(engine, lease, NOW)
    with engine.connect() as connection:
        yield connection, org_id, run_id
        connection.rollback()


COLUMNS = ("org_id", "finding_id", "owner", "reason", "approver", "expires", "created_at", "created_by", "ended_at")


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(made=moments, ended=st.none() | moments, day=st.dates())
def test_times_and_days_are_stored_alike(sqlite: Engine, made: datetime, ended: datetime | None, day: date) -> None:
    with a_run(sqlite) as (connection, org_id, _):
        row = (org_id, "F-1", "o", "r", "a", day, made, "b", ended)
        connection.execute(insert(waivers), dict(zip(COLUMNS, row, strict=True)))
        insert_rows(connection, waivers, COLUMNS, [row])
        one, other = connection.execute(text("SELECT owner, expires, created_at, ended_at FROM waivers")).all()
        assert one == other


def test_what_rows_have_in_common_may_be_anything_that_a_column_holds(engine: Engine) -> None:
    columns = ("id", "type", "first_run", "facts_version", "digest", "scopes_known", "created_at", "leaked")
    count = 2 * PARAMETERS // len(columns) + 3
    rows = [(f"key-{n}", "api_key", 1, 1, bytes([n % 256]), n % 2 == 0, NOW, None) for n in range(count)]
    with a_run(engine) as (connection, org_id, run_id):
        shared = {"org_id": org_id, "from_run": run_id, "resource": "api_keys", "scopes": ("a",), "disabled": True}
        insert_rows(connection, credentials, columns, rows, shared)
        insert_rows(connection, credentials, columns, [], shared)
        found = connection.execute(credentials.select().order_by(credentials.c.key)).mappings().all()
    assert [tuple(row[name] for name in columns) for row in found] == rows
    assert {(row["org_id"], row["resource"], tuple(row["scopes"]), row["disabled"]) for row in found} == {
        (org_id, "api_keys", ("a",), True)
    }
