"""Third parties that hold Datadog keys."""

import pytest

from accesssync.nhi.vendors import (
    Vendor,
    broader_than_needed,
    excess_of_credential,
    excess_of_user,
    recognise_vendor,
    vendors,
)


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


def test_an_api_key_is_too_much_only_for_whoever_needs_none() -> None:
    assert excess_of_credential(named("cakewalk"), "api_key", None, scopes_known=True) is None
    valence = excess_of_credential(named("valence"), "api_key", None, scopes_known=True)
    assert valence is not None
    assert (valence.text, valence.verified) == ("Valence Security needs no API key", True)


def test_of_an_oauth_client_only_scopes_beyond_a_known_need_are_told() -> None:
    for scopes, known in ((None, True), (["logs_read_data"], False)):
        assert excess_of_credential(named("vanta"), "oauth_client", scopes, scopes_known=known) is None
    assert excess_of_credential(named("slack"), "oauth_client", ["monitors_read"], scopes_known=True) is None
    excess = excess_of_credential(named("vanta"), "oauth_client", ["monitors_write"], scopes_known=True)
    assert excess is not None
    assert excess.scopes == ("monitors_write",)


def test_a_vendors_user_is_measured_by_what_is_privileged() -> None:
    assert excess_of_user(named("cakewalk"), ["user_access_manage"]) is None
    assert excess_of_user(named("terraform"), ["org_management"]) is None
    excess = excess_of_user(named("cequence"), ["org_management", "user_access_manage"])
    assert excess is not None
    assert "no permission of a user" in excess.text


def test_the_four_it_was_conceived_beside_need_what_they_need() -> None:
    needs = {one.id: (one.holds_key, one.api_key, one.application_key, one.scopes) for one in vendors()}
    assert needs["cakewalk"] == (True, True, True, ("user_access_invite", "user_access_manage", "user_access_read"))
    assert needs["quantaseal"] == (True, True, True, None)
    assert needs["cequence"] == (True, True, False, ())
    assert needs["valence"] == (False, False, False, ())
