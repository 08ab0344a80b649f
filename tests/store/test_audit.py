"""The audit log as a table: in the transaction of what it tells of, in one order, on both databases."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Connection, Engine, insert, select

from accesssync.audit.entry import Entry, Kind
from accesssync.audit.verify import verify
from accesssync.store import audit as log
from accesssync.store import runs
from accesssync.store.audit import Selection, append, read_anchors, read_log, record_export
from accesssync.store.lease import leased, writing
from accesssync.store.tables import orgs
from tests.builders import NOW


def entry(number: int = 0, **more: object) -> Entry:
    at = NOW + timedelta(minutes=number)
    return Entry(kind=Kind.WRITE_INTENDED, at=at, actor="ada", facts={"number": number}, **more)  # type: ignore[arg-type]


def write(engine: Engine, *entries: Entry) -> None:
    for one in entries:
        with writing(engine) as connection:
            append(connection, one)


def test_what_is_appended_verifies_when_it_is_read_back(engine: Engine) -> None:
    strange = "\x00\x1b\u202e\ud800 é"
    write(engine, entry(1, org=None), entry(2, subject_id="u-1", personal={"name": strange}), entry(3, org="acme"))
    verdict = verify(read_log(engine), read_anchors(engine))
    assert verdict.fault is None
    assert verdict.entries == verdict.head.seq == 3


def test_an_entry_is_there_exactly_where_its_transaction_is(engine: Engine) -> None:
    def tell(connection: Connection, *, fail: bool) -> None:
        append(connection, entry())
        connection.execute(insert(orgs).values(name="acme", site="datadoghq.eu", created_at=NOW, fencing_token=0))
        if fail:
            raise RuntimeError

    with pytest.raises(RuntimeError), writing(engine) as connection:
        tell(connection, fail=True)
    assert list(read_log(engine)) == []
    with writing(engine) as connection:
        tell(connection, fail=False)
    assert [one.seq for one in read_log(engine)] == [1]


def test_it_refuses_a_transaction_that_did_not_say_that_it_writes(engine: Engine) -> None:
    with engine.connect() as connection, pytest.raises(TypeError):
        append(connection, entry())


def test_two_entries_of_one_transaction_follow_each_other(engine: Engine) -> None:
    with writing(engine) as connection:
        heads = [append(connection, entry(number)) for number in range(3)]
    assert [head.seq for head in heads] == [1, 2, 3]
    assert verify(read_log(engine), ()).fault is None


def test_writers_at_the_same_time_make_one_chain(engine: Engine) -> None:
    def appender(worker: int) -> None:
        write(engine, *(entry(worker * 100 + number) for number in range(15)))

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(appender, range(4)))
    verdict = verify(read_log(engine), ())
    assert verdict.fault is None
    assert verdict.entries == 60


def test_entries_are_chosen_by_what_is_asked_for(engine: Engine) -> None:
    write(
        engine,
        entry(1, org="acme", subject_id="u-1"),
        Entry(kind=Kind.RUN_PUBLISHED, at=NOW + timedelta(minutes=2), actor="ada", org="acme"),
        entry(3, org="other"),
        entry(4),
    )

    def found(**chosen: object) -> list[int]:
        return [one.seq for one in read_log(engine, Selection(**chosen))]  # type: ignore[arg-type]

    assert found() == [1, 2, 3, 4]
    assert found(orgs=("acme",)) == [1, 2, 4]
    assert found(kind="write") == found(kind="write.intended") == [1, 3, 4]
    assert found(kind="wri") == found(kind="%") == []
    assert found(subject_id="u-1") == [1]
    assert found(since=NOW + timedelta(minutes=3)) == [3, 4]
    assert found(until=NOW + timedelta(minutes=2)) == [1, 2]
    assert found(after_seq=1, upto_seq=3) == [2, 3]
    assert found(newest=2) == [3, 4]
    assert found(kind="write", newest=2) == [3, 4]


RESULT = runs.Result(
    finished_at=NOW, status="succeeded", baseline=True, complete=True, requests=3, duration_seconds=1.5,
    rate_limit_left=0.5, counts={"users": 3},
)  # fmt: skip


def test_every_run_has_its_entry_however_it_ended(engine: Engine) -> None:
    org = runs.ensure_org(engine, "acme", "datadoghq.eu", NOW)
    with leased(engine, "acme", org.id, wait=False, sleep=lambda _: None, holder="ada") as lease:
        published, failed = runs.begin_run(engine, lease, NOW), 0
        runs.publish(engine, lease, published, {}, RESULT)
        failed = runs.begin_run(engine, lease, NOW)
        runs.fail(engine, lease, failed, {}, RESULT)
        abandoned = runs.begin_run(engine, lease, NOW)
        runs.begin_run(engine, lease, NOW)
    told = [(one.kind, one.org, one.seq) for one in read_log(engine)]
    assert told == [("run.published", "acme", 1), ("run.failed", "acme", 2), ("run.abandoned", "acme", 3)]
    noted = {one.source: one.seq for one in read_anchors(engine)}
    assert noted == {f"run-{published}": 1, f"run-{failed}": 2, f"run-{abandoned}": 3}
    assert log.entry_of_run(engine, failed) == 2
    assert verify(read_log(engine), read_anchors(engine)).fault is None


def test_an_export_is_noted_in_the_log_and_beside_it(engine: Engine) -> None:
    write(engine, entry())
    at = datetime(2026, 6, 30, 12, tzinfo=UTC)
    head = record_export(engine, Entry(kind=Kind.AUDIT_EXPORTED, at=at, actor="ada"))
    assert head.seq == 2
    [noted] = read_anchors(engine)
    assert (noted.seq, noted.hash, noted.source) == (2, head.hash, "the export of 2026-06-30 12:00")
    with engine.connect() as connection:
        assert connection.execute(select(orgs)).all() == []
