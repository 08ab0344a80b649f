"""What accesssync needs to be allowed to do, and that the page for operators says the same."""

import json
from collections import Counter
from pathlib import Path

import accesssync.sandbox
from accesssync.model.coverage import Resource
from accesssync.model.operation import PROVISIONING, PUBLISHING, Operation
from accesssync.reach.features import allowance, excess, features, minimal, missing, needed, reading, writing
from accesssync.reach.tier import tiers
from accesssync.reach.who import scope_names
from tests.reach import permissions_page
from tests.reach.permissions_page import PAGE


def test_the_page_for_operators_is_up_to_date() -> None:
    page = PAGE.read_text("utf-8")
    assert page == permissions_page.renew(page), "run: python -m tests.reach.permissions_page"
    kinds = Counter(name.partition(":")[0] for name in permissions_page.parts(page))
    assert kinds == {"features": 3, "scopes": 3, "terraform": 3}


def test_every_resource_and_every_operation_is_covered_once() -> None:
    assert sorted(one.resource for one in features() if one.resource) == sorted(Resource)
    assert {one.operation for one in features() if one.key == "provision"} - {None} == set(PROVISIONING)
    assert {one.operation for one in features() if one.key == "publish"} == set(PUBLISHING)
    assert {*PROVISIONING, *PUBLISHING} == set(Operation)
    assert not set(PROVISIONING) & set(PUBLISHING)
    assert max(Counter(one.id for one in features()).values()) == 1


def test_every_name_is_one_that_datadog_knows() -> None:
    data = Path(accesssync.sandbox.__file__).parent / "data" / "permissions.json"
    catalogue = {one["name"] for one in json.loads(data.read_text("utf-8"))}
    for one in features():
        assert set(one.permissions) <= catalogue | set(scope_names()), one.id
        assert one.why.endswith(".")
    unlisted = {name for tier in tiers() for name in tier.permissions} - catalogue
    assert unlisted <= {"org_authorized_apps_write"}


def test_the_three_keys_need_what_they_need_and_no_more() -> None:
    assert minimal("read") == (
        "api_keys_read",
        "audit_logs_read",
        "org_app_keys_read",
        "org_authorized_apps_read",
        "teams_read",
        "user_access_read",
    )
    assert "user_access_manage" in minimal("provision")
    assert not set(minimal("publish")) & {"user_access_manage", "service_account_write", "org_app_keys_write"}


def test_what_is_skipped_or_not_allowed_needs_nothing() -> None:
    assert "api_keys_read" not in needed(reading(["api_keys"]))
    assert needed(writing(["disable_user"])) == ("user_access_manage", "user_access_read")
    assert writing([]) == ()
    assert needed(writing(["send_log"], "publish")) == ()


def test_missing_and_excess() -> None:
    keys = next(one for one in features() if one.id == "sync.application_keys")
    assert missing(keys, ["user_access_read"]) == ("org_app_keys_read",)
    assert missing(keys, ["org_app_keys_read"]) == ()
    held = ["dashboards_read", "monitors_write", "user_access_manage", "org_app_keys_read"]
    assert excess(held, [keys], restricted=["dashboards_read"]) == ("user_access_manage", "monitors_write")


def test_names_that_only_scopes_know_are_asked_of_the_key_alone() -> None:
    catalogue = ["org_app_keys_read", "monitors_write"]
    held = allowance(["org_app_keys_read"], ("org_app_keys_read", "teams_read", "monitors_write"), catalogue)
    assert held == {"org_app_keys_read", "teams_read"}
    assert "user_access_read" in allowance([], None, catalogue)
    assert "user_access_read" not in allowance([], None, [*catalogue, "user_access_read"])
    assert allowance(["org_app_keys_read"], (), catalogue) == frozenset()
