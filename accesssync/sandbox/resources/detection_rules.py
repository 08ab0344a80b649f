"""Detection rules of Cloud SIEM: Datadog's own among them, and errors in a shape that nothing else has."""

import json
import re
from collections.abc import Mapping
from typing import Any

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.paging import Paging, page
from accesssync.sandbox.published import Object
from accesssync.sandbox.render import to_json
from accesssync.sandbox.replies import RefusedError, Reply

_READ = Access(permission="security_monitoring_rules_read")
_WRITE = Access(permission="security_monitoring_rules_write")
_SEVERITIES = frozenset({"info", "low", "medium", "high", "critical"})
_AGGREGATIONS = frozenset({"count", "cardinality", "sum", "max", "new_value", "geo_data", "event_count", "none"})
_METHODS = frozenset(
    {
        "threshold",
        "new_value",
        "anomaly_detection",
        "impossible_travel",
        "hardcoded",
        "third_party",
        "anomaly_threshold",
    }
)
_WINDOWS = frozenset({0, 60, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400})
_SPANS = ("evaluationWindow", "keepAlive", "maxSignalDuration")
_FREE_OF_DEFAULTS = frozenset({"isEnabled", "cases", "tags", "customName", "customMessage", "version"})
_REQUIRED = ("name", "message", "queries", "cases", "options", "isEnabled")


def failed(status: int, code: str, message: str) -> RefusedError:
    """An `error` object, where everything else in the API has `errors`."""
    return RefusedError(Reply(status, to_json({"error": {"code": code, "message": message, "details": []}})))


def _bad(message: str) -> Reply:
    return failed(400, "InvalidArgument", message).reply


def list_rules(call: Call) -> Reply:
    """A page of all rules, 10 unless asked for up to 100; `query` looks for a part of the name."""
    text = call.query.get("query", "").lower()
    everything = call.organization.published.rules
    rows = [each for each in everything.values() if text in each["name"].lower()]
    paging = Paging(bad_request=_bad)
    return page(rows, total=len(everything), query=call.query, paging=paging, render=to_json, spoilers=call.spoilers)


def get_rule(call: Call) -> Reply:
    """One rule."""
    return Reply(body=to_json(_known(call)))


def create_rule(call: Call) -> Reply:
    """A new rule."""
    wanted = _parsed(call)
    _check(wanted)
    made: Object = {
        "id": call.organization.published.new_id("-"),
        "version": 1,
        "createdAt": int(call.now.timestamp() * 1000),
        "creationAuthorId": 1445416,
        "isDefault": False,
        "isDeleted": False,
        "hasExtendedTitle": False,
        "type": "log_detection",
        "tags": [],
        "filters": [],
    }
    return _saved(call, made, wanted)


def update_rule(call: Call) -> Reply:
    """What is sent is set anew as a whole, the rest stays. Of Datadog's own rules little can be changed."""
    before, wanted = _known(call), _parsed(call)
    if before["isDefault"] and not set(wanted) <= _FREE_OF_DEFAULTS:
        raise failed(400, "InvalidArgument", "default rules can only be enabled, tagged or notified about")
    version = wanted.get("version")
    if version is not None and version != before["version"]:
        raise failed(401, "ConcurrentModification", "Concurrent Modification")
    _check({**before, **wanted})
    return _saved(call, {**before, "version": before["version"] + 1, "updateAuthorId": 1445416}, wanted)


def delete_rule(call: Call) -> Reply:
    """The rule is gone; Datadog's own cannot be deleted."""
    gone = _known(call)
    if gone["isDefault"]:
        raise failed(400, "InvalidArgument", "default rules cannot be deleted")
    del call.organization.published.rules[gone["id"]]
    return Reply(204)


def validate_rule(call: Call) -> Reply:
    """Whether it could be created."""
    _check(_parsed(call))
    return Reply(204)


