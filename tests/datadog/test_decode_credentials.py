"""Keys, tokens and OAuth clients: what is not said never reads as "unscoped", "unused" or "nobody's"."""

import json
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import UNSET

from accesssync.datadog.credentials import API_KEYS, APPLICATION_KEYS, OAUTH_CLIENTS, TOKENS
from accesssync.datadog.decode import decode_one, decode_page
from accesssync.datadog.shape import Joined, Shape
from accesssync.errors import ResponseError
from accesssync.model.credential import Credential
from tests.datadog.loopback import page
from tests.datadog.records import (
    CANARY,
    OWNER,
    api_key,
    application_key,
    authorization,
    oauth_application,
    oauth_client,
    token,
    without,
)

Kind = Shape[Credential] | Joined[Credential]

KINDS = [
    (APPLICATION_KEYS, application_key()),
    (API_KEYS, api_key()),
    (TOKENS, token()),
    (OAUTH_CLIENTS, oauth_client()),
]
# With it a record leaves the fast path without losing anything else.
SLOW = {"created_at": 5}


def read(kind: Kind, *records: Any, **more: Any) -> list[Credential]:
    return decode_page(json.dumps({**page(*records), **more}).encode(), kind).records


def clients(*records: Any, included: Any = None) -> list[Credential]:
    beside = [oauth_application(), authorization("a1", "user-2"), authorization("a2", "user-1")]
    return read(OAUTH_CLIENTS, *records, included=beside if included is None else included)


def test_an_application_key() -> None:
    [found] = read(APPLICATION_KEYS, application_key(scopes=["b_write", "a_read", "b_write"]))
    assert found == Credential(
        id="key-1",
        type="application_key",
        name="Key 1",
        owner_id=OWNER,
        scopes=("a_read", "b_write"),
        created_at=datetime(2023, 10, 3, 19, 27, 33, 54116, tzinfo=UTC),
        last4="ab12",
        leaked=False,
        last_used_at=datetime(2025, 9, 6, 19, 3, 18, 487091, tzinfo=UTC),
    )


def test_an_api_key() -> None:
    [found] = read(API_KEYS, api_key())
    assert found == Credential(
        id="api-1",
        type="api_key",
        name="API key 1",
        created_by_id=OWNER,
        created_at=datetime(2024, 2, 9, 8, 0, 0, 120000, tzinfo=UTC),
        last4="cd34",
        leaked=False,
        category="default",
        last_used_at=None,
    )


def test_tokens_of_people_and_of_service_accounts() -> None:
    personal, service, new = read(
        TOKENS, token(), token(2, "service_access_tokens", expires_at=None), token(3, "robot_access_tokens")
    )
    assert personal == Credential(
        id="token-1",
        type="personal_access_token",
        name="Token 1",
        owner_id=OWNER,
        scopes=("dashboards_read", "monitors_read"),
        created_at=datetime(2026, 4, 8, 8, 58, 54, 688182, tzinfo=UTC),
        expires_at=datetime(2026, 4, 9, 8, 58, 54, tzinfo=UTC),
        last4="2ySDERb6wx1YqV1udJl61q",
        last_used_at=datetime(2026, 4, 8, 8, 58, 55, 302840, tzinfo=UTC),
    )
    assert (service.type, service.owner_id, service.expires_at) == ("service_access_token", OWNER, None)
    assert new.type == "robot_access_tokens"
    assert {found.malformed for found in (personal, service, new)} == {()}


def test_a_token_of_no_type_at_all() -> None:
    record = token()
    del record["type"]
    [found] = read(TOKENS, record)
    assert (found.type, found.malformed, found.owner_id) == ("unknown", ("type",), OWNER)


@pytest.mark.parametrize(("kind", "make"), [(APPLICATION_KEYS, application_key), (TOKENS, token)])
def test_scopes(kind: Kind, make: Any) -> None:
    for slow in ({}, SLOW):
        unscoped, nothing, narrow = read(
            kind, make(1, scopes=None, **slow), make(2, scopes=[], **slow), make(3, scopes=["b", "a"], **slow)
        )
        assert (unscoped.scopes, nothing.scopes, narrow.scopes) == (None, (), ("a", "b"))
        assert all("scopes" not in found.malformed for found in (unscoped, nothing, narrow))
    bad = ["a", 5, {}, [None], ["a", 1]]
    for found in read(kind, without(make(), "attributes", "scopes"), *(make(scopes=scopes) for scopes in bad)):
        assert (found.scopes_known, found.malformed) == (False, ("scopes", "scopes_known"))
        assert (found.name, found.owner_id) == (make()["attributes"]["name"], OWNER)


