"""One organization observed once: what is published, what is refused, and how each failure ends."""

from collections.abc import Callable
from datetime import date

import pytest
from sqlalchemy import Engine

from accesssync.errors import (
    AccessSyncError,
    AuthenticationError,
    DeniedError,
    IncompleteError,
    LockedError,
    PartialError,
    RefusedError,
    ResponseError,
)
from accesssync.jobs.sync.document import outcome_code, sync_document
from accesssync.jobs.sync.run import Synced
from accesssync.model.change import Cause, Change
from accesssync.model.coverage import CoverageState, Resource
from accesssync.store import changes, inventory, runs
from accesssync.store.inventory import Moment
from accesssync.store.lease import leased
from tests.builders import JUDGED, NOW, FakeSource, Org, Syncing, dump, identity, role

DENIED = DeniedError("no", permission="user_access_read")
BROKEN = ResponseError("HTTP 500", status=500)


@pytest.fixture
def org() -> Org:
    return Org(3)


def told(engine: Engine, done: Synced) -> list[Change]:
    """The changes that a run recorded."""
    assert done.run is not None
    run_id = done.run.id
    return list(changes.list_changes(engine, done.org, done.run.org_id, after_run=run_id - 1, until_run=run_id))


def kinds(engine: Engine, done: Synced) -> list[str]:
    return sorted(change.kind for change in told(engine, done))


def people(engine: Engine, name: str = "acme") -> set[str]:
    """Who is there, for readers."""
    org = runs.find_org(engine, name)
    run = runs.last_run(engine, org.id, published=True) if org else None
    if run is None or run.finished_at is None:
        return set()
    return {one.identity.id for one in inventory.list_identities(engine, Moment(run.org_id, run.id, LATER))}


LATER = date.max


def failing(error: BaseException, *where: tuple[Resource, int]) -> Callable[[Resource, int], None]:
    def before(resource: Resource, page: int) -> None:
        if (resource, page) in where:
            raise error

    return before


def code(done: Synced) -> int:
    return outcome_code([done], detailed=True)


