"""What a client publishes: logs, events and metrics, and the dashboards, pipelines, monitors and rules it installs."""

import gzip
import json
import zlib
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from datadog_api_client import ApiClient, Configuration
from datadog_api_client.exceptions import ApiException
from datadog_api_client.v1.api.dashboards_api import DashboardsApi
from datadog_api_client.v1.api.events_api import EventsApi
from datadog_api_client.v1.api.logs_pipelines_api import LogsPipelinesApi
from datadog_api_client.v1.api.monitors_api import MonitorsApi
from datadog_api_client.v1.model.dashboard import Dashboard
from datadog_api_client.v1.model.event_create_request import EventCreateRequest
from datadog_api_client.v1.model.logs_pipeline import LogsPipeline
from datadog_api_client.v1.model.logs_pipelines_order import LogsPipelinesOrder
from datadog_api_client.v1.model.monitor import Monitor
from datadog_api_client.v1.model.monitor_update_request import MonitorUpdateRequest
from datadog_api_client.v2.api.audit_api import AuditApi
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.api.metrics_api import MetricsApi
from datadog_api_client.v2.api.security_monitoring_api import SecurityMonitoringApi
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.metric_payload import MetricPayload
from datadog_api_client.v2.model.security_monitoring_standard_rule_create_payload import (
    SecurityMonitoringStandardRuleCreatePayload,
)
from datadog_api_client.v2.model.security_monitoring_standard_rule_payload import SecurityMonitoringStandardRulePayload

from accesssync.sandbox import PUBLISHING_SCOPES, READING_SCOPES, Organization, SandboxServer
from accesssync.sandbox.faults import Hang, RateLimited, Reset, Status
from tests.sandbox.asking import Asker
from tests.sandbox.conftest import NOW

Api = Callable[[Any], Any]
configure: Callable[..., Any] = Configuration
CONTROL = {"x-sandbox-control": "sandbox"}


@pytest.fixture
def api(server: SandboxServer) -> Iterator[Api]:
    """Makes an API of the official client, pointed at the look-alike."""
    configuration = configure(host=server.url)
    configuration.api_key = {"apiKeyAuth": server.api_key, "appKeyAuth": server.app_key}
    with ApiClient(configuration) as client:
        yield lambda made: made(client)
        client.rest_client.pool_manager.clear()


def post(ask: Asker, path: str, body: bytes, **headers: str) -> Any:
    """Send raw bytes."""
    import http.client
    from urllib.parse import urlsplit

    where = urlsplit(ask.url)
    connection = http.client.HTTPConnection(str(where.hostname), where.port, timeout=5)
    try:
        connection.request("POST", path, body, {**ask.headers, **headers})
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read() or b"null")
    finally:
        connection.close()


def model(kind: Any, value: Any) -> Any:
    """A model of the client made from plain JSON, every field understood."""
    client: Any = ApiClient(configure())
    made = client.deserialize(json.dumps(value), (kind,), True)
    assert made._unparsed is False, value
    return made


# Logs


def test_logs_of_the_official_client_arrive_in_order_and_whole(api: Api, organization: Organization) -> None:
    logs = model(HTTPLog, [{"message": f"m{n}", "ddsource": "accesssync", "n": n} for n in range(3)])
    for encoding in ("gzip", "deflate", "identity"):
        api(LogsApi).submit_log(logs, content_encoding=encoding, ddtags="env:test")
    found = list(organization.published.logs())
    assert [each["n"] for each in found] == [0, 1, 2] * 3
    assert {each["ddtags"] for each in found} == {"env:test"}
    assert organization.published.received["logs"].entries == 9


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [("gzip", gzip.compress), ("deflate", zlib.compress), ("identity", bytes), ("", bytes)],
    ids=["gzip", "deflate", "identity", "none"],
)
def test_every_encoding_of_logs_is_understood(ask: Asker, encoding: str, pack: Callable[[bytes], bytes]) -> None:
    headers = {"Content-Encoding": encoding} if encoding else {}
    assert post(ask, "/api/v2/logs", pack(b'[{"message":"x"}]'), **headers) == (202, {})
    assert [each["message"] for each in ask.get("/_sandbox/logs", headers=CONTROL).json] == ["x"]


