"""Who is alerted of what: only what the organization did, and no more of people than may be said."""

from datetime import UTC, datetime
from typing import Any

import pytest

from accesssync.audit.entry import EMPTY, Kind, seal
from accesssync.audit.entry import Entry as AuditEntry
from accesssync.forward.alerts import (
    FindingNews,
    Involved,
    Verdict,
    Weights,
    may_matter,
    of_change,
    of_finding,
    of_verdict,
)
from accesssync.forward.audit_trail import of_audit
from accesssync.forward.events import of_finding_news, of_refused_plan, of_refused_removals
from accesssync.forward.links import page_of
from accesssync.forward.people import EVERYTHING, Person, told, usr
from accesssync.forward.telling import About
from accesssync.model.change import Cause, Change, Fields

AT = datetime(2026, 11, 21, 12, 0, 0, 123456, tzinfo=UTC)
ADA = Person("0b4a1b2c-0000-4000-8000-00000000ada0", "ada@example.com", "Ada Lovelace")
OPEN = About(org="acme", site="datadoghq.eu", personal=EVERYTHING)
IDS = About(org="acme", site="us5.datadoghq.com", personal=frozenset())
WEIGHTS = Weights({"r-admin": ("org_management", "user_access_manage")}, {"p-0": "T0", "p-1": "T1"})


def change(kind: str, fields: Fields, **more: Any) -> Change:
    usual: dict[str, Any] = {
        "id": "c-1", "org": "acme", "run_id": 7, "observed_after": None, "observed_before": AT, "kind": kind,
        "cause": Cause.ORG, "subject_id": ADA.id, "subject": "ada@example.com", "fields": fields,
    }  # fmt: skip
    return Change(**{**usual, **more})


def finding(**more: Any) -> FindingNews:
    usual: dict[str, Any] = {
        "event": "opened", "cause": Cause.ORG, "at": AT, "run_id": 7, "id": "F-7Q2K", "check": "AS-PRIV-04",
        "severity": "critical", "kind": "identity", "subject_id": ADA.id, "subject": "ada@example.com",
        "evidence": {"role": "Datadog Admin Role", "actor": "bob@example.com", "keys": ["ada's laptop"], "days": 3},
        "person": ADA,
    }  # fmt: skip
    return FindingNews(**{**usual, **more})


GRANT: Fields = {"role": (None, "Datadog Admin Role"), "role_id": (None, "r-admin")}
NEW_KEY: Fields = {"type": (None, "application_key"), "scopes_known": (None, True), "name": (None, "ci")}
CONTROL: Fields = {"permission": (None, "org_management"), "permission_id": (None, "p-0")}
SECRETS: Fields = {"permission": (None, "api_keys_read"), "permission_id": (None, "p-1")}

MATTERING: list[tuple[str, Fields, str, str]] = [
    ("grant.added", GRANT, "admin.granted", "critical"),
    ("role_permission.added", CONTROL, "role.privileged", "critical"),
    ("role_permission.added", SECRETS, "role.privileged", "error"),
    ("credential.added", NEW_KEY, "key.unscoped", "error"),
    ("credential.updated", {"scopes": (["a"], None)}, "key.unscoped", "error"),
    ("identity.updated", {"disabled": (True, False)}, "identity.enabled", "error"),
    ("identity.updated", {"disabled": (False, True)}, "identity.disabled", "notice"),
    ("identity.removed", {}, "identity.removed", "warn"),
]  # fmt: skip

PASSING: list[tuple[str, Fields]] = [
    ("grant.added", {"role": (None, "Reader"), "role_id": (None, "r-other")}),
    ("grant.removed", {"role": ("Datadog Admin Role", None), "role_id": ("r-admin", None)}),
    ("role_permission.added", {"permission": (None, "read"), "permission_id": (None, "p-9")}),
    ("credential.added", {**NEW_KEY, "scopes": (None, ["dashboards_read"])}),
    ("credential.added", {**NEW_KEY, "scopes": (None, [])}),
    ("credential.added", {**NEW_KEY, "scopes_known": (None, False)}),
    ("credential.added", {**NEW_KEY, "type": (None, "api_key")}),
    ("credential.updated", {"scopes": (None, None), "scopes_known": (False, True)}),
    ("credential.updated", {"scopes": (["a"], ["b"])}),
    ("identity.updated", {"disabled": (None, False)}),
    ("identity.updated", {"title": ("a", "b")}),
    ("identity.added", {"email": (None, "x@example.com")}),
    ("team.added", {}),
]


