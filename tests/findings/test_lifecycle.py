"""From one evaluation to the next: the same finding keeps its name, and only a full look resolves it."""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from accesssync.findings.catalogue import ALL, BY_ID
from accesssync.findings.check import Check, Given, Hit, Raised
from accesssync.findings.evaluate import Evaluation, Outcome, evaluate
from accesssync.findings.identify import finding_id, fingerprint, typed
from accesssync.findings.lifecycle import Before, Step, Stored, follow, waiver_for
from accesssync.findings.picture import Picture
from accesssync.findings.policy import CheckPolicy, Policy
from accesssync.findings.waiver import Waiver
from accesssync.model.change import Cause
from accesssync.model.coverage import Coverage, CoverageState, Resource
from accesssync.parse.glob import Glob
from tests.findings.scenery import NOW, ago, person, picture

TODAY = NOW.date()
OLD = person("old", "standard", last_login_at=ago(200))


class Book:
    """Findings as a store keeps them, and the evaluation before."""

    def __init__(self) -> None:
        self.kept: dict[bytes, Stored] = {}
        self.before = Before(None)

    def look(
        self, at: Picture, waivers: tuple[Waiver, ...] = (), checks: tuple[Check, ...] | None = None
    ) -> list[Step]:
        found = evaluate(at, checks)
        ids = {one.print: one.id for one in self.kept.values()}
        covering = waiver_for(waivers, "acme", TODAY, lambda one: (one.subject_id, one.subject))
        steps = list(follow("acme", list(self.kept.values()), found, self.before, covering, ids.get))
        for step in steps:
            known = step.stored
            name = known.id if known else finding_id(step.print, {one.id for one in self.kept.values()})
            check = step.raised.check if step.raised else known.check if known else ""
            self.kept[step.print] = Stored(len(self.kept), name, step.print, check, step.status, step.digest)
        self.before = Before(found.outcomes)
        return steps


def told(steps: list[Step], check: str = "AS-ID-01") -> list[tuple[str, str, str]]:
    """Event, status and cause of what happened to the findings of one check."""
    return [
        (step.event, step.status, step.cause.value)
        for step in steps
        if (step.raised.check if step.raised else step.stored.check if step.stored else "") == check
    ]


def waiver(**facts: Any) -> Waiver:
    usual = {
        "owner": "ada",
        "reason": "leave",
        "approver": "bob",
        "expires": date(2026, 12, 1),
        "check": Glob("AS-ID-01"),
    }
    return Waiver(**{**usual, **facts})


def test_opened_still_open_resolved_reopened() -> None:
    book = Book()
    assert told(book.look(picture())) == []
    assert told(book.look(picture(OLD))) == [("opened", "open", "org")]
    (name,) = {one.id for one in book.kept.values() if one.check == "AS-ID-01"}
    assert told(book.look(picture(OLD))) == []
    assert told(book.look(picture())) == [("resolved", "resolved", "org")]
    assert told(book.look(picture())) == []
    assert told(book.look(picture(OLD))) == [("reopened", "open", "org")]
    assert {one.id for one in book.kept.values() if one.check == "AS-ID-01"} == {name}


def test_a_first_evaluation_alerts_nobody() -> None:
    assert {step.cause for step in Book().look(picture(OLD))} == {Cause.COVERAGE}


@pytest.mark.parametrize(
    "state", [CoverageState.DENIED, CoverageState.FAILED, CoverageState.SKIPPED, CoverageState.INCOMPLETE]
)
def test_only_a_proven_listing_resolves(state: CoverageState) -> None:
    book = Book()
    book.look(picture(OLD))
    seen = {Resource.USERS: Coverage(state=state)}
    assert told(book.look(picture(coverage=seen))) == []
    assert told(book.look(picture())) == [
        ("resolved", "resolved", "org" if state is CoverageState.INCOMPLETE else "coverage")
    ]


def test_part_of_a_listing_may_open() -> None:
    book = Book()
    book.look(picture())
    part = {Resource.USERS: Coverage(state=CoverageState.INCOMPLETE)}
    assert told(book.look(picture(OLD, coverage=part))) == [("opened", "open", "org")]


def test_thresholds_and_new_checks_have_their_own_cause() -> None:
    book = Book()
    fresh = person("fresh", "standard", last_login_at=ago(60))
    book.look(picture(fresh))
    strict = Policy(checks={"AS-ID-01": CheckPolicy(parameters={"days": 45})})
    assert told(book.look(picture(fresh, policy=strict))) == [("opened", "open", "policy")]
    off = Policy(checks={"AS-ID-01": CheckPolicy(off=True, reason="hr does it")})
    assert told(book.look(picture(fresh, policy=off))) == [("resolved", "resolved", "policy")]
    assert told(book.look(picture(fresh, policy=strict))) == [("reopened", "open", "policy")]
    without = tuple(one for one in ALL if one.id != "AS-ID-01")
    assert told(book.look(picture(fresh, policy=strict), checks=without)) == [("resolved", "resolved", "ruleset")]
    assert told(book.look(picture(fresh, policy=strict))) == [("reopened", "open", "ruleset")]