@pytest.mark.parametrize(
    ("body", "encoding", "status"),
    [
        (b"not json", "", 400),
        (b"[]", "", 400),
        (b'["text"]', "", 400),
        (b'[{"message":"x"}]', "gzip", 400),
        (gzip.compress(b'[{"message":"x"}]')[:-9], "gzip", 400),
        (b'[{"message":"x"}]', "zstd1", 400),
        (gzip.compress(b'[{"message":"' + b"x" * 5_000_000 + b'"}]'), "gzip", 413),
        (json.dumps([{"message": "x"}] * 1001).encode(), "", 413),
    ],
    ids=["no JSON", "nothing", "a text", "no gzip", "broken off", "zstandard", "large", "many"],
)
def test_logs_that_break_a_limit_are_refused_as_a_whole(ask: Asker, body: bytes, encoding: str, status: int) -> None:
    got, answer = post(ask, "/api/v2/logs", body, **({"Content-Encoding": encoding} if encoding else {}))
    assert got == status
    assert answer["errors"][0]["status"] == str(status)
    assert ask.get("/_sandbox/arrived", headers=CONTROL).json["logs"]["entries"] == 0


def test_logs_need_the_api_key_alone_and_a_wrong_one_is_403(ask: Asker) -> None:
    body = b'{"message":"alone"}'
    api_key = ask.headers["DD-API-KEY"]
    ask.headers = {}
    assert post(ask, "/api/v2/logs", body)[0] == 401
    assert post(ask, "/api/v2/logs", body, **{"DD-API-KEY": "wrong"})[0] == 403
    assert post(ask, "/api/v2/logs", body, **{"DD-API-KEY": api_key})[0] == 202


def test_a_log_over_1_mb_is_cut_and_the_others_stay_whole(ask: Asker) -> None:
    body = json.dumps([{"message": "a"}, {"message": "b", "more": "x" * 2_000_000}, {"message": "c"}]).encode()
    assert post(ask, "/api/v2/logs", gzip.compress(body), **{"Content-Encoding": "gzip"})[0] == 202
    found = ask.get("/_sandbox/logs", headers=CONTROL).json
    assert [len(json.dumps(each)) < 1_100_000 for each in found] == [True] * 3
    assert [each["message"] for each in found][::2] == ["a", "c"]
    assert ask.get("/_sandbox/arrived", headers=CONTROL).json["logs"]["truncated"] == 1


def test_a_log_older_than_18_hours_is_taken_and_lost(ask: Asker) -> None:
    old, young = (NOW - timedelta(hours=hours) for hours in (18.1, 17.9))
    logs = [
        {"message": "old", "timestamp": old.isoformat()},
        {"message": "old too", "timestamp": int(old.timestamp() * 1000)},
        {"message": "young", "timestamp": young.isoformat()},
    ]
    assert post(ask, "/api/v2/logs", json.dumps(logs).encode())[0] == 202
    assert [each["message"] for each in ask.get("/_sandbox/logs", headers=CONTROL).json] == ["young"]
    assert ask.get("/_sandbox/arrived", headers=CONTROL).json["logs"] == {
        "requests": 1,
        "entries": 1,
        "bytes": len(json.dumps(logs)),
        "dropped": 2,
        "truncated": 0,
    }


def test_bodies_of_logs_are_not_remembered_a_second_time(server: SandboxServer, ask: Asker) -> None:
    post(ask, "/api/v2/logs", b'{"message":"x"}')
    assert [(each.path, each.body, each.done) for each in server.writes] == [("/api/v2/logs", None, True)]


def test_faults_strike_intakes_too(server: SandboxServer, ask: Asker, organization: Organization) -> None:
    for nth, fault in enumerate((Status(403), Status(413), RateLimited("7"), Status(503)), start=1):
        server.faults.add(fault, path="/api/v2/logs", nth=nth)
    got = [post(ask, "/api/v2/logs", b'{"message":"x"}')[0] for _ in range(5)]
    assert got == [403, 413, 429, 503, 202]
    # Accepted, and then there is no answer.
    server.faults.add(Reset(), path="/api/v2/logs")
    with pytest.raises(ConnectionResetError):
        post(ask, "/api/v2/logs", b'{"message":"y"}')
    server.faults.add(Hang(0.05), path="/api/v2/logs")
    post(ask, "/api/v2/logs", b'{"message":"z"}')
    assert [each["message"] for each in organization.published.logs()] == ["x", "y", "z"]


