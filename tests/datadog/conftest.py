"""A source that talks to a loopback server, on a clock that only sleeping moves."""

from collections.abc import Callable, Iterator
from random import Random
from typing import Any

import pytest
from pydantic import SecretStr

from accesssync.datadog.limits import Limits
from accesssync.datadog.read import DatadogSource, open_source
from accesssync.datadog.transport import Event
from tests.datadog.loopback import API_KEY, APP_KEY, Answer, Clock, Server


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(*answers: Answer | None) -> Server:
        servers.append(Server(*answers))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def events() -> list[Event]:
    return []


@pytest.fixture
def connect(clock: Clock, events: list[Event]) -> Iterator[Callable[..., DatadogSource]]:
    sources: list[DatadogSource] = []

    def start(server: Server, **limits: Any) -> DatadogSource:
        sources.append(
            open_source(
                org="acme",
                site="datadoghq.eu",
                api_key=SecretStr(API_KEY),
                app_key=SecretStr(APP_KEY),
                api_url=server.url,
                limits=Limits(**limits),
                sleep=clock.sleep,
                clock=clock,
                rng=Random(7),  # noqa: S311
                on_event=events.append,
            )
        )
        return sources[-1]

    yield start
    for source in sources:
        source.close()
