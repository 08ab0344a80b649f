"""A worker's means on a real database, with a clock that tests set."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import Engine

from accesssync.settings import Settings, load
from accesssync.store.job_states import JobState, find
from accesssync.worker.metrics import Metrics
from accesssync.worker.work import Means
from tests.builders import NOW, open_database

KEYS = {"DD_API_KEY": "0" * 32, "DD_APP_KEY": "1" * 40}


@dataclass
class Around:
    """The clock and the log of a worker under test."""

    engine: Engine
    url: str
    at: datetime = NOW
    lines: list[tuple[str, str, str]] = field(default_factory=list)

    def means(self, **environ: str) -> Means:
        """Means with these settings."""
        return Means(
            settings=self.settings(**environ),
            database=self.engine,
            log=self.log,
            metrics=Metrics(),
            now=lambda: self.at,
            monotonic=self.seconds,
            rng=Random(1),  # noqa: S311 - chance, no secret
        )

    def seconds(self) -> float:
        return self.at.timestamp()

    def settings(self, **environ: str) -> Settings:
        return load(environ={"ACCESSSYNC_DATABASE_URL": self.url, **KEYS, **environ})

    def log(self, event: str, text: str, level: str = "info", **_details: object) -> None:
        self.lines.append((event, text, level))

    def later(self, **time: Any) -> None:
        self.at += timedelta(**time)

    def state(self, job: str = "sync", org: str = "acme") -> JobState:
        found = find(self.engine, job, org)
        assert found is not None
        return found


@pytest.fixture
def around(tmp_path: Path) -> Iterator[Around]:
    url = f"sqlite:///{tmp_path / 'worker.db'}"
    engine = open_database(url)
    yield Around(engine, url)
    engine.dispose()