@pytest.mark.parametrize(("kind", "fields", "name", "status"), MATTERING)
def test_a_change_that_matters_is_told(kind: str, fields: Fields, name: str, status: str) -> None:
    entry = of_change(change(kind, fields), WEIGHTS, Involved(ADA), OPEN)
    assert entry is not None
    assert (entry.body["evt"]["name"], entry.body["status"], entry.dedup_id) == (name, status, "c-1")
    assert entry.body["change"]["id"] == "c-1"
    assert entry.body["command"].endswith("--org acme")
    assert may_matter(change(kind, fields))


@pytest.mark.parametrize(("kind", "fields"), PASSING)
def test_any_other_change_alerts_nobody(kind: str, fields: Fields) -> None:
    assert of_change(change(kind, fields), WEIGHTS, Involved(ADA), OPEN) is None


@pytest.mark.parametrize("cause", [Cause.COVERAGE, Cause.RULESET, Cause.POLICY])
def test_nobody_is_alerted_of_what_the_organization_did_not_do(cause: Cause) -> None:
    for kind, fields, _name, _status in MATTERING:
        told_of = change(kind, fields, cause=cause)
        assert not may_matter(told_of)
        assert of_change(told_of, WEIGHTS, Involved(ADA), OPEN) is None
    assert of_finding(finding(cause=cause), OPEN) is None
    assert of_finding_news(finding(cause=cause), OPEN) is None


def test_a_baseline_alerts_nobody() -> None:
    assert of_change(change("grant.added", GRANT, baseline=True), WEIGHTS, Involved(ADA), OPEN) is None


def test_a_key_without_scopes_weighs_more_in_the_hands_of_an_admin() -> None:
    entry = of_change(change("credential.added", NEW_KEY, subject_id="k-1"), WEIGHTS, Involved(ADA, admin=True), OPEN)
    assert entry is not None
    assert (entry.severity, entry.body["owner"]) == ("critical", {"id": ADA.id, "admin": True})
    assert entry.body["link"] == "https://app.datadoghq.eu/organization-settings/application-keys?id=k-1"


def test_a_finding_is_told_with_who_it_is_about_and_where_to_look() -> None:
    entry = of_finding(finding(), OPEN)
    assert entry is not None
    assert entry.body["usr"] == {"id": ADA.id, "email": "ada@example.com", "name": "Ada Lovelace"}
    assert entry.body["evt"] == {"name": "finding.opened", "category": "finding", "outcome": "open"}
    assert entry.body["link"] == f"https://app.datadoghq.eu/organization-settings/users?user_id={ADA.id}"
    assert entry.body["command"] == "accesssync findings show F-7Q2K --org acme"
    assert entry.body["finding"]["evidence"]["keys"] == ["ada's laptop"]


def test_each_time_a_finding_opens_or_ends_is_an_occurrence_of_its_own() -> None:
    steps = [("opened", 0), ("resolved", 0), ("reopened", 1), ("resolved", 1), ("reopened", 2)]
    told_of = [of_finding(finding(event=event, times=times), OPEN) for event, times in steps]
    assert len({entry.dedup_id for entry in told_of if entry}) == len(steps)


def test_only_a_critical_finding_that_opens_is_an_event() -> None:
    event = of_finding_news(finding(), OPEN)
    assert event is not None
    assert event.body["title"].startswith("Critical finding in acme: ")
    assert of_finding_news(finding(severity="high"), OPEN) is None
    assert of_finding_news(finding(event="resolved"), OPEN) is None


