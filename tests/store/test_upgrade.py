"""Databases of earlier builds keep what is in them when they are upgraded."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from accesssync.store import runs, schema
from accesssync.store.audit import read_anchors, read_log
from accesssync.store.engine import connect, create_private, parse_url, sqlite_path
from accesssync.store.lease import leased
from tests.builders import NOW


@pytest.fixture
def empty(database_url: str) -> Iterator[Engine]:
    """An engine on a database nobody has touched."""
    url = parse_url(database_url)
    if (path := sqlite_path(url)) is not None:
        create_private(path)
    opened = connect(url)
    yield opened
    opened.dispose()


def upgrade_to(engine: Engine, revision: str, patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Bring a database to the schema of an earlier build."""
    copied = folder / f"migrations-{revision}"
    shutil.copytree(schema.migrations(), copied)
    for path in (copied / "versions").glob("[0-9]*_*.py"):
        if path.name.partition("_")[0] > revision:
            path.unlink()
    with patch.context() as patched:
        patched.setattr(schema, "migrations", lambda: copied)
        schema.upgrade(engine)


def test_runs_of_before_the_audit_log_stay_and_are_not_missed_in_it(
    empty: Engine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    upgrade_to(empty, "0004", monkeypatch, tmp_path)
    with empty.begin() as connection:
        connection.execute(
            text("INSERT INTO orgs (id, name, site, fencing_token, created_at) VALUES (1, 'acme', 'x', 4, :now)"),
            {"now": NOW.replace(tzinfo=None)},
        )
        connection.execute(
            text(
                "INSERT INTO runs (id, org_id, started_at, status, baseline, complete, undone, requests,"
                " duration_seconds, counts, added, updated, removed, program_version, facts_version) VALUES"
                " (7, 1, :now, 'running', false, false, false, 3, 1.5, '{}', 0, 0, 0, '0.1', 1)"
            ),
            {"now": NOW.replace(tzinfo=None)},
        )
    schema.upgrade(empty)
    assert schema.differences(empty) == []
    assert list(read_log(empty)) == []
    assert read_anchors(empty) == []
    with leased(empty, "acme", 1, wait=False, sleep=lambda _: None) as lease:
        runs.begin_run(empty, lease, NOW)
    abandoned = runs.get_run(empty, 7)
    assert abandoned is not None
    assert abandoned.status == "abandoned"
    assert [one.kind for one in read_log(empty)] == ["run.abandoned"]
