"""The jobs of the worker's table, each done once on a small organization behind a real server."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from threading import Event

import pytest

from accesssync.sandbox import SandboxServer, generate
from accesssync.settings import load
from accesssync.worker.metrics import Metrics
from accesssync.worker.perform import Performer
from accesssync.worker.table import JOBS
from accesssync.worker.work import Means, Outcome, Unit
from tests.builders import open_database

ACCESS = """\
version: 1
org: default
users:
  - email: new.colleague@example.com
    name: New Colleague
    roles: [Datadog Read Only Role]
"""


class Doing:
    def __init__(self, server: SandboxServer, url: str, /, *orgs: str, **more: str) -> None:
        self.engine = open_database(url)
        self.lines: list[str] = []
        self.now = datetime.now(UTC)
        settings = load(
            environ={
                "ACCESSSYNC_DATABASE_URL": url,
                "ACCESSSYNC_API_URL": server.url,
                "DD_API_KEY": server.api_key,
                "DD_APP_KEY": server.app_key,
                **more,
            }
        )
        self.settings = settings
        self.performer = Performer(
            Means(
                settings=settings,
                database=self.engine,
                log=self.log,
                metrics=Metrics(),
                now=lambda: self.now,
                monotonic=lambda: 0.0,
                rng=Random(1),  # noqa: S311 - chance, no secret
                orgs=orgs,
            ),
            Event(),
        )

    def log(self, event: str, text: str, level: str = "info", **_details: object) -> None:
        self.lines.append(f"{event} {level} {text}")

    def do(self, job: str) -> Outcome:
        return self.performer.now(Unit(job, "default" if JOBS[job].per_org else ""))


@pytest.fixture
def server() -> Iterator[SandboxServer]:
    organization = generate(60, 7, datetime.now(UTC) - timedelta(days=1))
    with SandboxServer(organization, max_page_size=100, rate_limit=100_000, activity_share=0.0) as running:
        yield running


def test_evaluating_says_what_is_open(server: SandboxServer, database_url: str) -> None:
    doing = Doing(server, database_url)
    assert "before the first sync" in doing.do("evaluate").text
    assert doing.do("sync").kind == "done"
    outcome = doing.do("evaluate")
    assert outcome.kind == "done", outcome
    assert " open" in outcome.text
    doing.engine.dispose()


def test_planning_writes_nothing_unless_it_may(server: SandboxServer, sqlite_url: str, tmp_path: Path) -> None:
    path = tmp_path / "access.yaml"
    path.write_text(ACCESS)
    doing = Doing(server, sqlite_url, ACCESSSYNC_ACCESS_FILES=str(path))
    assert not JOBS["plan"].schedule(doing.settings).off
    assert doing.do("sync").kind == "done"
    outcome = doing.do("plan")
    assert outcome.kind == "done", outcome
    assert any("ACCESSSYNC_RECONCILE_APPLY is not set" in line for line in doing.lines), doing.lines
    assert not [one for one in server.requests if one.method != "GET"]
    doing.engine.dispose()


def test_a_worker_for_one_organization_leaves_the_files_of_others(
    server: SandboxServer, sqlite_url: str, tmp_path: Path
) -> None:
    mine, other = tmp_path / "mine.yaml", tmp_path / "other.yaml"
    mine.write_text(ACCESS)
    other.write_text(ACCESS.replace("org: default", "org: emea"))
    assert other.read_text() != ACCESS
    doing = Doing(server, sqlite_url, "default", ACCESSSYNC_ACCESS_FILES=f"{mine},{other}")
    assert doing.do("sync").kind == "done"
    outcome = doing.do("plan")
    assert outcome.kind == "done", outcome
    assert any("other.yaml" in line and "it is for emea" in line for line in doing.lines), doing.lines
    doing.engine.dispose()


def test_a_file_that_cannot_be_read_is_a_failure_with_its_reason(
    server: SandboxServer, sqlite_url: str, tmp_path: Path
) -> None:
    doing = Doing(server, sqlite_url, ACCESSSYNC_ACCESS_FILES=str(tmp_path / "missing.yaml"))
    outcome = doing.do("plan")
    assert outcome.kind == "failed"
    assert "missing.yaml" in outcome.text
    doing.engine.dispose()


def test_without_access_files_nothing_is_planned(sqlite_url: str, server: SandboxServer) -> None:
    doing = Doing(server, sqlite_url)
    assert JOBS["plan"].schedule(doing.settings).off
    assert doing.do("retention").text == "nothing is too old"
    doing.engine.dispose()


def test_reporting_keeps_so_many_of_its_own_and_touches_nothing_else(
    server: SandboxServer, database_url: str, tmp_path: Path
) -> None:
    reports = tmp_path / "reports"
    given = {"ACCESSSYNC_REPORT__DIR": str(reports), "ACCESSSYNC_REPORT__KEEP": "2", "ACCESSSYNC_REPORT__FORMAT": "csv"}
    doing = Doing(server, database_url, **given)
    refused = doing.do("report")
    assert refused.kind == "failed"
    assert "accesssync sync" in refused.text
    assert doing.do("sync").kind == "done"
    foreign, file = reports / "20200101T000000Z", reports / "20200102T000000Z"
    foreign.mkdir(parents=True)
    (foreign / "mine.txt").write_text("precious")
    file.write_text("mine, too")
    (reports / "20200103T000000Z").symlink_to(foreign)
    made = []
    for _ in range(4):
        doing.now += timedelta(seconds=1)
        outcome = doing.do("report")
        assert outcome.kind == "done", outcome
        made.append(doing.now.strftime("%Y%m%dT%H%M%SZ"))
    assert "1 older removed" in outcome.text
    assert sorted(path.name for path in reports.iterdir()) == sorted(
        ["20200101T000000Z", "20200102T000000Z", "20200103T000000Z", *made[-2:]]
    )
    assert (foreign / "mine.txt").read_text() == "precious"
    doing.engine.dispose()
