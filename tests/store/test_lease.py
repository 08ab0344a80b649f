"""One writer per organization, and none that lost its turn."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine

from accesssync.errors import LockedError, StoreError
from accesssync.model.coverage import Resource
from accesssync.store import runs
from accesssync.store.kinds import IDENTITIES
from accesssync.store.lease import Lease, leased
from accesssync.store.record import Recorder
from tests.builders import NOW, dump, identity, open_database


def never(_seconds: float) -> None:
    raise AssertionError("it should not wait")


@pytest.fixture
def org_id(engine: Engine) -> int:
    return runs.ensure_org(engine, "acme", "datadoghq.eu", NOW).id


def test_only_one_holds_it_and_it_ends_with_the_block(engine: Engine, org_id: int) -> None:
    with leased(engine, "acme", org_id, wait=False, sleep=never) as first:
        with pytest.raises(LockedError) as caught, leased(engine, "acme", org_id, wait=False, sleep=never):
            raise AssertionError("two at once")
        assert caught.value.exit_code == 8
        assert "--wait" in str(caught.value.remedy)
    with leased(engine, "acme", org_id, wait=False, sleep=never) as second:
        assert second.token == first.token + 1


def test_an_exception_lets_go_of_it(engine: Engine, org_id: int) -> None:
    with pytest.raises(KeyboardInterrupt), leased(engine, "acme", org_id, wait=False, sleep=never):
        raise KeyboardInterrupt
    with leased(engine, "acme", org_id, wait=False, sleep=never):
        pass


def test_organizations_do_not_lock_each_other(engine: Engine, org_id: int) -> None:
    other = runs.ensure_org(engine, "emea", "datadoghq.eu", NOW).id
    with (
        leased(engine, "acme", org_id, wait=False, sleep=never),
        leased(engine, "emea", other, wait=False, sleep=never),
    ):
        pass


def test_waiting_goes_on_until_the_other_is_done(engine: Engine, org_id: int) -> None:
    held = leased(engine, "acme", org_id, wait=False, sleep=never)
    first = held.__enter__()
    waits: list[float] = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            held.__exit__(None, None, None)

    with leased(engine, "acme", org_id, wait=True, sleep=sleep) as second:
        assert len(waits) == 3
        assert second.token > first.token


def test_a_lock_file_that_cannot_be_opened_is_the_storages_fault(sqlite_url: str, tmp_path: Path) -> None:
    engine = open_database(sqlite_url)
    org_id = runs.ensure_org(engine, "acme", "datadoghq.eu", NOW).id
    with leased(engine, "acme", org_id, wait=False, sleep=never):
        [lock] = tmp_path.glob("*.lock")
    lock.unlink()
    lock.symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StoreError), leased(engine, "acme", org_id, wait=False, sleep=never):
        raise AssertionError("a link was followed")
    assert not (tmp_path / "elsewhere").exists()
    engine.dispose()


class TestSleeper:
    """A holder that slept while another one took over."""

    @pytest.fixture
    def sleeper(self, engine: Engine, org_id: int) -> Lease:
        with leased(engine, "acme", org_id, wait=False, sleep=never) as lease:
            run_id = runs.begin_run(engine, lease, NOW)
            assert run_id == 1
        with leased(engine, "acme", org_id, wait=False, sleep=never):
            return lease

    def test_it_cannot_publish_and_nothing_of_it_shows(self, engine: Engine, sleeper: Lease) -> None:
        before = dump(engine)
        with pytest.raises(LockedError) as caught:
            runs.publish(engine, sleeper, 1, {}, result())
        assert caught.value.exit_code == 8
        assert dump(engine) == before
        org = runs.find_org(engine, "acme")
        assert org is not None
        assert org.published_run_id is None

    def test_it_cannot_write_or_begin_or_bind(self, engine: Engine, sleeper: Lease) -> None:
        before = dump(engine)
        recorder = Recorder(engine, sleeper, 1, IDENTITIES, NOW.date())
        recorder.offer([identity(1)])
        with pytest.raises(LockedError):
            recorder.flush()
        with pytest.raises(LockedError):
            runs.begin_run(engine, sleeper, NOW)
        with pytest.raises(LockedError):
            runs.bind_org(engine, sleeper, "datadoghq.com", "1", "other")
        with pytest.raises(LockedError):
            runs.record_absences(engine, sleeper, 1, Resource.USERS, ["a"])
        with pytest.raises(LockedError):
            runs.fail(engine, sleeper, 1, {}, result())
        assert dump(engine) == before


def result() -> runs.Result:
    return runs.Result(
        finished_at=NOW + timedelta(minutes=1),
        status="succeeded",
        baseline=True,
        complete=True,
        requests=1,
        duration_seconds=60.0,
        rate_limit_left=None,
        counts={},
    )
