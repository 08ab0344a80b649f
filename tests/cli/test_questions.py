"""What reports say was asked is what is asked."""

import re
from urllib.parse import parse_qsl

from accesssync.datadog.questions import METHOD, QUESTIONS
from accesssync.sandbox import SandboxServer
from tests.cli.conftest import Cli


def test_every_listing_is_asked_as_it_is_told(cli: Cli, server: SandboxServer) -> None:
    cli.ok("sync")
    asked: dict[str, list[tuple[bool, dict[str, str]]]] = {}
    for one in server.requests:
        assert one.method == METHOD
        told = dict(parse_qsl(one.query))
        path = re.sub(r"/team/[^/]+/", "/team/{team_id}/", one.path)
        paged = "page[number]" in told and "page[size]" in told
        rest = {name: value for name, value in told.items() if not name.startswith("page[")}
        asked.setdefault(path, []).append((paged, rest))
    for resource, question in QUESTIONS.items():
        assert question.path in asked, resource
        for paged, rest in asked[question.path]:
            assert paged == question.paged, resource
            told = dict(question.parameters)
            if "resource_type" in rest:
                assert rest.pop("resource_type") in told.pop("resource_type")
            assert rest == told, resource
