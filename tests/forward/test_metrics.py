"""From figures to series: nothing unknown as zero, nothing unbounded as a tag, nothing larger than the intake takes."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec import json

from accesssync.forward.metrics import (
    CREDENTIAL_AGES,
    FINDING_AGES,
    KINDS,
    SEVERITIES,
    STATUSES,
    OrgFigures,
    Series,
    StreamFigures,
    payloads,
    series,
)
from accesssync.model.coverage import Resource
from accesssync.model.credential import CredentialType
from tests.builders import NOW


def values(one: OrgFigures, env: str | None = None) -> dict[tuple[str, tuple[str, ...]], float]:
    found = list(series([one], env=env))
    told = {(each.metric, each.tags): each.value for each in found}
    assert len(told) == len(found)
    return told


def test_what_nobody_knows_is_not_sent_as_zero() -> None:
    assert values(OrgFigures(org="acme")) == {}


def test_what_is_known_to_be_none_is_sent_as_zero() -> None:
    told = values(OrgFigures(org="acme", findings={("critical", "under_7d"): 2}))
    assert len(told) == len(SEVERITIES) * len(FINDING_AGES)
    assert told["accesssync.findings.open", ("org:acme", "severity:critical", "age:under_7d")] == 2
    assert sum(told.values()) == 2


def test_only_the_types_that_could_be_read_are_sent() -> None:
    told = values(OrgFigures(org="acme", credentials={"api_key": {"over_365d": 3}}))
    assert {tags[1] for _, tags in told} == {"type:api_key"}
    assert told["accesssync.credentials", ("org:acme", "type:api_key", "age:over_365d")] == 3
    assert told["accesssync.credentials", ("org:acme", "type:api_key", "age:unknown")] == 0


def test_every_metric_by_its_name() -> None:
    one = OrgFigures(
        org="acme",
        identities={("human", "active"): 5},
        privileged={"nhi": 2},
        findings={},
        credentials={each.value: {} for each in CredentialType},
        proven={Resource.USERS: True, Resource.TEAMS: False},
        sync_age=12.5,
        sync_duration=3.0,
        requests=61,
        rate_limited=0,
        streams={"alerts": StreamFigures(backlog=1, delivered=2, dropped=3, dead=4)},
    )
    told = values(one, env="prod")
    assert {name for name, _ in told} == {
        f"accesssync.{name}"
        for name in (
            "identities", "privileged", "findings.open", "credentials", "coverage.proven", "sync.age_seconds",
            "sync.duration_seconds", "requests", "rate_limited", "forward.backlog", "forward.delivered",
            "forward.dropped", "forward.dead",
        )
    }  # fmt: skip
    assert all(tags[:2] == ("org:acme", "env:prod") for _, tags in told)
    assert told["accesssync.coverage.proven", ("org:acme", "env:prod", "resource:teams")] == 0
    assert told["accesssync.coverage.proven", ("org:acme", "env:prod", "resource:users")] == 1
    assert told["accesssync.rate_limited", ("org:acme", "env:prod")] == 0
    assert told["accesssync.forward.dead", ("org:acme", "env:prod", "stream:alerts")] == 4
    # However large an organization is, it has no more series than this.
    bound = len(KINDS) * len(STATUSES) + len(KINDS) + len(SEVERITIES) * len(FINDING_AGES)
    bound += len(CredentialType) * (len(CREDENTIAL_AGES) + 1) + len(Resource) + 4 + 4 * 3
    assert len(told) <= bound


some = st.builds(
    Series,
    metric=st.text(min_size=1, max_size=40),
    value=st.floats(allow_nan=False, allow_infinity=False),
    tags=st.lists(st.text(max_size=200), max_size=5).map(tuple),
    unit=st.none() | st.just("second"),
)


@given(st.lists(some, max_size=30), st.integers(200, 5_000))
def test_pieces_keep_their_limit_and_lose_nothing(found: list[Series], most: int) -> None:
    pieces = list(payloads(found, NOW, most_bytes=most))
    for piece in pieces:
        assert sum(map(len, piece)) + len(piece) <= most or len(piece) == 1
    told = [json.decode(one) for piece in pieces for one in piece]
    assert [(one["metric"], tuple(one["tags"])) for one in told] == [(one.metric, one.tags) for one in found]


def test_a_point_is_a_gauge_of_now() -> None:
    [[record]] = payloads([Series(metric="accesssync.requests", value=61.0, tags=("org:acme",))], NOW)
    assert json.decode(record) == {
        "metric": "accesssync.requests",
        "type": 3,
        "points": [{"timestamp": int(NOW.timestamp()), "value": 61.0}],
        "tags": ["org:acme"],
    }
