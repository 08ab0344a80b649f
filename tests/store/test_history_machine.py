"""Any organization, changing at random, synced with any luck: history says exactly what was there at every run."""

from contextlib import suppress
from itertools import count
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from msgspec.structs import replace
from sqlalchemy import Engine

from accesssync.drift.facts import NOUNS, plain
from accesssync.errors import AuthenticationError, ResponseError
from accesssync.jobs.changes import baseline_changes
from accesssync.jobs.sync.run import Synced
from accesssync.model.change import Change
from accesssync.model.coverage import Resource
from accesssync.model.identity import Identity
from accesssync.model.role import Role
from accesssync.store import changes, inventory, runs
from accesssync.store.inventory import Moment
from tests.builders import Clock, FakeSource, Org, Syncing, identity, role

NUMBERS = st.integers(1, 6)
ROLE_IDS = st.sets(st.sampled_from(["role-1", "role-2", "role-3", "role-4"])).map(lambda ids: tuple(sorted(ids)))
_names = count()

State = tuple[dict[str, Identity], dict[str, Role]]


class StoppedError(BaseException):
    """What a signal looks like from inside."""


class History(RuleBasedStateMachine):
    """The organization is the truth; the store is asked after every sync."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self.engine = engine
        self.name = f"org{next(_names)}"
        self.org = Org(4, name=self.name)
        self.clock = Clock()
        self.sync = Syncing(engine, self.clock)
        self.published: dict[int, State] = {}
        self.moments: dict[int, Moment] = {}
        self.missed: dict[str, int] = {}

    @rule(number=NUMBERS, name=st.sampled_from(["Ada", "Bob", None]), role_ids=ROLE_IDS)
    def change_somebody(self, number: int, name: str | None, role_ids: tuple[str, ...]) -> None:
        self.org.put(identity(number, name=name, role_ids=role_ids))

    @rule(number=NUMBERS)
    def log_in(self, number: int) -> None:
        found = self.org.users.get(f"user-{number:04}")
        if found is not None:
            self.org.put(replace(found, last_login_at=self.clock.time))

    @rule(number=NUMBERS)
    def leave(self, number: int) -> None:
        if f"user-{number:04}" in self.org.users and len(self.org.users) > 1:
            self.org.drop(f"user-{number:04}")

    @rule(number=st.integers(1, 3), name=st.sampled_from(["Admin", "Reader"]), perms=st.sets(st.integers(1, 3)))
    def change_role(self, number: int, name: str, perms: set[int]) -> None:
        self.org.put(role(number, name=name, permission_ids=tuple(f"perm-{each}" for each in sorted(perms))))

    @rule(number=st.integers(1, 3))
    def delete_role(self, number: int) -> None:
        if f"role-{number}" in self.org.roles and len(self.org.roles) > 1:
            self.org.drop(f"role-{number}")

    @rule()
    def sync_well(self) -> None:
        done = self._sync(FakeSource(self.org, page=3))
        assert done.error is None
        assert done.run is not None
        assert done.run.complete

    @rule(page=st.integers(0, 1), resource=st.sampled_from([Resource.USERS, Resource.ROLES, Resource.PERMISSIONS]))
    def sync_unluckily(self, page: int, resource: Resource) -> None:
        source = FakeSource(self.org, page=2)
        source.before = fail_at(resource, page, ResponseError("HTTP 500", status=500))
        self._sync(source)

    @rule(page=st.integers(0, 2), resource=st.sampled_from([Resource.USERS, Resource.ROLES, Resource.PERMISSIONS]))
    def sync_with_keys_that_die(self, page: int, resource: Resource) -> None:
        source = FakeSource(self.org, page=2)
        source.before = fail_at(resource, page, AuthenticationError("401"))
        done = self._sync(source)
        assert done.run is not None
        assert done.run.undone == (done.error is not None)

    @rule(page=st.integers(-1, 2), resource=st.sampled_from([Resource.USERS, Resource.ROLES]))
    def be_stopped_in_the_middle(self, page: int, resource: Resource) -> None:
        source = FakeSource(self.org, page=2)
        source.before = fail_at(resource, page, StoppedError())
        with suppress(StoppedError):
            self._sync(source)

    @invariant()
    def readers_see_the_published_run_and_every_run_before_as_it_was(self) -> None:
        for run_id, state in self.published.items():
            assert self._seen(run_id) == state, run_id
        org = runs.find_org(self.engine, self.name)
        newest = max(self.published, default=None)
        assert (org.published_run_id if org else None) == newest

    def teardown(self) -> None:
        """Baseline and changes, replayed, lead to every run's state."""
        org = runs.find_org(self.engine, self.name)
        if org is None or not self.published:
            return
        first = min(self.published)
        baseline = runs.get_run(self.engine, first)
        assert baseline is not None
        replayed = Replay()
        replayed.apply(list(baseline_changes(self.engine, org, baseline)))
        replayed.matches(self.published[first])
        for run_id in sorted(self.published)[1:]:
            told = list(changes.list_changes(self.engine, self.name, org.id, after_run=run_id - 1, until_run=run_id))
            replayed.apply(told)
            replayed.matches(self.published[run_id])
            assert len({one.id for one in told}) == len(told)

    def _sync(self, source: FakeSource) -> Synced:
        """Sync, and check what was published against what the run claims to have proven."""
        self.clock.advance(days=1)
        try:
            done = self.sync(source, name=self.name)
        finally:
            assert source.closed
        if done.run is not None and not done.run.undone:
            self._published(done)
        return done

    def _published(self, done: Synced) -> None:
        org = runs.find_org(self.engine, self.name)
        assert org is not None
        assert done.run is not None
        assert done.run.finished_at is not None
        self.moments[done.run.id] = Moment(org.id, done.run.id, done.run.finished_at.date())
        people, roles = self._seen(done.run.id)
        before = self.published[max(self.published)] if self.published else ({}, {})
        if done.observed[Resource.USERS].coverage.proven:
            # Whoever a proven listing misses for the second time in a row is gone, and nobody else.
            absent = before[0].keys() - self.org.users.keys()
            self.missed = {one: self.missed.get(one, 0) + 1 for one in absent}
            waiting = {one: before[0][one] for one, times in self.missed.items() if times == 1}
            assert people == {**self.org.users, **waiting}
        else:
            assert people.keys() >= before[0].keys()
        if done.observed[Resource.ROLES].coverage.proven:
            assert roles == self.org.roles
        else:
            assert roles.keys() >= before[1].keys()
        self.published[done.run.id] = people, roles

    def _seen(self, run_id: int) -> State:
        at = self.moments[run_id]
        people = list(inventory.list_identities(self.engine, at))
        roles = inventory.list_roles(self.engine, at)
        assert len({one.identity.id for one in people}) == len(people)
        return {one.identity.id: one.identity for one in people}, {one.id: one for one, _ in roles}


