"""The watch: a new admin and a new key are seen in a few requests, and nothing of it becomes a fact by itself."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine

from accesssync.errors import RefusedError
from accesssync.jobs.opening import open_org
from accesssync.jobs.watch import Watched, watch
from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.settings import Settings, load
from accesssync.store import runs
from accesssync.worker.metrics import Metrics
from accesssync.worker.perform import Performer
from accesssync.worker.work import Means, Unit
from tests.builders import dump, open_database

ADMIN = "Datadog Admin Role"


class Watching:
    """An organization that was synced once, and what looks at it."""

    def __init__(self, server: SandboxServer, url: str) -> None:
        from threading import Event

        self.server = server
        self.organization: Organization = server.organization
        self.engine: Engine = open_database(url)
        self.settings: Settings = load(
            environ={
                "ACCESSSYNC_DATABASE_URL": url,
                "ACCESSSYNC_API_URL": server.url,
                "DD_API_KEY": server.api_key,
                "DD_APP_KEY": server.app_key,
            }
        )
        self.lines: list[str] = []
        means = Means(
            settings=self.settings,
            database=self.engine,
            log=self.log,
            metrics=Metrics(),
            now=lambda: datetime.now(UTC),
            monotonic=lambda: 0.0,
            rng=Random(1),  # noqa: S311 - chance, no secret
        )
        self.performer = Performer(means, Event())

    def log(self, event: str, text: str, level: str = "info", **_details: object) -> None:
        self.lines.append(f"{event} {level} {text}")

    def do(self, job: str) -> str:
        outcome = self.performer.now(Unit(job, "default"))
        assert outcome.kind == "done", outcome
        return outcome.text

    def look(self) -> Watched:
        [org] = self.settings.organizations()
        source = open_org(
            self.settings,
            org,
            sleep=lambda _: None,
            monotonic=lambda: 0.0,
            rng=Random(1),  # noqa: S311 - chance, no secret
            on_event=lambda _: None,
        )
        try:
            return watch(self.engine, "default", source, datetime.now(UTC))
        finally:
            source.close()

    def ordinary(self) -> str:
        """Somebody active who is no admin."""
        admin = self.organization.role(ADMIN).id
        return next(
            one.id for one in self.organization.users.values() if admin not in one.role_ids and one.status == "Active"
        )


@pytest.fixture
def watching(database_url: str) -> Iterator[Watching]:
    organization = generate(130, 7, datetime.now(UTC) - timedelta(days=1))
    with SandboxServer(organization, max_page_size=100, rate_limit=100_000, activity_share=0.0) as server:
        made = Watching(server, database_url)
        made.do("sync")
        server.forget_requests()
        yield made
        made.engine.dispose()


def test_nothing_new_is_said_in_a_few_requests(watching: Watching) -> None:
    found = watching.look()
    assert (found.known, found.new) == (True, [])
    assert found.roles >= 1
    asked = list(watching.server.requests)
    assert len(asked) <= 4 + 2 * found.roles
    assert not [one for one in asked if one.path == "/api/v2/users"]


def test_a_new_admin_is_seen_once_and_calls_for_a_sync_that_tells_it(watching: Watching) -> None:
    who = watching.ordinary()
    watching.organization.grant_role(who, watching.organization.role(ADMIN).id)
    before = dump(watching.engine)
    assert "1 new, a sync is due" in watching.do("watch")
    after = dump(watching.engine)
    changed = {table for table in after if after[table] != before[table]}
    assert changed <= {"sightings", "job_states"}
    assert any(line.startswith("watch.seen warning") and ADMIN in line for line in watching.lines)
    assert "nothing new" in watching.do("watch")
    assert "added" in watching.do("sync")
    assert "nothing new" in watching.do("watch")
    assert dump(watching.engine)["sightings"] == []


def test_a_role_that_becomes_harmful_makes_its_holders_new(watching: Watching) -> None:
    organization = watching.organization
    role = organization.add_role("Night Shift")
    who = watching.ordinary()
    organization.grant_role(who, role.id)
    watching.do("sync")
    assert watching.look().new == []
    organization.grant_permission(role.id, "user_access_manage")
    assert [one.id for one in watching.look().new] == [f"{role.id}:{who}"]


def test_new_keys_are_seen(watching: Watching) -> None:
    key = watching.organization.add_api_key("found in a drawer")
    [seen] = watching.look().new
    assert (seen.kind, seen.id) == ("api_key", key.id)
    assert key.secret not in str(seen)


def test_before_the_first_sync_there_is_nothing_to_compare_with(watching: Watching, tmp_path: object) -> None:
    engine = open_database(f"sqlite:///{tmp_path}/empty.db")
    watching.engine.dispose()
    watching.engine = engine
    assert not watching.look().known
    assert list(watching.server.requests) == []


def test_keys_of_another_organization_are_refused(watching: Watching) -> None:
    with SandboxServer(generate(20, 9, datetime.now(UTC)), rate_limit=100_000) as other:
        watching.settings = load(
            environ={
                "ACCESSSYNC_API_URL": other.url,
                "DD_API_KEY": other.api_key,
                "DD_APP_KEY": other.app_key,
            }
        )
        with pytest.raises(RefusedError):
            watching.look()
    assert runs.find_org(watching.engine, "default") is not None
