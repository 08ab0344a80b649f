"""Dashboards: listed in short, and replaced as a whole."""

import json
import re
from collections.abc import Mapping
from typing import Any

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.published import Object
from accesssync.sandbox.render import timestamp, to_json
from accesssync.sandbox.replies import RefusedError, Reply, error, not_found

_READ = Access(permission="dashboards_read")
_WRITE = Access(permission="dashboards_write")
_SUMMARY = (
    "author_handle",
    "created_at",
    "description",
    "id",
    "is_read_only",
    "layout_type",
    "modified_at",
    "title",
    "url",
)
_KEPT = (
    "template_variables",
    "template_variable_presets",
    "notify_list",
    "restricted_roles",
    "reflow_type",
    "tags",
    "tabs",
    "default_timeframe",
)


def list_dashboards(call: Call) -> Reply:
    """Some dashboards from `start` on, at most `count`; nothing tells how many there are."""
    start, count = _number(call, "start", 0), _number(call, "count", 100)
    rows = list(call.organization.published.dashboards.values())[start : start + count]
    short = [{name: each[name] for name in _SUMMARY} for each in rows]
    return Reply(body=to_json({"dashboards": short}))


def get_dashboard(call: Call) -> Reply:
    """One dashboard, whole."""
    return Reply(body=to_json(_known(call)))


def create_dashboard(call: Call) -> Reply:
    """A new dashboard; every widget gets an id."""
    known_as = call.organization.published.new_id("-")
    return _saved(call, known_as, timestamp(call.now))


def update_dashboard(call: Call) -> Reply:
    """Everything about a dashboard anew: what is not sent is gone."""
    before = _known(call)
    return _saved(call, before["id"], before["created_at"])


def delete_dashboard(call: Call) -> Reply:
    """The dashboard is gone."""
    gone = _known(call)
    del call.organization.published.dashboards[gone["id"]]
    return Reply(body=to_json({"deleted_dashboard_id": gone["id"]}))


def _known(call: Call) -> Object:
    wanted = call.path["dashboard_id"]
    found = call.organization.published.dashboards.get(wanted)
    if found is None:
        raise RefusedError(not_found(f"Dashboard with ID {wanted}"))
    return found


def _number(call: Call, name: str, default: int) -> int:
    text = call.query.get(name)
    if text is None:
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise RefusedError(error(400, f"{name} is not valid"))
    return int(text)


def _saved(call: Call, known_as: str, created_at: str | None) -> Reply:
    wanted = _wanted(call)
    owner, published = call.caller.owner, call.organization.published
    words = "-".join(re.findall(r"[a-z0-9]+", wanted["title"].lower()))
    saved: Object = {
        "id": known_as,
        "title": wanted["title"],
        "description": wanted.get("description"),
        "author_handle": owner.handle if owner else None,
        "author_name": owner.name if owner else None,
        "layout_type": wanted["layout_type"],
        "url": f"/dashboard/{known_as}/{words}",
        "is_read_only": bool(wanted.get("is_read_only", False)),
        "template_variables": None,
        "widgets": [_with_id(call, each) for each in wanted["widgets"]],
        "notify_list": None,
        "created_at": created_at,
        "modified_at": timestamp(call.now),
        "restricted_roles": [],
    }
    saved |= {name: wanted[name] for name in _KEPT if name in wanted}
    published.dashboards[known_as] = saved
    return Reply(body=to_json(saved))


def _with_id(call: Call, widget: Mapping[str, Any]) -> Object:
    definition = dict(widget["definition"])
    if "widgets" in definition:
        definition["widgets"] = [_with_id(call, each) for each in definition["widgets"]]
    return {**widget, "definition": definition, "id": widget.get("id") or call.organization.published.new_number()}


def _wanted(call: Call) -> Mapping[str, Any]:
    try:
        wanted = json.loads(call.body)
    except (ValueError, RecursionError):
        raise RefusedError(error(400, "400 BAD REQUEST")) from None
    fault = _fault(wanted)
    if fault:
        raise RefusedError(error(400, fault))
    found: Mapping[str, Any] = wanted
    return found


def _fault(wanted: object) -> str | None:
    if not isinstance(wanted, dict):
        return "400 BAD REQUEST"
    for name in ("title", "layout_type", "widgets"):
        if not wanted.get(name) and wanted.get(name) != []:
            return f"'{name}' is a required property"
    if wanted["layout_type"] not in {"ordered", "free"}:
        return f"'{wanted['layout_type']}' is not one of ['ordered', 'free']"
    tags = wanted.get("tags") or []
    if len(tags) > 5 or not all(isinstance(each, str) and each.startswith("team:") for each in tags):
        return "Invalid tags: only up to five tags of the form team:<name> are allowed"
    return None if _sound(wanted["widgets"]) else "Invalid widget definition"


def _sound(widgets: object) -> bool:
    if not isinstance(widgets, list):
        return False
    for each in widgets:
        definition = each.get("definition") if isinstance(each, dict) else None
        if not isinstance(definition, dict) or not isinstance(definition.get("type"), str):
            return False
        if definition["type"] == "group" and not _sound(definition.get("widgets")):
            return False
    return True


_ONE = "/api/v1/dashboard/{dashboard_id}"

ENDPOINTS = (
    Endpoint("GET", "/api/v1/dashboard", "list_dashboards", _READ, list_dashboards),
    Endpoint("POST", "/api/v1/dashboard", "write_dashboards", _WRITE, create_dashboard),
    Endpoint("GET", _ONE, "get_dashboard", _READ, get_dashboard),
    Endpoint("PUT", _ONE, "write_dashboards", _WRITE, update_dashboard),
    Endpoint("DELETE", _ONE, "write_dashboards", _WRITE, delete_dashboard),
)
