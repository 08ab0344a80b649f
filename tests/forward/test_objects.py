"""What is installed is what the official client's models understand, and asks only for what is published."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.logs_pipeline import LogsPipeline
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v2.model.security_monitoring_standard_rule_create_payload import (
    SecurityMonitoringStandardRuleCreatePayload,
)

from accesssync.errors import UsageError
from accesssync.findings.catalogue import BY_ID
from accesssync.forward.marks import marked
from accesssync.forward.objects import NEEDED, Chosen, Wanted, chosen_before, wanted_objects
from accesssync.model.installed import Kind

MODELS: dict[Kind, Any] = {
    Kind.DASHBOARD: Dashboard,
    Kind.PIPELINE: LogsPipeline,
    Kind.MONITOR: Monitor,
    Kind.DETECTION_RULE: SecurityMonitoringStandardRuleCreatePayload,
}
EVERYTHING = wanted_objects(["@slack-security"], 4)


def understood(value: Any) -> None:
    """Fail where any part of a model was not understood, or has a field that the model does not know."""
    if isinstance(value, list):
        for each in value:
            understood(each)
    elif hasattr(value, "get_oneof_instance"):
        understood(value.get_oneof_instance())
    elif hasattr(value, "_data_store"):
        assert value._unparsed is False, value
        known = getattr(value, "attribute_map", None)
        if known:
            assert set(value._data_store) <= set(known), set(value._data_store) - set(known)
        for each in value._data_store.values():
            understood(each)


@pytest.mark.parametrize("wanted", EVERYTHING, ids=lambda one: one.name)
def test_the_clients_models_understand_every_part(wanted: Wanted) -> None:
    configure: Any = Configuration
    client: Any = ApiClient(configure())
    body = marked(wanted.kind, wanted.name, wanted.body, "abc-def-ghi")
    understood(client.deserialize(json.dumps(body), (MODELS[wanted.kind],), True))


def test_there_is_what_is_promised() -> None:
    kinds = [one.kind for one in EVERYTHING]
    assert {kind: kinds.count(kind) for kind in NEEDED} == {
        Kind.DASHBOARD: 1,
        Kind.PIPELINE: 1,
        Kind.MONITOR: 3,
        Kind.DETECTION_RULE: 5,
    }
    assert len({one.name for one in EVERYTHING}) == len(EVERYTHING)
    assert "<<" not in json.dumps([one.body for one in EVERYTHING])


def test_handles_are_told_by_every_monitor_and_rule() -> None:
    for one in EVERYTHING:
        if one.kind is Kind.MONITOR:
            assert one.body["message"].endswith("\n\nNotify: @slack-security")
        if one.kind is Kind.DETECTION_RULE:
            assert all(each["notifications"] == ["@slack-security"] for each in one.body["cases"])


def monitors(handles: list[str], hours: int) -> dict[str, Any]:
    wanted = [one for one in wanted_objects(handles, hours) if one.kind is Kind.MONITOR]
    return {one.name: marked(one.kind, one.name, one.body, "5") for one in wanted}


def test_what_was_chosen_can_be_told_from_what_is_installed() -> None:
    handles = ["@slack-security", "@ada+x@example.com", "@webhook-a/b"]
    assert chosen_before(monitors(handles, 36)) == Chosen(tuple(handles), 36)
    assert chosen_before(monitors([], 4)) == Chosen((), 4)
    assert chosen_before({}) == Chosen((), 4)


def test_what_somebody_edited_was_not_chosen() -> None:
    edited = monitors(["@slack-a"], 36)
    edited["stale-sync"]["query"] += "0"
    edited["stale-sync"]["message"] = "Notify: @slack-b"
    assert chosen_before(edited) == Chosen(("@slack-a",), 36)
    for each in edited.values():
        each["message"] = "Notify: @slack-b"
    # Nothing tells any more whom it told: better those whom somebody named than nobody.
    assert chosen_before(edited).handles == ("@slack-b",)


@pytest.mark.parametrize("handle", ["slack", "@", "@a b", "@a{{b}}", "@a\n@b", "@" + "x" * 300])
def test_a_handle_that_datadog_would_not_understand_is_refused(handle: str) -> None:
    with pytest.raises(UsageError):
        wanted_objects([handle])


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for each in value.values():
            yield from texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from texts(each)
    elif isinstance(value, str):
        yield value


def asked(pattern: str) -> set[str]:
    return {found for one in EVERYTHING for text in texts(one.body) for found in re.findall(pattern, text)}


def test_a_finding_that_a_rule_asks_for_is_one_that_there_is() -> None:
    checks = asked(r"@finding\.check:([\w-]+)")
    assert checks
    assert checks <= set(BY_ID)


def test_every_widget_can_be_narrowed_to_an_organization_and_an_environment() -> None:
    [board] = [one for one in EVERYTHING if one.kind is Kind.DASHBOARD]
    queries = [text for text in texts(board.body) if ("accesssync." in text and "{" in text) or "source:" in text]
    assert len(queries) > 20
    assert all("$org" in text and "$env" in text for text in queries)
