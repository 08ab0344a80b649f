"""Installing through the command line: once, again, over edits, beside strangers' objects, and away again."""

import copy
from collections.abc import Callable
from typing import Any

import pytest

from accesssync.sandbox import PUBLISHING_SCOPES, Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.cli.conftest import NOW, Cli

WRITING = "write_dashboard,write_pipeline,write_monitor,write_detection_rule"
KINDS = {"dashboards": 1, "pipelines": 1, "monitors": 3, "rules": 5}
BOARD = {
    "title": "accesssync: access to Datadog",
    "layout_type": "ordered",
    "widgets": [{"definition": {"type": "note", "content": "not accesssync's"}}],
}


def publishing_key(organization: Organization, scopes: tuple[str, ...] = PUBLISHING_SCOPES) -> str:
    owner = next(one for one in organization.app_keys.values() if one.scopes is None).owner_id
    return organization.add_application_key(owner, scopes).secret


@pytest.fixture
def desk(cli: Cli, organization: Organization) -> Cli:
    """A command line that may install, with a key for nothing else."""
    cli.env(
        ACCESSSYNC_FORWARD__APP_KEY=publishing_key(organization),
        ACCESSSYNC_ALLOWED_OPERATIONS=WRITING,
        ACCESSSYNC_OPERATOR="ada@example.com",
    )
    return cli


def there(organization: Organization) -> dict[str, list[Any]]:
    return copy.deepcopy(organization.published.installed())


def outcomes(document: Any) -> list[str]:
    return [one["outcome"] for place in document["places"] for one in place["objects"]]


def by_name(document: Any) -> dict[str, Any]:
    return {one["name"]: one for place in document["places"] for one in place["objects"]}


def test_setup_installs_everything_and_a_second_one_changes_nothing(
    desk: Cli, server: SandboxServer, organization: Organization
) -> None:
    document = desk.ok("forward", "setup", "--notify", "@slack-security")
    assert outcomes(document) == ["done"] * 10
    assert {kind: len(found) for kind, found in there(organization).items()} == KINDS
    before = there(organization)
    server.forget_requests()
    # Who is told is as it was, and need not be said again.
    assert outcomes(desk.ok("forward", "setup")) == ["kept"] * 10
    assert not server.writes
    assert there(organization) == before
    assert "nothing to do" in desk("forward", "setup").out
    assert "@slack-security" in before["monitors"][0]["message"]


def test_a_dry_run_shows_everything_and_changes_nothing(
    desk: Cli, server: SandboxServer, organization: Organization
) -> None:
    document = desk.ok("forward", "setup", "--dry-run")
    assert outcomes(document) == ["would"] * 10
    assert document["dry_run"] is True
    assert not server.writes
    assert sum(map(len, there(organization).values())) == 0
    shown = desk("forward", "setup", "--dry-run").out
    assert "to install" in shown
    assert "nothing was changed" in shown


def test_remove_leaves_the_organization_as_it_was(desk: Cli, organization: Organization) -> None:
    published = organization.published
    foreign = {"id": "abc-def-ghi", **BOARD, "description": "mine", "author_handle": None, "created_at": None}
    published.dashboards["abc-def-ghi"] = {**foreign, "is_read_only": False, "modified_at": None, "url": "/x"}
    before, rules = there(organization), copy.deepcopy(published.rules)
    desk.ok("forward", "setup")
    assert sum(map(len, there(organization).values())) == 11
    assert outcomes(desk.ok("forward", "remove", "--dry-run")) == ["would"] * 10
    assert sum(map(len, there(organization).values())) == 11
    assert outcomes(desk.ok("forward", "remove")) == ["done"] * 10
    assert there(organization) == before
    assert published.rules == rules
    assert outcomes(desk.ok("forward", "remove")) == []


def test_an_edit_is_said_and_set_right_and_a_copy_is_left_alone(desk: Cli, organization: Organization) -> None:
    desk.ok("forward", "setup")
    published = organization.published
    wanted = there(organization)
    [board] = published.dashboards.values()
    published.dashboards["cop-yof-it1"] = {**copy.deepcopy(board), "id": "cop-yof-it1", "title": "my copy"}
    board["title"] = "edited"
    next(iter(published.monitors.values()))["query"] += "0"
    rule = next(one for one in published.rules.values() if not one["isDefault"])
    rule["isEnabled"] = False
    document = desk.ok("forward", "setup", "--dry-run")
    found = {name: one["action"] for name, one in by_name(document).items() if one["action"] != "keep"}
    assert found == {"dashboard": "restore", "stale-sync": "restore", "new-admin": "restore"}
    [told] = by_name(document)["dashboard"]["differences"]
    assert told == {"path": "title", "now": "edited", "wanted": "accesssync: access to Datadog"}
    shown = desk("forward", "setup").out
    assert "restored    dashboard accesssync: access to Datadog" in shown
    assert "title: edited -> accesssync: access to Datadog" in shown
    assert published.dashboards["cop-yof-it1"]["title"] == "my copy"
    assert outcomes(desk.ok("forward", "setup")) == ["kept"] * 10
    after = there(organization)
    assert [one["title"] for one in after["dashboards"]] == ["accesssync: access to Datadog", "my copy"]
    assert [one["query"] for one in after["monitors"]] == [one["query"] for one in wanted["monitors"]]
    desk.ok("forward", "remove")
    assert list(published.dashboards) == ["cop-yof-it1"]


