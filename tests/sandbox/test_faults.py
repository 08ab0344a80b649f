"""Every fault does what it says, and proves that it did."""

import gzip
import http.client
import json
import time
from collections.abc import Callable

import pytest

from accesssync.sandbox import Organization, SandboxServer
from accesssync.sandbox.faults import (
    HOSTILE_NAMES,
    BadRecord,
    ChangingTotals,
    Drip,
    Duplicate,
    Effect,
    EmptyPage,
    Endless,
    GzipBomb,
    HalfListing,
    Hang,
    HostileName,
    Html,
    HugeName,
    ManyRoles,
    Nested,
    PatchRecord,
    RateLimited,
    Redirect,
    Reorder,
    Reset,
    Run,
    SamePage,
    ShiftLeft,
    ShiftRight,
    ShortLength,
    ShortPage,
    Status,
    Totals,
    Truncated,
    data_integers,
    data_object,
    empty_body,
    empty_object,
    null_data,
)
from accesssync.sandbox.faults.schedule import EFFECTS
from tests.sandbox.asking import Asker

USERS = "/api/v2/users"


@pytest.mark.parametrize("code", [401, 403, 404, 429, 500, 502, 503, 504, 512])
def test_status_once_then_well_again(ask: Asker, server: SandboxServer, code: int) -> None:
    fault = server.faults.add(Status(code), path=USERS)
    answer = ask.get(USERS)
    assert answer.status == code
    assert (answer.body == b"") is (code == 429)
    assert ask.get(USERS).status == 200
    assert (fault.matched, fault.fired) == (2, 1)


@pytest.mark.parametrize("reset", ["1", "100000", "-5", "soon", "1.5", None])
def test_rate_limited_with_any_reset(ask: Asker, server: SandboxServer, reset: str | None) -> None:
    server.faults.add(RateLimited(reset))
    answer = ask.get(USERS)
    assert answer.status == 429
    assert answer.headers.get("x-ratelimit-reset") == reset
    server.faults.add(RateLimited(html=True))
    assert b"<h1>" in ask.get(USERS).body


def test_matching_by_path_method_page_and_turn(ask: Asker, server: SandboxServer) -> None:
    other_path = server.faults.add(Status(500), path="/api/v2/roles/*")
    other_method = server.faults.add(Status(500), method="POST")
    second_of_page_one = server.faults.add(Status(500), path=USERS, page=1, nth=2, times=2)
    seen = [ask.get(USERS, page_number=number).status for number in (0, 1, 0, 1, 1, 1)]
    assert seen == [200, 200, 200, 500, 500, 200]
    assert (other_path.fired, other_method.fired, second_of_page_one.fired) == (0, 0, 2)
    assert second_of_page_one.matched == 4


def test_for_ever_until_removed(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Status(500), times=None)
    assert {ask.get(USERS).status for _ in range(5)} == {500}
    server.faults.remove(fault)
    assert ask.get(USERS).status == 200
    assert fault.fired == 5


@pytest.mark.parametrize(
    ("make", "body"),
    [
        (empty_body, b""),
        (empty_object, b"{}"),
        (null_data, b'{"data":null}'),
        (data_object, b'{"data":{}'),
        (data_integers, b'{"data":[1,2,3]'),
        (Html, b"<!DOCTYPE html>"),
    ],
)
def test_wrong_bodies_with_success(ask: Asker, server: SandboxServer, make: Callable[[], Effect], body: bytes) -> None:
    fault = server.faults.add(make())
    answer = ask.get(USERS)
    assert (answer.status, answer.body[: len(body)]) == (200, body)
    assert answer.headers["content-type"].startswith("text/html" if make is Html else "application/json")
    assert fault.fired == 1


def test_redirect(ask: Asker, server: SandboxServer) -> None:
    server.faults.add(Redirect("http://127.0.0.1:9/elsewhere", 307))
    answer = ask.get(USERS)
    assert (answer.status, answer.headers["location"]) == (307, "http://127.0.0.1:9/elsewhere")


def test_truncated_json(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Truncated())
    with pytest.raises(json.JSONDecodeError):
        _ = ask.get(USERS).json
    assert fault.fired == 1


