"""Metrics, files and webhooks: the same streams elsewhere, each on its own way, and figures that never wait."""

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accesssync.forward.sign import SIGNATURE, TIMESTAMP, verify
from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.cli.conftest import NOW, Cli
from tests.jobs.test_webhook import KEY, SECRET, Receiver, plain

ADMIN = "Datadog Admin Role"
SERIES = "/api/v2/series"


@pytest.fixture
def organization() -> Organization:
    return generate(40, 7, NOW)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    found = Receiver()
    yield found
    found.close()


def promote(organization: Organization) -> str:
    """Make somebody an admin."""
    admin = organization.role(ADMIN).id
    ada = next(
        one.id
        for one in organization.users.values()
        if not one.service_account and one.status == "Active" and admin not in one.role_ids
    )
    organization.grant_role(ada, ADMIN)
    return ada


def ways(cli: Cli, code: int = 0) -> dict[tuple[str, str], dict[str, Any]]:
    ended = cli("forward", "run", "--json")
    assert ended.code == code, ended.err + ended.out
    return {(one["stream"], one["destination"]): one for one in ended.json["streams"]}


class TestMetrics:
    @pytest.fixture
    def measuring(self, either: Cli) -> Cli:
        either.env(ACCESSSYNC_FORWARD__METRICS="true", ACCESSSYNC_ALLOWED_OPERATIONS="send_metric")
        return either

    def test_figures_of_now_arrive(self, measuring: Cli, organization: Organization, server: SandboxServer) -> None:
        assert measuring("sync").code == 0
        [way] = ways(measuring).values()
        points = list(organization.published.points)
        assert (way["stream"], way["state"], way["delivered"]) == ("metrics", "ok", len(points))
        sent = {(one["metric"], tuple(one["tags"])): one for one in points}
        assert len(sent) == len(points)
        people = [one for one in organization.users.values() if not one.service_account]
        common = ("org:default", "env:none")
        total = sum(one["value"] for (name, _), one in sent.items() if name == "accesssync.identities")
        assert total == len(organization.users) > len(people)
        assert sent["accesssync.coverage.proven", (*common, "resource:users")]["value"] == 1
        assert sent["accesssync.sync.age_seconds", common]["value"] >= 0
        assert sent["accesssync.rate_limited", common]["value"] == 0
        text = json.dumps(points)
        assert not [one.id for one in organization.users.values() if one.id in text or (one.email or "?") in text]
        assert [one.status for one in server.requests if one.path == SERIES] == [202]

    def test_what_does_not_get_through_is_not_kept(
        self, measuring: Cli, organization: Organization, server: SandboxServer
    ) -> None:
        measuring("sync")
        server.faults.add(f.Status(503), path=SERIES)
        [way] = ways(measuring, 7).values()
        assert (way["state"], way["delivered"]) == ("later", 0)
        assert not organization.published.points
        [way] = ways(measuring).values()
        first = len(organization.published.points)
        assert way["delivered"] == first
        assert max(one["timestamp"] for one in organization.published.points) > 0

    def test_what_is_not_allowed_is_not_sent(self, measuring: Cli, server: SandboxServer) -> None:
        measuring.env(ACCESSSYNC_ALLOWED_OPERATIONS="send_log")
        assert measuring("sync").code == 0
        [way] = ways(measuring, 4).values()
        assert (way["state"], "send_metric" in way["remedy"]) == ("not_allowed", True)
        assert not [one for one in server.requests if one.path == SERIES]

    def test_streams_and_metrics_are_apart(self, measuring: Cli, organization: Organization) -> None:
        measuring.env(ACCESSSYNC_FORWARD__AUDIT="true")
        measuring("sync")
        found = ways(measuring, 4)
        assert found["audit", "datadog"]["state"] == "not_allowed"
        assert found["metrics", "datadog"]["state"] == "ok"
        backlog = [one for one in organization.published.points if one["metric"] == "accesssync.forward.backlog"]
        assert [(one["tags"][-1], one["value"]) for one in backlog] == [("stream:audit", 1.0)]