def test_memory_for_logs_is_bounded_while_counts_go_on(organization: Organization, ask: Asker) -> None:
    from accesssync.sandbox import published

    before, published._KEPT_BYTES = published._KEPT_BYTES, 40
    try:
        for number in range(5):
            post(ask, "/api/v2/logs", json.dumps({"message": f"number {number}"}).encode())
    finally:
        published._KEPT_BYTES = before
    assert [each["message"] for each in organization.published.logs()] == ["number 4"]
    assert organization.published.received["logs"].entries == 5


# Events and metrics


def test_an_event_of_the_official_client(api: Api, organization: Organization) -> None:
    told = {"title": "t", "text": "x", "tags": ["a:b"], "alert_type": "error", "date_happened": int(NOW.timestamp())}
    wanted = model(EventCreateRequest, told)
    answer = api(EventsApi).create_event(wanted)
    assert answer.status == "ok"
    assert answer.event.id_str == str(organization.published.events[0]["id"])
    assert answer.event.id > 2**53
    assert organization.published.events[0]["alert_type"] == "error"


@pytest.mark.parametrize(
    "body",
    [
        {"title": "t"},
        {"title": "t", "text": "x" * 4001},
        {"title": "t", "text": "x", "alert_type": "loud"},
        {"title": "t", "text": "x", "aggregation_key": "k" * 101},
        {"title": "t", "text": "x", "date_happened": "now"},
        {"title": "t", "text": "x", "date_happened": int((NOW - timedelta(hours=19)).timestamp())},
    ],
)
def test_events_that_are_not_right_are_400(ask: Asker, body: object) -> None:
    answer = ask.send("POST", "/api/v1/events", body=body)
    assert answer.status == 400
    assert isinstance(answer.json["errors"][0], str)


@pytest.mark.parametrize("encoding", ["gzip", "deflate", None])
def test_series_of_the_official_client(api: Api, organization: Organization, encoding: str | None) -> None:
    now = int(NOW.timestamp())
    points = [{"timestamp": now + offset, "value": float(offset)} for offset in (-3700, -3500, 0, 500, 700)]
    wanted = model(MetricPayload, {"series": [{"metric": "a.b", "type": 3, "points": points, "tags": ["org:x"]}]})
    more = {"content_encoding": encoding} if encoding else {}
    answer = api(MetricsApi).submit_metrics(wanted, **more)
    assert answer.errors == []
    assert [each["value"] for each in organization.published.points] == [-3500, 0, 500]
    assert organization.published.received["series"].dropped == 2


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"series": [{"metric": "a", "points": [{"timestamp": "now", "value": 1}]}]},
        {"series": [{"metric": "1a", "points": []}]},
        {"series": [{"metric": "a", "points": [], "type": 9}]},
    ],
)
def test_series_that_are_not_right_are_400(ask: Asker, body: object) -> None:
    assert ask.send("POST", "/api/v2/series", body=body).status == 400


def test_intakes_are_not_rate_limited_and_events_are(organization: Organization, ask: Asker) -> None:
    with SandboxServer(organization, rate_limit=2, clock=lambda: NOW) as server:
        ask.url = server.url
        got = [post(ask, "/api/v2/logs", b'{"message":"x"}')[0] for _ in range(4)]
        events = [ask.send("POST", "/api/v1/events", body={"title": "t", "text": "x"}).status for _ in range(4)]
    assert got == [202] * 4
    assert events == [202, 202, 429, 429]


# What is installed

DASHBOARD = {
    "title": "A board",
    "layout_type": "ordered",
    "description": "mine",
    "widgets": [
        {
            "definition": {
                "type": "group",
                "layout_type": "ordered",
                "title": "g",
                "widgets": [{"definition": {"type": "note", "content": "hello"}}],
            }
        }
    ],
}
PIPELINE = {
    "name": "a pipeline",
    "is_enabled": True,
    "filter": {"query": "source:x"},
    "processors": [{"type": "status-remapper", "name": "status", "is_enabled": True, "sources": ["level"]}],
}
MONITOR = {
    "name": "a monitor",
    "type": "metric alert",
    "query": "max(last_1h):max:a.b{*} by {org} > 5",
    "message": "m",
    "tags": ["mine:yes"],
    "options": {"thresholds": {"critical": 5}},
}
RULE = {
    "name": "a rule",
    "message": "m",
    "isEnabled": True,
    "tags": ["mine:yes"],
    "type": "log_detection",
    "queries": [{"name": "a", "query": "source:x", "aggregation": "count", "groupByFields": ["@usr.id"]}],
    "cases": [{"name": "", "status": "high", "condition": "a > 0", "notifications": []}],
    "options": {"evaluationWindow": 300, "keepAlive": 3600, "maxSignalDuration": 86400},
}