def test_a_waiver_is_for_a_time() -> None:
    book = Book()
    assert told(book.look(picture(OLD), (waiver(),))) == [("opened", "waived", "coverage")]
    assert told(book.look(picture(OLD), (waiver(),))) == []
    lapsed = waiver(expires=date(2026, 11, 20))
    assert told(book.look(picture(OLD), (lapsed,))) == [("waiver_ended", "open", "policy")]
    (name,) = {one.id for one in book.kept.values() if one.check == "AS-ID-01"}
    named = waiver(check=None, finding=name)
    assert told(book.look(picture(OLD), (named,))) == [("waived", "waived", "policy")]
    assert told(book.look(picture(), (named,))) == [("resolved", "resolved", "org")]


@pytest.mark.parametrize(
    ("facts", "covers"),
    [
        ({"check": Glob("AS-ID-*"), "subject": Glob("ci-*@example.com")}, True),
        ({"check": Glob("AS-KEY-*")}, False),
        ({"subject": Glob("other*")}, False),
        ({"org": "acme"}, True),
        ({"org": "emea"}, False),
        ({"check": None, "finding": "F-AAAA"}, True),
        ({"check": None, "finding": "F-BBBB"}, False),
    ],
)
def test_what_a_waiver_covers(facts: Mapping[str, Any], covers: bool) -> None:
    assert waiver(**facts).covers("acme", "F-AAAA", "AS-ID-01", ("id-1", "ci-deploy@example.com")) is covers


def test_a_failing_check_hides_no_other_and_resolves_nothing() -> None:
    book = Book()
    book.look(picture(OLD))

    def broken(_picture: Picture, _given: Given) -> Iterator[Hit]:
        yield Hit("identity", "x", "x", "high", {})
        raise ZeroDivisionError("strangers' text")

    checks = tuple(replace(one, find=broken) if one.id == "AS-ID-01" else one for one in ALL)
    found = evaluate(picture(OLD), checks)
    assert found.failed == ["AS-ID-01"]
    assert found.outcomes["AS-ID-01"].reason == "a bug in accesssync (ZeroDivisionError)"
    assert sum(one.state == "evaluated" for one in found.outcomes.values()) > 50
    assert told(book.look(picture(), checks=checks)) == []


def test_a_severity_of_the_policy_goes_before_the_checks_own() -> None:
    policy = Policy(checks={"AS-ID-01": CheckPolicy(severity="critical")})
    found = evaluate(picture(OLD, policy=policy), [BY_ID["AS-ID-01"]])
    assert [one.severity for one in found.raised] == ["critical"]


def test_names_are_short_and_as_they_are_typed() -> None:
    raised = Raised(check="AS-ID-01", severity="low", kind="identity", subject_id="a", subject="a", evidence={})
    print_ = fingerprint("acme", raised, 1)
    name = finding_id(print_, ())
    assert len(name) == 6
    assert finding_id(print_, {name}).startswith(name)
    assert typed(f" {name[2:].lower()} ") == name
    assert typed("f-o1il") == "F-0111"
    for other in (replace(raised, subject_id="b"), replace(raised, check="AS-ID-02"), replace(raised, part="x")):
        assert fingerprint("acme", other, 1) != print_
    assert fingerprint("acme", replace(raised, evidence={"days": 1}, severity="high"), 1) == print_


def _nothing(*_: object) -> None:
    """No waiver covers anything."""


_states = st.sampled_from(["evaluated", "partial", "not_evaluated", "off", "failed"])


@given(st.lists(st.tuples(st.sets(st.sampled_from("abc")), _states), max_size=8))
def test_what_is_kept_as_open_was_found_or_not_looked_at(history: list[tuple[set[str], Any]]) -> None:
    """Whatever happens, a finding that the last full look did not find is not open, and one that it found is."""
    kept: dict[bytes, Stored] = {}
    before = Before(None)
    for subjects, state in history:
        shown = subjects if state in ("evaluated", "partial") else set()
        raised = tuple(
            Raised(check="AS-ID-01", severity="low", kind="identity", subject_id=one, subject=one, evidence={})
            for one in sorted(shown)
        )
        found = Evaluation(raised, {"AS-ID-01": Outcome(state, None, len(raised), "a.b")}, {"AS-ID-01": 1})
        for step in follow("acme", list(kept.values()), found, before, _nothing, lambda _: None):
            kept[step.print] = Stored(1, "F", step.print, "AS-ID-01", step.status, step.digest)
        before = Before(found.outcomes)
        open_now = {one.print for one in kept.values() if one.status == "open"}
        now = {fingerprint("acme", one, 1) for one in raised}
        assert now <= open_now
        if state == "evaluated":
            assert open_now == now
        if state == "off":
            assert not open_now