@pytest.mark.parametrize("encoding", ["identity", "gzip"])
def test_connection_lost_in_the_body(ask: Asker, server: SandboxServer, encoding: str) -> None:
    fault = server.faults.add(ShortLength())
    with pytest.raises(http.client.IncompleteRead):
        ask.get(USERS, headers={**ask.headers, "Accept-Encoding": encoding})
    assert ask.get(USERS).status == 200
    assert fault.fired == 1


def test_connection_reset_before_the_answer(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Reset())
    with pytest.raises(ConnectionResetError):
        ask.get(USERS)
    assert ask.get(USERS).status == 200
    assert (fault.fired, server.requests[0].status) == (1, 0)


def test_hang(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Hang(0.15))
    started = time.monotonic()
    assert ask.get(USERS).status == 200
    assert time.monotonic() - started >= 0.15
    server.faults.add(Hang(20))
    with pytest.raises(TimeoutError):
        Asker(ask.url, ask.headers, timeout=0.1).get(USERS)
    assert fault.fired == 1


def test_drip(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Drip(0.005), path="/api/v1/validate")
    started = time.monotonic()
    assert ask.get("/api/v1/validate").json == {"valid": True}
    assert time.monotonic() - started >= 14 * 0.005
    assert fault.fired == 1


def test_endless_body(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Endless())
    connection = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=5)
    connection.request("GET", USERS, headers=ask.headers)
    response = connection.getresponse()
    assert len(response.read(5_000_000)) == 5_000_000
    response.close()
    connection.close()
    assert ask.get(USERS).status == 200
    assert fault.fired == 1


def test_gzip_bomb_and_deep_nesting(ask: Asker, server: SandboxServer) -> None:
    bomb = server.faults.add(GzipBomb(4))
    answer = ask.get(USERS, headers={**ask.headers, "Accept-Encoding": "gzip"})
    assert len(answer.body) < 20_000
    assert len(gzip.decompress(answer.body)) > 4 << 20
    nested = server.faults.add(Nested(100_000))
    with pytest.raises(RecursionError):
        _ = ask.get(USERS).json
    assert (bomb.fired, nested.fired) == (1, 1)