class TestFile:
    def test_the_same_streams_are_lines_of_a_file(
        self, either: Cli, organization: Organization, tmp_path: Path
    ) -> None:
        path = tmp_path / "out.ndjson"
        either.env(
            ACCESSSYNC_FORWARD__ALERTS="true",
            ACCESSSYNC_FORWARD__DESTINATIONS="file",
            ACCESSSYNC_FORWARD__FILE=str(path),
        )
        either("sync")
        ada = promote(organization)
        organization.rename(ada, "A\u202edA\x1b[31m\n<!channel>")
        either("sync")
        told = ways(either)["alerts", "file"]
        lines = path.read_text("utf-8").splitlines()
        assert told["delivered"] == len(lines) > 0
        records = [json.loads(one) for one in lines]
        assert [one["usr"]["id"] for one in records if one["evt"]["name"] == "admin.granted"] == [ada]
        assert all(one.isprintable() for one in lines)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert ways(either)["alerts", "file"]["delivered"] == 0

    def test_standard_output_holds_nothing_else(self, either: Cli, organization: Organization) -> None:
        either.env(
            ACCESSSYNC_FORWARD__ALERTS="true",
            ACCESSSYNC_FORWARD__DESTINATIONS="file",
            ACCESSSYNC_FORWARD__FILE="-",
        )
        either("sync")
        promote(organization)
        either("sync")
        assert either("forward", "run", "--json").code == 2
        ended = either("forward", "run")
        assert ended.code == 0
        assert [json.loads(one)["ddsource"] for one in ended.out.splitlines()]
        assert "delivered" in ended.err


class TestWebhook:
    @pytest.fixture
    def posting(self, either: Cli, receiver: Receiver) -> Cli:
        either.env(
            ACCESSSYNC_FORWARD__ALERTS="true",
            ACCESSSYNC_FORWARD__DESTINATIONS="datadog,webhook",
            ACCESSSYNC_FORWARD__WEBHOOK_URL=receiver.url,
            ACCESSSYNC_FORWARD__WEBHOOK_KEY=KEY,
            ACCESSSYNC_ALLOWED_OPERATIONS="send_log,send_webhook",
            ACCESSSYNC_MAX_RATE_LIMIT_WAIT="0",
        )
        either("sync")
        return either

    def test_alerts_arrive_signed(self, posting: Cli, organization: Organization, receiver: Receiver) -> None:
        ada = promote(organization)
        posting("sync")
        found = ways(posting)
        assert found["alerts", "webhook"]["delivered"] == found["alerts", "datadog"]["delivered"] > 0
        [(_, headers, body)] = receiver.posts
        assert verify(body, headers[TIMESTAMP], headers[SIGNATURE], KEY.encode(), int(headers[TIMESTAMP]))
        records = json.loads(body)["records"]
        assert [one["usr"]["id"] for one in records if one["evt"]["name"] == "admin.granted"] == [ada]
        posting("forward", "status")
        assert not [said for said in posting.said if "SECRET" in said]

    def test_one_way_does_not_hold_up_the_other(
        self, posting: Cli, organization: Organization, receiver: Receiver
    ) -> None:
        receiver.answer = lambda one: plain(one, 429, Retry_After="90")
        promote(organization)
        posting("sync")
        found = ways(posting, 7)
        assert (found["alerts", "webhook"]["state"], found["alerts", "webhook"]["delivered"]) == ("later", 0)
        delivered = found["alerts", "datadog"]["delivered"]
        assert delivered > 0
        receiver.answer = lambda one: plain(one, 200)
        again = ways(posting)
        assert (again["alerts", "webhook"]["delivered"], again["alerts", "datadog"]["delivered"]) == (delivered, 0)
        assert not [said for said in posting.said if SECRET in said]

    def test_slack_gets_messages_in_its_form(
        self, posting: Cli, organization: Organization, receiver: Receiver
    ) -> None:
        posting.env(ACCESSSYNC_FORWARD__WEBHOOK_FORMAT="slack")
        ada = promote(organization)
        organization.rename(ada, "<!channel> & co")
        posting("sync")
        ways(posting)
        messages = [json.loads(body) for _, _, body in receiver.posts]
        assert messages
        assert all({"text", "blocks"} <= one.keys() for one in messages)
        assert "<!" not in json.dumps([one["text"] for one in messages])

    def test_what_is_not_allowed_is_not_posted(
        self, posting: Cli, organization: Organization, receiver: Receiver
    ) -> None:
        posting.env(ACCESSSYNC_ALLOWED_OPERATIONS="send_log")
        promote(organization)
        posting("sync")
        found = ways(posting, 4)
        assert found["alerts", "webhook"]["state"] == "not_allowed"
        assert found["alerts", "datadog"]["state"] == "ok"
        assert receiver.posts == []
