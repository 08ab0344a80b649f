"""Where logs, events and metrics are sent. The API key is enough; an application key is not looked at."""

import json
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from accesssync.sandbox.access import Access, Needs, Style
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.published import parsed
from accesssync.sandbox.render import to_json
from accesssync.sandbox.replies import RefusedError, Reply, detailed_error, error
from accesssync.sandbox.unpacking import TooLargeError, UnpackError, unpack

_MOST_BYTES = 5_000_000
_MOST_LOGS = 1000
_SERIES_WIRE_BYTES = 512_000
_SERIES_BYTES = 5_242_880
_EVENT_TEXT = 4000
_EVENT_AGE = timedelta(hours=18)
_POINT_AGE, _POINT_AHEAD = timedelta(hours=1), timedelta(minutes=10)
_METRIC_NAME = 200
_UNREADABLE = (ValueError, RecursionError)


def submit_logs(call: Call) -> Reply:
    """Up to 1,000 logs and 5 MB unpacked. A log over 1 MB is cut, one older than 18 hours taken and lost."""
    encoding = call.headers.get("content-encoding", "").lower()
    if encoding not in ("", "identity", "gzip", "deflate"):
        raise RefusedError(detailed_error(400, "Bad Request", f"unsupported content encoding {encoding}"))
    try:
        plain = unpack(call.body, encoding, _MOST_BYTES)
        entries = parsed(plain)
    except TooLargeError:
        raise RefusedError(detailed_error(413, "Request Entity Too Large", "payload is above 5 MB")) from None
    except _UNREADABLE:
        raise RefusedError(detailed_error(400, "Bad Request", "the payload cannot be parsed")) from None
    if len(entries) > _MOST_LOGS:
        raise RefusedError(detailed_error(413, "Request Entity Too Large", f"more than {_MOST_LOGS} logs"))
    if not entries or not all(isinstance(each, dict) for each in entries):
        raise RefusedError(detailed_error(400, "Bad Request", "a log has to be an object"))
    tags = call.query.get("ddtags", "")
    call.organization.published.take_logs(call.now, encoding, tags, call.body, entries, len(plain))
    return Reply(202, b"{}")


_ALERT_TYPES = frozenset({"error", "info", "recommendation", "snapshot", "success", "user_update", "warning"})


def create_event(call: Call) -> Reply:
    """One event. Its id is larger than a number in JavaScript can be; `id_str` has it as a text."""
    try:
        wanted = json.loads(call.body)
    except _UNREADABLE:
        raise RefusedError(error(400, "400 BAD REQUEST")) from None
    fault = _event_fault(wanted)
    if fault:
        raise RefusedError(error(400, fault))
    happened = wanted.get("date_happened", int(call.now.timestamp()))
    if happened < (call.now - _EVENT_AGE).timestamp():
        raise RefusedError(error(400, "Event too far in the past"))
    published = call.organization.published
    number = 5_934_719_801_000_000_000 + published.new_number()
    event = {
        "id": number,
        "id_str": str(number),
        "title": wanted["title"],
        "text": wanted["text"],
        "date_happened": happened,
        "handle": None,
        "priority": wanted.get("priority"),
        "related_event_id": wanted.get("related_event_id"),
        "tags": wanted.get("tags"),
        "url": f"https://app.datadoghq.com/event/event?id={number}",
    }
    count = published.received["events"]
    count.requests, count.entries, count.bytes = count.requests + 1, count.entries + 1, count.bytes + len(call.body)
    published.events.append({**wanted, **event})
    return Reply(202, to_json({"status": "ok", "event": event}))


def _event_fault(wanted: object) -> str | None:
    if not isinstance(wanted, dict):
        return "400 BAD REQUEST"
    missing = [name for name in ("title", "text") if not isinstance(wanted.get(name), str) or not wanted[name]]
    if missing:
        return f"Missing required parameter '{missing[0]}'"
    tags = wanted.get("tags")
    rules = {
        f"The text of an event must not be longer than {_EVENT_TEXT} characters": len(wanted["text"]) <= _EVENT_TEXT,
        "aggregation_key must not be longer than 100 characters": len(str(wanted.get("aggregation_key", ""))) <= 100,
        "Invalid alert_type": wanted.get("alert_type", "info") in _ALERT_TYPES,
        "Invalid priority": wanted.get("priority") in {None, "normal", "low"},
        "date_happened has to be an integer": isinstance(wanted.get("date_happened", 0), int),
        "tags has to be a list of texts": tags is None or _texts(tags),
    }
    return next((fault for fault, holds in rules.items() if not holds), None)


def _texts(found: object) -> bool:
    return isinstance(found, list) and all(isinstance(each, str) for each in found)


def submit_series(call: Call) -> Reply:
    """Points of metrics; those over an hour old or over ten minutes ahead are taken and lost."""
    encoding = call.headers.get("content-encoding", "").lower()
    if len(call.body) > _SERIES_WIRE_BYTES:
        raise RefusedError(error(413, "Payload too large"))
    try:
        plain = unpack(call.body, encoding, _SERIES_BYTES)
        wanted = json.loads(plain)
    except TooLargeError:
        raise RefusedError(error(413, "Payload too large")) from None
    except UnpackError as problem:
        raise RefusedError(error(400, str(problem))) from None
    except _UNREADABLE:
        raise RefusedError(error(400, "Payload is not in the expected format")) from None
    series = wanted.get("series") if isinstance(wanted, dict) else None
    if not isinstance(series, list) or not all(map(_sound, series)):
        raise RefusedError(error(400, "Payload is not in the expected format"))
    _take(call, series, len(plain))
    return Reply(202, b'{"errors":[]}')


def _take(call: Call, series: list[Mapping[str, Any]], size: int) -> None:
    published = call.organization.published
    count = published.received["series"]
    count.requests, count.bytes = count.requests + 1, count.bytes + size
    oldest, newest = (call.now - _POINT_AGE).timestamp(), (call.now + _POINT_AHEAD).timestamp()
    for each in series:
        for point in each["points"]:
            if not oldest <= point["timestamp"] <= newest:
                count.dropped += 1
                continue
            count.entries += 1
            told = {name: value for name, value in each.items() if name != "points"}
            published.points.append({**told, "timestamp": point["timestamp"], "value": point["value"]})


def _sound(series: object) -> bool:
    if not isinstance(series, dict):
        return False
    name, points = series.get("metric"), series.get("points")
    return (
        isinstance(name, str)
        and 0 < len(name) <= _METRIC_NAME
        and name[0].isascii()
        and name[0].isalpha()
        and series.get("type", 0) in (0, 1, 2, 3)
        and _texts(series.get("tags", []))
        and isinstance(points, list)
        and all(map(_point, points))
    )


def _point(point: object) -> bool:
    return (
        isinstance(point, dict)
        and isinstance(point.get("timestamp"), int)
        and isinstance(point.get("value"), int | float)
        and not isinstance(point["value"], bool)
    )


_KEY = Access(Needs.API_KEY)

ENDPOINTS = (
    Endpoint(
        "POST", "/api/v2/logs", "logs_intake", Access(Needs.API_KEY, style=Style.INTAKE), submit_logs, intake=True
    ),
    Endpoint("POST", "/api/v2/series", "series_intake", _KEY, submit_series, intake=True),
    Endpoint("POST", "/api/v1/events", "create_event", _KEY, create_event),
)
