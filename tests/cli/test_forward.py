"""`accesssync forward`: what a sync queues arrives, in order and once; whatever fails, the sync does not notice."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from accesssync.sandbox.published import parsed
from tests.cli.conftest import HURRIED, NOW, Cli

ADMIN = "Datadog Admin Role"
STREAMS = {
    "ACCESSSYNC_FORWARD__ALERTS": "true",
    "ACCESSSYNC_FORWARD__AUDIT": "true",
    "ACCESSSYNC_FORWARD__EVENTS": "true",
}
LOGS, EVENTS = "/api/v2/logs", "/api/v1/events"


@pytest.fixture
def organization() -> Organization:
    return generate(40, 7, NOW)


@pytest.fixture
def publishing(cli: Cli, tmp_path: Path) -> Cli:
    """Every stream on and allowed."""
    cli.env(
        **STREAMS,
        ACCESSSYNC_ALLOWED_OPERATIONS="send_log,send_event",
        ACCESSSYNC_FORWARD__DEAD_LETTERS=str(tmp_path / "dead.ndjson"),
        ACCESSSYNC_FORWARD__ENV="test",
    )
    return cli


@pytest.fixture
def people(organization: Organization) -> Iterator[str]:
    """Ids of people who are active and no admins."""
    admin = organization.role(ADMIN).id
    return iter(
        [
            one.id
            for one in organization.users.values()
            if not one.service_account and one.status == "Active" and admin not in one.role_ids
        ]
    )


def sync(cli: Cli) -> Any:
    ended = cli("sync", "--json")
    assert ended.code == 0, ended.err
    return ended.json


def deliver(cli: Cli, code: int = 0) -> dict[str, dict[str, Any]]:
    ended = cli("forward", "run", "--json")
    assert ended.code == code, ended.err + ended.out
    return {one["stream"]: one for one in ended.json["streams"]}


def asked(server: SandboxServer, path: str = LOGS) -> list[int]:
    """The statuses that requests to an intake got."""
    return [one.status for one in server.requests if one.path == path]


def logs(organization: Organization, stream: str) -> list[dict[str, Any]]:
    return [one for one in organization.published.logs() if f"stream:{stream}" in one["ddtags"]]


def test_what_matters_is_told_and_the_baseline_is_not(
    publishing: Cli, organization: Organization, people: Iterator[str]
) -> None:
    sync(publishing)
    first = deliver(publishing)
    assert (first["alerts"]["delivered"], first["events"]["delivered"]) == (0, 0)
    assert first["audit"]["delivered"] == 1
    ada = next(people)
    organization.grant_role(ada, ADMIN)
    robot = organization.add_user("robot@example.com", name="Robot", service_account=True)
    key = organization.add_application_key(robot.id, name="wide")
    document = sync(publishing)
    opened = document["runs"][0]["findings"]["opened"]
    second = deliver(publishing)
    told = logs(organization, "alerts")
    assert second["alerts"]["delivered"] == len(told)
    by_name: dict[str, list[dict[str, Any]]] = {}
    for one in told:
        by_name.setdefault(one["evt"]["name"], []).append(one)
    assert [one["usr"]["id"] for one in by_name["admin.granted"]] == [ada]
    assert [one["usr"]["id"] for one in by_name["nhi.discovered"]] == [robot.id]
    assert [one["change"]["subject_id"] for one in by_name["key.unscoped"]] == [key.id]
    assert 0 < len(by_name["finding.opened"]) <= opened
    one = by_name["admin.granted"][0]
    assert (one["ddsource"], one["service"], one["org"]) == ("accesssync", "accesssync", "default")
    assert "org:default,env:test" in one["ddtags"]
    assert one["link"].endswith(f"users?user_id={ada}")
    assert one["usr"]["email"] == organization.users[ada].email
    assert publishing(*one["command"].split()[1:]).code == 0
    [finding, *_] = by_name["finding.opened"]
    assert publishing(*finding["command"].split()[1:]).code == 0
    audits = logs(organization, "audit")
    assert [each["audit"]["seq"] for each in audits] == [1, 2]
    assert {each["evt"]["name"] for each in audits} == {"run.published"}
    assert len({each["dedup_id"] for each in organization.published.logs()}) == len(told) + len(audits)
    assert sum(way["waiting"] for way in deliver(publishing).values()) == 0


def test_a_stream_that_is_not_allowed_waits_and_the_others_go(
    publishing: Cli, server: SandboxServer, organization: Organization, people: Iterator[str]
) -> None:
    publishing.env(ACCESSSYNC_ALLOWED_OPERATIONS="send_event")
    sync(publishing)
    organization.grant_role(next(people), ADMIN)
    assert sync(publishing)["runs"][0]["status"] == "succeeded"
    ended = publishing("forward", "run")
    assert ended.code == 4
    assert "default alerts: send_log is not allowed" in ended.err
    assert "add send_log to ACCESSSYNC_ALLOWED_OPERATIONS" in ended.err
    assert not asked(server)
    found = {one["stream"]: one for one in publishing.ok("forward", "status")["streams"]}
    assert found["alerts"]["waiting"] > 0
    assert "not allowed" in found["alerts"]["error"]
    publishing.env(ACCESSSYNC_ALLOWED_OPERATIONS="send_log,send_event")
    deliver(publishing)
    assert logs(organization, "alerts")


def test_nothing_is_queued_or_sent_where_no_stream_is_on(
    cli: Cli, server: SandboxServer, organization: Organization, people: Iterator[str]
) -> None:
    sync(cli)
    organization.grant_role(next(people), ADMIN)
    sync(cli)
    ended = cli("forward", "run")
    assert (ended.code, "no stream is on" in ended.out) == (0, True)
    cli.env(ACCESSSYNC_FORWARD__ALERTS="true", ACCESSSYNC_ALLOWED_OPERATIONS="send_log")
    assert deliver(cli)["alerts"]["delivered"] == 0
    assert not asked(server)


@pytest.mark.parametrize(
    ("fault", "times", "code", "state"),
    [
        (f.Status(403), 1, 6, "stopped"),
        (f.Status(503), 2, 7, "later"),
        (f.RateLimited("0"), 2, 7, "later"),
        (f.Reset(), 2, 7, "later"),
        (f.Hang(2.0), 2, 7, "later"),
        (f.RateLimited("0"), 1, 0, "ok"),
        (f.Status(413), 1, 0, "ok"),
    ],
)
def test_whatever_the_intake_answers_nothing_is_lost_and_the_sync_does_not_notice(
    publishing: Cli,
    server: SandboxServer,
    organization: Organization,
    people: Iterator[str],
    fault: f.Effect,
    times: int,
    code: int,
    state: str,
) -> None:
    sync(publishing)
    deliver(publishing)
    for _ in range(3):
        organization.grant_role(next(people), ADMIN)
    publishing.env(ACCESSSYNC_FORWARD__AUDIT="false", **HURRIED)
    server.faults.add(fault, path=LOGS, times=times)
    assert sync(publishing)["runs"][0]["status"] == "succeeded"
    waiting = {one["stream"]: one for one in publishing.ok("forward", "status")["streams"]}["alerts"]["waiting"]
    told = deliver(publishing, code)["alerts"]
    assert told["state"] == state
    assert told["delivered"] + told["waiting"] == waiting
    server.faults.clear()
    assert deliver(publishing)["alerts"]["waiting"] == 0
    names = [one["dedup_id"] for one in logs(organization, "alerts")]
    assert len(set(names)) == waiting
    assert publishing.ok("sync")["runs"][0]["status"] == "succeeded"


def test_poison_a_name_in_half_characters_and_a_huge_name_do_not_hold_up_the_rest(
    publishing: Cli, organization: Organization, people: Iterator[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def refusing(body: bytes) -> list[Any]:
        if b"poison" in body:
            raise ValueError("poison")
        return parsed(body)

    sync(publishing)
    deliver(publishing)
    some = [next(people) for _ in range(4)]
    organization.rename(some[0], "poison")
    organization.rename(some[1], "Zo\udc80")
    organization.rename(some[2], "x" * 300_000)
    for one in some:
        organization.grant_role(one, ADMIN)
    sync(publishing)
    with monkeypatch.context() as patched:
        patched.setattr("accesssync.sandbox.resources.intakes.parsed", refusing)
        told = deliver(publishing, 5)["alerts"]
    assert told["dead"] > 0
    assert told["waiting"] == 0
    granted = {one["usr"]["id"] for one in logs(organization, "alerts") if one["evt"]["name"] == "admin.granted"}
    assert granted == set(some[1:])
    letters = [json.loads(line) for line in (tmp_path / "dead.ndjson").read_text().splitlines()]
    assert len(letters) == told["dead"]
    assert all("poison" in json.dumps(letter["body"]) for letter in letters)


def test_elsewhere_only_ids_arrive(
    publishing: Cli, server: SandboxServer, organization: Organization, people: Iterator[str]
) -> None:
    other = organization.add_api_key("other")
    publishing.env(ACCESSSYNC_FORWARD__API_KEY=other.secret)
    sync(publishing)
    ada = next(people)
    organization.grant_role(ada, ADMIN)
    sync(publishing)
    deliver(publishing)
    told = json.dumps(list(organization.published.logs()))
    assert ada in told
    assert organization.users[ada].email not in told
    assert not [one for one in organization.users.values() if one.name and len(one.name) > 8 and one.name in told]
    assert server.api_key not in told


def test_critical_findings_are_events(publishing: Cli, organization: Organization, people: Iterator[str]) -> None:
    sync(publishing)
    ada = next(people)
    organization.grant_role(ada, ADMIN)
    organization.add_application_key(ada, name="wide")
    sync(publishing)
    critical = [
        one
        for one in publishing.ok("findings", "list")["findings"]
        if one["severity"] == "critical" and one["subject_id"] not in organization.published.dashboards
    ]
    told = deliver(publishing)["events"]
    assert told["delivered"] == len(organization.published.events) <= len(critical)
    for event in organization.published.events:
        assert event["title"].startswith("Critical finding")
        assert "org:default" in event["tags"]


def test_status_says_what_waits_for_people_and_for_machines(
    publishing: Cli, organization: Organization, people: Iterator[str]
) -> None:
    publishing.env(COLUMNS="80")
    sync(publishing)
    organization.grant_role(next(people), ADMIN)
    said = publishing("sync")
    assert "accesssync forward run delivers it" in said.out
    assert "| outbox " in publishing("status").out
    table = publishing("forward", "status").out
    assert max(len(line) for line in table.splitlines()) <= 80
    assert publishing.ok("status")["organizations"][0]["outbox"]["waiting"] > 0
    assert publishing("forward", "run").code == 0
    assert "| outbox 0" in publishing("status").out


def test_the_worker_delivers_and_leaves_a_way_alone_that_failed_lately(
    publishing: Cli, server: SandboxServer, organization: Organization, people: Iterator[str]
) -> None:
    sync(publishing)
    organization.grant_role(next(people), ADMIN)
    sync(publishing)
    publishing.env(ACCESSSYNC_FORWARD__AUDIT="false")
    server.faults.add(f.Status(503), path=LOGS, times=2)
    publishing("worker", "--once", "forward")
    tries = len(asked(server))
    publishing("worker", "--once", "forward")
    assert len(asked(server)) == tries
    assert not logs(organization, "alerts")
    # By hand it is tried at once.
    deliver(publishing)
    organization.grant_role(next(people), ADMIN)
    sync(publishing)
    ended = publishing("worker", "--once", "forward")
    assert ended.code == 0
    assert " delivered, 0 waiting" in ended.err + ended.out
    assert sum(one["evt"]["name"] == "admin.granted" for one in logs(organization, "alerts")) == 2
