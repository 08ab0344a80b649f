"""Monitors: a bare list, of all of them unless a page is asked for."""

import json
import re
from collections.abc import Mapping
from typing import Any

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.published import Object
from accesssync.sandbox.queries import several
from accesssync.sandbox.render import timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, error

_READ = Access(permission="monitors_read")
_WRITE = Access(permission="monitors_write")
_MOST = 1000
_TYPES = frozenset(
    {
        "audit alert",
        "ci-pipelines alert",
        "ci-tests alert",
        "composite",
        "cost alert",
        "error-tracking alert",
        "event alert",
        "event-v2 alert",
        "log alert",
        "metric alert",
        "process alert",
        "query alert",
        "rum alert",
        "service check",
        "slo alert",
        "synthetics alert",
        "trace-analytics alert",
    }
)
_DEFAULTS: Mapping[str, object] = {"include_tags": True, "notify_audit": False, "new_host_delay": 300, "silenced": {}}
_CONDITION = re.compile(r"(>=|<=|==|!=|>|<)\s*(-?\d+(?:\.\d+)?)\s*$")


def list_monitors(call: Call) -> Reply:
    """All monitors, or a page of them; filtered by a part of the name and by all of some tags."""
    name, tags = call.query.get("name", "").lower(), several(call.query, "monitor_tags")
    after = _number(call, "id_offset")
    rows = [
        each
        for each in call.organization.published.monitors.values()
        if name in each["name"].lower() and tags <= set(each["tags"]) and (after is None or each["id"] > after)
    ]
    page, size = _number(call, "page"), _number(call, "page_size")
    if page is not None:
        many = min(size or 100, _MOST)
        rows = rows[page * many : (page + 1) * many]
    elif after is not None:
        rows = rows[: min(size or 100, _MOST)]
    return Reply(body=to_json(rows))


def get_monitor(call: Call) -> Reply:
    """One monitor."""
    return Reply(body=to_json(_known(call)))


def create_monitor(call: Call) -> Reply:
    """A new monitor; the server adds options of its own and calls a metric alert a query alert."""
    wanted, owner = _checked(_parsed(call)), call.caller.owner
    made: Object = {
        "id": call.organization.published.new_number(),
        "org_id": 321813,
        "created": timestamp(call.now),
        "created_at": int(call.now.timestamp()) * 1000,
        "creator": {"name": owner.name, "handle": owner.handle, "email": owner.email} if owner else {},
        "deleted": None,
        "restricted_roles": None,
        "priority": None,
        "overall_state": "No Data",
        "overall_state_modified": None,
        "tags": [],
        "message": "",
        "name": "",
    }
    return _saved(call, made, wanted)


def update_monitor(call: Call) -> Reply:
    """What is sent is set anew, the rest stays as it is."""
    before = _known(call)
    wanted = _parsed(call)
    _checked({**before, **wanted})
    return _saved(call, dict(before), wanted)


def delete_monitor(call: Call) -> Reply:
    """The monitor is gone."""
    gone = _known(call)
    del call.organization.published.monitors[gone["id"]]
    return Reply(body=to_json({"deleted_monitor_id": gone["id"]}))


def validate_monitor(call: Call) -> Reply:
    """Whether it could be created."""
    _checked(_parsed(call))
    return Reply(body=b"{}")


def validate_existing(call: Call) -> Reply:
    """Whether it could be changed like this."""
    _checked({**_known(call), **_parsed(call)})
    return Reply(body=b"{}")


def _known(call: Call) -> Object:
    text = call.path["monitor_id"]
    found = call.organization.published.monitors.get(int(text)) if text.isascii() and text.isdigit() else None
    if found is None:
        raise RefusedError(error(404, "Monitor not found"))
    return found


def _number(call: Call, name: str) -> int | None:
    text = call.query.get(name)
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise _invalid(name, "has to be a number")
    return int(text)


def _parsed(call: Call) -> Mapping[str, Any]:
    try:
        wanted = json.loads(call.body)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise RefusedError(error(400, "Invalid JSON structure"))
    return wanted


def _invalid(name: str, problem: str) -> RefusedError:
    return RefusedError(error(400, f"The value provided for parameter '{name}' is invalid: {problem}"))


def _checked(wanted: Mapping[str, Any]) -> Mapping[str, Any]:
    if wanted.get("type") not in _TYPES:
        raise _invalid("type", "it is no type of monitor")
    query = wanted.get("query")
    condition = _CONDITION.search(query) if isinstance(query, str) else None
    if condition is None:
        raise _invalid("query", "invalid operator specified: ")
    options, tags = wanted.get("options", {}), wanted.get("tags", [])
    if not isinstance(options, dict):
        raise _invalid("options", "it has to be an object")
    critical = options.get("thresholds", {}).get("critical", float(condition[2]))
    if critical != float(condition[2]):
        raise _invalid("query", "Alert threshold does not match that used in query")
    if options.get("notify_no_data") and "on_missing_data" in options:
        raise _invalid("options", "notify_no_data cannot be used with on_missing_data")
    if not isinstance(tags, list) or not all(isinstance(each, str) for each in tags):
        raise _invalid("tags", "it has to be a list of texts")
    priority = wanted.get("priority")
    if priority is not None and priority not in (1, 2, 3, 4, 5):
        raise _invalid("priority", "it has to be from 1 to 5")
    return wanted


_SETTABLE = ("name", "type", "query", "message", "tags", "options", "priority", "restricted_roles")


def _saved(call: Call, monitor: Object, wanted: Mapping[str, Any]) -> Reply:
    monitor |= {name: wanted[name] for name in _SETTABLE if name in wanted}
    if monitor["type"] == "metric alert":
        monitor["type"] = "query alert"
    options = {**_DEFAULTS, **monitor.get("options", {})}
    thresholds = options.get("thresholds", {"critical": 0})
    options["thresholds"] = {name: None if value is None else float(value) for name, value in thresholds.items()}
    monitor |= {"options": options, "multi": " by {" in monitor["query"] or ".by(" in monitor["query"]}
    monitor["modified"] = timestamp(call.now)
    call.organization.published.monitors[monitor["id"]] = monitor
    return Reply(body=to_json(monitor))


_ALL = "/api/v1/monitor"
_ONE = _ALL + "/{monitor_id}"

ENDPOINTS = (
    Endpoint("GET", _ALL, "list_monitors", _READ, list_monitors),
    Endpoint("POST", _ALL, "write_monitors", _WRITE, create_monitor),
    Endpoint("POST", _ALL + "/validate", "write_monitors", _WRITE, validate_monitor),
    Endpoint("GET", _ONE, "get_monitor", _READ, get_monitor),
    Endpoint("PUT", _ONE, "write_monitors", _WRITE, update_monitor),
    Endpoint("DELETE", _ONE, "write_monitors", _WRITE, delete_monitor),
    Endpoint("POST", _ONE + "/validate", "write_monitors", _WRITE, validate_existing),
)