def test_elsewhere_nobody_is_named() -> None:
    entries = [
        of_finding(finding(), IDS),
        of_finding_news(finding(), IDS),
        of_change(change("grant.added", GRANT, actor="bob@example.com", explanation="asked by Eve"), WEIGHTS,
                  Involved(ADA), IDS),
        of_change(change("credential.added", NEW_KEY, subject_id="k-1", subject="ada's key ..a1b2"), WEIGHTS,
                  Involved(ADA), IDS),
        of_verdict(Verdict(person=ADA, before=None, now="nhi", kind="ci", basis="inferred", score=9, run_id=7, at=AT,
                           subject="ada@example.com"), IDS),
    ]  # fmt: skip
    for entry in entries:
        assert entry is not None
        text = str(entry.body)
        assert ADA.id in text
        assert not [name for name in ("ada@", "Ada", "ada's", "bob", "Eve", "laptop") if name in text]
    assert entries[0] is not None
    assert entries[0].body["finding"]["evidence"]["role"] == "Datadog Admin Role"
    assert entries[0].body["finding"]["evidence"]["days"] == 3


def test_of_personal_fields_those_go_along_that_are_named() -> None:
    assert usr(ADA, frozenset({"email"}))["usr"] == {"id": ADA.id, "email": "ada@example.com"}
    assert usr(ADA, frozenset({"name"}))["usr"] == {"id": ADA.id, "name": "Ada Lovelace"}
    evidence = {"owner": "x@example.com", "name": "n", "reason": "because", "actor": "eve", "of": ["a@b.c", "plain"]}
    assert told(evidence, frozenset({"email"})) == {"owner": "x@example.com", "of": ["a@b.c", "1 not told"]}
    assert told(evidence, frozenset({"text"})) == {"reason": "because", "of": ["2 not told"]}
    assert told({"on": "2026-11-21", "id": ADA.id, "run": "run-7"}, frozenset()) == {
        "on": "2026-11-21", "id": ADA.id, "run": "run-7",
    }  # fmt: skip


def test_the_audit_log_goes_with_its_place_in_the_chain_and_with_people_only_where_they_may() -> None:
    sealed = seal(
        AuditEntry(
            kind=Kind.WAIVER_GIVEN, at=AT, actor="mallory", org="acme", subject_id="F-1", facts={"check": "AS-1"},
            personal={"reason": "agreed with Bob", "owner": "carol@example.com"},
        ),
        EMPTY,
        lambda: bytes(32),
    )  # fmt: skip
    entry = of_audit(sealed, OPEN)
    assert entry.body["audit"]["hash"] == sealed.hash
    assert entry.body["audit"]["facts"] == {"check": "AS-1"}
    assert entry.body["usr"] == {"id": "mallory"}
    assert entry.body["audit"]["personal"]["reason"] == "agreed with Bob"
    bare = of_audit(sealed, IDS)
    assert not [name for name in ("mallory", "Bob", "carol") if name in str(bare.body)]
    assert bare.dedup_id == entry.dedup_id


def test_guards_that_refuse_are_events_and_the_same_refusal_is_the_same_event() -> None:
    removals = of_refused_removals("acme", 7, ["users: 40 of 50"], AT)
    assert (removals.body["evt"]["name"], removals.severity) == ("guard.removals_refused", "high")
    one, again = (of_refused_plan("acme", "ab" * 32, rules, AT) for rules in (["min_admins", "x"], ["x", "min_admins"]))
    assert one.dedup_id == again.dedup_id
    assert one.dedup_id != of_refused_plan("acme", "ab" * 32, ["x"], AT).dedup_id


def test_links_lead_to_the_sites_own_pages() -> None:
    assert page_of("datadoghq.com", "identity", "u") == (
        "https://app.datadoghq.com/organization-settings/users?user_id=u"
    )
    assert page_of("us5.datadoghq.com", "api_key", "k") == (
        "https://us5.datadoghq.com/organization-settings/api-keys?id=k"
    )
    assert page_of("datadoghq.com", "waiver", "w") is None
