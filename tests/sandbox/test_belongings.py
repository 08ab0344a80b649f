"""What generated accounts have: believable, deterministic, and honest about what was planted."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest

from accesssync.sandbox import Organization, generate
from accesssync.sandbox.credentials import AppKey
from accesssync.sandbox.datafiles import credentials
from accesssync.sandbox.records import User
from tests.sandbox.conftest import NOW

RECENT = timedelta(days=30)


@pytest.fixture(scope="module")
def large() -> Organization:
    """Six thousand accounts."""
    return generate(6000, 9, NOW)


@pytest.fixture(scope="module")
def keys_of(large: Organization) -> Mapping[str, list[AppKey]]:
    """The application keys of each owner."""
    found: dict[str, list[AppKey]] = defaultdict(list)
    for key in large.app_keys.values():
        found[key.owner_id].append(key)
    return found


def _everything(organization: Organization) -> Iterator[str]:
    for records in (
        organization.app_keys,
        organization.api_keys,
        organization.tokens,
        organization.oauth_clients,
        organization.teams,
        organization.mappings,
    ):
        yield from map(repr, records.values())


def test_same_arguments_give_the_same_belongings() -> None:
    assert list(_everything(generate(300, 3, NOW))) == list(_everything(generate(300, 3, NOW)))
    assert set(generate(300, 3, NOW).app_keys).isdisjoint(generate(300, 4, NOW).app_keys)


def test_the_scale_is_believable(large: Organization) -> None:
    assert 0.17 < len(large.app_keys) / 6000 < 0.27
    assert len(large.api_keys) == 130
    assert len(large.tokens) == 180
    assert 8 <= len(large.oauth_clients) <= 20
    assert len(large.teams) == 400
    assert len(large.mappings) == 16
    services = [each for each in large.users.values() if each.service_account]
    owners = Counter(each.owner_id for each in large.app_keys.values())
    assert all(1 <= owners[each.id] <= 5 for each in services)


def test_nothing_lies_in_the_future_or_before_its_time(large: Organization) -> None:
    for key in large.app_keys.values():
        owner = large.users.get(key.owner_id)
        assert owner is None or owner.created_at <= key.created_at
        assert key.created_at <= (key.last_used_at or NOW) <= NOW
    for token in large.tokens.values():
        assert token.created_at <= (token.last_used_at or NOW) <= NOW
        assert token.expires_at is None or token.expires_at > token.created_at
        assert (token.kind == "service_access_tokens") or token.expires_at
    for api_key in large.api_keys.values():
        assert api_key.created_at <= api_key.modified_at <= NOW
    assert all(each.created_at <= each.modified_at <= NOW for each in large.teams.values())


def test_planted_problems_are_really_there(large: Organization) -> None:
    admin = large.role("Datadog Admin Role").id
    words: Counter[str] = Counter()
    for key in large.app_keys.values():
        words.update(key.planted)
        owner = large.users.get(key.owner_id)
        assert ("dangling_owner" in key.planted) == (owner is None)
        assert ("leaked" in key.planted) == (key.leak is not None)
        assert ("empty_scopes" in key.planted) == (key.scopes == ())
        if owner is None:
            continue
        held = large.permission_names(owner)
        lacking = [each for each in key.scopes or () if each in large.permissions_by_name and each not in held]
        assert bool(lacking) == bool({"dead_scope", "sleeping_scope"} & set(key.planted))
        assert ("orphan_key" in key.planted) == owner.disabled
        if {"unscoped_admin_key", "over_broad_vendor_key"} & set(key.planted):
            assert key.scopes is None
            assert admin in owner.role_ids
    assert words.keys() == {
        "unscoped_admin_key",
        "over_broad_vendor_key",
        "empty_scopes",
        "dead_scope",
        "sleeping_scope",
        "orphan_key",
        "dangling_owner",
        "never_used_key",
        "unused_key",
        "old_key",
        "leaked",
        "key_without_login",
    }


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("api_keys", {"unused_90_days", "old_key", "made_by_leaver", "leaked"}),
        ("tokens", {"expires_soon", "expired", "no_expiry", "orphan_token", "leaked"}),
        ("oauth_clients", {"unused_client", "disabled_client", "allowed_by_leaver"}),
        ("teams", {"no_admin", "disabled_member", "disabled_admin"}),
        ("mappings", {"leads_to_admin"}),
    ],
)
def test_every_sort_of_problem_is_planted(large: Organization, kind: str, expected: set[str]) -> None:
    words = {word for each in getattr(large, kind).values() for word in each.planted}
    assert expected <= words


def _recently_used(keys: list[AppKey]) -> bool:
    return any(each.last_used_at and NOW - each.last_used_at < RECENT for each in keys)


def _asleep(user: User) -> bool:
    return user.last_login_at is None or NOW - user.last_login_at > timedelta(days=180)


def test_machines_among_the_people_work_without_logging_in(
    large: Organization, keys_of: Mapping[str, list[AppKey]]
) -> None:
    disguised = [
        each
        for each in large.users.values()
        if each.truth.nature == "nhi" and not each.service_account and each.status == "Active"
    ]
    acting = [each for each in disguised if each.truth.kind not in {"shared_mailbox", "break_glass"}]
    assert sum(_asleep(each) and _recently_used(keys_of[each.id]) for each in acting) > 0.75 * len(acting)
    assert not any(keys_of[each.id] for each in disguised if each.truth.kind == "break_glass")
    nameless = [each for each in disguised if "bot_with_human_name" in each.truth.planted]
    assert nameless
    assert all(len(keys_of[each.id]) >= 3 for each in nameless)


def test_people_work_where_they_log_in(large: Organization, keys_of: Mapping[str, list[AppKey]]) -> None:
    people = [each for each in large.users.values() if each.truth.nature == "human" and each.status == "Active"]
    assert sum(_asleep(each) and _recently_used(keys_of[each.id]) for each in people) < 0.001 * len(people)
    assert sum(len(keys_of[each.id]) >= 3 for each in people) < 0.02 * len(people)
    assert sum(bool(keys_of[each.id]) for each in people) > 0.02 * len(people)


def test_teams_are_of_all_sizes_and_leave_people_out(large: Organization) -> None:
    sizes = [len(each.members) for each in large.teams.values()]
    assert min(sizes) < 8 < 20 < max(sizes)
    inside = {each for team in large.teams.values() for each in team.members}
    outside = [each for each in large.users.values() if each.status == "Active" and each.id not in inside]
    assert len(outside) > 300
    admins = [each for team in large.teams.values() for each in team.members.values() if each.role == "admin"]
    assert 300 < len(admins) < 700
    assert len({each.handle for each in large.teams.values()}) == len(large.teams)


def test_scopes_are_permissions_where_the_catalogue_knows_them(large: Organization) -> None:
    scopes = credentials()["scopes"]
    named = {*scopes["reading"], *scopes["writing"], *scopes["privileged"]}
    assert named - large.permissions_by_name.keys() == {"metrics_read", "timeseries_query"}
    for client in credentials()["clients"]:
        assert set(client["scopes"]) <= large.permissions_by_name.keys()


def test_the_own_keys_come_first(large: Organization) -> None:
    whole, minimal = list(large.app_keys.values())[:2]
    assert (whole.name, whole.scopes) == ("sandbox", None)
    assert minimal is large.minimal_key
    assert large.permission_names(large.users[whole.owner_id]) >= {"org_app_keys_read", "service_account_write"}
    assert next(iter(large.api_keys.values())).name == "sandbox"


def test_pages_are_cheap(large: Organization) -> None:
    from accesssync.sandbox import SandboxServer
    from tests.sandbox.asking import asker

    with SandboxServer(large, activity_share=0.0, clock=lambda: NOW) as server:
        ask = asker(server)
        ask.listing("/api/v2/application_keys", size=100)
        started = time.process_time()
        ask.listing("/api/v2/application_keys", size=100)
        ask.listing("/api/v2/team", size=100)
        assert time.process_time() - started < 1