def test_handles_and_hours_are_changed_in_place(desk: Cli, organization: Organization) -> None:
    desk.ok("forward", "setup", "--notify", "@slack-a")
    ids = {kind: [one["id"] for one in found] for kind, found in there(organization).items()}
    document = desk.ok("forward", "setup", "--notify", "@slack-b", "--notify", "@pagerduty-c", "--stale-hours", "12")
    assert outcomes(document).count("done") == 8
    after = there(organization)
    assert {kind: [one["id"] for one in found] for kind, found in after.items()} == ids
    assert all(one["message"].endswith("Notify: @slack-b @pagerduty-c") for one in after["monitors"])
    assert all(case["notifications"] == ["@slack-b", "@pagerduty-c"] for one in after["rules"] for case in one["cases"])
    assert after["monitors"][0]["options"]["thresholds"]["critical"] == 12 * 3600
    desk.ok("forward", "setup", "--no-notify")
    assert "@slack" not in str(there(organization))
    assert after["monitors"][0]["query"] == there(organization)["monitors"][0]["query"]


def test_what_is_not_allowed_is_skipped_and_not_even_looked_at(
    desk: Cli, server: SandboxServer, organization: Organization
) -> None:
    desk.env(ACCESSSYNC_ALLOWED_OPERATIONS="write_monitor")
    document = desk.ok("forward", "setup")
    assert sorted(outcomes(document)) == ["done"] * 3 + ["skipped"] * 3
    assert {one.path.split("/")[3] for one in server.requests} == {"monitor"}
    assert {kind for kind, found in there(organization).items() if found} == {"monitors"}
    reasons = [one["reason"] for one in document["places"][0]["objects"] if one["outcome"] == "skipped"]
    assert reasons[0] == "write_dashboard is not allowed: add it to ACCESSSYNC_ALLOWED_OPERATIONS"


def test_rules_go_on_telling_whom_they_told_when_monitors_are_not_allowed_any_more(
    desk: Cli, organization: Organization
) -> None:
    desk.ok("forward", "setup", "--notify", "@slack-security")
    desk.env(ACCESSSYNC_ALLOWED_OPERATIONS="write_detection_rule")
    assert sorted(outcomes(desk.ok("forward", "setup"))) == ["kept"] * 5 + ["skipped"] * 3
    assert "@slack-security" in str(there(organization)["rules"])


@pytest.mark.parametrize(
    ("path", "method", "status", "skipped"),
    [
        ("/api/v2/security_monitoring/rules*", "GET", 403, 1),
        ("/api/v2/security_monitoring/rules*", "GET", 404, 1),
        ("/api/v2/security_monitoring/rules", "POST", 403, 5),
        ("/api/v1/dashboard", "POST", 400, 1),
    ],
)
def test_what_is_refused_is_skipped_and_the_rest_installed(
    desk: Cli, server: SandboxServer, path: str, method: str, status: int, skipped: int
) -> None:
    server.faults.add(f.Status(status), path=path, method=method, times=None)
    ended = desk("forward", "setup")
    assert ended.code == 0, ended.err
    assert ended.out.count("  skipped ") == skipped
    assert ended.out.count("  installed ") == 10 - max(skipped, 5 if "rules" in path else 1)


def test_a_key_that_lacks_scopes_installs_what_it_may(desk: Cli, organization: Organization) -> None:
    scopes = tuple(one for one in PUBLISHING_SCOPES if one.startswith(("dashboards", "monitors_read")))
    desk.env(ACCESSSYNC_FORWARD__APP_KEY=publishing_key(organization, scopes))
    document = desk.ok("forward", "setup")
    assert [len(found) for found in there(organization).values()] == [1, 0, 0, 0]
    told = {one["kind"]: one["reason"] for one in document["places"][0]["objects"] if one["outcome"] == "skipped"}
    assert set(told) == {"log_pipeline", "monitor", "detection_rule"}
    assert "security_monitoring_rules_read" in told["detection_rule"]


def test_the_rate_limit_is_waited_for(desk: Cli, server: SandboxServer) -> None:
    server.faults.add(f.RateLimited("1"), path="/api/v1/dashboard", method="POST")
    assert outcomes(desk.ok("forward", "setup")) == ["done"] * 10