def test_the_life_of_a_dashboard(api: Api, organization: Organization) -> None:
    boards, wanted = api(DashboardsApi), model(Dashboard, DASHBOARD)
    made = boards.create_dashboard(wanted)
    widget = made.widgets[0]
    assert widget.id
    assert widget.definition.widgets[0].id
    listed = list(boards.list_dashboards_with_pagination())
    assert [(each.id, each.description) for each in listed] == [(made.id, "mine")]
    assert "widgets" not in listed[0]._data_store
    changed = boards.update_dashboard(made.id, model(Dashboard, {**DASHBOARD, "description": None}))
    assert changed.description is None
    assert changed.id == made.id
    assert boards.get_dashboard(made.id).title == "A board"
    assert boards.delete_dashboard(made.id).deleted_dashboard_id == made.id
    with pytest.raises(ApiException) as gone:
        boards.get_dashboard(made.id)
    assert gone.value.status == 404
    assert not organization.published.dashboards


@pytest.mark.parametrize(
    "change",
    [
        {"title": ""},
        {"layout_type": "round"},
        {"widgets": [{}]},
        {"tags": ["managed-by:accesssync"]},
        {"tags": [f"team:{n}" for n in range(6)]},
    ],
)
def test_a_dashboard_that_is_not_right_is_400(ask: Asker, change: dict[str, object]) -> None:
    assert ask.send("POST", "/api/v1/dashboard", body={**DASHBOARD, **change}).status == 400


def test_dashboards_are_listed_from_a_start(ask: Asker) -> None:
    for number in range(5):
        ask.send("POST", "/api/v1/dashboard", body={**DASHBOARD, "title": f"b{number}"})
    found = ask.get("/api/v1/dashboard", {"start": 3, "count": 10}).json
    assert [each["title"] for each in found["dashboards"]] == ["b3", "b4"]


def test_the_life_of_a_pipeline(api: Api, organization: Organization) -> None:
    pipelines = api(LogsPipelinesApi)
    made = pipelines.create_logs_pipeline(model(LogsPipeline, PIPELINE))
    other = pipelines.create_logs_pipeline(model(LogsPipeline, {**PIPELINE, "name": "other", "tags": ["a:b"]}))
    assert [each.name for each in pipelines.list_logs_pipelines().value] == ["a pipeline", "other"]
    pipelines.update_logs_pipeline_order(LogsPipelinesOrder(pipeline_ids=[other.id, made.id]))
    assert pipelines.get_logs_pipeline_order().pipeline_ids == [other.id, made.id]
    pipelines.update_logs_pipeline(other.id, model(LogsPipeline, {**PIPELINE, "name": "anew"}))
    assert [each.name for each in pipelines.list_logs_pipelines().value] == ["anew", "a pipeline"]
    assert "tags" not in organization.published.pipelines[other.id]
    pipelines.delete_logs_pipeline(other.id)
    assert pipelines.get_logs_pipeline(made.id).processors[0].get_oneof_instance().type.value == "status-remapper"
    with pytest.raises(ApiException) as gone:
        pipelines.get_logs_pipeline(other.id)
    assert gone.value.status == 400


def test_a_processor_of_an_unknown_type_is_refused(ask: Asker) -> None:
    for processor in ({"type": "magic"}, {"type": "date-remapper"}):
        answer = ask.send("POST", "/api/v1/logs/config/pipelines", body={**PIPELINE, "processors": [processor]})
        assert (answer.status, answer.json["error"]["code"]) == (400, "InvalidArgument")


def test_the_life_of_a_monitor(api: Api) -> None:
    monitors = api(MonitorsApi)
    monitors.validate_monitor(model(Monitor, MONITOR))
    made = monitors.create_monitor(model(Monitor, MONITOR))
    assert (str(made.type), made.options.thresholds.critical, made.multi) == ("query alert", 5.0, True)
    monitors.create_monitor(model(Monitor, {**MONITOR, "name": "else", "tags": []}))
    assert [each.id for each in monitors.list_monitors(monitor_tags="mine:yes")] == [made.id]
    assert len(monitors.list_monitors(page=0, page_size=1)) == 1
    assert len(monitors.list_monitors(page=2, page_size=1)) == 0
    changed = monitors.update_monitor(made.id, MonitorUpdateRequest(message="new"))
    assert (changed.message, changed.name) == ("new", "a monitor")
    assert monitors.delete_monitor(made.id).deleted_monitor_id == made.id
    with pytest.raises(ApiException) as gone:
        monitors.get_monitor(made.id)
    assert gone.value.status == 404