class Replay:
    """An inventory made of nothing but changes."""

    def __init__(self) -> None:
        self.facts: dict[str, dict[str, Any]] = {}
        self.links: set[tuple[str, str]] = set()

    def apply(self, told: list[Change]) -> None:
        for change in told:
            noun, _, what = change.kind.rpartition(".")
            if noun in ("grant", "role_permission"):
                target = change.fields["role_id" if noun == "grant" else "permission_id"]
                link = (change.subject_id, str(target[what == "added"]))
                assert (link in self.links) == (what == "removed"), change
                self.links ^= {link}
                continue
            held = self.facts.setdefault(change.subject_id, {})
            for name, (before, after) in change.fields.items():
                assert held.get(name) == before, change
                held[name] = after
            if what == "removed":
                assert not {each for each in self.facts.pop(change.subject_id).values() if each is not None}

    def matches(self, state: State) -> None:
        records: list[Identity | Role] = [*state[0].values(), *state[1].values()]
        wanted = {one.id: {n: plain(getattr(one, n)) for n in NOUNS[type(one)].facts} for one in records}
        told = {one: {n: facts.get(n) for n in wanted.get(one, {})} for one, facts in self.facts.items()}
        assert told == wanted
        links = {(one.id, each) for one in state[0].values() for each in one.role_ids}
        links |= {(one.id, each) for one in state[1].values() for each in one.permission_ids}
        assert self.links == links


def fail_at(resource: Resource, page: int, error: BaseException) -> Any:
    def before(asked: Resource, number: int) -> None:
        if (asked, number) == (resource, page):
            raise error

    return before


def test_history_is_the_truth_at_every_run(engine: Engine) -> None:
    run_state_machine_as_test(
        lambda: History(engine),  # type: ignore[arg-type]
        settings=settings(
            max_examples=20 if engine.dialect.name == "sqlite" else 8,
            stateful_step_count=12,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
        ),
    )
