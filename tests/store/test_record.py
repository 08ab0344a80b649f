"""What a run writes: what differs and nothing else, in small transactions, and without a trace when it is undone."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event

from accesssync.drift import facts
from accesssync.drift.compare import R
from accesssync.errors import LockedError
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Role
from accesssync.store import history, inventory, record, runs
from accesssync.store.inventory import Moment
from accesssync.store.kinds import IDENTITIES, PERMISSIONS, ROLES, Kind
from accesssync.store.lease import Lease, leased
from accesssync.store.record import Recorder
from tests.builders import LONG_AGO, NOW, dump, identity, open_database, permission, role

FACTS = ("orgs", "runs", "coverage", "audit")
"""Tables that every run writes to."""


@pytest.fixture
def lease(engine: Engine) -> Iterator[Lease]:
    org_id = runs.ensure_org(engine, "acme", "datadoghq.eu", NOW).id
    with leased(engine, "acme", org_id, wait=False, sleep=lambda _seconds: None) as held:
        yield held


class Run:
    """One run of one kind, told step by step."""

    def __init__(self, engine: Engine, lease: Lease, number: int, kind: Kind[R]) -> None:
        self.engine, self.lease, self.number = engine, lease, number
        self.recorder: Recorder[Any] = Recorder(engine, lease, number, kind, NOW.date())

    def offer(self, *records: Any) -> None:
        self.recorder.offer(list(records))
        self.recorder.flush()

    def publish(self) -> int:
        runs.publish(self.engine, self.lease, self.number, {Resource.USERS: OBSERVED}, RESULT)
        return self.number


OBSERVED = runs.Observed(
    coverage=Coverage(state=CoverageState.COMPLETE, received=1, passes=1), started_at=NOW, finished_at=NOW
)
RESULT = runs.Result(
    finished_at=NOW + timedelta(seconds=5),
    status="succeeded",
    baseline=False,
    complete=True,
    requests=3,
    duration_seconds=5.0,
    rate_limit_left=None,
    counts={},
)


def begin(engine: Engine, lease: Lease, kind: Kind[R]) -> Run:
    return Run(engine, lease, runs.begin_run(engine, lease, NOW), kind)


def people(engine: Engine, lease: Lease, run: int) -> dict[str, Identity]:
    """Everybody at a run, as a reader sees them."""
    at = Moment(lease.org_id, run, NOW.date())
    return {one.identity.id: one.identity for one in inventory.list_identities(engine, at)}


def kinds(engine: Engine, lease: Lease, run: int) -> list[tuple[str, dict[str, Any]]]:
    return [(one.kind, dict(one.fields)) for one in history.deltas(engine, lease.org_id, run)]


def test_what_is_written_is_read_back_whole(engine: Engine, lease: Lease) -> None:
    full = identity(1, title="Boss", mfa_enabled=None, role_ids=("role-1", "role-9"), last_login_at=NOW)
    bare = Identity(id="bare", last_login_at=None)
    one = begin(engine, lease, IDENTITIES)
    one.offer(full, bare)
    assert people(engine, lease, one.publish()) == {full.id: full, "bare": bare}


def test_an_unchanged_organization_costs_no_row_at_all(engine: Engine, lease: Lease) -> None:
    everybody = [identity(number, role_ids=("role-1", "role-2")) for number in range(50)]
    first = begin(engine, lease, IDENTITIES)
    first.offer(*everybody)
    first.publish()
    before = dump(engine, *FACTS)
    second = begin(engine, lease, IDENTITIES)
    with transactions(engine) as rows:
        second.offer(*everybody)
        second.recorder.flush()
    assert rows == []
    assert dump(engine, *FACTS) == before
    assert kinds(engine, lease, second.publish()) == []


def test_letter_case_order_and_repetition_are_not_written_either(engine: Engine, lease: Lease) -> None:
    first = begin(engine, lease, IDENTITIES)
    first.offer(identity(1, email="Ada@example.com", role_ids=("role-1", "role-2")))
    first.publish()
    before = dump(engine, *FACTS)
    second = begin(engine, lease, IDENTITIES)
    second.offer(identity(1, email="ada@EXAMPLE.com", role_ids=("role-2", "role-1", "role-2")))
    assert dump(engine, *FACTS) == before


def test_a_change_ends_one_version_and_begins_another(engine: Engine, lease: Lease) -> None:
    first = begin(engine, lease, IDENTITIES)
    first.offer(identity(1), identity(2))
    first.publish()
    second = begin(engine, lease, IDENTITIES)
    second.offer(identity(1, name="New", role_ids=("role-2",)), identity(2))
    second.publish()
    assert people(engine, lease, 1) == {one.id: one for one in (identity(1), identity(2))}
    assert people(engine, lease, 2)["user-0001"] == identity(1, name="New", role_ids=("role-2",))
    assert kinds(engine, lease, 2) == [
        ("identity.updated", {"name": ("Person 1", "New")}),
        ("grant.removed", {"role": ("role-1", None), "role_id": ("role-1", None)}),
        ("grant.added", {"role": (None, "role-2"), "role_id": (None, "role-2")}),
    ]
    assert len(dump(engine)["identities"]) == 3


def test_a_removal_ends_the_record_and_its_references(engine: Engine, lease: Lease) -> None:
    first = begin(engine, lease, IDENTITIES)
    first.offer(identity(1, role_ids=("role-1", "role-2")), identity(2))
    first.publish()
    second = begin(engine, lease, IDENTITIES)
    second.recorder.remove(["user-0001", "nobody"])
    second.publish()
    assert set(people(engine, lease, 1)) == {"user-0001", "user-0002"}
    assert set(people(engine, lease, 2)) == {"user-0002"}
    assert sorted(kind for kind, _ in kinds(engine, lease, 2)) == ["grant.removed", "grant.removed", "identity.removed"]
    third = begin(engine, lease, IDENTITIES)
    third.offer(identity(1))
    assert people(engine, lease, third.publish())["user-0001"] == identity(1)


def test_of_two_values_seen_in_one_run_the_last_holds_and_only_it_is_told(engine: Engine, lease: Lease) -> None:
    first = begin(engine, lease, IDENTITIES)
    first.offer(identity(1))
    first.publish()
    second = begin(engine, lease, IDENTITIES)
    second.offer(identity(1, name="Between", role_ids=("role-2",)), identity(7, name="Seven"))
    second.offer(identity(1, name="Last", role_ids=("role-3",)), identity(7, name="Siete"))
    second.publish()
    assert people(engine, lease, 2)["user-0001"] == identity(1, name="Last", role_ids=("role-3",))
    told = kinds(engine, lease, 2)
    assert ("identity.updated", {"name": ("Person 1", "Last")}) in told
    assert [fields["name"] for kind, fields in told if kind == "identity.added"] == [(None, "Siete")]
    assert [fields["role_id"] for kind, fields in told if kind.startswith("grant") and "role-2" in str(fields)] == []
    assert len(dump(engine)["identities"]) == 3


def test_a_value_that_comes_and_goes_within_one_run_is_no_change(engine: Engine, lease: Lease) -> None:
    first = begin(engine, lease, IDENTITIES)
    first.offer(identity(1))
    first.publish()
    second = begin(engine, lease, IDENTITIES)
    second.offer(identity(1, name="Between", role_ids=()))
    second.offer(identity(1))
    second.publish()
    assert kinds(engine, lease, 2) == []
    assert people(engine, lease, 2) == people(engine, lease, 1) == {"user-0001": identity(1)}


def test_a_degraded_record_keeps_what_was_known(engine: Engine, lease: Lease) -> None:
    known = identity(1, title="Boss", role_ids=("role-1", "role-2"))
    first = begin(engine, lease, IDENTITIES)
    first.offer(known)
    first.publish()
    before = dump(engine, *FACTS)
    unclear = identity(1, title=None, role_ids=(), created_at=None, malformed=("created_at", "role_ids", "title"))
    second = begin(engine, lease, IDENTITIES)
    second.offer(unclear)
    second.publish()
    assert dump(engine, *FACTS) == before
    third = begin(engine, lease, IDENTITIES)
    third.offer(identity(1, title=None, name="New", role_ids=(), malformed=("role_ids", "title")))
    third.publish()
    assert kinds(engine, lease, 3) == [("identity.updated", {"name": ("Person 1", "New")})]
    assert people(engine, lease, 3)["user-0001"].role_ids == known.role_ids


def test_an_upgrade_of_the_program_is_no_change(engine: Engine, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(record, "FACTS_VERSION", 0)
    monkeypatch.setattr(facts, "FACTS_VERSION", 0)
    first = begin(engine, lease, IDENTITIES)
    first.offer(identity(1, mfa_enabled=None))
    first.publish()
    monkeypatch.undo()
    second = begin(engine, lease, IDENTITIES)
    second.offer(identity(1, mfa_enabled=True))
    second.publish()
    assert kinds(engine, lease, 2) == []
    assert people(engine, lease, 2)["user-0001"].mfa_enabled is True
    third = begin(engine, lease, IDENTITIES)
    third.offer(identity(1, mfa_enabled=False))
    third.publish()
    assert kinds(engine, lease, 3) == [("identity.updated", {"mfa_enabled": (True, False)})]


def test_role_permissions_are_told_without_those_that_datadog_hands_out(engine: Engine, lease: Lease) -> None:
    first = begin(engine, lease, PERMISSIONS)
    first.offer(permission(1), permission(2, restricted=True), permission(3))
    roles: Recorder[Role] = Recorder(engine, lease, first.number, ROLES, NOW.date())
    roles.offer([role(1, permission_ids=("perm-1",))])
    roles.flush()
    first.publish()
    second = begin(engine, lease, ROLES)
    second.offer(role(1, name="Renamed", permission_ids=("perm-1", "perm-2", "perm-3")))
    second.publish()
    assert kinds(engine, lease, 2) == [
        ("role.updated", {"name": ("Role 1", "Renamed")}),
        ("role_permission.added", {"permission": (None, "permission_3"), "permission_id": (None, "perm-3")}),
    ]


@contextmanager
def transactions(engine: Engine) -> Iterator[list[int]]:
    """How many rows each transaction wrote that wrote any, counted at the driver."""
    sizes: list[int] = []
    current = 0

    def executed(*arguments: Any) -> None:
        nonlocal current
        cursor, statement, parameters = arguments[1:4]
        if statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE")):
            current += max(cursor.rowcount, len(parameters) if isinstance(parameters, list) else 1)

    def committed(_connection: Connection) -> None:
        nonlocal current
        if current:
            sizes.append(current)
        current = 0

    event.listen(engine, "after_cursor_execute", executed)
    event.listen(engine, "commit", committed)
    try:
        yield sizes
    finally:
        event.remove(engine, "after_cursor_execute", executed)
        event.remove(engine, "commit", committed)


class TestChunks:
    """PostgreSQL takes rows by COPY, which no event shows; the code that cuts the chunks is the same."""

    @pytest.fixture
    def engine(self, sqlite_url: str) -> Iterator[Engine]:
        opened = open_database(sqlite_url)
        yield opened
        opened.dispose()

    def test_a_first_sync_is_written_in_small_transactions(self, engine: Engine, lease: Lease) -> None:
        one = begin(engine, lease, IDENTITIES)
        with transactions(engine) as sizes:
            one.offer(*(identity(number, role_ids=("role-1", "role-2")) for number in range(9_000)))
        assert sum(sizes) >= 9_000 * 4
        assert max(sizes) <= 10_000

    def test_roles_that_everybody_loses_are_counted_too(self, engine: Engine, lease: Lease) -> None:
        held = tuple(f"role-{number}" for number in range(5))
        first = begin(engine, lease, IDENTITIES)
        first.offer(*(identity(number, role_ids=held) for number in range(4_000)))
        first.publish()
        second = begin(engine, lease, IDENTITIES)
        with transactions(engine) as sizes:
            second.offer(*(identity(number, role_ids=()) for number in range(4_000)))
        assert sum(sizes) >= 4_000 * 7
        assert max(sizes) <= 10_000

    def test_one_record_with_more_references_than_fit_is_still_written_whole(
        self, engine: Engine, lease: Lease
    ) -> None:
        many = tuple(f"role-{number:05}" for number in range(12_000))
        one = begin(engine, lease, IDENTITIES)
        one.offer(identity(1, role_ids=many), identity(2))
        assert people(engine, lease, one.publish())["user-0001"].role_ids == many


class TestUndo:
    def test_an_abandoned_run_leaves_the_facts_byte_for_byte_as_they_were(self, engine: Engine, lease: Lease) -> None:
        first = begin(engine, lease, IDENTITIES)
        first.offer(*(identity(number, role_ids=("role-1", "role-2")) for number in range(20)))
        first.publish()
        before = dump(engine, *FACTS)
        lost = begin(engine, lease, IDENTITIES)
        lost.offer(*(identity(number, name="changed", role_ids=("role-2", "role-3")) for number in range(5, 25)))
        lost.offer(*(identity(number, name="again", role_ids=()) for number in range(8, 12)))
        lost.recorder.remove([f"user-{number:04}" for number in range(3)])
        runs.record_absences(engine, lease, lost.number, Resource.USERS, ["user-0000", "user-0001"])
        assert dump(engine, *FACTS) != before
        third = runs.begin_run(engine, lease, NOW)
        after = dump(engine, *FACTS)
        # Whoever was seen to be active was, whatever became of the run.
        assert {**after, "activity": None} == {**before, "activity": None}
        found = runs.get_run(engine, lost.number)
        assert found is not None
        assert (found.status, found.undone) == ("abandoned", True)
        assert third == lost.number + 1

    def test_a_failed_run_is_undone_at_once_and_its_record_stays(self, engine: Engine, lease: Lease) -> None:
        first = begin(engine, lease, IDENTITIES)
        first.offer(identity(1))
        first.publish()
        before = dump(engine, *FACTS)
        second = begin(engine, lease, IDENTITIES)
        second.offer(identity(1, name="New"), identity(2, last_login_at=None))
        runs.fail(engine, lease, second.number, {Resource.USERS: OBSERVED}, RESULT)
        after = dump(engine, *FACTS)
        assert {**after, "activity": None} == {**before, "activity": None}
        assert runs.coverage_of(engine, second.number) == {Resource.USERS: OBSERVED}
        org = runs.find_org(engine, "acme")
        assert org is not None
        assert org.published_run_id == 1

    def test_another_organizations_run_is_not_touched(self, engine: Engine, lease: Lease) -> None:
        mine = begin(engine, lease, IDENTITIES)
        mine.offer(identity(1))
        other = runs.ensure_org(engine, "emea", "datadoghq.eu", NOW).id
        with leased(engine, "emea", other, wait=False, sleep=lambda _seconds: None) as theirs:
            runs.begin_run(engine, theirs, NOW)
        assert set(people(engine, lease, mine.publish())) == {"user-0001"}


class TestReaders:
    def test_nobody_sees_a_run_before_it_is_published(self, engine: Engine, lease: Lease) -> None:
        first = begin(engine, lease, IDENTITIES)
        first.offer(identity(1))
        first.publish()
        second = begin(engine, lease, IDENTITIES)
        second.offer(identity(1, name="New", role_ids=()), identity(2))
        newest = runs.last_run(engine, lease.org_id, published=True)
        assert newest is not None
        assert newest.id == 1
        assert people(engine, lease, newest.id) == {"user-0001": identity(1)}
        assert [run.id for run in runs.list_runs(engine, lease.org_id, published=True)] == [1]
        at = runs.run_at(engine, lease.org_id, NOW + timedelta(days=1))
        assert at is not None
        assert at.id == 1
        proven = runs.last_proven(engine, lease.org_id, Resource.USERS)
        assert proven == OBSERVED

    def test_publishing_is_all_or_nothing(self, engine: Engine, lease: Lease) -> None:
        one = begin(engine, lease, IDENTITIES)
        one.offer(identity(1))
        before = dump(engine)
        stale = Lease(lease.org, lease.org_id, lease.token - 1)
        with pytest.raises(LockedError):
            runs.publish(engine, stale, one.number, {Resource.USERS: OBSERVED}, RESULT)
        assert dump(engine) == before

    def test_a_time_before_the_first_run_selects_none(self, engine: Engine, lease: Lease) -> None:
        begin(engine, lease, IDENTITIES).publish()
        assert runs.run_at(engine, lease.org_id, LONG_AGO) is None
        assert runs.run_at(engine, lease.org_id, RESULT.finished_at) is not None
        assert runs.run_at(engine, lease.org_id, RESULT.finished_at - timedelta(microseconds=1)) is None