@pytest.mark.parametrize(
    "change",
    [
        {"type": "hunch"},
        {"query": "query"},
        {"options": {"thresholds": {"critical": 6}}},
        {"priority": 9},
        {"options": {"notify_no_data": True, "on_missing_data": "default"}},
    ],
)
def test_a_monitor_that_is_not_right_is_400(ask: Asker, change: dict[str, object]) -> None:
    for path in ("/api/v1/monitor", "/api/v1/monitor/validate"):
        assert ask.send("POST", path, body={**MONITOR, **change}).status == 400


def test_the_life_of_a_detection_rule(api: Api, organization: Organization) -> None:
    rules = api(SecurityMonitoringApi)
    rules.validate_security_monitoring_rule(model(SecurityMonitoringStandardRulePayload, RULE))
    made = rules.create_security_monitoring_rule(model(SecurityMonitoringStandardRuleCreatePayload, RULE))
    made = made.get_oneof_instance()
    assert made._unparsed is False
    assert made.version == 1
    first = rules.list_security_monitoring_rules()
    assert len(first.data) == 10
    assert first.meta.page.total_count == len(organization.published.rules)
    assert len(rules.list_security_monitoring_rules(page_size=500).data) == 100
    changed = rules.update_security_monitoring_rule(made.id, {"name": "renamed"}).get_oneof_instance()
    assert (changed.name, changed.version, changed.message) == ("renamed", 2, "m")
    with pytest.raises(ApiException) as stale:
        rules.update_security_monitoring_rule(made.id, {"name": "again", "version": 1})
    assert stale.value.status == 401
    rules.delete_security_monitoring_rule(made.id)
    with pytest.raises(ApiException) as gone:
        rules.get_security_monitoring_rule(made.id)
    assert gone.value.status == 404
    assert gone.value.body["error"]["code"] == "NotFound"


def test_rules_of_datadog_can_hardly_be_changed(ask: Asker, organization: Organization) -> None:
    path = f"/api/v2/security_monitoring/rules/{next(iter(organization.published.rules))}"
    assert ask.send("DELETE", path).status == 400
    assert ask.send("PUT", path, body={"name": "mine"}).status == 400
    assert ask.send("PUT", path, body={"isEnabled": False}).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"cases": []},
        {"cases": [{"status": "dire", "condition": "a > 0"}]},
        {"cases": [{"status": "high", "condition": "b > 0"}]},
        {"queries": [{"query": "x", "aggregation": "cardinality"}]},
        {"options": {"evaluationWindow": 3600, "keepAlive": 60, "maxSignalDuration": 86400}},
        {"options": {"evaluationWindow": 7}},
    ],
)
def test_a_rule_that_is_not_right_is_400(ask: Asker, change: dict[str, object]) -> None:
    for path in ("/api/v2/security_monitoring/rules", "/api/v2/security_monitoring/rules/validation"):
        answer = ask.send("POST", path, body={**RULE, **change})
        assert (answer.status, answer.json["error"]["code"]) == (400, "InvalidArgument")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/v1/dashboard", DASHBOARD),
        ("/api/v1/logs/config/pipelines", PIPELINE),
        ("/api/v1/monitor", MONITOR),
        ("/api/v2/security_monitoring/rules", RULE),
    ],
)
def test_publishing_scopes_suffice_and_reading_ones_do_not(
    organization: Organization, ask: Asker, path: str, body: object
) -> None:
    owner = organization.app_keys_by_secret[ask.headers["DD-APPLICATION-KEY"]].owner_id
    for scopes, status in ((READING_SCOPES, 403), (PUBLISHING_SCOPES, 200)):
        ask.headers["DD-APPLICATION-KEY"] = organization.add_application_key(owner, scopes).secret
        assert ask.get(path).status == status
        assert ask.send("POST", path, body=body).status == status
    kinds = ask.get("/_sandbox/installed", headers=CONTROL).json
    assert sum(map(len, kinds.values())) == 1


# The Audit Trail


