"""Events of the Audit Trail, decoded: whatever their free parts hold, no event costs another or takes much room."""

from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from accesssync.datadog.trail import TEXT_LENGTH, TEXTS, decode_events
from accesssync.errors import ResponseError
from accesssync.model.trail import TrailEvent


def event(**inner: Any) -> dict[str, Any]:
    usual = {
        "action": "modified",
        "evt": {"name": "Access Management", "actor": {"type": "USER"}},
        "usr": {"id": "bob@example.com", "uuid": "u-bob", "email": "bob@example.com"},
        "asset": {"type": "role", "id": "r-1", "name": "Admins"},
    }
    attributes = {"timestamp": "2026-11-21T11:30:00.123Z", "service": "x", "attributes": {**usual, **inner}}
    return {"id": "e-1", "type": "audit", "attributes": attributes}


def page(*data: Any, after: object = None) -> bytes:
    return json.encode({"data": list(data), "meta": {"page": {"after": after}}})


def one(**inner: Any) -> TrailEvent:
    [found] = decode_events(page(event(**inner))).events
    return found


def test_who_did_what_to_which_record_and_when() -> None:
    found = one(metadata={"application_key": {"id": "k-1"}, "api_key": {"id": "k-2"}})
    assert (found.at, found.action) == (datetime(2026, 11, 21, 11, 30, 0, 123000, UTC), "modified")
    assert (found.actor, found.actor_id, found.by) == (
        "bob@example.com", "u-bob", "bob@example.com (application key k-1)",
    )  # fmt: skip
    assert (found.asset_type, found.asset_id, found.asset_name) == ("role", "r-1", "Admins")


@pytest.mark.parametrize(
    ("usr", "kind", "actor"),
    [
        ({"uuid": "u-bob"}, "USER", "u-bob"),
        ({"name": "Bob", "uuid": "u-bob"}, "USER", "Bob"),
        ({}, "USER", None),
        (None, "SYSTEM", "Datadog"),
        ({"email": "agent@datadoghq.com"}, "SUPPORT_USER", "Datadog Support"),
        ("nonsense", None, None),
    ],
)
def test_who_it_was_is_said_as_far_as_datadog_does(usr: object, kind: str | None, actor: str | None) -> None:
    assert one(usr=usr, evt={"actor": {"type": kind}}).actor == actor


def test_values_tell_what_came_and_what_went() -> None:
    asset = {
        "type": "role", "id": "r-1",
        "prev_value": {"users": [{"id": "U-1", "email": "Ada@example.com"}], "name": "Admins"},
        "new_value": {"users": [{"id": "u-2"}], "name": "Admins", "modified_by": "bob@example.com"},
    }  # fmt: skip
    found = one(asset=asset)
    assert found.gained == {"u-2", "bob@example.com"}
    assert found.joined == {"u-2"}
    assert found.lost == {"u-1", "ada@example.com"}
    assert found.fields == {"users", "modified_by"}


def test_values_may_be_json_in_a_text() -> None:
    found = one(asset={"id": "r-1", "new_value": '{"users":[{"id":"u-2"}]}', "prev_value": "{broken"})
    assert found.joined == {"u-2"}
    assert "{broken" in found.lost


def test_an_event_of_which_nothing_is_left_costs_no_other() -> None:
    spoiled = [
        None, 5, {}, {"id": "x"}, {**event(), "id": ""}, {**event(), "id": 7}, event(action=None),
        {"id": "e-2", "attributes": {"timestamp": "yesterday", "attributes": {"action": "created"}}},
        {"id": "e-3", "attributes": {"timestamp": 1700000000, "attributes": {"action": "created"}}},
        {"id": "e-4", "attributes": []},
    ]  # fmt: skip
    found = decode_events(page(*spoiled, event()))
    assert ([one.id for one in found.events], found.unreadable) == (["e-1"], len(spoiled))


def test_no_event_takes_much_room() -> None:
    names = {f"name-{n}": "x" * 10_000 + str(n) for n in range(5_000)}
    found = one(asset={"id": "r-1", "new_value": {"users": [names] * 50}})
    assert len(found.texts) <= TEXTS
    assert all(len(text) <= TEXT_LENGTH for text in found.texts)
    assert len(found.fields) <= TEXTS


def test_halves_of_letters_and_nul_cannot_reach_a_database() -> None:
    found = decode_events(page(event(usr={"email": "MARK"})).replace(b"MARK", b"a\\ud800b\\u0000"))
    assert found.events[0].actor == "a\ufffdb\ufffd"


@pytest.mark.parametrize(
    ("body", "after"),
    [
        (page(event(), after="abc"), "abc"),
        (page(after="abc"), None),
        (page(event()), None),
        (page(event(), after=""), None),
        (page(event(), after=7), None),
        (page(event(), after="x" * 5_000), None),
        (b'{"data":[]}', None),
    ],
)
def test_the_end_is_an_answer_without_events_or_cursor(body: bytes, after: str | None) -> None:
    assert decode_events(body).after == after


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"data":null}', b'{"data":{}}', b'{"data":[]', b"5"])
def test_anything_else_is_no_answer(body: bytes) -> None:
    with pytest.raises(ResponseError):
        decode_events(body)


anything = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.text(max_size=8), below, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(["action", "evt", "usr", "asset", "metadata", "x"]), anything), anything)
def test_whatever_an_event_holds_is_decoded_or_left_out(inner: dict[str, Any], asset: Any) -> None:
    found = decode_events(page(event(**{"asset": asset, **inner}), event()))
    assert len(found.events) + found.unreadable == 2
    assert found.events[-1].id == "e-1"