def test_a_token_that_does_not_mention_its_end_is_not_taken_for_eternal() -> None:
    [found] = read(TOKENS, without(token(), "attributes", "expires_at"))
    assert found.malformed == ("expires_at",)


@pytest.mark.parametrize(
    ("kind", "record", "field", "relationship"),
    [
        (APPLICATION_KEYS, application_key(), "owner_id", "owned_by"),
        (TOKENS, token(), "owner_id", "owned_by"),
        (API_KEYS, api_key(), "created_by_id", "created_by"),
    ],
)
def test_whose_it_is(kind: Kind, record: dict[str, Any], field: str, relationship: str) -> None:
    links = record["relationships"]
    for nobody in (None, {"data": None}):
        [found] = read(kind, {**record, "relationships": {**links, relationship: nobody}})
        assert (getattr(found, field), found.malformed) == (None, ())
    odd: list[Any] = [5, [], {}, {"data": {}}, {"data": [OWNER]}, {"data": {"id": 7}}]
    for bad in odd:
        [found] = read(kind, {**record, "relationships": {**links, relationship: bad}})
        assert (getattr(found, field), found.malformed) == (None, (field,))
    [found] = read(kind, without(record, "relationships", relationship))
    # An API key that no user made simply lacks the relation; a key that acts for somebody cannot.
    assert found.malformed == (() if relationship == "created_by" else (field,))
    nothing: list[Any] = [None, [], "x"]
    for absent in nothing:
        [found] = read(kind, {**record, "relationships": absent})
        assert found.malformed == tuple(sorted((field, "leaked")))


@pytest.mark.parametrize(("kind", "record"), KINDS[:3])
def test_leaks(kind: Kind, record: dict[str, Any]) -> None:
    links = record["relationships"]
    leak = {"type": "leaked_keys", "id": "leak-1"}
    for slow in ({}, SLOW):
        record = {**record, "attributes": record["attributes"] | slow}
        said = [{"data": leak}, {"data": None}, None, {}]
        made = [{**record, "relationships": {**links, "leak_information": each}} for each in said]
        yes, no, null, odd, absent = read(kind, *made, without(record, "relationships", "leak_information"))
        assert [each.leaked for each in (yes, no, null, odd, absent)] == [True, False, None, None, None]
        assert ["leaked" in each.malformed for each in (yes, no, null, odd, absent)] == [False] * 3 + [True, False]


@pytest.mark.parametrize(
    ("kind", "record", "name"),
    [
        (APPLICATION_KEYS, application_key(), "last_used_at"),
        (TOKENS, token(), "last_used_at"),
        (OAUTH_CLIENTS, oauth_client(), "last_exercised"),
    ],
)
def test_never_used_differs_from_not_said(kind: Kind, record: dict[str, Any], name: str) -> None:
    never = {**record, "attributes": record["attributes"] | {name: None}}
    offset = {**record, "attributes": record["attributes"] | {name: "2026-04-08T10:58:55.000000001+02:00"}}
    bad = {**record, "attributes": record["attributes"] | {name: "0001-01-01T00:00:00+14:00"}}
    silent = without(record, "attributes", name)
    found = read(kind, never, offset, bad, silent)
    assert [each.last_used_at for each in found] == [None, datetime(2026, 4, 8, 8, 58, 55, tzinfo=UTC), UNSET, UNSET]
    assert ["last_used_at" in each.malformed for each in found] == [False, False, True, False]


ONE, TWO = "2026-04-08T08:00:00.123456789Z", "2026-05-08T10:00:00+02:00"
READ_ONE = datetime(2026, 4, 8, 8, 0, 0, 123457, tzinfo=UTC)
READ_TWO = datetime(2026, 5, 8, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"last_used_date": {"timestamp": ONE}, "date_last_used": TWO}, READ_ONE),
        ({"last_used_date": {"timestamp": None}, "date_last_used": TWO}, READ_TWO),
        ({"last_used_date": {}, "date_last_used": TWO}, READ_TWO),
        ({"last_used_date": None, "date_last_used": None}, None),
        ({"last_used_date": {"timestamp": ONE}}, READ_ONE),
        ({"last_used_date": {"timestamp": None}}, None),
        ({"date_last_used": None}, None),
        ({"date_last_used": TWO}, READ_TWO),
        ({"date_last_used": None, "used_in_last_24_hours": True}, UNSET),
        ({"last_used_date": {}}, UNSET),
        ({"last_used_date": None}, UNSET),
        ({}, UNSET),
    ],
)
def test_when_an_api_key_was_used(said: dict[str, Any], expected: object) -> None:
    record = api_key()
    for name in ("last_used_date", "date_last_used", "used_in_last_24_hours"):
        record = without(record, "attributes", name)
    for slow in ({}, SLOW):
        [found] = read(API_KEYS, {**record, "attributes": {**record["attributes"], **said, **slow}})
        assert found.last_used_at == expected
        assert "last_used_at" not in found.malformed


