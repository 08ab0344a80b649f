"""What a sync has published of itself: with the run or not at all, and never at the run's expense."""

import json
from typing import Any

import pytest
from sqlalchemy import Engine, select

from accesssync.forward.people import EVERYTHING
from accesssync.forward.telling import About
from accesssync.jobs.forward import tell
from accesssync.jobs.forward.tell import Bounds, Telling
from accesssync.model.coverage import Resource
from accesssync.store import outbox
from accesssync.store.tables import outbox as table
from tests.builders import FakeSource, Org, Syncing, identity, permission, role

ABOUT = About(org="acme", site="datadoghq.eu", personal=EVERYTHING)
ALERTS = Telling(ABOUT, frozenset({"alerts"}))
ALL = Telling(ABOUT, frozenset({"alerts", "events"}))
BOT = identity(8, name="deploy", email="ci-deploy-bot@example.com", handle="svc", service_account=True, role_ids=())


def told(engine: Engine, stream: str = "alerts") -> list[dict[str, Any]]:
    return [json.loads(one.body) for one in outbox.read_waiting(engine, 1, stream, 0, most=999, most_bytes=10**9)]


def names(engine: Engine, stream: str = "alerts") -> list[str]:
    return sorted(one["evt"]["name"] for one in told(engine, stream) if one["evt"]["category"] != "finding")


def powerful(org: Org) -> None:
    """Role 2 carries the control plane, and user 1 gets it."""
    org.put(permission(2, name="user_access_manage", display_type="write"), role(2, permission_ids=("perm-2",)))


@pytest.fixture
def org() -> Org:
    made = Org()
    powerful(made)
    return made


def grow(org: Org) -> None:
    org.put(identity(1, role_ids=("role-1", "role-2")), role(1, permission_ids=("perm-1", "perm-2")), BOT)


def test_a_baseline_tells_nobody_and_what_follows_is_told_once(sync: Syncing, org: Org) -> None:
    sync(FakeSource(org), telling=ALERTS)
    assert told(sync.engine) == []
    grow(org)
    assert sync(FakeSource(org), telling=ALERTS).error is None
    assert names(sync.engine) == ["admin.granted", "nhi.discovered", "role.privileged"]
    [granted] = [one for one in told(sync.engine) if one["evt"]["name"] == "admin.granted"]
    assert granted["usr"] == {"id": "user-0001", "email": "person1@example.com", "name": "Person 1"}
    assert granted["role"]["gives"] == ["user_access_manage"]
    before = told(sync.engine)
    sync(FakeSource(org), telling=ALERTS)
    assert told(sync.engine) == before


def test_nothing_is_kept_where_nothing_is_on(sync: Syncing, org: Org) -> None:
    sync(FakeSource(org))
    grow(org)
    sync(FakeSource(org))
    with sync.engine.connect() as connection:
        assert connection.execute(select(table)).all() == []


def test_what_shows_because_a_listing_opened_tells_nobody(sync: Syncing, org: Org) -> None:
    sync(FakeSource(org), telling=ALL, skip=[Resource.USERS])
    grow(org)
    sync(FakeSource(org), telling=ALL)
    assert [one for one in names(sync.engine) if one not in ("role.privileged",)] == []


def test_a_run_that_is_killed_before_it_is_published_has_told_nothing(
    sync: Syncing, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(FakeSource(org), telling=ALERTS)
    grow(org)

    class Killed(BaseException):
        pass

    def dies(*_arguments: Any, **_more: Any) -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr("accesssync.store.runs.publish", dies)
        patched.setattr("accesssync.store.runs.fail", dies)
        with pytest.raises(Killed):
            sync(FakeSource(org), telling=ALERTS)
    with sync.engine.connect() as connection:
        assert len(connection.execute(select(table)).all()) > 0
    assert told(sync.engine) == []
    sync(FakeSource(org), telling=ALERTS)
    assert names(sync.engine) == ["admin.granted", "nhi.discovered", "role.privileged"]


def test_a_mistake_in_telling_ends_no_sync_and_loses_no_alert(
    sync: Syncing, org: Org, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync(FakeSource(org), telling=ALL)
    grow(org)

    def broken(*_arguments: Any) -> None:
        raise ValueError("secret")

    for name in ("of_change", "of_finding", "of_verdict"):
        monkeypatch.setattr(f"accesssync.forward.alerts.{name}", broken)
    done = sync(FakeSource(org), telling=ALL)
    assert done.error is None
    assert done.run is not None
    bare = [one for one in told(sync.engine) if one["evt"]["category"] == "bug"]
    assert len(bare) >= 2
    assert all("ValueError" in one["message"] and "secret" not in str(one) for one in bare)


def test_findings_are_told_when_the_organization_caused_them_and_when_they_end(sync: Syncing, org: Org) -> None:
    sync(FakeSource(org), telling=ALL)
    org.put(identity(1, role_ids=("role-1", "role-2")))
    done = sync(FakeSource(org), telling=ALL)
    assert done.findings is not None
    opened = [one for one in told(sync.engine) if one["evt"]["name"] == "finding.opened"]
    assert len(opened) == done.findings.alerting > 0
    org.put(identity(1))
    after = sync(FakeSource(org), telling=ALL)
    assert after.findings is not None
    last = [one for one in told(sync.engine) if one["run"] == f"run-{after.findings.run_id}"]
    ended = [one for one in last if one["evt"]["name"] == "finding.resolved"]
    assert len(ended) == after.findings.resolved > 0
    assert {one["finding"]["id"] for one in ended} <= {one["finding"]["id"] for one in opened}
    again = [one["finding"]["reopened"] for one in last if one["evt"]["name"] == "finding.reopened"]
    assert again == [1] * after.findings.reopened
    assert all(one["finding"]["subject"] for one in ended)


def test_whoever_queues_and_never_delivers_keeps_no_more_than_the_bounds(sync: Syncing, org: Org) -> None:
    bounded = Telling(ABOUT, frozenset({"alerts"}), {"alerts": Bounds(1, 14, ("datadog",))})
    sync(FakeSource(org), telling=bounded)
    grow(org)
    sync(FakeSource(org), telling=bounded)
    [kept] = told(sync.engine)
    assert kept["severity"] == "critical"
    [delivery] = outbox.list_deliveries(sync.engine, 1)
    assert delivery.dropped > 0


def test_refused_removals_are_an_event(sync: Syncing) -> None:
    crowd = Org(users=30)
    sync(FakeSource(crowd), telling=ALL)
    gone = [f"user-{number:04}" for number in range(1, 21)]
    crowd.drop(*gone)
    sync(FakeSource(crowd), telling=ALL)
    sync(FakeSource(crowd), telling=ALL)
    assert "guard.removals_refused" in names(sync.engine, "events")


def test_rules_and_rankings_of_the_store_and_of_entries_agree() -> None:
    assert tell.kept(_entry("critical")).severity == 4
    assert tell.kept(_entry("info")).severity == 0


def _entry(severity: Any) -> Any:
    from accesssync.forward.entry import Entry, Stream
    from tests.builders import NOW

    return Entry(stream=Stream.ALERTS, org="acme", dedup_id="d", observed_at=NOW, body={}, severity=severity)