@pytest.mark.parametrize("fault", [f.Reset, f.Lost, lambda: f.Status(500)], ids=["reset", "lost", "500"])
def test_an_answer_that_gets_lost_makes_nothing_twice(
    desk: Cli, server: SandboxServer, organization: Organization, fault: Callable[[], f.Effect]
) -> None:
    server.faults.add(fault(), path="/api/v1/dashboard", method="POST")
    server.faults.add(fault(), path="/api/v1/monitor/*", method="PUT", nth=2)
    ended = desk("forward", "setup")
    assert ended.code in (0, 7, 10), ended.err
    assert desk("forward", "setup").code == 0
    assert {kind: len(found) for kind, found in there(organization).items()} == KINDS
    assert outcomes(desk.ok("forward", "setup")) == ["kept"] * 10


def test_a_service_that_is_down_is_a_failure_and_the_rest_is_done(desk: Cli, server: SandboxServer) -> None:
    server.faults.add(f.Status(503), path="/api/v1/logs/*", times=None)
    ended = desk("forward", "setup", "--json")
    assert ended.code == 7
    assert outcomes(ended.json).count("done") == 9
    assert ended.error["code"] == "upstream"
    assert "log pipeline" in ended.error["message"]


def test_keys_that_are_not_accepted_or_missing(cli: Cli, server: SandboxServer) -> None:
    cli.env(ACCESSSYNC_ALLOWED_OPERATIONS=WRITING)
    ended = cli("forward", "setup")
    assert ended.code == 2
    assert "ACCESSSYNC_FORWARD__APP_KEY" in ended.err
    cli.env(ACCESSSYNC_FORWARD__APP_KEY="f" * 40)
    server.faults.add(f.Status(401), times=None)
    assert cli("forward", "setup").code == 6


def test_where_nothing_is_allowed_everything_is_skipped_and_no_key_is_asked_for(
    cli: Cli, server: SandboxServer
) -> None:
    document = cli.ok("forward", "setup")
    assert set(outcomes(document)) == {"skipped"}
    reasons = [one["reason"] for place in document["places"] for one in place["objects"]]
    assert len(reasons) == len(KINDS)
    assert all("not allowed: add it to ACCESSSYNC_ALLOWED_OPERATIONS" in one for one in reasons)
    assert not server.requests


def test_handles_are_checked_before_anything_is_sent(desk: Cli, server: SandboxServer) -> None:
    assert desk("forward", "setup", "--notify", "security").code == 2
    assert desk("forward", "setup", "--notify", "@a", "--no-notify").code == 2
    assert not server.requests


def test_another_organization_than_the_observed_one(desk: Cli, server: SandboxServer) -> None:
    other = generate(20, 9, NOW)
    with SandboxServer(other, rate_limit=100_000) as elsewhere:
        desk.env(
            ACCESSSYNC_FORWARD__API_URL=elsewhere.url,
            ACCESSSYNC_FORWARD__API_KEY=elsewhere.api_key,
            ACCESSSYNC_FORWARD__APP_KEY=publishing_key(other),
        )
        assert outcomes(desk.ok("forward", "setup")) == ["done"] * 10
    assert not server.requests
    assert {kind: len(found) for kind, found in there(other).items()} == KINDS


def test_organizations_that_publish_to_one_place_share_what_is_installed(
    cli: Cli, server: SandboxServer, organization: Organization
) -> None:
    for name, allowed in (("ACME", WRITING), ("EMEA", "none")):
        start = f"ACCESSSYNC_ORGS__{name}__"
        cli.env(**{f"{start}API_KEY": server.api_key, f"{start}APP_KEY": server.app_key})
        cli.env(**{f"{start}ALLOWED_OPERATIONS": allowed})
    cli.env(ACCESSSYNC_FORWARD__APP_KEY=publishing_key(organization), ACCESSSYNC_FORWARD__API_KEY=server.api_key)
    document = cli.ok("forward", "setup")
    assert [place["orgs"] for place in document["places"]] == [["acme", "emea"]]
    assert outcomes(document) == ["done"] * 10
    assert outcomes(cli.ok("forward", "setup", "--org", "emea")) == ["skipped"] * 4


def test_what_was_installed_is_in_the_audit_log_and_no_key_is_anywhere(desk: Cli, organization: Organization) -> None:
    desk.ok("forward", "setup")
    desk.ok("forward", "remove")
    entries = desk.ok("audit", "list", "--kind", "install")["audit"]
    assert [one["kind"] for one in entries] == ["install.intended", "install.done"] * 2
    assert len(entries[0]["facts"]["steps"]) == 10
    assert desk("audit", "verify").code == 0
    secrets = [one.secret for one in organization.app_keys.values()] + [*organization.api_keys_by_secret]
    assert not [one for one in secrets if any(one in text for text in desk.said)]