def test_same_page_for_ever(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(SamePage(), times=None)
    assert len({tuple(ask.get(USERS, page_number=number).ids) for number in range(9)}) == 1
    assert fault.fired == 9


def test_an_empty_page_in_the_middle(ask: Asker, server: SandboxServer) -> None:
    server.faults.add(EmptyPage(), page=2)
    assert [len(ask.get(USERS, page_number=number).ids) for number in range(5)] == [10, 10, 0, 10, 10]


def test_half_a_listing(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(HalfListing(), times=None)
    assert len(ask.listing()) == 30
    assert ask.get(USERS).page["total_count"] == 60
    server.faults.remove(fault)
    server.faults.add(HalfListing(0.4, totals_agree=True), times=None)
    assert len(ask.listing()) == 24
    page = ask.get(USERS).page
    assert (page["total_count"], page["total_filtered_count"]) == (24, 24)


def test_a_short_page_in_the_middle_loses_nobody(ask: Asker, server: SandboxServer, organization: Organization) -> None:
    fault = server.faults.add(ShortPage(at=1, keep=3), times=None)
    assert [len(ask.get(USERS, page_number=number).ids) for number in range(7)] == [10, 3, 10, 10, 10, 10, 7]
    everybody = ask.listing()
    assert sorted(everybody) == sorted(organization.users)
    assert fault.fired > 6


def test_a_duplicate_across_pages(ask: Asker, server: SandboxServer, organization: Organization) -> None:
    fault = server.faults.add(Duplicate(), page=2)
    ids = ask.listing()
    assert len(ids) == 60
    assert len(set(ids)) == 59
    assert sorted(ask.listing()) == sorted(organization.users)
    assert fault.fired == 1


def test_shift_left_hides_one_who_is_still_there(ask: Asker, server: SandboxServer, organization: Organization) -> None:
    fault = server.faults.add(ShiftLeft(), path=USERS, page=2)
    ids = ask.listing()
    assert len(ids) == 59
    assert len(set(organization.users) - set(ids)) == 1
    assert len(set(ids) - set(organization.users)) == 1
    assert fault.fired == 1


def test_shift_right_shows_one_twice(ask: Asker, server: SandboxServer, organization: Organization) -> None:
    server.faults.add(ShiftRight(), path=USERS, page=2)
    ids = ask.listing()
    assert len(ids) == 61
    assert len(set(ids)) == 60
    assert len(organization.users) == 61


def test_anything_may_happen_before_a_page(ask: Asker, server: SandboxServer, organization: Organization) -> None:
    victim = ask.get(USERS, page_number=3).ids[0]
    fault = server.faults.add(Run(lambda found: found.disable(victim)), path=USERS, page=1)
    ask.listing()
    assert organization.users[victim].disabled
    assert fault.fired == 1


def test_reordering_on_every_call(ask: Asker, server: SandboxServer) -> None:
    server.faults.add(Reorder(), times=None)
    assert len({tuple(ask.get(USERS, page_size=60).ids) for _ in range(5)}) == 5


@pytest.mark.parametrize("value", [0, -1, "sixty", None, 60.5])
def test_totals_of_any_kind(ask: Asker, server: SandboxServer, value: int | str | None) -> None:
    server.faults.add(Totals(value))
    page = ask.get(USERS).page
    assert (page["total_count"], page["total_filtered_count"]) == (value, value)


def test_totals_absent_or_changing(ask: Asker, server: SandboxServer) -> None:
    server.faults.add(Totals(absent=True))
    assert ask.get(USERS).page == {"max_page_size": 1000}
    fault = server.faults.add(ChangingTotals(), times=3)
    assert [ask.get(USERS).page["total_count"] for _ in range(4)] == [61, 62, 63, 60]
    assert fault.fired == 3


@pytest.mark.parametrize("kind", BadRecord.kinds())
def test_one_malformed_record(ask: Asker, server: SandboxServer, kind: str) -> None:
    clean = ask.get(USERS).json["data"]
    fault = server.faults.add(BadRecord(kind, index=4))
    spoiled = ask.get(USERS).json["data"]
    assert [at for at in range(10) if clean[at] != spoiled[at]] == [4]
    assert fault.fired == 1


def test_an_unknown_kind_is_refused_at_once() -> None:
    with pytest.raises(ValueError, match="bad_timestamp"):
        BadRecord("misspelt")


@pytest.mark.parametrize("which", HOSTILE_NAMES)
def test_hostile_names(ask: Asker, server: SandboxServer, which: str) -> None:
    server.faults.add(HostileName(which, index=1))
    assert ask.get(USERS).json["data"][1]["attributes"]["name"] == HOSTILE_NAMES[which]


def test_records_of_absurd_size(ask: Asker, server: SandboxServer) -> None:
    server.faults.add(HugeName())
    assert len(ask.get(USERS).json["data"][0]["attributes"]["name"]) == 1_000_000
    server.faults.add(ManyRoles(index=3))
    assert len(ask.get(USERS).json["data"][3]["relationships"]["roles"]["data"]) == 10_000
    server.faults.add(PatchRecord({"name": None, "handle": "x"}))
    assert ask.get(USERS).json["data"][0]["attributes"]["handle"] == "x"


def test_faults_add_up(ask: Asker, server: SandboxServer) -> None:
    first = server.faults.add(HalfListing(0.5, totals_agree=True))
    second = server.faults.add(Truncated(0.9))
    assert b'"total_count":30' in ask.get(USERS).body
    assert (first.fired, second.fired) == (1, 1)
    assert server.faults.all() == [first, second]


def test_a_listing_fault_does_not_count_where_nothing_is_listed(ask: Asker, server: SandboxServer) -> None:
    fault = server.faults.add(Reorder(), times=None)
    ask.get("/api/v1/validate")
    assert (fault.matched, fault.fired) == (1, 0)


def test_every_effect_has_a_name() -> None:
    assert {"status", "gzip_bomb", "half_listing", "shift_left", "bad_record", "drip"} <= EFFECTS.keys()
    assert "run" not in EFFECTS
