"""A database with the present schema, on SQLite and on PostgreSQL: migrated once, empty for every test."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine
from sqlalchemy.engine import URL

from accesssync.store.engine import connect, parse_url
from tests import postgres
from tests.builders import Syncing, empty, open_database


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "accesssync.db"
    open_database(f"sqlite:///{path}").dispose()
    return path


@pytest.fixture(scope="session")
def postgres_template(postgres_server: URL) -> Iterator[URL]:
    """A migrated database to empty."""
    with postgres.fresh_database(postgres_server) as url:
        open_database(url.render_as_string(hide_password=False)).dispose()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Engine]:
    if request.param == "sqlite":
        path = tmp_path / "accesssync.db"
        shutil.copy(request.getfixturevalue("sqlite_template"), path)
        path.chmod(0o600)
        opened = connect(parse_url(f"sqlite:///{path}"))
    else:
        opened = connect(request.getfixturevalue("postgres_template"))
        empty(opened)
    yield opened
    opened.dispose()


@pytest.fixture
def sync(engine: Engine) -> Syncing:
    return Syncing(engine)
