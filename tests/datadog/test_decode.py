"""From bytes to the model: nothing invented, nothing lost, nothing raised but ResponseError."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from accesssync.datadog.account import decode_account
from accesssync.datadog.decode import decode_one, decode_page, storable
from accesssync.datadog.shape import PERMISSIONS, ROLES, USERS, Shape
from accesssync.errors import ResponseError
from accesssync.model.identity import Identity
from accesssync.snapshot.source import Account
from tests.datadog.loopback import page, user


def users(*records: Any, **more: Any) -> list[Identity]:
    return decode_page(json.dumps({**page(*records), **more}).encode(), USERS).records


def test_a_user_is_read_whole() -> None:
    [found] = users(
        user(1, mfa_enabled=True, title="Boss", last_login_time="2026-04-08T08:58:55.302839705Z", brand_new=[{}]),
        included=[{"type": "roles", "id": 5}],
    )
    assert found == Identity(
        id="00000000-0000-0000-0000-000000000001",
        email="user1@example.com",
        handle="user1@example.com",
        name="User 1",
        title="Boss",
        status="Active",
        disabled=False,
        verified=True,
        mfa_enabled=True,
        service_account=False,
        created_at=datetime(2022, 5, 12, 9, 53, 43, 305109, tzinfo=UTC),
        role_ids=("role-a", "role-b"),
        last_login_at=datetime(2026, 4, 8, 8, 58, 55, 302840, tzinfo=UTC),
    )


def test_never_logged_in_differs_from_not_said() -> None:
    silent = user(2)
    del silent["attributes"]["last_login_time"]
    never, unsaid = users(user(1), silent)
    assert never.last_login_at is None
    assert unsaid.last_login_at is UNSET
    assert unsaid.mfa_enabled is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-04-08T10:58:55+02:00", datetime(2026, 4, 8, 8, 58, 55, tzinfo=UTC)),
        ("2026-04-08T08:58:55", datetime(2026, 4, 8, 8, 58, 55, tzinfo=UTC)),
        ("2026-04-08T08:58:55.1Z", datetime(2026, 4, 8, 8, 58, 55, 100000, tzinfo=UTC)),
    ],
)
def test_times_become_utc(text: str, expected: datetime) -> None:
    for other in ({}, {"name": 5}):  # the fast path and the slow one agree
        [found] = users(user(1, created_at=text, last_login_time=text, **other))
        assert found.created_at == found.last_login_at == expected
        assert found.created_at is not None
        assert found.created_at.tzinfo is UTC


@pytest.mark.parametrize("bad", ["", "bad", "2026-13-01T00:00:00Z", 1700000000, "0001-01-01T00:00:00+14:00", [], True])
def test_a_bad_time_degrades_one_attribute_of_one_record(bad: object) -> None:
    first, second, third = users(user(1), user(2, created_at=bad, last_login_time=bad), user(3))
    assert (first.malformed, third.malformed) == ((), ())
    assert second.malformed == ("created_at", "last_login_at")
    assert second.created_at is None
    assert second.last_login_at is UNSET
    assert second.email == "user2@example.com"


@pytest.mark.parametrize("links", [None, {"roles": None}, {"roles": {"data": None}}, {"roles": {"data": []}}])
def test_no_roles(links: object) -> None:
    for other in ({}, {"name": 5}):
        [found] = users({**user(1, **other), "relationships": links})
        assert found.role_ids == ()
        assert "role_ids" not in found.malformed


@pytest.mark.parametrize(
    "links", [[], 5, {}, {"roles": {}}, {"roles": []}, {"roles": {"data": {}}}, {"roles": {"data": [{"id": 5}, {}]}}]
)
def test_unreadable_roles_are_not_no_roles(links: object) -> None:
    [found] = users({**user(1), "relationships": links})
    assert found.malformed == ("role_ids",)
    assert found.name == "User 1"


def test_a_record_that_does_not_mention_roles() -> None:
    silent = user(1)
    del silent["relationships"]
    [found] = users(silent)
    assert found.malformed == ("role_ids",)
    assert found.role_ids == ()


def test_role_ids_are_sorted_and_unique() -> None:
    refs = [{"id": f"r{i}", "type": "roles"} for i in (3, 1, 2, 1, 3)]
    [found] = users({**user(1), "relationships": {"roles": {"data": refs}}})
    assert found.role_ids == ("r1", "r2", "r3")


@pytest.mark.parametrize("attributes", [None, [], "x", 5])
def test_a_record_without_attributes_knows_nothing(attributes: object) -> None:
    [found] = users({**user(1), "attributes": attributes})
    assert "email" in found.malformed
    assert len(found.malformed) == 11


@pytest.mark.parametrize("identifier", [None, 5, "", [], "x" * 200])
def test_a_record_without_a_usable_id_is_counted(identifier: object) -> None:
    broken = {**user(1), "id": identifier}
    found = decode_page(json.dumps(page(broken, user(2), 7)).encode(), USERS)
    assert [record.email for record in found.records] == ["user2@example.com"]
    assert found.nameless == 2


def test_repeated_ids_and_new_status_words_are_kept() -> None:
    found = users(user(1), user(1), user(2, status="Hibernating"))
    assert len(found) == 3
    assert found[2].status == "Hibernating"


@pytest.mark.parametrize(
    ("total", "expected"),
    [(3, 3), (0, 0), (-1, None), (True, None), ("3", None), (3.0, None), (10**30, None), ({}, None)],
)
def test_totals(total: object, expected: int | None) -> None:
    for broken in ({}, {"name": 5}):
        body = {"data": [user(1, **broken)], "meta": {"page": {"total_filtered_count": total, "max_page_size": total}}}
        found = decode_page(json.dumps(body).encode(), USERS)
        assert found.total == expected
        assert found.max_size == (expected or None)


@pytest.mark.parametrize("meta", [b"null", b"[]", b"5", b'{"page":7}', b'{"page":{"total_filtered_count":1e999}}'])
def test_an_odd_meta_costs_only_the_total(meta: bytes) -> None:
    found = decode_page(b'{"data":[' + json.dumps(user(1)).encode() + b'],"meta":' + meta + b"}", USERS)
    assert (len(found.records), found.total) == (1, None)


UNUSABLE = [
    b"",
    b"{}",
    b"[]",
    b"null",
    b'{"data":null}',
    b'{"data":{}}',
    b'{"data":[1,2,3]}',
    b'{"data":[null]}',
    b'{"data":"x"}',
    b'{"meta":{}}',
    b"<html>hello</html>",
    b'{"data":[{"id":"a","attributes":{}}',
    b'{"data":[]} trailing',
    b'{"data":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    b'{"x":' + b"[" * 100_000 + b"]" * 100_000 + b',"data":[]}',
    b'{"data":[{"id":"a","x":' + b'{"a":' * 100_000 + b"1" + b"}" * 100_000 + b"}]}",
]


@pytest.mark.parametrize("body", UNUSABLE, ids=range(len(UNUSABLE)))
@pytest.mark.parametrize("shape", [USERS, ROLES, PERMISSIONS])
def test_unusable_pages_are_errors_not_empty_lists(body: bytes, shape: Shape[Any]) -> None:
    with pytest.raises(ResponseError) as caught:
        decode_page(body, shape)
    assert caught.value.status == 200
    assert caught.value.__context__ is None
    with pytest.raises(ResponseError):
        decode_one(body, shape)
    with pytest.raises(ResponseError):
        decode_account(body)


def test_bytes_that_are_no_text_degrade_one_attribute() -> None:
    body = json.dumps(page(user(1, name="Zoe"), user(2, title="Zoe"))).encode().replace(b"Zoe", b"\xff\xfe")
    assert [record.malformed for record in decode_page(body, USERS).records] == [("name",), ("title",)]


def test_an_empty_page_is_a_page() -> None:
    assert decode_page(b'{"data":[],"meta":{"page":{"total_filtered_count":0}}}', USERS).total == 0


def test_roles_and_permissions() -> None:
    role = {
        "id": "r1",
        "type": "roles",
        "attributes": {"name": "Admin", "created_at": "2022-05-12T09:53:43Z", "user_count": 3},
        "relationships": {"permissions": {"data": [{"id": "p2"}, {"id": "p1"}]}},
    }
    found = decode_one(json.dumps({"data": role}).encode(), ROLES)
    assert (found.name, found.permission_ids) == ("Admin", ("p1", "p2"))
    permission = {"id": "p1", "attributes": {"name": "admin", "restricted": "no", "group_name": "General"}}
    [degraded] = decode_page(json.dumps({"data": [permission]}).encode(), PERMISSIONS).records
    assert (degraded.name, degraded.restricted, degraded.malformed) == ("admin", None, ("restricted",))


def test_what_a_database_cannot_hold_is_replaced() -> None:
    [found] = users(user(1, name="a\x00b\ud800c\U0001f600\udc00", title="\\u0000 \\ud800"))
    assert found.name == "a\ufffdb\ufffdc\U0001f600\ufffd"
    assert found.title == "\\u0000 \\ud800"
    clean = json.dumps("\u00e9 \U0001f600 \\").encode()
    assert json.loads(storable(clean)) == "\u00e9 \U0001f600 \\"


@given(st.text(st.characters(exclude_categories=())))
def test_any_text_survives_and_can_be_stored(text: str) -> None:
    [found] = users(user(1, name=text))
    assert found.name is not None
    assert "\x00" not in found.name
    found.name.encode()
    assert "malformed" not in found.malformed


def test_the_account_behind_the_keys() -> None:
    body = {
        "data": {
            "id": "u1",
            "attributes": {"email": "bot@example.com", "name": "bot", "service_account": True},
            "relationships": {"org": {"data": {"id": "o1", "type": "orgs"}}},
        },
        "included": [7, {"type": "roles"}, {"type": "orgs", "id": "o1", "attributes": {"name": "Acme"}}],
    }
    account = decode_account(json.dumps(body).encode())
    assert (account.user_id, account.subject, account.org_id, account.org_name) == ("u1", "bot", "o1", "Acme")
    assert decode_account(b'{"data":{"id":"u1"}}').subject == "u1"


def account(roles: Any = None, included: Any = (), **attributes: Any) -> Account:
    links = {"roles": {"data": [{"id": each} for each in roles]}} if isinstance(roles, list) else {"roles": roles}
    body = {"data": {"id": "u1", "attributes": attributes, "relationships": links}, "included": included}
    return decode_account(json.dumps(body).encode())


def role_item(identifier: str, *permissions: str) -> dict[str, Any]:
    data = [{"type": "permissions", "id": each} for each in permissions]
    return {"type": "roles", "id": identifier, "relationships": {"permissions": {"data": data}}}


def permission_item(identifier: str, name: Any) -> dict[str, Any]:
    return {"type": "permissions", "id": identifier, "attributes": {"name": name}}


def test_what_the_account_may_do() -> None:
    carried = [role_item("r1", "p1", "p2"), role_item("r2", "p2"), role_item("not-mine", "p3")]
    named = [permission_item("p1", "admin"), permission_item("p2", "monitors_read"), permission_item("p3", "else")]
    assert account(["r1", "r2"], carried + named).permissions == frozenset({"admin", "monitors_read"})
    assert account([], []).permissions == frozenset()


@pytest.mark.parametrize(
    ("roles", "included"),
    [
        (None, []),
        ({"data": None}, []),
        (["r1"], []),
        (["r1"], [role_item("r1", "p1")]),
        (["r1"], [role_item("r1", "p1"), permission_item("p1", None)]),
        (["r1"], [{"type": "roles", "id": "r1"}, permission_item("p1", "admin")]),
        ([5], [role_item("r1", "p1"), permission_item("p1", "admin")]),
    ],
)
def test_what_the_account_may_do_is_unknown_unless_all_is_told(roles: Any, included: Any) -> None:
    assert account(roles, included).permissions is None


def test_the_kind_of_account_and_its_organization() -> None:
    assert account(service_account=True).service_account is True
    assert account(service_account="yes").service_account is None
    assert account().service_account is None
    one, two = ({"type": "orgs", "id": each, "attributes": {"name": f"Org {each}"}} for each in "ab")
    assert (account(included=[one]).org_id, account(included=[one]).org_name) == ("a", "Org a")
    assert (account(included=[one, two]).org_id, account(included=[one, two]).org_name) == (None, None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
ATTRIBUTES = st.dictionaries(st.sampled_from([*user(0)["attributes"], "mfa_enabled", "else"]), JSON, max_size=4)


@settings(max_examples=100, deadline=None)
@given(attributes=ATTRIBUTES, relationships=JSON, meta=JSON)
def test_any_value_in_any_place_leaves_the_neighbours_alone(attributes: Any, relationships: Any, meta: Any) -> None:
    strange = {**user(2), "relationships": relationships}
    strange["attributes"] |= attributes
    body = json.dumps({"data": [user(1), strange, user(3)], "meta": meta}).encode()
    found = decode_page(body, USERS)
    assert [record.id[-1] for record in found.records] == ["1", "2", "3"]
    assert found.records[0] == users(user(1))[0]
    assert found.records[2] == users(user(3))[0]
    for name in ("email", "name", "title", "status"):
        sent = strange["attributes"][name]
        assert (name in found.records[1].malformed) == (sent is not None and not isinstance(sent, str))


@settings(max_examples=100, deadline=None)
@given(record=JSON, shape=st.sampled_from([USERS, ROLES, PERMISSIONS]))
def test_any_record_at_all(record: Any, shape: Shape[Any]) -> None:
    body = json.dumps({"data": [user(1), record]}).encode()
    found = decode_page(body, shape)
    assert len(found.records) + found.nameless == 2
    assert found.records[0].id == user(1)["id"]
    for decode in (lambda: decode_one(json.dumps({"data": record}).encode(), shape), lambda: decode_account(body)):
        try:
            decode()
        except ResponseError:
            continue


@settings(max_examples=100, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 400))
def test_any_bytes_at_all(noise: bytes, cut: int) -> None:
    whole = json.dumps(page(user(1))).encode()
    for body in (noise, whole[:cut], whole[:cut] + noise):
        try:
            decode_page(body, USERS)
        except ResponseError:
            continue
