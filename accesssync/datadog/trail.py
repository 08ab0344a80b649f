"""Decode Datadog's Audit Trail. One event that makes no sense costs no other; none may take much room."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder

from accesssync.datadog.decode import member, storable, unusable
from accesssync.datadog.repair import UNFIT, usable_id, utc
from accesssync.errors import ResponseError
from accesssync.model.trail import TrailEvent
from accesssync.trail.source import TrailPage

QUERY = (
    '@evt.name:("Access Management" OR "Authentication" OR "Teams Management" OR "OAuth") '
    "@action:(created OR modified OR deleted)"
)
"""The events about users, roles, keys, tokens and teams, by the names in Datadog's list of them. No logins."""

TEXT_LENGTH = 320
"""Of what an event tells: the longest address."""
TEXTS = 400
DEPTH = 6
_MEMBERS = frozenset({"user", "users", "member", "members", "user_id", "user_ids", "user_uuid", "user_email", "email"})
"""Under such a name an event's values tell of people who were put into something."""

_OTHERS = {"SUPPORT_USER": "Datadog Support", "SYSTEM": "Datadog"}
"""Who acted, where it was none of the organization's users."""


class _Page(Struct):
    data: list[Raw] | None = None
    meta: Raw = Raw(b"null")


_page = Decoder(_Page)


def decode_events(body: bytes) -> TrailPage:
    """One page of events. The end is an answer without any, or without a cursor. ResponseError for any other body."""
    body = storable(body)
    try:
        document = _page.decode(body)
        meta = msgspec.json.decode(document.meta)
    except UNFIT as error:
        problem = unusable(error)
    else:
        if document.data is None:
            raise ResponseError("the answer holds no list of events", status=200)
        events = [event for raw in document.data if (event := _event(raw)) is not None]
        after = member(meta, "page").get("after")
        more = isinstance(after, str) and 0 < len(after) <= 4096 and bool(document.data)
        return TrailPage(events, len(document.data) - len(events), after if more else None)
    raise problem


def _event(raw: Raw) -> TrailEvent | None:
    try:
        found = msgspec.json.decode(raw)
    except UNFIT:
        return None
    identifier = found.get("id") if isinstance(found, dict) else None
    outer = member(found, "attributes")
    at = _time(outer.get("timestamp"))
    inner = member(outer, "attributes")
    action = _text(inner, "action")
    if not usable_id(identifier) or at is None or action is None:
        return None
    asset = member(inner, "asset")
    before, after = _opened(asset.get("prev_value")), _opened(asset.get("new_value"))
    old, new = frozenset(_texts(before)), frozenset(_texts(after))
    gained = new - old
    actor, actor_id = _actor(inner)
    return TrailEvent(
        id=str(identifier),
        at=at,
        action=action.lower(),
        actor=actor,
        actor_id=actor_id,
        key=_key(inner),
        asset_type=(_text(asset, "type") or "").lower() or None,
        asset_id=_text(asset, "id"),
        asset_name=_text(asset, "name"),
        fields=frozenset(_differing(before, after)),
        gained=gained,
        joined=gained & frozenset(_members(after)),
        lost=old - new,
        texts=old | new,
    )


def _actor(inner: dict[str, Any]) -> tuple[str | None, str | None]:
    """Who did it, and the id of that user where it was one."""
    user = member(inner, "usr")
    kind = (_text(member(member(inner, "evt"), "actor"), "type") or "").upper()
    if kind in _OTHERS:
        return _OTHERS[kind], None
    identifier = _text(user, "uuid")
    return next((text for name in ("email", "name", "uuid", "id") if (text := _text(user, name))), None), identifier


def _key(inner: dict[str, Any]) -> str | None:
    """By which key it was done, where it was done with one."""
    metadata = member(inner, "metadata")
    for name, called in (("application_key", "application key"), ("api_key", "API key")):
        identifier = _text(member(metadata, name), "id")
        if identifier:
            return f"{called} {identifier}"
    return None


def _time(value: object) -> datetime | None:
    try:
        return utc(msgspec.convert(value, datetime)) if isinstance(value, str) else None
    except UNFIT:
        return None


def _text(value: dict[str, Any], name: str) -> str | None:
    found = value.get(name)
    return found[:TEXT_LENGTH] if isinstance(found, str) and found else None


def _opened(value: Any) -> Any:
    """A value, read as JSON where it is a text that holds some."""
    if not isinstance(value, str) or value[:1] not in ("{", "["):
        return value
    try:
        return msgspec.json.decode(value)
    except UNFIT:
        return value


def _differing(before: Any, after: Any) -> Iterator[str]:
    if isinstance(before, dict) or isinstance(after, dict):
        old, new = before if isinstance(before, dict) else {}, after if isinstance(after, dict) else {}
        names = sorted(name for name in old.keys() | new.keys() if old.get(name) != new.get(name))
        yield from (name[:TEXT_LENGTH] for name in names[:TEXTS])


def _texts(value: Any) -> list[str]:
    """The texts in a value, in lower case: as many as are of use."""
    return [text for _, text in _walk(value)]


def _members(value: Any) -> list[str]:
    return [text for below, text in _walk(value) if below]


def _walk(value: Any) -> list[tuple[bool, str]]:
    """Every text of a value, and whether it stands below a name that says users or members."""
    found: list[tuple[bool, str]] = []
    waiting: list[tuple[int, bool, Any]] = [(0, False, value)]
    while waiting and len(found) < TEXTS:
        depth, below, one = waiting.pop()
        if isinstance(one, str):
            if one:
                found.append((below, one[:TEXT_LENGTH].lower()))
        elif isinstance(one, dict) and depth < DEPTH:
            waiting += [(depth + 1, below or _names_people(name), each) for name, each in one.items()]
        elif isinstance(one, list) and depth < DEPTH:
            waiting += [(depth + 1, below, each) for each in one[: 2 * TEXTS]]
    return found


def _names_people(name: str) -> bool:
    return name.lower() in _MEMBERS
