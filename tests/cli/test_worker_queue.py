"""Several workers on one PostgreSQL: they share the organizations, and none is lost with one of them."""

import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.engine import URL

from accesssync.errors import StoreError
from accesssync.sandbox import SandboxServer
from accesssync.sandbox import faults as f
from accesssync.store import queue_schema, schema
from accesssync.store.engine import connect, parse_url
from tests import postgres
from tests.cli.conftest import SMALL, USERS, Cli, make_cli
from tests.cli.test_worker import Worker

ORGS = [f"org{number}" for number in range(4)]
Start = Callable[..., Worker]


@pytest.fixture
def settings(postgres_url: str, server: SandboxServer) -> dict[str, str]:
    given = {
        **SMALL,
        "ACCESSSYNC_DATABASE_URL": postgres_url,
        "ACCESSSYNC_API_URL": server.url,
        "ACCESSSYNC_READ_TIMEOUT": "60",
        "ACCESSSYNC_REQUEST_DEADLINE": "60",
        "ACCESSSYNC_WORKER__MODE": "queue",
        "ACCESSSYNC_WORKER__HEALTH": "127.0.0.1:0",
        "ACCESSSYNC_WORKER__HEARTBEAT": "0.5",
        "ACCESSSYNC_SCHEDULE__SYNC": "every 1h",
        "ACCESSSYNC_SCHEDULE__RETENTION": "off",
        "ACCESSSYNC_SCHEDULE__EVALUATE": "off",
    }
    for org in ORGS:
        given[f"ACCESSSYNC_ORGS__{org.upper()}__API_KEY"] = server.api_key
        given[f"ACCESSSYNC_ORGS__{org.upper()}__APP_KEY"] = server.app_key
    return given


@pytest.fixture
def cli(monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], postgres_url: str) -> Cli:
    made = make_cli(monkeypatch, postgres_url)
    made.env(**settings)
    return made


@pytest.fixture
def start(settings: dict[str, str], tmp_path: Path) -> Iterator[Start]:
    workers: list[Worker] = []

    def started(**more: str) -> Worker:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[2]), **settings, **more}
        workers.append(Worker(environment, tmp_path))
        return workers[-1]

    yield started
    for each in workers:
        each.close()


@pytest.fixture
def engine(postgres_url: str) -> Iterator[Engine]:
    opened = connect(parse_url(postgres_url))
    yield opened
    opened.dispose()


def done(engine: Engine) -> list[str]:
    """The organizations of all runs that succeeded, one entry a run."""
    with engine.connect() as connection:
        query = "SELECT name FROM runs JOIN orgs ON orgs.id = org_id WHERE status = 'succeeded' ORDER BY name"
        return [row[0] for row in connection.execute(text(query))]


def everything(engine: Engine) -> bool:
    try:
        return len(done(engine)) >= len(ORGS)
    except Exception:  # noqa: BLE001 - the tables are still being made
        return False


def waiting(engine: Engine) -> dict[str, int]:
    """How many jobs are in the queue, by their state."""
    with engine.connect() as connection:
        query = f"SELECT status::text, count(*) FROM {queue_schema.PREFIX}jobs GROUP BY status"  # noqa: S608
        return {row[0]: row[1] for row in connection.execute(text(query))}


def test_two_on_a_fresh_database_share_the_organizations_each_once(cli: Cli, start: Start, engine: Engine) -> None:
    workers = [start(), start()]
    workers[0].waits(lambda: everything(engine))
    assert done(engine) == ORGS

    def shares() -> list[set[str]]:
        return [set(re.findall(r"sync (org\d) run-", each.log)) for each in workers]

    workers[0].waits(lambda: shares()[0] | shares()[1] == set(ORGS))
    assert not shares()[0] & shares()[1]
    assert sum("hands out the work" in each.log for each in workers) >= 1
    assert queue_schema.current(engine) == queue_schema.wanted()
    assert schema.differences(engine) == []
    assert cli("db", "check").code == 0
    for each in workers:
        code, took = each.told(signal.SIGTERM)
        assert (code, took < 5) == (0, True), each.log
        assert "left behind" not in each.log
    assert waiting(engine) == {}


def test_what_a_killed_worker_had_in_hand_is_done_by_another(
    start: Start, server: SandboxServer, engine: Engine
) -> None:
    fault = server.faults.add(f.Hang(50), path=USERS)
    first = start()
    first.waits(lambda: fault.fired > 0)
    [struck] = re.findall(r"sync (org\d) begins", first.log)[-1:]
    second = start()
    second.hears("sync org", 2)
    first.process.kill()
    second.waits(lambda: everything(engine))
    assert done(engine) == ORGS
    second.hears(f"sync {struck} run-")
    assert second.told(signal.SIGTERM)[0] == 0
    assert waiting(engine) == {}


def test_what_is_in_hand_at_the_end_is_given_out_again(start: Start, engine: Engine) -> None:
    worker = start()
    worker.hears("begins", 2)
    code, took = worker.told(signal.SIGTERM)
    assert (code, took < 5) == (0, True), worker.log
    other = start()
    other.waits(lambda: everything(engine))
    assert done(engine) == ORGS, other.everything


def test_a_queue_of_another_version_is_refused(cli: Cli, engine: Engine) -> None:
    assert cli("db", "upgrade").code == 0
    with engine.begin() as connection:
        connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS 'accesssync: 99.00.00_01_future'")
    assert cli("db", "check").code == 9
    assert "99.00.00" in cli("worker").err
    assert cli("db", "upgrade").code == 9
    with engine.begin() as connection:
        connection.exec_driver_sql("COMMENT ON TABLE procrastinate_jobs IS NULL")
    assert cli("db", "check").code == 9


def functions(engine: Engine) -> set[tuple[str, str]]:
    """What the queue can do, with the text of each function."""
    query = "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'procrastinate%'"
    with engine.connect() as connection:
        return {(row[0], " ".join(row[1].split())) for row in connection.execute(text(query))}


def test_an_older_queue_is_brought_up_step_by_step(engine: Engine, postgres_server: URL) -> None:
    steps = queue_schema._steps()
    with engine.connect() as connection:
        queue_schema._run(connection, queue_schema._folder() / "migrations" / f"{steps[0]}.sql", steps[0])
    with pytest.raises(StoreError) as caught:
        queue_schema.ensure(engine)
    assert "db upgrade" in str(caught.value.remedy)
    queue_schema.upgrade(engine)
    queue_schema.ensure(engine)
    assert queue_schema.current(engine) == queue_schema.wanted()
    with postgres.fresh_database(postgres_server) as url:
        fresh = connect(url)
        queue_schema.ensure(fresh)
        assert functions(fresh) == functions(engine)
        fresh.dispose()
