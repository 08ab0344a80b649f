"""What waits to be published: kept with what caused it, told once that is published, lost only where it is counted."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, func, select

from accesssync.errors import LockedError
from accesssync.store import audit, outbox
from accesssync.store.changes import write_changes
from accesssync.store.lease import Lease, alone, leased, writing
from accesssync.store.outbox import Queued, Way
from accesssync.store.runs import Result, begin_run, ensure_org, fail, publish
from accesssync.store.tables import outbox as table
from tests.builders import NOW, open_database

WAY = Way(1, "alerts", "datadog")


def queued(*numbers: int, stream: str = "alerts", severity: int = 0) -> list[Queued]:
    return [
        Queued(stream=stream, dedup_id=f"d-{one}", severity=severity, observed_at=NOW, body=f'{{"n":{one}}}')
        for one in numbers
    ]


def queue(engine: Engine, *numbers: int, at: Any = NOW, run_id: int | None = None, **more: Any) -> None:
    with writing(engine) as connection:
        outbox.queue(connection, 1, queued(*numbers, **more), at, run_id=run_id)


def told(engine: Engine, after: int = 0, stream: str = "alerts") -> list[str]:
    return [one.dedup_id for one in outbox.read_waiting(engine, 1, stream, after, most=1000, most_bytes=10**9)]


def kept(engine: Engine) -> int:
    with engine.connect() as connection:
        return connection.execute(select(func.count()).select_from(table)).scalar_one()


@pytest.fixture
def acme(engine: Engine) -> Engine:
    assert ensure_org(engine, "acme", "datadoghq.eu", NOW).id == 1
    return engine


def lease_of(engine: Engine) -> Any:
    return leased(engine, "acme", 1, wait=False, sleep=lambda _seconds: None)


def result(status: str = "succeeded") -> Result:
    return Result(
        finished_at=NOW, status=status, baseline=False, complete=True, requests=1, duration_seconds=1.0,
        rate_limit_left=None, counts={},
    )  # fmt: skip


def test_entries_wait_in_their_order_and_each_only_once(acme: Engine) -> None:
    queue(acme, 1, 2)
    queue(acme, 2, 3)
    queue(acme, 9, stream="events")
    assert told(acme) == ["d-1", "d-2", "d-3"]
    assert told(acme, stream="events") == ["d-9"]
    assert outbox.backlog(acme, 1, "alerts", 0) == outbox.Backlog(3, NOW)


def test_entries_of_a_run_are_told_once_it_is_published_and_hold_up_those_behind_them(acme: Engine) -> None:
    queue(acme, 1)
    with lease_of(acme) as lease:
        run = begin_run(acme, lease, NOW)
        queue(acme, 2, 3, run_id=run)
        queue(acme, 4)
        assert told(acme) == ["d-1"]
        assert outbox.backlog(acme, 1, "alerts", 0).waiting == 1
        publish(acme, lease, run, {}, result(), queued(5))
    assert told(acme) == ["d-1", "d-2", "d-3", "d-4", "d-5"]


@pytest.mark.parametrize("how", ["failed", "abandoned"])
def test_entries_of_a_run_that_is_undone_are_never_told(acme: Engine, how: str) -> None:
    with lease_of(acme) as lease:
        run = begin_run(acme, lease, NOW)
        queue(acme, 1, run_id=run)
        if how == "failed":
            fail(acme, lease, run, {}, result("failed"))
    queue(acme, 2)
    with lease_of(acme) as lease:
        begin_run(acme, lease, NOW)
    assert told(acme) == ["d-2"]


def test_changes_and_what_is_told_of_them_are_written_together_or_not_at_all(acme: Engine) -> None:
    from tests.forward.test_alerts import GRANT, change

    def failing(_some: Sequence[Any]) -> list[Queued]:
        raise RuntimeError

    with lease_of(acme) as lease:
        run = begin_run(acme, lease, NOW)
        with pytest.raises(RuntimeError):
            write_changes(acme, lease, run, [change("grant.added", GRANT, run_id=run)], NOW, failing)
        assert kept(acme) == 0
        some = [change("grant.added", GRANT, run_id=run, id=f"c-{n}") for n in range(3)]
        write_changes(acme, lease, run, some, NOW, lambda part: queued(*range(len(part))))
        old = Lease("acme", 1, lease.token - 1)
        with pytest.raises(LockedError):
            write_changes(acme, old, run, some, NOW, lambda part: queued(*range(7, 7 + len(part))))
        assert kept(acme) == 3


def test_a_way_goes_on_only_from_where_it_was_left(acme: Engine) -> None:
    queue(acme, 1, 2, 3)
    first = outbox.ensure_delivery(acme, WAY)
    assert (first.after_seq, first.state) == (0, "new")
    outbox.settle(acme, WAY, 0, 2, NOW, delivered=1, dead=1)
    with pytest.raises(LockedError, match="another process delivers alerts to datadog"):
        outbox.settle(acme, WAY, 0, 2, NOW, delivered=2)
    now = outbox.ensure_delivery(acme, WAY)
    assert (now.after_seq, now.delivered, now.dead, now.state) == (2, 1, 1, "ok")
    assert told(acme, now.after_seq) == ["d-3"]


def test_what_every_destination_has_is_deleted_and_places_are_never_used_again(acme: Engine) -> None:
    queue(acme, 1, 2, 3)
    other = Way(1, "alerts", "file")
    outbox.ensure_delivery(acme, WAY)
    outbox.settle(acme, WAY, 0, 3, NOW, delivered=3)
    assert outbox.prune(acme, 1, "alerts", ["datadog", "file"]) == 0
    outbox.ensure_delivery(acme, other)
    outbox.settle(acme, other, 0, 2, NOW, delivered=2)
    assert outbox.prune(acme, 1, "alerts", ["datadog", "file"]) == 2
    assert outbox.prune(acme, 1, "alerts", ["datadog"]) == 1
    queue(acme, 4)
    assert told(acme, 3) == ["d-4"]


def test_of_too_many_the_oldest_of_the_least_severe_go_and_are_counted(acme: Engine) -> None:
    queue(acme, 1, 2, severity=0)
    queue(acme, 3, severity=4)
    queue(acme, 4, 5, severity=0)
    queue(acme, 6, severity=2)
    outbox.ensure_delivery(acme, WAY)
    outbox.settle(acme, WAY, 0, 1, NOW, delivered=1)
    assert outbox.drop_surplus(acme, 1, "alerts", ["datadog"], 3) == 3
    assert told(acme) == ["d-3", "d-5", "d-6"]
    # The first had been delivered: nothing was lost with it.
    assert outbox.ensure_delivery(acme, WAY).dropped == 2
    assert outbox.drop_surplus(acme, 1, "alerts", ["datadog"], 3) == 0


def test_what_waits_too_long_is_dropped_and_counted_on_every_way(acme: Engine) -> None:
    queue(acme, 1, 2, at=NOW - timedelta(days=15), severity=4)
    queue(acme, 3)
    assert outbox.drop_old(acme, 1, "alerts", ["datadog", "file"], NOW - timedelta(days=14)) == 2
    assert told(acme) == ["d-3"]
    assert [one.dropped for one in outbox.list_deliveries(acme, 1)] == [2, 2]


def test_no_more_is_read_at_a_time_than_was_asked_for(acme: Engine) -> None:
    queue(acme, *range(300))
    assert len(outbox.read_waiting(acme, 1, "alerts", 0, most=250, most_bytes=10**9)) == 250
    assert len(outbox.read_waiting(acme, 1, "alerts", 0, most=250, most_bytes=50)) == 8


def test_only_one_process_goes_a_way_at_a_time(acme: Engine, database_file: str) -> None:
    other = open_database(database_file)
    try:
        with alone(acme, "delivery", "busy", org="acme"):
            with pytest.raises(LockedError, match="busy"), alone(other, "delivery", "busy", org="acme"):
                pass
            with alone(other, "another", "busy", org="acme"):
                pass
        with alone(other, "delivery", "busy", org="acme"):
            pass
    finally:
        other.dispose()


@pytest.fixture
def database_file(engine: Engine) -> str:
    return engine.url.render_as_string(hide_password=False)


def test_the_audit_log_knows_what_waits_of_it(acme: Engine) -> None:
    with lease_of(acme) as lease:
        for _ in range(3):
            publish(acme, lease, begin_run(acme, lease, NOW), {}, result())
    assert audit.backlog(acme, "acme", 0) == outbox.Backlog(3, NOW)
    assert audit.backlog(acme, "acme", 1, upto=2).waiting == 1
    assert audit.place_before(acme, NOW) == 0
    assert audit.place_before(acme, NOW + timedelta(seconds=1)) == 3
    assert [audit.place_of_surplus(acme, "acme", most) for most in (0, 1, 2, 3)] == [3, 2, 1, 0]
