"""The listings beside users and roles, over the wire: what is asked, what is kept, what is said on failure."""

import json
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Any
from urllib.parse import parse_qsl, unquote, urlsplit

import pytest
from pydantic import SecretStr

from accesssync.datadog.read import DatadogSource, open_source
from accesssync.errors import DeniedError, ResponseError, UpstreamError
from accesssync.model.coverage import Resource
from accesssync.snapshot.source import Listing
from tests.datadog.loopback import API_KEY, APP_KEY, Clock, Server, http, page
from tests.datadog.records import (
    CANARY,
    api_key,
    application_key,
    assertion,
    authorization,
    mapping,
    membership,
    oauth_application,
    oauth_client,
    team,
    teams_page,
    token,
)

Serve = Callable[..., Server]
Connect = Callable[..., DatadogSource]

OAUTH = [oauth_application(), authorization("a1", "user-1"), authorization("a2", "user-2")]
LISTINGS: list[tuple[str, Callable[[DatadogSource], Listing[Any]], dict[str, Any], dict[str, Any]]] = [
    (
        "org_app_keys_read",
        lambda source: source.application_keys(),
        page(application_key(), total=31),
        {"path": "/api/v2/application_keys", "sort": "created_at", "include": "owned_by"},
    ),
    (
        "api_keys_read",
        lambda source: source.api_keys(),
        page(api_key(), total=31),
        {"path": "/api/v2/api_keys", "sort": "created_at", "include": "created_by,modified_by"},
    ),
    (
        "org_app_keys_read",
        lambda source: source.access_tokens(),
        page(token(), total=31),
        {"path": "/api/v2/personal_access_tokens", "sort": "created_at", "include": "leak_information"},
    ),
    (
        "org_authorized_apps_read",
        lambda source: source.oauth_clients(),
        {**page(oauth_client(), total=31), "included": OAUTH},
        {"path": "/api/v2/org_authorized_clients", "include": "oauth2_client,user_authorized_clients.user"},
    ),
    ("teams_read", lambda source: source.teams(), teams_page(team(), total=31), {"path": "/api/v2/team"}),
    (
        "teams_read",
        lambda source: source.team_memberships("team/ 1"),
        teams_page(membership("u1"), total=31),
        {"path": "/api/v2/team/team/ 1/memberships"},
    ),
    (
        "user_access_read",
        lambda source: source.authn_mappings()[0],
        {**page(mapping(), total=31), "included": [assertion()]},
        {"path": "/api/v2/authn_mappings", "sort": "created_at", "resource_type": "role"},
    ),
    (
        "user_access_read",
        lambda source: source.authn_mappings()[1],
        {**page(mapping(1, "team"), total=31), "included": [assertion()]},
        {"path": "/api/v2/authn_mappings", "sort": "created_at", "resource_type": "team"},
    ),
]
each_listing = pytest.mark.parametrize(("permission", "listing", "answer", "asked"), LISTINGS)


@each_listing
def test_a_page_is_asked_for_and_read(
    permission: str,
    listing: Callable[[DatadogSource], Listing[Any]],
    answer: dict[str, Any],
    asked: dict[str, str],
    serve: Serve,
    connect: Connect,
) -> None:
    server = serve(http(answer))
    wanted = listing(connect(server))
    found = wanted.fetch(3, 100)
    assert (len(found.records), found.total, found.max_size, found.nameless) == (1, 31, None, 0)
    assert found.records[0].malformed == ()
    assert (wanted.permission, wanted.paged, wanted.may_be_empty) == (permission, True, True)
    [request] = server.requests
    target = urlsplit(request.target)
    query = {"path": unquote(target.path), **dict(parse_qsl(target.query))}
    assert query == {**asked, "page[size]": "100", "page[number]": "3"}
    assert request.method == "GET"


@each_listing
def test_a_denial_names_the_permission(
    permission: str,
    listing: Callable[[DatadogSource], Listing[Any]],
    answer: dict[str, Any],
    asked: dict[str, str],
    serve: Serve,
    connect: Connect,
) -> None:
    server = serve(http({"errors": ["Forbidden"]}, 403))
    wanted = listing(connect(server))
    with pytest.raises(DeniedError) as caught:
        wanted.fetch(0, 100)
    assert caught.value.permission == permission
    assert caught.value.resource == wanted.resource
    assert permission in caught.value.line()
    assert len(server.requests) == 1
    assert (answer, asked) != ({}, {})


@each_listing
def test_one_record_is_confirmed(
    permission: str,
    listing: Callable[[DatadogSource], Listing[Any]],
    answer: dict[str, Any],
    asked: dict[str, str],
    serve: Serve,
    connect: Connect,
) -> None:
    [record] = answer["data"]
    one = http({**answer, "data": record})
    server = serve(http(answer), one, http({"errors": ["not found"]}, 404), http({"errors": ["no"]}, 403), one)
    wanted = listing(connect(server))
    [listed] = wanted.fetch(0, 100).records
    if wanted.get is None:
        assert wanted.resource in {Resource.TEAM_MEMBERSHIPS, Resource.ACCESS_TOKENS}
        return
    assert wanted.get(record["id"]) == listed
    assert wanted.get(record["id"]) is None
    with pytest.raises(DeniedError) as caught:
        wanted.get(record["id"])
    assert caught.value.permission == permission
    with pytest.raises(ResponseError, match="another record"):
        wanted.get("somebody-else")
    target = urlsplit(server.requests[1].target)
    assert target.path == f"{asked['path']}/{record['id']}"
    assert dict(parse_qsl(target.query)) == {name: asked[name] for name in ("include",) if name in asked}
    sent = len(server.requests)
    with pytest.raises(UpstreamError):
        wanted.get("..")
    assert len(server.requests) == sent


