"""Log pipelines: a bare list, in the order in which logs pass through them."""

import json
from collections.abc import Mapping
from typing import Any

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.published import Object
from accesssync.sandbox.render import to_json
from accesssync.sandbox.replies import RefusedError, Reply

_READ = Access(permission="logs_read_config")
_WRITE = Access(permission="logs_write_pipelines")
_NEEDS: Mapping[str, tuple[str, ...]] = {
    "arithmetic-processor": ("expression", "target"),
    "array-processor": ("operation",),
    "attribute-remapper": ("sources", "target"),
    "category-processor": ("categories", "target"),
    "date-remapper": ("sources",),
    "decoder-processor": ("source", "target"),
    "exclude-attribute": ("sources",),
    "geo-ip-parser": ("sources", "target"),
    "grok-parser": ("source", "grok"),
    "lookup-processor": ("source", "target"),
    "message-remapper": ("sources",),
    "pipeline": ("name",),
    "schema-processor": ("name", "schema"),
    "service-remapper": ("sources",),
    "span-id-remapper": (),
    "status-remapper": ("sources",),
    "string-builder-processor": ("template", "target"),
    "trace-id-remapper": (),
    "url-parser": ("sources", "target"),
    "user-agent-parser": ("sources", "target"),
}
"""Every kind of processor with what it cannot be without."""


def refused(message: str) -> RefusedError:
    """How this part of the API says 400, for a pipeline that there is not too."""
    return RefusedError(Reply(400, to_json({"error": {"code": "InvalidArgument", "message": message, "details": []}})))


def list_pipelines(call: Call) -> Reply:
    """All of them."""
    return Reply(body=to_json(list(call.organization.published.pipelines.values())))


def get_pipeline(call: Call) -> Reply:
    """One of them."""
    return Reply(body=to_json(_known(call)))


def create_pipeline(call: Call) -> Reply:
    """A new pipeline, the last in order."""
    return _saved(call, call.organization.published.new_id(""))


def update_pipeline(call: Call) -> Reply:
    """Everything about a pipeline anew; its place in the order stays."""
    return _saved(call, _known(call)["id"])


def delete_pipeline(call: Call) -> Reply:
    """The pipeline is gone."""
    del call.organization.published.pipelines[_known(call)["id"]]
    return Reply(body=b"{}")


def get_order(call: Call) -> Reply:
    """The ids, first to last."""
    return Reply(body=to_json({"pipeline_ids": list(call.organization.published.pipelines)}))


def set_order(call: Call) -> Reply:
    """Another order of all there are."""
    published = call.organization.published
    wanted = _parsed(call).get("pipeline_ids")
    if not isinstance(wanted, list) or sorted(map(str, wanted)) != sorted(published.pipelines):
        raise refused("pipeline_ids has to name every pipeline once")
    published.pipelines = {each: published.pipelines[each] for each in wanted}
    return get_order(call)


def _known(call: Call) -> Object:
    found = call.organization.published.pipelines.get(call.path["pipeline_id"])
    if found is None:
        raise refused("Non-existing pipeline")
    return found


def _parsed(call: Call) -> Mapping[str, Any]:
    try:
        wanted = json.loads(call.body)
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise refused("the body has to be an object")
    return wanted


def _saved(call: Call, known_as: str) -> Reply:
    wanted = _parsed(call)
    chosen = wanted.get("filter", {})
    if not isinstance(wanted.get("name"), str) or not wanted["name"]:
        raise refused("name is missing")
    if not isinstance(chosen, dict) or not isinstance(chosen.get("query", ""), str):
        raise refused("filter has to have a query")
    saved: Object = {
        "id": known_as,
        "type": "pipeline",
        "name": wanted["name"],
        "is_enabled": bool(wanted.get("is_enabled", False)),
        "is_read_only": False,
        "filter": {"query": chosen.get("query", "")},
        "processors": [_processor(each) for each in wanted.get("processors", [])],
    }
    saved |= {name: wanted[name] for name in ("description", "tags") if name in wanted}
    call.organization.published.pipelines[known_as] = saved
    return Reply(body=to_json(saved))


def _processor(wanted: object) -> Object:
    if not isinstance(wanted, dict) or wanted.get("type") not in _NEEDS:
        raise refused("a processor has no known type")
    missing = [name for name in _NEEDS[wanted["type"]] if not wanted.get(name)]
    if missing:
        raise refused(f"a {wanted['type']} has no {missing[0]}")
    return {"name": "", "is_enabled": False, **wanted}


_ALL = "/api/v1/logs/config/pipelines"
_ONE = _ALL + "/{pipeline_id}"
_ORDER = "/api/v1/logs/config/pipeline-order"

ENDPOINTS = (
    Endpoint("GET", _ALL, "log_pipelines", _READ, list_pipelines),
    Endpoint("POST", _ALL, "log_pipelines", _WRITE, create_pipeline),
    Endpoint("GET", _ONE, "log_pipelines", _READ, get_pipeline),
    Endpoint("PUT", _ONE, "log_pipelines", _WRITE, update_pipeline),
    Endpoint("DELETE", _ONE, "log_pipelines", _WRITE, delete_pipeline),
    Endpoint("GET", _ORDER, "log_pipelines", _READ, get_order),
    Endpoint("PUT", _ORDER, "log_pipelines", _WRITE, set_order),
)
