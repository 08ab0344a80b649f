"""Datadog's own Audit Trail: cursors, no totals, and nothing but an empty list where nothing is found."""

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, cast

from accesssync.sandbox.access import Access
from accesssync.sandbox.endpoint import Call, Endpoint
from accesssync.sandbox.render import to_json, zulu
from accesssync.sandbox.replies import RefusedError, Reply, error
from accesssync.sandbox.trail import TrailEvent

_READ = Access(permission="audit_logs_read")
_MOST = 1000
_DEFAULT = 10
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_RELATIVE = re.compile(r"now(?:-(\d{1,6})([smhd]))?")
_TERM = re.compile(r'(-?)(@?[\w.]+):(\([^)]*\)|"[^"]*"|\S+)|"([^"]*)"|(\S+)')


def list_events(call: Call) -> Reply:
    """Events of a time, a page at a time."""
    query = call.query
    return _found(
        call,
        query.get("filter[query]"),
        query.get("filter[from]"),
        query.get("filter[to]"),
        query.get("sort"),
        query.get("page[limit]"),
        query.get("page[cursor]"),
    )


def search_events(call: Call) -> Reply:
    """The same with everything in the body."""
    try:
        wanted = json.loads(call.body) if call.body else {}
    except (ValueError, RecursionError):
        wanted = None
    if not isinstance(wanted, dict):
        raise _invalid("the body has to be an object")
    chosen, paging = wanted.get("filter") or {}, wanted.get("page") or {}
    if not isinstance(chosen, dict) or not isinstance(paging, dict):
        raise _invalid("filter and page have to be objects")
    limit = paging.get("limit")
    return _found(
        call,
        chosen.get("query"),
        chosen.get("from"),
        chosen.get("to"),
        wanted.get("sort"),
        None if limit is None else str(limit),
        paging.get("cursor"),
    )


def _found(
    call: Call,
    query: str | None,
    since: object,
    until: object,
    sort: str | None,
    limit: str | None,
    cursor: str | None,
) -> Reply:
    begin, end = _moment(call, since or "now-15m"), _moment(call, until or "now")
    if sort not in (None, "timestamp", "-timestamp"):
        raise _invalid("sort has to be timestamp or -timestamp")
    many = _limit(limit)
    matches = _matcher(query or "*")
    rows = [each for each in call.organization.trail if begin <= each.at <= end and matches(each)]
    rows.sort(key=lambda each: (each.at, each.number), reverse=sort == "-timestamp")
    start = _after(rows, cursor)
    shown = rows[start : start + many]
    if not shown:
        return Reply(body=b'{"data":[]}')
    after = base64.urlsafe_b64encode(to_json({"after": shown[-1].id})).decode().rstrip("=")
    meta: dict[str, object] = {"elapsed": 1, "status": "done"}
    answer: dict[str, object] = {"data": [_shown(each) for each in shown], "meta": meta}
    if start + many < len(rows):
        meta["page"] = {"after": after}
        answer["links"] = {"next": f"{call.origin}/api/v2/audit/events?page[cursor]={after}&page[limit]={many}"}
    return Reply(body=to_json(answer))


def _shown(event: TrailEvent) -> Mapping[str, object]:
    return {
        "type": "audit",
        "id": event.id,
        "attributes": {
            "attributes": event.attributes,
            "message": event.message,
            "tags": ["source:audit"],
            "timestamp": zulu(event.at, timespec="milliseconds"),
        },
    }


def _invalid(detail: str) -> RefusedError:
    return RefusedError(error(400, detail))


def _limit(text: str | None) -> int:
    if text is None:
        return _DEFAULT
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= _MOST:
        raise _invalid(f"page[limit] has to be from 1 to {_MOST}")
    return int(text)


def _after(rows: list[TrailEvent], cursor: str | None) -> int:
    if not cursor:
        return 0
    try:
        last = json.loads(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))["after"]
    except (ValueError, KeyError, TypeError):
        raise _invalid("page[cursor] is not valid") from None
    return next((at + 1 for at, each in enumerate(rows) if each.id == last), len(rows))


def _moment(call: Call, told: object) -> datetime:
    text = str(told)
    relative = _RELATIVE.fullmatch(text)
    if relative:
        number, unit = relative.groups()
        return call.now - (timedelta(**{_UNITS[unit]: int(number)}) if number else timedelta())
    try:
        if text.isascii() and text.isdigit():
            return datetime.fromtimestamp(int(text) / 1000, UTC)
        read = datetime.fromisoformat(text.replace(" ", "+"))
    except (ValueError, OverflowError, OSError):
        raise _invalid("a time is not valid") from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def _matcher(query: str) -> Callable[[TrailEvent], bool]:
    """What `query` asks for: terms that all have to hold, `@path:value` with quotes, stars and (a OR b), or words."""
    tests: list[Callable[[TrailEvent], bool]] = []
    for minus, name, value, phrase, word in _TERM.findall(query):
        if name:
            tests.append(_attribute(name.removeprefix("@"), value, wanted=not minus))
        elif (phrase or word) not in ("*", "AND"):
            text = (phrase or word).lower()
            tests.append(lambda event, text=text: text in event.message.lower())  # type: ignore[misc]
    return lambda event: all(test(event) for test in tests)


def _attribute(path: str, value: str, *, wanted: bool) -> Callable[[TrailEvent], bool]:
    alternatives = value[1:-1].split(" OR ") if value.startswith("(") else [value]
    patterns = [
        re.compile(".*".join(map(re.escape, each.strip().strip('"').split("*"))), re.IGNORECASE)
        for each in alternatives
    ]

    def holds(event: TrailEvent) -> bool:
        found: Any = {**event.attributes, "source": "audit"}
        for part in path.split("."):
            found = found.get(part) if isinstance(found, dict) else None
        text = None if found is None else str(found)
        return (text is not None and any(each.fullmatch(text) for each in patterns)) is wanted

    return cast(Callable[[TrailEvent], bool], holds)


ENDPOINTS = (
    Endpoint("GET", "/api/v2/audit/events", "audit_logs", _READ, list_events),
    Endpoint("POST", "/api/v2/audit/events/search", "audit_logs", _READ, search_events),
)
