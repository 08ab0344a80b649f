"""`accesssync forward digest`, from what happened to where it is read."""

import json
from pathlib import Path

from accesssync.sandbox import Organization, SandboxServer
from tests.cli.conftest import Cli


def test_a_week_is_told_and_sent_once(
    either: Cli, server: SandboxServer, organization: Organization, tmp_path: Path
) -> None:
    path = tmp_path / "out.ndjson"
    either.env(
        ACCESSSYNC_FORWARD__ALERTS="true",
        ACCESSSYNC_FORWARD__DESTINATIONS="file",
        ACCESSSYNC_FORWARD__FILE=str(path),
    )
    gone = organization.add_api_key("old").id
    assert either("sync").code == 0
    new = organization.add_user("newcomer@example.com", name="New\x1b[31m Comer")
    organization.delete_api_key(gone)
    assert either("sync").code == 0
    asked = len(server.requests)
    [told] = either.ok("forward", "digest")["digests"]
    assert len(server.requests) == asked
    assert told["changes"]["identity.added"] == 1
    assert new.id in {one["id"] for one in told["came"]["first"]}
    assert {one["id"] for one in told["went"]["first"]} == {gone}
    assert told["fix_first"]
    # What the first run found is no news.
    assert sum(told["findings"]["opened"].values()) < sum(told["findings"]["open"].values())
    assert either(*told["fix_first"][0]["command"].split()[1:]).code == 0
    assert told["gaps"] == []
    text = either("forward", "digest", "--since", "1d").out
    assert "To fix first" in text
    assert "\x1b" not in text
    assert either("forward", "digest", "--format", "markdown").out.startswith("# default")
    assert json.loads(either("forward", "digest", "--format", "slack").out)["blocks"]
    for _ in range(2):
        assert either("forward", "digest", "--send").code == 0
    assert either("forward", "run").code == 0
    sent = [json.loads(line) for line in path.read_text().splitlines()]
    [one] = [record for record in sent if record["evt"]["name"] == "digest"]
    assert one["digest"]["came"]["total"] >= 1
    assert "new" in json.dumps(one["lines"])


def test_it_says_why_there_is_none(either: Cli) -> None:
    assert either("forward", "digest").code != 0
    either("sync")
    refused = either("forward", "digest", "--send")
    assert (refused.code, "ACCESSSYNC_FORWARD__ALERTS" in refused.err) == (2, True)
    assert either("forward", "digest", "--since", "run-1").code == 2
    assert either("forward", "digest", "--since", "2999-01-01").code == 2


def test_the_worker_tells_it(either: Cli, tmp_path: Path) -> None:
    path = tmp_path / "out.ndjson"
    either.env(
        ACCESSSYNC_FORWARD__ALERTS="true",
        ACCESSSYNC_FORWARD__DESTINATIONS="file",
        ACCESSSYNC_FORWARD__FILE=str(path),
        ACCESSSYNC_SCHEDULE__DIGEST="0 7 * * 1",
    )
    either("sync")
    assert either("worker", "--once", "digest").code == 0
    assert either("forward", "run").code == 0
    assert [json.loads(line)["evt"]["name"] for line in path.read_text().splitlines()] == ["digest"]