def test_audit_events_name_who_did_what(api: Api, organization: Organization) -> None:
    ada, bob = list(organization.users.values())[5:7]
    with organization.acting(bob.id):
        organization.grant_role(ada.id, "Datadog Admin Role")
    with organization.acting(None):
        organization.disable(ada.id)
    found = api(AuditApi).list_audit_logs(filter_from=NOW - timedelta(hours=1), filter_to=NOW, page_limit=1000)
    assert found._unparsed is False
    granted, disabled = (each.attributes for each in found.data)
    assert granted.attributes["usr"]["email"] == bob.email
    assert granted.attributes["evt"]["name"] == "Access Management"
    assert granted.attributes["asset"]["type"] == "role"
    assert granted.attributes["asset"]["new_value"]["users"][0]["id"] == ada.id
    assert (disabled.attributes["evt"]["actor"]["type"], "usr" in disabled.attributes) == ("SYSTEM", False)
    assert disabled.attributes["action"] == "modified"


def test_a_write_over_the_api_is_told_as_its_callers(ask: Asker, organization: Organization) -> None:
    owner = organization.users[organization.app_keys_by_secret[ask.headers["DD-APPLICATION-KEY"]].owner_id]
    user = next(each for each in organization.users.values() if each.status == "Active" and each is not owner)
    assert ask.send("DELETE", f"/api/v2/users/{user.id}").status == 204
    newest = ask.get("/_sandbox/trail", headers=CONTROL).json[-1]
    assert newest["attributes"]["usr"] == {"id": owner.email, "uuid": owner.id, "email": owner.email}


def test_audit_events_page_by_cursor_in_both_forms(api: Api, organization: Organization) -> None:
    user = next(iter(organization.users))
    for number in range(7):
        organization.rename(user, f"n{number}")
    audit = api(AuditApi)
    listed = list(audit.list_audit_logs_with_pagination(page_limit=3))
    assert len(listed) == 7
    wanted = {"filter": {"query": "@asset.type:user", "from": "now-1h"}, "page": {"limit": 2}, "sort": "-timestamp"}
    seen: list[str] = []
    while True:
        answer = audit.search_audit_logs(body=wanted)
        seen += [each.id for each in answer.data]
        if "meta" not in answer or "page" not in answer.meta:
            break
        wanted = {**wanted, "page": {"limit": 2, "cursor": answer.meta.page.after}}
    assert seen == [each.id for each in listed][::-1]


def test_without_a_time_only_the_last_quarter_of_an_hour_is_searched(ask: Asker, organization: Organization) -> None:
    user = next(iter(organization.users))
    organization.rename(user, "earlier", at=NOW - timedelta(minutes=20))
    assert ask.get("/api/v2/audit/events").json == {"data": []}
    assert len(ask.get("/api/v2/audit/events", {"filter[from]": "now-1h"}).json["data"]) == 1


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("*", 2),
        ("@asset.type:user", 1),
        ("@asset.type:(user OR role)", 2),
        ('@evt.name:"Access Management" @action:created', 1),
        ("-@action:created", 1),
        ("@asset.name:New*", 1),
        ("added", 1),
        ("nothing", 0),
    ],
)
def test_audit_events_can_be_searched(ask: Asker, organization: Organization, query: str, found: int) -> None:
    organization.add_role("New role")
    organization.rename(next(iter(organization.users)), "x")
    answer = ask.get("/api/v2/audit/events", {"filter[query]": query.replace("added", "created the role")})
    assert len(answer.json["data"]) == found if query != "added" else 1


def test_bad_searches_are_400_and_need_a_permission(ask: Asker, organization: Organization) -> None:
    for asked in ({"page[limit]": 1001}, {"sort": "name"}, {"filter[from]": "yesterday"}, {"page[cursor]": "§"}):
        assert ask.get("/api/v2/audit/events", dict(asked)).status == 400
    owner = organization.app_keys_by_secret[ask.headers["DD-APPLICATION-KEY"]].owner_id
    ask.headers["DD-APPLICATION-KEY"] = organization.add_application_key(owner, ["user_access_read"]).secret
    assert ask.get("/api/v2/audit/events").status == 403


def test_making_an_organization_leaves_no_trail(organization: Organization) -> None:
    assert not list(organization.trail)


def test_a_mutation_from_outside_can_say_who_did_it(ask: Asker, organization: Organization) -> None:
    bob = list(organization.users.values())[3]
    wanted = {"do": "add_role", "arguments": {"name": "r"}, "by": bob.email}
    assert ask.send("POST", "/_sandbox/mutate", headers=CONTROL, body=wanted).status == 200
    assert next(iter(organization.trail)).attributes["usr"]["uuid"] == bob.id