@pytest.mark.parametrize("bad", [5, [], "x", {"timestamp": 5}, {"timestamp": "0001-01-01T00:00:00+14:00"}])
def test_an_unreadable_last_use_of_an_api_key(bad: object) -> None:
    [found] = read(API_KEYS, api_key(last_used_date=bad))
    assert found.malformed == ("last_used_at",)


def test_an_oauth_client_and_whom_it_acts_for() -> None:
    [found] = clients(oauth_client(disabled=True))
    assert found == Credential(
        id="client-1",
        type="oauth_client",
        name="App 1",
        disabled=True,
        user_ids=("user-1", "user-2"),
        scopes_known=False,
        last_used_at=datetime(2026, 10, 1, 10, 0, 0, 500000, tzinfo=UTC),
    )
    [empty] = clients(oauth_client(authorizations=()), included=[oauth_application(name=None)])
    assert (empty.name, empty.user_ids, empty.malformed) == (None, (), ())


def test_an_oauth_client_may_do_what_any_of_its_users_allowed() -> None:
    allowed = [authorization("a1", "user-2"), authorization("a2", "user-1")]
    for one, scopes in zip(allowed, (["b_read", "a_read"], ["b_read"]), strict=True):
        one["relationships"]["scopes"] = {"data": [{"type": "scopes", "id": name} for name in scopes]}
    [found] = clients(oauth_client(), included=[oauth_application(), *allowed])
    assert (found.scopes, found.scopes_known) == (("a_read", "b_read"), True)
    del allowed[1]["relationships"]["scopes"]
    [unsaid] = clients(oauth_client(), included=[oauth_application(), *allowed])
    assert (unsaid.scopes, unsaid.scopes_known) == (None, False)


def test_a_withdrawn_authorization_is_no_user_of_the_client() -> None:
    beside = [oauth_application(), authorization("a1", "user-1", disabled=True), authorization("a2", "user-2")]
    [found] = clients(oauth_client(), included=beside)
    assert (found.user_ids, found.malformed) == (("user-2",), ())


@pytest.mark.parametrize(
    "beside",
    [
        [],
        {},
        "x",
        [5, None, {"type": "user_authorized_clients"}],
        [authorization("a1", "user-1")],
        [authorization("a1", "user-1"), {**authorization("a2", "user-2"), "relationships": {}}],
        [authorization("a1", "user-1"), {**authorization("a2", "user-2"), "relationships": {"user": {"data": None}}}],
    ],
)
def test_users_that_the_answer_does_not_tell_are_not_no_users(beside: Any) -> None:
    [found] = clients(oauth_client(), included=beside)
    assert found.malformed == ("name", "user_ids")
    assert (found.name, found.user_ids, found.disabled) == (None, (), False)


def test_fewer_users_than_the_client_says_it_has() -> None:
    [found] = clients(oauth_client(user_count=3))
    assert (found.user_ids, found.malformed) == ((), ("user_ids",))
    record = oauth_client()
    del record["relationships"]["user_authorized_clients"]["data"]
    [linked] = clients(record)
    assert linked.malformed == ("user_ids",)
    [silent] = clients(without(oauth_client(), "relationships", "user_authorized_clients"))
    assert silent.malformed == ("user_ids",)


def test_a_client_that_names_itself() -> None:
    [found] = clients(without(oauth_client(name="Own"), "relationships", "oauth2_client"))
    assert (found.name, found.malformed) == ("Own", ())
    [odd] = clients({**oauth_client(), "relationships": {**oauth_client()["relationships"], "oauth2_client": 5}})
    assert (odd.name, odd.malformed) == (None, ("name",))


def test_one_client_of_which_something_is_unreadable() -> None:
    fine, broken = clients(oauth_client(), oauth_client(disabled="no"))
    assert fine.malformed == ()
    assert (broken.malformed, broken.user_ids, broken.name) == (("disabled",), ("user-1", "user-2"), "App 1")


