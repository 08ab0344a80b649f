"""Who made the changes of a run, by Datadog's Audit Trail; and that nothing depends on it."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from accesssync.errors import DeniedError, ResponseError, StoreError
from accesssync.jobs.findings.listing import list_findings
from accesssync.jobs.sync.run import Synced
from accesssync.model.change import Change
from accesssync.model.coverage import Resource
from accesssync.model.trail import TrailEvent
from accesssync.store import changes, runs
from tests.builders import NOW, FakeSource, Org, Syncing, dump, identity, permission, role

HOUR = timedelta(hours=1)
POWER = permission(9, name="user_access_manage")


@pytest.fixture
def org() -> Org:
    found = Org(3)
    found.put(POWER, role(9, name="Keymaster", permission_ids=("perm-9",)))
    return found


class Story:
    """A few runs, hours apart, and what Datadog tells of the time between them."""

    def __init__(self, sync: Syncing, org: Org) -> None:
        self.sync = sync
        self.org = org
        self.source = FakeSource(org)
        self.told = 0

    def run(self, **terms: Any) -> Synced:
        self.sync.clock.advance(hours=2)
        done = self.sync(self.source, audit_trail=True, **terms)
        assert done.error is None or terms
        return done

    def happened(self, asset_id: str, action: str, *, ago: timedelta = HOUR, **more: Any) -> TrailEvent:
        """An event of so long before the next run."""
        self.told += 1
        at = self.sync.clock.time + 2 * HOUR - ago
        usual = {"id": f"e-{self.told}", "actor": "bob@example.com", "asset_type": "user"}
        one = TrailEvent(at=at, action=action, asset_id=asset_id, **{**usual, **more})
        self.source.trail.append(one)
        return one

    def given(self, user: str, role_id: str, **more: Any) -> TrailEvent:
        texts = frozenset({user})
        return self.happened(
            role_id, "modified", asset_type="role", texts=texts, gained=texts, joined=texts, **more
        )  # fmt: skip


@pytest.fixture
def story(sync: Syncing, org: Org) -> Story:
    found = Story(sync, org)
    found.run()
    return found


def told(engine: Engine, done: Synced) -> list[Change]:
    assert done.run is not None
    run = done.run
    return list(changes.list_changes(engine, done.org, run.org_id, after_run=run.id - 1, until_run=run.id))


def found_by(engine: Engine, check: str) -> list[dict[str, Any]]:
    return list(list_findings(engine, [], statuses=("open",), now=NOW, checks=(check,)))


def test_a_change_has_the_actor_that_datadog_names(engine: Engine, story: Story) -> None:
    story.org.put(identity(1, role_ids=("role-1", "role-9")))
    story.given("user-0001", "role-9", key="API key 7")
    done = story.run()
    assert [(one.kind, one.actor) for one in told(engine, done)] == [("grant.added", "bob@example.com (API key 7)")]
    assert done.run is not None
    assert done.run.audit_trail is not None
    assert {name: done.run.audit_trail[name] for name in ("state", "events", "joined", "unseen")} == {
        "state": "read", "events": 1, "joined": 1, "unseen": 0,
    }  # fmt: skip


def test_the_first_run_asks_nothing(story: Story) -> None:
    assert story.source.trail_asked == []


def test_the_time_asked_about_begins_before_the_last_look(story: Story) -> None:
    before = story.sync.clock.time
    story.run()
    [(since, until)] = story.source.trail_asked
    assert timedelta(0) < before - since < 2 * HOUR
    assert until > before + HOUR


def test_an_event_that_comes_late_names_the_actor_afterwards(engine: Engine, story: Story) -> None:
    story.org.put(identity(1, title="Boss"))
    late = story.happened("user-0001", "modified", ago=HOUR / 4)
    story.source.trail.clear()
    first = story.run()
    assert [one.actor for one in told(engine, first)] == [None]
    story.source.trail.append(late)
    story.run()
    assert [one.actor for one in told(engine, first)] == ["bob@example.com"]


def failing(error: BaseException) -> Callable[[Story], None]:
    def spoil(story: Story) -> None:
        story.source.failing_trail = error

    return spoil


@pytest.mark.parametrize(
    ("spoil", "state"),
    [
        (failing(DeniedError("no", permission="audit_logs_read")), "denied"),
        (failing(ResponseError("HTTP 500", status=500)), "failed"),
    ],
)
def test_a_sync_never_fails_for_it(engine: Engine, story: Story, spoil: Callable[[Story], None], state: str) -> None:
    story.org.put(identity(1, title="Boss"))
    spoil(story)
    done = story.run()
    assert done.error is None
    assert done.run is not None
    assert (done.run.status, done.run.complete) == ("succeeded", True)
    assert (done.run.audit_trail or {})["state"] == state
    assert [one.kind for one in told(engine, done)] == ["identity.updated"]


def test_nothing_is_asked_where_the_settings_say_so(story: Story) -> None:
    story.sync.clock.advance(hours=2)
    done = story.sync(story.source)
    assert story.source.trail_asked == []
    assert done.run is not None
    assert done.run.audit_trail is None


class TestUnaccounted:
    """A privileged change that Datadog does not tell of."""

    def test_it_is_found_once_nothing_more_can_come(self, engine: Engine, story: Story) -> None:
        story.happened("role-1", "modified", asset_type="role")  # the Audit Trail does tell of roles
        story.org.put(identity(1, role_ids=("role-1", "role-9")))
        story.run()
        assert found_by(engine, "AS-TRAIL-01") == []
        story.run()
        [found] = found_by(engine, "AS-TRAIL-01")
        assert (found["subject_id"], found["severity"], found["evidence"]["role"]) == ("user-0001", "high", "Keymaster")

    def test_an_event_that_fits_is_enough_even_where_it_names_nobody(self, engine: Engine, story: Story) -> None:
        story.org.put(identity(1, role_ids=("role-1", "role-9")))
        story.given("user-0001", "role-9", actor=None)
        story.run()
        story.run()
        assert found_by(engine, "AS-TRAIL-01") == []

    def test_an_event_that_fits_several_changes_is_enough_for_all_of_them(self, engine: Engine, story: Story) -> None:
        story.org.put(role(8, name="Master of keys", permission_ids=("perm-9",)))
        story.happened("role-8", "created", asset_type="role")
        story.run()
        story.org.put(identity(4, role_ids=("role-8", "role-9")))
        story.happened("user-0004", "created", actor=None)
        story.run()
        story.run()
        assert found_by(engine, "AS-TRAIL-01") == []

    def test_nothing_is_concluded_where_datadog_tells_of_no_role_or_user_at_all(
        self, engine: Engine, story: Story
    ) -> None:
        story.happened("k-1", "modified", asset_type="api_key")
        story.org.put(identity(1, role_ids=("role-1", "role-9")))
        story.run()
        story.run()
        assert found_by(engine, "AS-TRAIL-01") == []

    def test_nothing_is_concluded_where_it_may_not_be_read(self, engine: Engine, story: Story) -> None:
        story.source.failing_trail = DeniedError("no", permission="audit_logs_read")
        story.org.put(identity(1, role_ids=("role-1", "role-9")))
        story.run()
        story.run()
        assert found_by(engine, "AS-TRAIL-01") == []

    def test_an_ordinary_role_is_nobody_s_business(self, engine: Engine, story: Story) -> None:
        story.happened("role-1", "modified", asset_type="role")
        story.org.put(identity(1, role_ids=("role-1", "role-2")))
        story.run()
        story.run()
        assert found_by(engine, "AS-TRAIL-01") == []


class TestUnseen:
    """What came and went between two runs."""

    def test_a_key_that_was_made_and_taken_away(self, engine: Engine, story: Story) -> None:
        story.happened("k-1", "created", asset_type="api_key", asset_name="tmp")
        story.happened("k-1", "deleted", asset_type="api_key", asset_name="tmp")
        done = story.run()
        [found] = found_by(engine, "AS-TRAIL-02")
        assert (found["subject"], found["evidence"]["actor"], found["evidence"]["what"]) == (
            "tmp", "bob@example.com", "api key",
        )  # fmt: skip
        assert done.run is not None
        assert (done.run.audit_trail or {})["unseen"] == 1

    def test_a_role_that_somebody_had_for_a_while(self, engine: Engine, story: Story) -> None:
        story.given("user-0002", "role-9")
        story.run()
        [found] = found_by(engine, "AS-TRAIL-02")
        assert (found["subject_id"], found["severity"], found["evidence"]["role"]) == ("user-0002", "high", "Keymaster")

    def test_what_is_there_did_not_go(self, engine: Engine, story: Story) -> None:
        # user-0002 has held role-1 all along: giving it again changed nothing.
        story.given("user-0002", "role-1")
        story.happened("user-0003", "created")
        story.run()
        assert found_by(engine, "AS-TRAIL-02") == []

    def test_what_went_in_sight_was_seen(self, engine: Engine, story: Story) -> None:
        story.given("user-0002", "role-1", ago=HOUR)
        story.org.put(identity(2, role_ids=()))
        story.run()
        assert found_by(engine, "AS-TRAIL-02") == []

    def test_the_newest_may_not_have_shown_yet(self, engine: Engine, story: Story) -> None:
        story.happened("k-1", "created", asset_type="api_key", ago=timedelta(seconds=30))
        story.run()
        assert found_by(engine, "AS-TRAIL-02") == []
        story.run()
        assert len(found_by(engine, "AS-TRAIL-02")) == 1

    def test_a_listing_that_was_not_proven_missed_nothing(self, engine: Engine, story: Story) -> None:
        story.happened("k-1", "created", asset_type="api_key")
        story.run(skip=[Resource.API_KEYS])
        assert found_by(engine, "AS-TRAIL-02") == []

    def test_what_was_before_the_first_run_is_not_ours_to_tell(self, engine: Engine, story: Story) -> None:
        story.happened("k-1", "created", asset_type="api_key", ago=timedelta(hours=2, minutes=10))
        story.run()
        assert found_by(engine, "AS-TRAIL-02") == []

    def test_the_same_event_read_again_is_the_same_finding(self, engine: Engine, story: Story) -> None:
        story.happened("k-1", "created", asset_type="api_key", ago=HOUR / 2)
        story.run()
        story.run()
        assert len(found_by(engine, "AS-TRAIL-02")) == 1


def test_a_run_that_is_not_published_leaves_nothing_of_it(
    engine: Engine, story: Story, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_arguments: object) -> None:
        raise StoreError("no space left")

    story.happened("k-1", "created", asset_type="api_key")
    with monkeypatch.context() as patched:
        patched.setattr(runs, "publish", full)
        done = story.run(require_history=True)
    assert isinstance(done.error, StoreError)
    assert dump(engine)["trail_events"] == []
    story.run()
    assert len(dump(engine)["trail_events"]) == 1
