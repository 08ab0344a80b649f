"""`accesssync check` for what is published: streams that send nothing, and a key that cannot install."""

from typing import Any

import pytest

from accesssync.sandbox import PUBLISHING_SCOPES, READING_SCOPES, Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.cli.conftest import NOW, Cli

WRITING = "write_dashboard,write_pipeline,write_monitor,write_detection_rule"


@pytest.fixture
def organization() -> Organization:
    return generate(25, 3, NOW)


def key(organization: Organization, scopes: tuple[str, ...] | None) -> str:
    owner = next(one for one in organization.app_keys.values() if one.scopes is None).owner_id
    return organization.add_application_key(owner, scopes).secret


def lines(cli: Cli, code: int = 0) -> dict[str, Any]:
    ended = cli("check", "--json")
    assert ended.code == code, ended.out
    found = [one for one in ended.json["checks"] if "publish" in one["id"]]
    assert all(one["fix"] for one in found if one["status"] != "ok")
    return {one["id"]: one for one in found}


def test_where_nothing_is_published_nothing_is_said(cli: Cli) -> None:
    assert lines(cli) == {}


def test_a_stream_that_is_on_and_not_allowed_is_said(cli: Cli) -> None:
    cli.env(
        ACCESSSYNC_FORWARD__ALERTS="true",
        ACCESSSYNC_FORWARD__METRICS="true",
        ACCESSSYNC_ALLOWED_OPERATIONS="send_metric",
    )
    found = lines(cli)
    assert {name: one["status"] for name, one in found.items()} == {"publish.alerts": "warn", "publish.metrics": "ok"}
    assert found["publish.alerts"]["fix"] == "add send_log to ACCESSSYNC_ALLOWED_OPERATIONS"


@pytest.mark.parametrize(
    ("scopes", "status", "said"),
    [
        (PUBLISHING_SCOPES, "ok", "is scoped to dashboards_read"),
        (None, "warn", "unscoped"),
        (PUBLISHING_SCOPES[:-1], "warn", "lacks the scope monitors_write"),
        ((*PUBLISHING_SCOPES, "user_access_manage"), "warn", "user_access_manage"),
        (READING_SCOPES, "warn", "lacks the scope dashboards_read"),
    ],
)
def test_the_publishing_key_is_compared_with_what_it_is_for(
    cli: Cli, organization: Organization, scopes: tuple[str, ...] | None, status: str, said: str
) -> None:
    cli.env(ACCESSSYNC_FORWARD__APP_KEY=key(organization, scopes), ACCESSSYNC_ALLOWED_OPERATIONS=WRITING)
    line = lines(cli)["key.publish"]
    assert line["status"] == status
    assert said in line["message"]


def test_a_key_without_use_and_a_use_without_key(cli: Cli, organization: Organization) -> None:
    cli.env(ACCESSSYNC_ALLOWED_OPERATIONS="write_monitor")
    assert "ACCESSSYNC_FORWARD__APP_KEY is not set" in lines(cli)["key.publish"]["message"]
    cli.env(ACCESSSYNC_ALLOWED_OPERATIONS="none", ACCESSSYNC_FORWARD__APP_KEY=key(organization, PUBLISHING_SCOPES))
    assert "allows nothing to be installed" in lines(cli)["key.publish"]["message"]


def test_a_key_that_is_not_accepted_fails(cli: Cli) -> None:
    cli.env(ACCESSSYNC_FORWARD__APP_KEY="f" * 40, ACCESSSYNC_ALLOWED_OPERATIONS="write_monitor")
    assert lines(cli, 6)["key.publish"]["status"] == "fail"


def test_a_key_of_another_organization_is_asked_there(cli: Cli) -> None:
    other = generate(10, 9, NOW)
    with SandboxServer(other, rate_limit=100_000) as elsewhere:
        cli.env(
            ACCESSSYNC_FORWARD__API_URL=elsewhere.url,
            ACCESSSYNC_FORWARD__API_KEY=elsewhere.api_key,
            ACCESSSYNC_FORWARD__APP_KEY=key(other, PUBLISHING_SCOPES),
            ACCESSSYNC_ALLOWED_OPERATIONS="write_monitor",
        )
        line = lines(cli)["key.publish"]
        assert line["status"] == "ok"
        assert line["message"].endswith("it needs monitors_read, monitors_write")
        elsewhere.faults.add(f.Status(503), times=None)
        assert lines(cli, 7)["site.publish"]["status"] == "fail"
