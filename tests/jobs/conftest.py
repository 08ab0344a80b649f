"""A database with the present schema, on SQLite and on PostgreSQL."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.builders import Syncing, open_database


@pytest.fixture
def engine(database_url: str) -> Iterator[Engine]:
    opened = open_database(database_url)
    yield opened
    opened.dispose()


@pytest.fixture
def sync(engine: Engine) -> Syncing:
    return Syncing(engine)
