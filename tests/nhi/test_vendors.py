"""Third parties that hold Datadog keys."""

import pytest

from accesssync.nhi.vendors import Vendor, broader_than_needed, recognise_vendor, vendors


def named(name: str) -> Vendor:
    found = recognise_vendor(name)
    assert found is not None, name
    return found


def test_two_dozen_and_more_are_known_each_once() -> None:
    known = vendors()
    assert len(known) >= 28
    assert len({one.id for one in known}) == len(known)
    spellings = [text for one in known for text in one.recognise]
    assert len(spellings) == len(set(spellings))
    assert all(text == text.casefold() for text in spellings)


@pytest.mark.parametrize(
    ("name", "vendor"),
    [
        ("Cakewalk production", "cakewalk"),
        ("key-for-quantaseal", "quantaseal"),
        ("QUANTA SEAL", "quantaseal"),
        ("cequence_log_intake", "cequence"),
        ("Valence Security", "valence"),
        ("tfc-ledger", "terraform"),
        ("PagerDuty", "pagerduty"),
        ("circle-ci deploy", "circleci"),
        ("github_actions", "github-actions"),
        ("1Password SaaS Manager", "onepassword-saas-manager"),
    ],
)
def test_a_vendor_is_recognised_by_whole_words(name: str, vendor: str) -> None:
    assert named(name).id == vendor


@pytest.mark.parametrize("name", ["wizard", "slacker", "password reset", "my key", "", None, "snykers", "valencia"])
def test_part_of_a_word_is_no_vendor(name: str | None) -> None:
    assert recognise_vendor(name) is None


def test_the_organizations_own_name_is_no_vendor() -> None:
    assert recognise_vendor("Slack export", own_names=["slack.example"]) is None


def test_what_cakewalk_needs_is_not_too_broad_and_more_is() -> None:
    needed = ["user_access_invite", "user_access_manage", "user_access_read"]
    assert broader_than_needed(named("cakewalk"), needed) is None
    assert broader_than_needed(named("cakewalk"), needed[:1]) is None
    excess = broader_than_needed(named("cakewalk"), [*needed, "org_management"])
    assert excess is not None
    assert excess.scopes == ("org_management",)
    assert excess.verified
    assert "org_management" in excess.text


def test_a_key_without_scopes_is_always_broader() -> None:
    for vendor in vendors():
        excess = broader_than_needed(vendor, None)
        assert excess is not None
        assert excess.scopes is None


def test_an_application_key_of_who_needs_none_is_too_broad() -> None:
    cequence = broader_than_needed(named("cequence"), ["logs_read_data"])
    assert cequence is not None
    assert "an API key is enough" in cequence.text
    valence = broader_than_needed(named("valence"), [])
    assert valence is not None
    assert "needs no Datadog key" in valence.text


def test_nothing_is_said_of_scopes_where_the_need_is_not_known() -> None:
    assert broader_than_needed(named("terraform"), ["monitors_write"]) is None


def test_what_nobody_checked_is_marked() -> None:
    excess = broader_than_needed(named("vanta"), ["org_management"])
    assert excess is not None
    assert not excess.verified
