"""Who made a change, as Datadog's own Audit Trail tells it, from the API to the screen."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox import faults as f
from tests.cli.conftest import Cli

ADMIN = "Datadog Admin Role"
EVENTS = "/api/v2/audit/events"


def people(organization: Organization) -> list[str]:
    admin = organization.role(ADMIN).id
    return [
        one.id
        for one in organization.users.values()
        if not one.service_account and one.status == "Active" and admin not in one.role_ids
    ]


def run_of(cli: Cli) -> Any:
    [run] = cli.ok("sync")["runs"]
    return run


def test_changes_say_by_whom(either: Cli, server: SandboxServer, organization: Organization) -> None:
    first, second, boss, *_ = people(organization)
    assert run_of(either)["audit_trail"]["state"] == "off"
    with organization.acting(boss):
        organization.grant_role(first, ADMIN)
        organization.set_title(second, "Director")
    run = run_of(either)
    assert (run["audit_trail"]["state"], run["audit_trail"]["joined"]) == ("read", 2)
    named = {one["subject_id"]: one["actor"] for one in either.ok("changes", "--since", "run-1")["changes"]}
    address = organization.user(boss).email
    assert named == {first: address, second: address}
    assert f"by {address}" in either("changes", "--since", "run-1").out
    assert f"by {address}" in either("timeline", organization.user(first).email).out
    assert any(one.path == EVENTS for one in server.requests)


def test_what_came_and_went_between_two_runs_is_a_finding(
    either: Cli, organization: Organization, monkeypatch: pytest.MonkeyPatch
) -> None:
    boss = people(organization)[0]
    with monkeypatch.context() as earlier:
        earlier.setattr("accesssync.cli.sync.now", lambda: datetime.now(UTC) - timedelta(hours=2))
        run_of(either)
    with organization.acting(boss):
        made = organization.add_api_key("for\x1b[31m a while", at=datetime.now(UTC) - timedelta(hours=1))
        organization.delete_api_key(made.id)
    run = run_of(either)
    assert run["changes"] == {"added": 0, "updated": 0, "removed": 0}
    assert run["audit_trail"]["unseen"] == 1
    found = [one for one in either.ok("findings", "list")["findings"] if one["check"] == "AS-TRAIL-02"]
    [finding] = found
    assert (finding["subject_id"], finding["evidence"]["actor"]) == (made.id, organization.user(boss).email)
    shown = either("findings", "show", finding["id"])
    assert (shown.code, "\x1b" in shown.out) == (0, False)
    assert organization.user(boss).email in shown.out


def test_a_key_that_may_not_read_it_changes_nothing_else(
    either: Cli, server: SandboxServer, organization: Organization
) -> None:
    server.faults.add(f.Status(403), path=EVENTS, times=None)
    run_of(either)
    with organization.acting(people(organization)[1]):
        organization.set_title(people(organization)[0], "Director")
    run = run_of(either)
    assert (run["status"], run["complete"], run["audit_trail"]["state"]) == ("succeeded", True, "denied")
    assert "audit_logs_read" in run["audit_trail"]["reason"]
    [change] = either.ok("changes", "--since", "run-1")["changes"]
    assert change["actor"] is None


@pytest.mark.parametrize("effect", [f.Status(500), f.RateLimited("7"), f.Truncated(), f.Body("{}")])
def test_a_sync_does_not_fail_with_it(either: Cli, server: SandboxServer, effect: Any) -> None:
    server.faults.add(effect, path=EVENTS, times=None)
    run_of(either)
    run = run_of(either)
    assert (run["status"], run["audit_trail"]["state"]) == ("succeeded", "failed")


def test_it_can_be_left_alone(either: Cli, server: SandboxServer) -> None:
    either.env(ACCESSSYNC_AUDIT_TRAIL="false")
    run_of(either)
    assert run_of(either)["audit_trail"]["state"] == "off"
    assert not any(one.path == EVENTS for one in server.requests)
