"""The invented organization: deterministic, varied, and honest about what it planted."""

import re
import time
from collections import Counter
from datetime import timedelta

import pytest

from accesssync.sandbox import Deployment, Organization, generate
from tests.sandbox.conftest import NOW


def _bytes(organization: Organization) -> list[bytes]:
    users = [organization.rendered.user(each) for each in organization.users.values()]
    roles = [
        organization.rendered.role(each, organization.user_counts[each.id]) for each in organization.roles.values()
    ]
    return users + roles + [repr(each.truth).encode() for each in organization.users.values()]


def test_same_arguments_give_the_same_bytes() -> None:
    assert _bytes(generate(500, 3, NOW)) == _bytes(generate(500, 3, NOW))
    one, other = generate(500, 3, NOW), generate(500, 3, NOW)
    assert one.id == other.id
    assert [each.secret for each in one.app_keys.values()] == [each.secret for each in other.app_keys.values()]


def test_another_seed_gives_another_organization() -> None:
    assert generate(50, 3, NOW).users.keys().isdisjoint(generate(50, 4, NOW).users)


def test_a_later_day_keeps_the_people() -> None:
    assert list(generate(80, 3, NOW).users) == list(generate(80, 3, NOW + timedelta(days=40)).users)


@pytest.mark.parametrize("users", [1, 2, 3, 250])
def test_the_number_of_users_is_exact(users: int) -> None:
    organization = generate(users, 1, NOW)
    assert len(organization.users) == users
    assert len(organization.api_keys) == 10 + users // 50
    assert len(organization.teams) == users // 15


def test_no_users_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        generate(0, 1, NOW)


def test_the_mixture_is_believable() -> None:
    users = list(generate(6000, 9, NOW).users.values())
    kinds = Counter(each.truth.kind for each in users)
    planted = Counter(each for user in users for each in user.truth.planted)
    assert 0.05 < kinds["service_account"] / len(users) < 0.07
    assert 0.03 < sum(count for kind, count in kinds.items() if kind not in {None, "service_account"}) / 6000 < 0.05
    assert {"ci", "shared_mailbox", "integration", "iac", "ai_agent", "break_glass", "synthetic"} <= kinds.keys()
    assert {"dormant", "external", "hard_case", "stale_invite", "risky_admin", "bot_with_human_name"} <= planted.keys()
    assert {each.status for each in users} == {"Active", "Pending", "Disabled"}
    assert {len(each.role_ids) for each in users} == {0, 1, 2, 3, 4}
    assert {each.title for each in users} > {None}
    scripts = "".join(each.name or "" for each in users)
    for script in (
        "\u4e00-\u9fff",
        "\u0600-\u06ff",
        "\u0400-\u04ff",
        "\u0900-\u097f",
        "\uac00-\ud7af",
        "\u1ea0-\u1ef9",
    ):
        assert re.search(f"[{script}]", scripts), script


def test_addresses_are_unique_plain_and_under_reserved_names() -> None:
    emails = [each.email for each in generate(6000, 9, NOW).users.values()]
    assert len(set(emails)) == len(emails)
    assert all(re.fullmatch(r"[a-z0-9_.+-]+@[a-z0-9.-]+\.(example|test)", each) for each in emails)


def test_service_accounts_look_as_datadog_makes_them() -> None:
    accounts = [each for each in generate(600, 2, NOW).users.values() if each.service_account]
    assert accounts
    assert all(each.handle == each.id and each.verified for each in accounts)


def test_pending_people_never_logged_in_and_nothing_lies_in_the_future() -> None:
    for user in generate(2000, 2, NOW).users.values():
        assert user.created_at <= user.modified_at <= NOW
        assert user.last_login_at is None or user.created_at <= user.last_login_at <= NOW
        if user.status == "Pending":
            assert user.last_login_at is None
            assert not user.verified


def test_custom_roles_carry_every_restricted_permission_and_managed_ones_nest() -> None:
    organization = generate(20_000, 2, NOW)
    restricted = {each.id for each in organization.permissions.values() if each.restricted}
    custom = [each for each in organization.roles.values() if not each.managed]
    assert len(organization.permissions) == 300
    assert len(custom) > 9
    assert restricted
    assert all(restricted <= set(each.permission_ids) for each in custom)
    admin, standard, read_only = (
        set(organization.role(f"Datadog {name} Role").permission_ids) for name in ("Admin", "Standard", "Read Only")
    )
    assert read_only < standard
    assert len(admin) > len(standard)


def test_deployments_of_different_age_send_different_attributes() -> None:
    old = generate(1, 1, NOW, deployment=Deployment(last_login_time=False, uuid=False, mfa_enabled=False))
    new = generate(1, 1, NOW, deployment=Deployment(mfa_enabled=True))
    sent_old, sent_new = (org.rendered.user(next(iter(org.users.values()))) for org in (old, new))
    for name in (b'"last_login_time"', b'"uuid"', b'"mfa_enabled"'):
        assert name not in sent_old
        assert name in sent_new


def test_twenty_thousand_users_take_little_time() -> None:
    started = time.process_time()
    generate(20_000, 1, NOW)
    assert time.process_time() - started < 3