@pytest.mark.parametrize(("kind", "record"), KINDS)
def test_secrets_are_nowhere_in_what_is_kept(kind: Kind, record: dict[str, Any]) -> None:
    leaky = {**record, "key": CANARY, "attributes": {**record["attributes"], "key": CANARY, "secret": CANARY}}
    slow = {**leaky, "attributes": {**leaky["attributes"], "name": 5, "last4": CANARY}}
    beside = [oauth_application(), authorization("a1", "user-1"), authorization("a2", "user-2")]
    body = json.dumps({**page(leaky, slow), "included": beside}).encode()
    found = decode_page(body, kind).records
    assert len(found) == 2
    one = decode_one(json.dumps({"data": leaky, "included": beside}).encode(), kind)
    assert one == found[0]
    for credential in (*found, one):
        assert CANARY[:8] not in repr(credential).replace(repr(credential.last4), "")
        assert CANARY[:8] not in msgspec.json.encode(credential).decode()
    broken = json.dumps({"data": CANARY, "included": [CANARY]}).encode()
    for decode in (decode_page, decode_one):
        with pytest.raises(ResponseError) as caught:
            decode(broken, kind)
        assert CANARY[:8] not in caught.value.line() + repr(caught.value)


def test_the_end_of_a_key_is_four_characters_however_many_come() -> None:
    [key] = read(APPLICATION_KEYS, application_key(last4=f"{CANARY}wxyz"))
    assert (key.last4, key.malformed) == ("wxyz", ())
    [whole] = read(TOKENS, token(public_portion=f"ddpat_{CANARY}"))
    assert (whole.last4, whole.malformed) == (None, ("last4",))


@pytest.mark.parametrize(("kind", "record"), KINDS)
def test_a_credential_without_a_usable_id_is_counted(kind: Kind, record: dict[str, Any]) -> None:
    identifiers: list[Any] = [None, 5, "", [], "x" * 129]
    broken = [{**record, "id": identifier} for identifier in identifiers]
    fine = {**record, "id": "x" * 128}
    found = decode_page(json.dumps(page(*broken, 7, fine)).encode(), kind)
    assert ([each.id for each in found.records], found.nameless) == (["x" * 128], 6)
    only_text = [{**record, "id": identifier} for identifier in ("", "x" * 129, "x" * 128)]
    found = decode_page(json.dumps(page(*only_text)).encode(), kind)
    assert ([each.id for each in found.records], found.nameless) == (["x" * 128], 2)


@pytest.mark.parametrize(("kind", "record"), KINDS)
def test_names_can_be_stored(kind: Kind, record: dict[str, Any]) -> None:
    odd = {**record, "attributes": {**record["attributes"], "name": "a\x00b\ud800c"}}
    [found] = read(kind, odd, included=[oauth_application(name="a\x00b\ud800c")])
    assert found.name == "a\ufffdb\ufffdc"


@pytest.mark.parametrize(("kind", "record"), KINDS)
@pytest.mark.parametrize("attributes", [None, [], "x"])
def test_a_credential_without_attributes_knows_nothing(kind: Kind, record: dict[str, Any], attributes: Any) -> None:
    [found] = read(kind, {**record, "attributes": attributes})
    assert "last_used_at" in found.malformed
    assert "name" in found.malformed
    assert set(found.malformed) < set(Credential.__struct_fields__)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=200, deadline=None)
@given(which=st.sampled_from(KINDS), data=st.data())
def test_any_value_in_any_place_leaves_the_neighbours_alone(
    which: tuple[Kind, dict[str, Any]], data: st.DataObject
) -> None:
    kind, record = which
    strange = {**record, "id": "strange"}
    for part in ("attributes", "relationships"):
        names = st.sampled_from([*record[part], "else"])
        strange[part] = record[part] | data.draw(st.dictionaries(names, JSON, max_size=3))
    if data.draw(st.booleans()):
        strange[data.draw(st.sampled_from(["attributes", "relationships", "type"]))] = data.draw(JSON)
    beside = [oauth_application(), authorization("a1", "user-1"), authorization("a2", "user-2"), data.draw(JSON)]
    before, found, after = read(kind, record, strange, record, included=beside)
    assert before == after
    assert before.malformed == ()
    assert found.id == "strange"
    assert set(found.malformed) < set(Credential.__struct_fields__)
    if kind is APPLICATION_KEYS or kind is TOKENS:
        said = strange["attributes"] if isinstance(strange["attributes"], dict) else {}
        sent = said.get("scopes", "nothing")
        readable = sent is None or (isinstance(sent, list) and all(isinstance(each, str) for each in sent))
        assert ("scopes" in found.malformed) != readable


@settings(max_examples=100, deadline=None)
@given(which=st.sampled_from(KINDS), record=JSON, included=JSON)
def test_any_record_at_all(which: tuple[Kind, dict[str, Any]], record: Any, included: Any) -> None:
    kind, sane = which
    found = decode_page(json.dumps({"data": [sane, record], "included": included}).encode(), kind)
    assert len(found.records) + found.nameless == 2
    assert found.records[0].id == sane["id"]
