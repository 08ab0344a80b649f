"""A small organization and a server for it, fresh for every test."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from accesssync.sandbox import Organization, SandboxServer, generate
from tests.sandbox.asking import Asker, asker

NOW = datetime(2026, 11, 1, 12, 0, 0, tzinfo=UTC)


@pytest.fixture
def organization() -> Organization:
    """Sixty accounts at a fixed time."""
    return generate(60, 5, NOW)


@pytest.fixture
def server(organization: Organization) -> Iterator[SandboxServer]:
    """Serves them; nobody logs in meanwhile."""
    with SandboxServer(organization, activity_share=0.0, clock=lambda: NOW) as running:
        yield running


@pytest.fixture
def ask(server: SandboxServer) -> Asker:
    """A client with valid keys."""
    return asker(server)