def test_members_of_a_team_that_cannot_be_addressed(serve: Serve, connect: Connect) -> None:
    server = serve(http(teams_page(total=0)))
    listing = connect(server).team_memberships("..")
    with pytest.raises(UpstreamError):
        listing.fetch(0, 100)
    assert server.requests == []


def test_the_link_to_a_next_page_is_never_followed(serve: Serve, connect: Connect) -> None:
    elsewhere = serve(http(b"{}"))
    answer = teams_page(team(), total=1)
    answer["links"]["next"] = elsewhere.url + "/api/v2/team?page[number]=2"
    server = serve(http(answer))
    assert connect(server).teams().fetch(0, 100).total == 1
    assert (len(server.requests), elsewhere.requests) == (1, [])


def test_a_key_that_comes_along_is_not_kept(serve: Serve, connect: Connect) -> None:
    record = api_key(key=CANARY)
    broken = api_key(key=CANARY, name=5)
    server = serve(*(http({"data": each}) for each in (record, broken)), http(json.dumps({"data": CANARY})))
    get = connect(server, attempts=1).api_keys().get
    assert get is not None
    for expected in ((), ("name",)):
        found = get("api-1")
        assert found is not None
        assert found.malformed == expected
        assert CANARY not in repr(found)
    with pytest.raises(ResponseError) as caught:
        get("api-1")
    assert CANARY not in caught.value.line() + repr(caught.value.__dict__)


@pytest.mark.parametrize("secret", ["0123456789abcdef" * 2 + "01234567", "ddpat_" + "Abc123" * 8, "ddsat_x-y_z" * 3])
def test_a_key_in_an_error_is_not_repeated(secret: str, serve: Serve, connect: Connect) -> None:
    server = serve(http({"errors": [f"the key {secret} may not do this"]}, 403))
    with pytest.raises(DeniedError) as caught:
        connect(server).application_keys().fetch(0, 100)
    assert secret not in caught.value.line()


def test_the_rate_limits_are_told_by_name(serve: Serve, connect: Connect) -> None:
    def answer(name: str, limit: str, period: str, remaining: str) -> bytes:
        return http(
            page(),
            X_RateLimit_Name=name,
            X_RateLimit_Limit=limit,
            X_RateLimit_Period=period,
            X_RateLimit_Remaining=remaining,
            X_RateLimit_Reset="9",
        )

    server = serve(
        answer("keys", "60", "30", "59"), answer("teams", "10", "odd", "4"), answer("keys", "60", "30", "58")
    )
    source = connect(server)
    assert source.rate_limit_of(Resource.API_KEYS) is None
    source.api_keys().fetch(0, 100)
    source.teams().fetch(0, 100)
    source.api_keys().fetch(1, 100)
    assert source.rate_limit_of(Resource.API_KEYS) == ("keys", (60, 30, 58))
    assert source.rate_limit_of(Resource.TEAMS) == ("teams", (10, None, 4))
    assert source.rate_limit_of(Resource.USERS) is None


def test_every_resource_has_its_limit_told_by_its_own_answers(serve: Serve, connect: Connect) -> None:
    for resource in Resource:
        answer = http(
            page(), X_RateLimit_Name="own", X_RateLimit_Limit="9", X_RateLimit_Remaining="8", X_RateLimit_Reset="1"
        )
        source = connect(serve(answer))
        of_team = ("team",) if resource is Resource.TEAM_MEMBERSHIPS else ()
        listing = getattr(source, resource)(*of_team)
        with suppress(ResponseError):
            (listing[0] if isinstance(listing, list) else listing).fetch(0, 1)
        assert source.rate_limit_of(resource) == ("own", (9, None, 8)), resource


@pytest.mark.parametrize(("status", "accepted"), [(200, True), (403, False), (401, False)])
def test_the_api_key_is_asked_for_alone(serve: Serve, connect: Connect, status: int, accepted: bool) -> None:
    server = serve(http({"valid": True} if accepted else {"errors": ["API key required"]}, status))
    assert connect(server).accepts_api_key() is accepted
    [asked] = server.requests
    assert asked.target == "/api/v1/validate"
    assert "dd-application-key" not in asked.headers


def test_how_far_the_clocks_are_apart(serve: Serve, clock: Clock) -> None:
    dated = [
        http(page(), Date="Wed, 08 Apr 2026 08:00:00 GMT"),
        http({"errors": ["no"]}, 403, Date="Wed, 08 Apr 2026 08:05:00 GMT"),
        http(page(), Date="Wed, 08 Apr 2026 07:00:00 GMT", Age="60"),
        http(page()),
        *(http(page(), Date=text) for text in ("", "yesterday", "Wed, 99 Foo 2026", "x" * 500, "1 Jan 9999999 1:1:1")),
    ]
    server = serve(*dated)
    source = open_source(
        org="acme",
        site="datadoghq.eu",
        api_key=SecretStr(API_KEY),
        app_key=SecretStr(APP_KEY),
        api_url=server.url,
        sleep=clock.sleep,
        clock=clock,
        now=lambda: 1775635290.0,
        rng=Random(1),  # noqa: S311
        on_event=lambda _event: None,
    )
    api_keys = source.api_keys()
    told = [source.server_time_skew]
    for _ in dated:
        with suppress(DeniedError):
            api_keys.fetch(0, 100)
        told.append(source.server_time_skew)
    assert told == [None, 90.0] + [-210.0] * (len(dated) - 1)
    source.close()