def _known(call: Call) -> Object:
    wanted = call.path["rule_id"]
    found = call.organization.published.rules.get(wanted)
    if found is None:
        raise failed(404, "NotFound", f"Threat detection rule not found: {wanted}")
    return found


def _parsed(call: Call) -> Mapping[str, Any]:
    try:
        wanted = json.loads(call.body)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise failed(400, "InvalidArgument", "Invalid rule configuration")
    return wanted


def _check(wanted: Mapping[str, Any]) -> None:
    fault = _fault(wanted)
    if fault:
        raise failed(400, "InvalidArgument", f"Invalid rule configuration: {fault}")


def _fault(wanted: Mapping[str, Any]) -> str | None:
    missing = [name for name in _REQUIRED if wanted.get(name) in (None, "", [])]
    if missing:
        return f"{missing[0]} is missing"
    options = wanted["options"]
    spans = [options.get(name, 0) for name in _SPANS]
    if options.get("detectionMethod", "threshold") not in _METHODS or not set(spans) <= _WINDOWS:
        return "an option has no known value"
    if spans != sorted(spans):
        return "evaluationWindow has to be within keepAlive, and that within maxSignalDuration"
    return _query_fault(wanted["queries"]) or _case_fault(wanted)


def _query_fault(queries: list[Mapping[str, Any]]) -> str | None:
    for each in queries:
        if each.get("aggregation", "count") not in _AGGREGATIONS or not isinstance(each.get("query"), str):
            return "a query is not valid"
        if each.get("aggregation") == "cardinality" and not each.get("distinctFields"):
            return "a cardinality needs distinctFields"
        if each.get("aggregation") == "new_value" and not each.get("metrics"):
            return "a new value needs metrics"
    return None


def _case_fault(wanted: Mapping[str, Any]) -> str | None:
    names = {each.get("name") or chr(ord("a") + at) for at, each in enumerate(wanted["queries"])}
    for each in wanted["cases"]:
        if each.get("status") not in _SEVERITIES:
            return "a case has no known status"
        unknown = set(re.findall(r"[A-Za-z_]\w*", each.get("condition", ""))) - names
        if unknown:
            return f"a condition names no query: {', '.join(sorted(unknown))}"
    return None


_SETTABLE = (
    "name",
    "message",
    "type",
    "isEnabled",
    "hasExtendedTitle",
    "tags",
    "filters",
    "groupSignalsBy",
    "queries",
    "cases",
    "options",
)


def _saved(call: Call, rule: Object, wanted: Mapping[str, Any]) -> Reply:
    rule |= {name: wanted[name] for name in _SETTABLE if name in wanted}
    rule["queries"] = [
        {
            "name": "",
            "aggregation": "count",
            "groupByFields": [],
            "distinctFields": [],
            "dataSource": "logs",
            "hasOptionalGroupByFields": False,
            **{
                name: value
                for name, value in each.items()
                if value != [] or name in ("groupByFields", "distinctFields")
            },
        }
        for each in rule["queries"]
    ]
    rule["cases"] = [{"name": "", "notifications": [], **each} for each in rule["cases"]]
    rule["options"] = {"detectionMethod": "threshold", **rule["options"]}
    call.organization.published.rules[rule["id"]] = rule
    return Reply(body=to_json(rule))


_ALL = "/api/v2/security_monitoring/rules"
_ONE = _ALL + "/{rule_id}"

ENDPOINTS = (
    Endpoint("GET", _ALL, "security_monitoring_rules", _READ, list_rules),
    Endpoint("POST", _ALL, "security_monitoring_rules", _WRITE, create_rule),
    Endpoint("POST", _ALL + "/validation", "security_monitoring_rules", _WRITE, validate_rule),
    Endpoint("GET", _ONE, "security_monitoring_rules", _READ, get_rule),
    Endpoint("PUT", _ONE, "security_monitoring_rules", _WRITE, update_rule),
    Endpoint("DELETE", _ONE, "security_monitoring_rules", _WRITE, delete_rule),
)
