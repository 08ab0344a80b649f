"""From nothing to a dashboard that shows something: set up, look, change, deliver, and take it all away again."""

import copy

from accesssync.sandbox import PUBLISHING_SCOPES, Organization, SandboxServer
from tests.cli.conftest import Cli

ALLOWED = "send_log,send_event,send_metric,write_dashboard,write_pipeline,write_monitor,write_detection_rule"


def test_what_happens_shows_in_datadog(cli: Cli, server: SandboxServer, organization: Organization) -> None:
    owner = next(one for one in organization.app_keys.values() if one.scopes is None).owner_id
    cli.env(
        ACCESSSYNC_FORWARD__APP_KEY=organization.add_application_key(owner, PUBLISHING_SCOPES).secret,
        ACCESSSYNC_FORWARD__ALERTS="true",
        ACCESSSYNC_FORWARD__AUDIT="true",
        ACCESSSYNC_FORWARD__EVENTS="true",
        ACCESSSYNC_FORWARD__ENV="test",
        ACCESSSYNC_ALLOWED_OPERATIONS=ALLOWED,
    )
    published = organization.published
    before, rules = copy.deepcopy(published.installed()), copy.deepcopy(published.rules)
    assert cli("forward", "setup", "--notify", "@slack-security").code == 0
    assert cli("sync").code == 0
    assert cli("forward", "run", "--drain").code == 0
    # A first look alerts nobody.
    assert {one["evt"]["category"] for one in published.logs()} == {"audit"}

    admin = organization.role("Datadog Admin Role").id
    person = next(
        one
        for one in organization.users.values()
        if one.status == "Active" and not one.service_account and admin not in one.role_ids
    )
    organization.grant_role(person.id, admin)
    assert cli("sync").code == 0
    assert cli("forward", "run", "--drain").code == 0
    alerts = [one for one in published.logs() if "stream:alerts" in one["ddtags"]]
    [granted] = [one for one in alerts if one["evt"]["name"] == "admin.granted"]
    assert granted["usr"]["id"] == person.id
    assert granted["status"] == "critical"
    assert set(granted["ddtags"].split(",")) == {"org:default", "env:test", "service:accesssync", "stream:alerts"}
    assert "findings" in {one["evt"]["category"] + "s" for one in alerts}
    identifiers = [one["dedup_id"] for one in published.logs()]
    assert len(identifiers) == len(set(identifiers))

    # The rule and the monitor that wait for it ask for exactly what was sent.
    [rule] = [one for one in published.installed()["rules"] if "became an admin" in one["name"]]
    assert rule["queries"][0]["query"] == "source:accesssync stream:alerts @evt.name:admin.granted"
    assert granted["ddsource"] == "accesssync"
    for event in published.events:
        assert {"source:accesssync", "org:default", "env:test"} <= set(event["tags"])

    # Nothing that publishes carries the application key, and nothing that installs goes anywhere else.
    sent = [one for one in server.writes if one.path in ("/api/v2/logs", "/api/v1/events")]
    assert sent
    assert {one.by for one in sent} == {None}
    server.forget_requests()
    assert "nothing to do" in cli("forward", "setup").out
    assert not server.writes
    assert cli("forward", "remove").code == 0
    assert published.installed() == before
    assert published.rules == rules