class TestPlainRuns:
    def test_the_first_run_is_a_baseline_and_no_news(self, engine: Engine, sync: Syncing, org: Org) -> None:
        done = sync(FakeSource(org))
        assert done.run is not None
        assert (done.run.baseline, done.run.complete, done.run.status) == (True, True, "succeeded")
        assert told(engine, done) == []
        # Two roles, three people, a permission for each role, a role for each person.
        assert (done.run.added, done.run.updated, done.run.removed) == (10, 0, 0)
        assert {name: done.counts[name] for name in ("users", "roles", "permissions", "grants")} == {
            "users": 3, "roles": 2, "permissions": 3, "grants": 3,
        }  # fmt: skip
        assert code(done) == 0

    def test_running_again_changes_nothing(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
        done = sync(FakeSource(org))
        assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before
        assert (code(done), done.alerting) == (0, 0)
        assert done.run is not None
        assert not done.run.baseline

    def test_a_change_is_news_and_gives_3_when_asked_for(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.put(identity(1, role_ids=("role-1", "role-2")), role(2, permission_ids=("perm-1", "perm-2")))
        done = sync(FakeSource(org))
        assert kinds(engine, done) == ["grant.added", "role_permission.added"]
        assert (code(done), outcome_code([done], detailed=False)) == (3, 0)
        assert done.run is not None
        assert (done.run.added, done.run.updated, done.run.removed) == (2, 0, 0)

    def test_nothing_is_read_that_is_to_be_skipped(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.drop("role-2")
        done = sync(FakeSource(org), skip=[Resource.ROLES])
        assert done.observed[Resource.ROLES].coverage.state is CoverageState.SKIPPED
        assert done.run is not None
        assert done.run.complete
        assert kinds(engine, done) == []
        assert done.counts["roles"] == 2

    def test_history_may_be_required(self, sync: Syncing, org: Org) -> None:
        done = sync(FakeSource(org), require_history=True)
        assert isinstance(done.error, RefusedError)
        assert (code(done), done.run) == (4, None)
        sync(FakeSource(org))
        assert sync(FakeSource(org), require_history=True).error is None


class TestWindows:
    def test_a_change_lies_between_the_start_of_one_proven_look_and_the_end_of_the_next(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        first = sync(FakeSource(org))
        org.put(identity(1, name="New"))
        second = sync(FakeSource(org))
        [change] = told(engine, second)
        assert change.observed_after == first.observed[Resource.USERS].started_at
        assert change.observed_before == second.observed[Resource.USERS].finished_at
        assert change.cause is Cause.ORG

    def test_a_look_that_proved_nothing_does_not_narrow_the_window(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        first = sync(FakeSource(org, page=2))
        blind = FakeSource(org, page=2)
        blind.before = failing(BROKEN, (Resource.USERS, 1))
        assert isinstance(sync(blind).error, IncompleteError)
        org.put(identity(3, name="New"))
        third = sync(FakeSource(org))
        [change] = told(engine, third)
        assert change.observed_after == first.observed[Resource.USERS].started_at

    def test_the_window_of_a_role_is_that_of_the_listing_of_roles(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        first = sync(FakeSource(org))
        org.put(role(1, name="New"))
        second = sync(FakeSource(org))
        [change] = told(engine, second)
        assert change.observed_after == first.observed[Resource.ROLES].started_at
        assert change.observed_before == second.observed[Resource.ROLES].finished_at
        assert change.observed_before < second.observed[Resource.USERS].finished_at

    def test_a_removal_happened_before_the_first_look_that_missed_it(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        first = sync(FakeSource(org))
        org.drop("user-0003")
        second = sync(FakeSource(org))
        assert kinds(engine, second) == []
        third = sync(FakeSource(org))
        assert kinds(engine, third) == ["grant.removed", "identity.removed"]
        assert {change.observed_after for change in told(engine, third)} == {first.observed[Resource.USERS].started_at}


class TestCauses:
    def test_what_opens_up_is_coverage_and_alerts_nobody(self, engine: Engine, sync: Syncing, org: Org) -> None:
        closed = FakeSource(org)
        closed.before = failing(DENIED, (Resource.USERS, 0))
        first = sync(closed)
        assert isinstance(first.error, PartialError)
        assert code(first) == 5
        second = sync(FakeSource(org))
        assert {change.cause for change in told(engine, second)} == {Cause.COVERAGE}
        assert {change.observed_after for change in told(engine, second)} == {None}
        assert (code(second), second.alerting) == (0, 0)

    def test_what_was_skipped_and_is_read_for_the_first_time_is_coverage_too(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        sync(FakeSource(org), skip=[Resource.ROLES])
        done = sync(FakeSource(org))
        assert {(change.kind, change.cause) for change in told(engine, done)} == {
            ("role.added", Cause.COVERAGE),
            ("role_permission.added", Cause.COVERAGE),
        }
        assert done.alerting == 0

    def test_what_an_incomplete_baseline_did_not_show_is_coverage(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        half = FakeSource(org, page=2)
        half.before = failing(BROKEN, (Resource.USERS, 1))
        first = sync(half)
        assert people(engine) == {"user-0001", "user-0002"}
        assert first.run is not None
        assert first.run.baseline
        second = sync(FakeSource(org))
        assert {(change.kind, change.cause) for change in told(engine, second)} == {
            ("identity.added", Cause.COVERAGE),
            ("grant.added", Cause.COVERAGE),
        }

    def test_once_it_was_proven_whatever_appears_later_is_news(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        closed = FakeSource(org)
        closed.before = failing(DENIED, (Resource.USERS, 0))
        sync(closed)
        org.put(identity(9))
        done = sync(FakeSource(org))
        assert {change.cause for change in told(engine, done)} == {Cause.ORG}
        assert code(done) == 3

    def test_what_could_not_be_understood_at_first_is_no_news_when_it_can(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        whole = org.users["user-0001"]
        org.put(identity(1, created_at=None, role_ids=(), malformed=("created_at", "role_ids")))
        sync(FakeSource(org))
        org.put(whole)
        done = sync(FakeSource(org))
        assert done.alerting == 0
        # The roles are told, as something that may have been there all along.
        found = told(engine, done)
        assert {change.kind for change in found} == {"grant.added"}
        assert {change.cause for change in found} == {Cause.COVERAGE}
        assert len(found) == len(whole.role_ids) > 0
        org.put(identity(1, created_at=NOW, role_ids=()))
        later = sync(FakeSource(org))
        assert {change.cause for change in told(engine, later)} == {Cause.ORG}
        assert {change.kind for change in told(engine, later)} == {"grant.removed", "identity.updated"}

    def test_beside_what_was_never_understood_everything_else_is_news_as_ever(
        self, engine: Engine, sync: Syncing, org: Org
    ) -> None:
        unclear = {"created_at": None, "malformed": ("created_at", "last_login_at")}
        org.put(identity(1, **unclear))
        sync(FakeSource(org))
        org.put(identity(1, title="Chief", **unclear))
        done = sync(FakeSource(org))
        [change] = told(engine, done)
        assert (change.fields, change.cause) == ({"title": (None, "Chief")}, Cause.ORG)
        org.put(identity(1, title="Boss", created_at=NOW))
        done = sync(FakeSource(org))
        [change] = told(engine, done)
        assert (change.fields, change.cause) == ({"title": ("Chief", "Boss")}, Cause.ORG)
        assert kinds(engine, sync(FakeSource(org))) == []


class TestRemovals:
    def test_absence_needs_two_proven_listings_and_a_404(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.drop("user-0003")
        second = FakeSource(org)
        sync(second)
        assert second.gets == []
        assert "user-0003" in people(engine)
        third = FakeSource(org)
        done = sync(third)
        assert third.gets == ["user-0003"]
        assert "user-0003" not in people(engine)
        assert done.run is not None
        assert done.run.removed == 2

    def test_who_is_only_not_listed_is_never_removed(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        for _ in range(4):
            source = FakeSource(org)
            source.hidden = {"user-0002"}
            assert kinds(engine, sync(source)) == []
        assert source.gets == ["user-0002"]
        assert "user-0002" in people(engine)

    def test_a_change_of_somebody_not_listed_is_found_by_asking(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.put(identity(2, name="New"))
        for expected in ([], ["identity.updated"]):
            source = FakeSource(org)
            source.hidden = {"user-0002"}
            assert kinds(engine, sync(source)) == expected

    def test_an_unproven_listing_in_between_does_not_count(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.drop("user-0003")
        for _ in range(3):
            blind = FakeSource(org, page=1)
            blind.before = failing(BROKEN, (Resource.USERS, 1))
            sync(blind)
        sync(FakeSource(org))
        assert "user-0003" in people(engine)
        sync(FakeSource(org))
        assert "user-0003" not in people(engine)

    def test_who_comes_back_in_between_begins_anew(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        gone = org.users["user-0003"]
        for _ in range(3):
            org.drop("user-0003")
            sync(FakeSource(org))
            org.put(gone)
            assert kinds(engine, sync(FakeSource(org))) == []
        assert "user-0003" in people(engine)

    @pytest.mark.parametrize("error", [BROKEN, DENIED])
    def test_a_get_that_fails_proves_nothing(
        self, engine: Engine, sync: Syncing, org: Org, error: AccessSyncError
    ) -> None:
        sync(FakeSource(org))
        org.drop("user-0003")
        sync(FakeSource(org))
        source = FakeSource(org)
        source.before = failing(error, (Resource.USERS, -1))
        assert kinds(engine, sync(source)) == []
        assert "user-0003" in people(engine)
        sync(FakeSource(org))
        assert "user-0003" not in people(engine)

    def test_a_role_is_gone_with_one_proven_listing_and_a_404(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.drop("role-2")
        assert kinds(engine, sync(FakeSource(org))) == ["role.removed", "role_permission.removed"]

    def test_a_permission_needs_a_second_pass_to_agree(self, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        del org.permissions["perm-3"]
        source = FakeSource(org)
        asked: list[Resource] = []
        source.before = lambda resource, _page: asked.append(resource)
        done = sync(source)
        assert asked.count(Resource.PERMISSIONS) == 2
        assert done.counts["permissions"] == 2


class TestGuard:
    @pytest.mark.parametrize(("staff", "leavers", "allowed"), [(30, 5, True), (30, 6, False), (700, 6, True)])
    def test_more_leavers_than_the_guard_allows_are_all_kept(
        self, engine: Engine, sync: Syncing, staff: int, leavers: int, *, allowed: bool
    ) -> None:
        org = Org(staff)
        sync(FakeSource(org))
        org.drop(*(f"user-{number:04}" for number in range(1, leavers + 1)))
        sync(FakeSource(org))
        done = sync(FakeSource(org))
        assert len(people(engine)) == (staff - leavers if allowed else staff)
        assert code(done) == (3 if allowed else 4)

    def test_a_refusal_says_how_to_let_it_through_and_that_works_once(self, engine: Engine, sync: Syncing) -> None:
        org = Org(30)
        sync(FakeSource(org))
        org.drop(*(f"user-{number:04}" for number in range(1, 9)))
        sync(FakeSource(org))
        source = FakeSource(org)
        refused = sync(source)
        assert source.gets == []
        assert isinstance(refused.error, RefusedError)
        assert "--accept-removals" in refused.error.line()
        assert "8" in refused.error.message
        assert kinds(engine, refused) == []
        assert code(sync(FakeSource(org), accepted_removals=7)) == 4
        accepted = sync(FakeSource(org), accepted_removals=8)
        assert accepted.error is None
        assert kinds(engine, accepted).count("identity.removed") == 8
        assert people(engine) == set(org.users)
        org.drop(*(f"user-{number:04}" for number in range(9, 17)))
        sync(FakeSource(org))
        assert code(sync(FakeSource(org))) == 4

    def test_what_else_changed_is_stored_although_removals_were_refused(self, engine: Engine, sync: Syncing) -> None:
        org = Org(30)
        sync(FakeSource(org))
        org.drop(*(f"user-{number:04}" for number in range(1, 9)))
        org.put(identity(30, name="New"), identity(31))
        sync(FakeSource(org))
        done = sync(FakeSource(org))
        assert done.run is not None
        assert (done.run.status, done.run.undone) == ("partial", False)
        assert "user-0031" in people(engine)

    @pytest.mark.parametrize("left", [0, 1, 12])
    def test_a_listing_that_collapses_removes_nobody_however_often_it_is_seen(
        self, engine: Engine, sync: Syncing, left: int
    ) -> None:
        org = Org(30)
        sync(FakeSource(org))
        everybody = dict(org.users)
        for _ in range(3):
            org.users.clear()
            org.users.update(list(everybody.items())[:left])
            done = sync(FakeSource(org))
            assert code(done) == (4 if left else 7)
            assert kinds(engine, done) == []
            assert len(people(engine)) == 30
        org.users.update(everybody)
        assert kinds(engine, sync(FakeSource(org))) == []

    def test_a_collapse_can_be_accepted(self, engine: Engine, sync: Syncing) -> None:
        org = Org(30)
        sync(FakeSource(org))
        org.drop(*(f"user-{number:04}" for number in range(3, 31)))
        sync(FakeSource(org))
        done = sync(FakeSource(org), accepted_removals=28)
        assert done.error is None
        assert people(engine) == {"user-0001", "user-0002"}


class TestFailures:
    @pytest.mark.parametrize("resource", [Resource.USERS, Resource.ROLES, Resource.PERMISSIONS])
    def test_one_resource_denied_is_partial_and_the_rest_is_stored(
        self, engine: Engine, sync: Syncing, org: Org, resource: Resource
    ) -> None:
        sync(FakeSource(org))
        before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
        source = FakeSource(org)
        source.before = failing(DENIED, (resource, 0))
        done = sync(source)
        assert code(done) == 5
        assert done.error is not None
        assert resource in done.error.line()
        assert "user_access_read" in done.error.line()
        assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before
        assert done.run is not None
        assert not done.run.complete

    def test_everything_denied_is_a_matter_of_the_keys(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
        source = FakeSource(org)
        source.before = failing(DENIED, *((resource, 0) for resource in Resource))
        done = sync(source)
        assert code(done) == 6
        assert done.run is not None
        assert done.run.undone
        assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before

    @pytest.mark.parametrize("page", [0, 1])
    def test_a_listing_that_cannot_be_proven_gives_7(self, engine: Engine, sync: Syncing, org: Org, page: int) -> None:
        sync(FakeSource(org))
        org.put(identity(1, name="New"))
        source = FakeSource(org, page=2)
        source.before = failing(BROKEN, (Resource.USERS, page))
        done = sync(source)
        assert code(done) == 7
        assert done.run is not None
        assert (done.run.status, done.run.complete) == ("failed", False)
        # What was seen is stored even so; nobody is missing because of what was not.
        assert kinds(engine, done) == ([] if page == 0 else ["identity.updated"])
        assert len(people(engine)) == 3

    def test_incomplete_outranks_denied(self, sync: Syncing, org: Org) -> None:
        source = FakeSource(org, page=2)

        def before(resource: Resource, page: int) -> None:
            if resource is Resource.ROLES:
                raise DENIED
            if (resource, page) == (Resource.USERS, 1):
                raise BROKEN

        source.before = before
        assert code(sync(source)) == 7

    @pytest.mark.parametrize("where", ["account", Resource.ROLES, Resource.USERS])
    def test_keys_that_are_not_accepted_give_6_and_leave_nothing(
        self, engine: Engine, sync: Syncing, org: Org, where: str
    ) -> None:
        sync(FakeSource(org))
        before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
        org.put(identity(1, name="New"), role(1, name="New"))
        source = FakeSource(org, page=1)
        if where == "account":
            source.failing_account = AuthenticationError("401")
        else:
            source.before = failing(AuthenticationError("401"), (Resource(where), 1))
        done = sync(source)
        assert code(done) == 6
        assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before

    def test_keys_of_another_organization_are_refused(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
        stranger = Org(5, name="globex")
        done = sync(FakeSource(stranger))
        assert isinstance(done.error, RefusedError)
        assert code(done) == 4
        assert "globex" in done.error.message
        assert "acme" in done.error.message
        assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before

    @pytest.mark.parametrize("stop", [KeyboardInterrupt, SystemExit, RuntimeError, MemoryError])
    @pytest.mark.parametrize("where", [(Resource.PERMISSIONS, 0), (Resource.USERS, 1), (Resource.USERS, -1)])
    def test_whatever_stops_a_run_in_the_middle_leaves_nothing_of_it(
        self, engine: Engine, sync: Syncing, org: Org, stop: type[BaseException], where: tuple[Resource, int]
    ) -> None:
        sync(FakeSource(org))
        org.drop("user-0003")
        sync(FakeSource(org))
        before = dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED)
        org.put(identity(1, name="New"), role(1, name="New"))
        source = FakeSource(org, page=1)
        source.before = failing(stop("stop"), where)
        with pytest.raises(stop):
            sync(source)
        assert source.closed
        assert dump(engine, "runs", "orgs", "coverage", "audit", *JUDGED) == before
        done = sync(FakeSource(org))
        assert done.error is None
        assert "identity.updated" in kinds(engine, done)

    def test_a_run_is_refused_while_another_is_under_way(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        found = runs.find_org(engine, "acme")
        assert found is not None
        source = FakeSource(org)
        with leased(engine, "acme", found.id, wait=False, sleep=lambda _seconds: None):
            done = sync(source)
        assert isinstance(done.error, LockedError)
        assert (code(done), done.run, source.requests) == (8, None, 0)

    def test_a_run_that_was_overtaken_publishes_nothing(self, engine: Engine, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.put(identity(1, name="New"))
        source = FakeSource(org)

        def overtake(resource: Resource, _page: int) -> None:
            if resource is Resource.USERS:
                with engine.begin() as connection:
                    connection.exec_driver_sql("UPDATE orgs SET fencing_token = fencing_token + 1")

        source.before = overtake
        done = sync(source)
        assert isinstance(done.error, LockedError)
        found = runs.find_org(engine, "acme")
        assert found is not None
        assert found.published_run_id == 1
        again = sync(FakeSource(org))
        assert kinds(engine, again) == ["identity.updated"]

    def test_no_transaction_is_open_while_the_network_is_awaited(self, engine: Engine, sync: Syncing, org: Org) -> None:
        # Whoever holds a write transaction while it waits for Datadog would keep every other writer out.
        sync(FakeSource(org))
        source = FakeSource(org, page=1)

        def write(_resource: Resource, _page: int) -> None:
            with engine.connect().execution_options(accesssync_writes=True) as connection:
                connection.exec_driver_sql("UPDATE orgs SET site = 'datadoghq.eu'")
                connection.commit()

        source.before = write
        org.put(identity(1, name="New"))
        assert sync(source).error is None


class TestSeveral:
    def test_outcomes_that_agree_keep_their_code_and_others_give_5(self, sync: Syncing) -> None:
        good, bad = Org(3, name="good"), Org(3, name="bad")
        source = FakeSource(bad)
        source.failing_account = AuthenticationError("401")
        failed = sync(source, name="bad")
        assert outcome_code([sync(FakeSource(good), name="good"), failed], detailed=False) == 5
        assert outcome_code([failed, failed], detailed=False) == 6
        assert outcome_code([], detailed=True) == 0

    def test_a_failure_outranks_changes(self, sync: Syncing, org: Org) -> None:
        sync(FakeSource(org))
        org.put(identity(1, name="New"))
        changed = sync(FakeSource(org))
        source = FakeSource(Org(2, name="bad"))
        source.failing_account = AuthenticationError("401")
        failed = sync(source, name="bad")
        assert outcome_code([changed, failed], detailed=True) == 5
        assert outcome_code([failed], detailed=True) == 6

    def test_one_organization_leaves_the_rows_of_another_alone(self, engine: Engine, sync: Syncing) -> None:
        both = [Org(12, name="acme"), Org(12, name="emea")]
        for each in both:
            sync(FakeSource(each), name=each.name)
        both[0].drop(*(f"user-{number:04}" for number in range(1, 4)))
        for _ in range(2):
            sync(FakeSource(both[0]), name="acme")
        assert (len(people(engine, "acme")), len(people(engine, "emea"))) == (9, 12)


def test_the_document_carries_the_contracts_keys(sync: Syncing, org: Org) -> None:
    document = sync_document(sync(FakeSource(org)))
    assert {
        "org", "run_id", "status", "complete", "baseline", "counts", "changes", "nhi", "findings", "coverage",
        "requests", "duration_seconds",
    } <= document.keys()  # fmt: skip
    assert set(document["counts"]) == {
        "users", "service_accounts", "roles", "permissions", "grants", "application_keys", "api_keys",
        "access_tokens", "oauth_clients", "teams", "team_memberships", "authn_mappings",
    }  # fmt: skip
    assert set(document["changes"]) == {"added", "updated", "removed"}
    assert set(document["nhi"]) == {"total", "declared", "inferred", "review"}
    assert document["findings"].keys() >= {"opened", "open", "resolved"}
    for coverage in document["coverage"].values():
        assert {"state", "received", "expected", "passes", "reason"} <= coverage.keys()
    assert document["run_id"] == "run-1"


def test_a_clock_that_was_set_back_gives_no_negative_duration(sync: Syncing, org: Org) -> None:
    source = FakeSource(org)
    source.before = lambda _resource, _page: sync.clock.advance(hours=-1)
    done = sync(source)
    assert done.run is not None
    assert done.run.duration_seconds == 0
