"""Which events account for which changes: the same subject, a fitting action, within the window, and one actor."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.model.change import Cause, Change
from accesssync.model.trail import Reading, TrailEvent, TrailState
from accesssync.trail.account import KEPT_AT_LEAST, Account
from accesssync.trail.join import LATENESS, SKEW, Trail, attributed, within
from accesssync.trail.unseen import candidates, settled
from tests.builders import NOW

HOUR = timedelta(hours=1)


def change(kind: str = "identity.updated", subject_id: str = "u-1", **more: Any) -> Change:
    usual: dict[str, Any] = {
        "id": f"c-{kind}-{subject_id}",
        "org": "acme",
        "run_id": 2,
        "observed_after": NOW - HOUR,
        "observed_before": NOW,
        "cause": Cause.ORG,
        "subject": "ada@example.com",
        "fields": {},
    }
    return Change(kind=kind, subject_id=subject_id, **{**usual, **more})


def event(asset_id: str | None = "u-1", action: str = "modified", **more: Any) -> TrailEvent:
    usual: dict[str, Any] = {"id": "e-1", "at": NOW - HOUR / 2, "actor": "bob@example.com", "asset_type": "user"}
    return TrailEvent(asset_id=asset_id, action=action, **{**usual, **more})


def actor_of(one: Change, *events: TrailEvent) -> str | None:
    return Trail(events).attribution(one).actor


GRANT = {"role_id": (None, "r-1"), "role": (None, "Admin")}


class TestFits:
    @pytest.mark.parametrize(
        ("kind", "action", "fits"),
        [
            ("identity.added", "created", True),
            ("identity.added", "modified", False),
            ("identity.updated", "modified", True),
            ("identity.updated", "deleted", True),
            ("identity.updated", "created", False),
            ("identity.removed", "deleted", True),
            ("credential.added", "created", True),
            ("credential.updated", "modified", True),
            ("credential.removed", "deleted", True),
            ("role.updated", "modified", True),
        ],
    )
    def test_an_action_fits_what_became_of_its_record(self, kind: str, action: str, fits: bool) -> None:
        assert (actor_of(change(kind), event(action=action)) is not None) is fits

    def test_another_record_is_another_matter(self) -> None:
        assert actor_of(change(), event("u-2")) is None
        assert actor_of(change(), event(None)) is None

    def test_a_grant_takes_the_role_and_the_person(self) -> None:
        grant = change("grant.added", fields=GRANT)
        assert actor_of(grant, event("r-1", texts=frozenset({"u-1"}))) == "bob@example.com"
        assert actor_of(grant, event("r-1", texts=frozenset({"ada@example.com"}))) == "bob@example.com"
        assert actor_of(grant, event("r-1", texts=frozenset({"carl@example.com"}))) is None
        # Somebody did something to the role, or to the person: who gave the one to the other is not said.
        assert actor_of(grant, event("r-1")) is None
        assert actor_of(grant, event("u-1")) is None
        assert actor_of(grant, event("u-1", texts=frozenset({"r-1"}))) == "bob@example.com"
        # Whoever is made with a role has it from whoever made them.
        assert actor_of(grant, event("u-1", "created")) == "bob@example.com"

    def test_a_direction_that_is_told_counts(self) -> None:
        into = event("r-1", texts=frozenset({"u-1"}), gained=frozenset({"u-1"}))
        out = event("r-1", texts=frozenset({"u-1"}), lost=frozenset({"u-1"}))
        added = change("grant.added", fields=GRANT)
        removed = change("grant.removed", fields={"role_id": ("r-1", None)})
        assert [actor_of(one, each) is not None for one in (added, removed) for each in (into, out)] == [
            True, False, False, True,
        ]  # fmt: skip

    def test_a_role_s_name_is_not_its_permission(self) -> None:
        widened = change("role_permission.added", "r-1", fields={"permission": (None, "user_access_manage")})
        renamed = event("r-1", texts=frozenset({"old name", "new name"}), gained=frozenset({"new name"}))
        assert actor_of(widened, renamed) is None
        told = event("r-1", texts=frozenset({"user_access_manage"}), gained=frozenset({"user_access_manage"}))
        assert actor_of(widened, told) == "bob@example.com"
        assert actor_of(widened, event("r-1")) == "bob@example.com"

    def test_the_event_that_names_the_field_goes_before_others(self) -> None:
        disabled = change(fields={"disabled": (False, True), "status": ("Active", "Disabled")})
        titled = event(id="e-1", actor="ada@example.com", fields=frozenset({"title"}))
        off = event(id="e-2", actor="bob@example.com", fields=frozenset({"disabled"}))
        assert actor_of(disabled, titled, off) == "bob@example.com"

    def test_a_membership_takes_the_team_and_the_person(self) -> None:
        joined = change("membership.added", "t-1:u-1", fields={"team_id": (None, "t-1"), "user_id": (None, "u-1")})
        assert actor_of(joined, event("t-1", texts=frozenset({"u-1"}))) == "bob@example.com"
        assert actor_of(joined, event("t-1", texts=frozenset({"u-2"}))) is None

    def test_letter_case_of_ids_says_nothing(self) -> None:
        assert actor_of(change(subject_id="U-1"), event("u-1")) == "bob@example.com"


class TestActors:
    def test_of_several_people_none_is_named(self) -> None:
        found = Trail([event(id="e-1"), event(id="e-2", actor="eve@example.com")]).attribution(change())
        assert (found.actor, len(found.events)) == (None, 2)

    def test_a_key_is_named_where_it_was_the_only_one(self) -> None:
        assert actor_of(change(), event(key="API key 1")) == "bob@example.com (API key 1)"
        assert actor_of(change(), event(id="a", key="API key 1"), event(id="b")) == "bob@example.com"

    def test_nobody_who_was_named_already_is_replaced(self) -> None:
        [own] = attributed([change(actor="plan 1")], Trail([event()]), {})
        assert own.actor == "plan 1"

    def test_an_event_without_an_actor_names_nobody_and_still_accounts_for_it(self) -> None:
        joined: dict[str, list[str]] = {}
        [one] = attributed([change()], Trail([event(actor=None)]), joined)
        assert (one.actor, joined) == (None, {"e-1": [one.id]})


moments = st.integers(-300, 300).map(lambda minutes: NOW + timedelta(minutes=minutes))
actors = st.sampled_from([None, "ada@example.com", "bob@example.com"])
events = st.builds(
    TrailEvent,
    id=st.uuids().map(str),
    at=moments,
    action=st.sampled_from(["created", "modified", "deleted"]),
    actor=actors,
    key=st.none() | st.just("API key 1"),
    asset_type=st.sampled_from([None, "user", "role", "api_key"]),
    asset_id=st.sampled_from([None, "u-1", "r-1", "k-1"]),
    gained=st.frozensets(st.sampled_from(["u-1", "ada@example.com", "x"])),
    lost=st.frozensets(st.sampled_from(["u-1", "ada@example.com", "x"])),
    texts=st.frozensets(st.sampled_from(["u-1", "ada@example.com", "r-1", "x"])),
)
kinds = st.sampled_from(
    ["identity.added", "identity.updated", "identity.removed", "grant.added", "grant.removed", "role.updated",
     "role_permission.added", "credential.added", "mapping.added"]
)  # fmt: skip


@st.composite
def changes(draw: st.DrawFn) -> Change:
    kind, before = draw(kinds), draw(moments)
    return change(
        kind,
        draw(st.sampled_from(["u-1", "r-1", "k-1"])),
        id=draw(st.uuids().map(str)),
        fields=GRANT if kind.startswith("grant") else {},
        observed_after=draw(st.none() | st.just(before - HOUR)),
        observed_before=before,
        actor=draw(st.none() | st.just("own plan")),
    )


@given(st.lists(events, max_size=12, unique_by=lambda one: one.id), st.lists(changes(), max_size=6))
def test_never_two_actors_and_never_outside_the_window(found: list[TrailEvent], told: list[Change]) -> None:
    trail, joined = Trail(found), dict[str, list[str]]()
    named = list(attributed(told, trail, joined))
    assert [(one.id, one.kind, one.fields, one.observed_before) for one in named] == [
        (one.id, one.kind, one.fields, one.observed_before) for one in told
    ]
    for before, after in zip(told, named, strict=True):
        fitting = trail.fitting(before)
        assert all(within(one, before) for one in fitting)
        for one in fitting:
            assert one.at <= before.observed_before + SKEW
            assert before.observed_after is None or one.at >= before.observed_after - SKEW
        if before.actor is not None:
            assert after.actor == before.actor
        elif after.actor is not None:
            people = {one.actor for one in fitting}
            assert len(people) == 1
            assert after.actor.startswith(str(people.pop()))
        else:
            assert {one.actor for one in fitting} != {"ada@example.com"}
    assert set(joined) <= {one.id for one in found}
    for seen, fitting in zip(told, map(trail.fitting, told), strict=True):
        assert all(seen.id in joined[each.id] for each in fitting)


@given(st.lists(events, max_size=12, unique_by=lambda one: one.id), changes())
def test_the_order_of_events_says_nothing(found: list[TrailEvent], one: Change) -> None:
    assert Trail(found).attribution(one) == Trail(reversed(found)).attribution(one)


class TestUnseen:
    def test_what_gives_access_by_itself_and_who_was_put_into_a_role(self) -> None:
        made = event("k-1", "created", id="a", asset_type="api_key")
        into = event("r-1", id="b", asset_type="role", joined=frozenset({"u-1"}))
        others = [
            event("k-1", "deleted", id="c", asset_type="api_key"),
            event("d-1", "created", id="d", asset_type="dashboard"),
            event("r-1", id="e", asset_type="role", gained=frozenset({"new name"})),
            event(None, "created", id="f"),
        ]
        found = list(candidates([made, into, *others], ()))
        assert [(one.event.id, one.role_id) for one in found] == [("a", None), ("b", "r-1")]
        assert list(candidates([made, into], {"a", "b"})) == []

    def test_only_a_look_that_began_after_it_can_miss_something(self) -> None:
        assert settled(event(at=NOW), NOW + SKEW * 2)
        assert not settled(event(at=NOW), NOW + SKEW)
        assert not settled(event(at=NOW), None)


def reading(since: timedelta, until: timedelta, state: TrailState = TrailState.READ, **more: Any) -> Reading:
    return Reading(state=state, since=NOW + since, until=NOW + until, **more)


class TestAccount:
    def test_an_event_may_come_late(self) -> None:
        soon = Account([reading(-2 * HOUR, timedelta(0))])
        later = Account([reading(-2 * HOUR, LATENESS + SKEW)])
        assert (soon.covers(change()), later.covers(change())) == (False, True)

    def test_readings_that_meet_are_one_and_a_gap_is_a_gap(self) -> None:
        first, second = reading(-2 * HOUR, HOUR / 2), reading(-HOUR * 0.6, LATENESS + SKEW)
        assert Account([first, second]).covers(change())
        assert not Account([first, reading(-HOUR * 0.4, LATENESS + SKEW)]).covers(change())
        assert Account([second, first]).covers(change())

    def test_what_may_be_past_its_retention_proves_nothing(self) -> None:
        old = change(observed_after=NOW - KEPT_AT_LEAST * 1.5, observed_before=NOW)
        assert not Account([reading(-KEPT_AT_LEAST * 2, 2 * HOUR)]).covers(old)

    def test_a_change_without_a_beginning_is_never_covered(self) -> None:
        assert not Account([reading(-9 * HOUR, 9 * HOUR)]).covers(change(observed_after=None))

    @pytest.mark.parametrize(
        ("readings", "blind"),
        [
            ([], "not read"),
            ([Reading(state=TrailState.OFF)], "not read"),
            (
                [reading(-HOUR, 2 * HOUR), Reading(state=TrailState.DENIED, reason="needs audit_logs_read")],
                "audit_logs",
            ),
            ([Reading(state=TrailState.FAILED, reason="HTTP 500")], "HTTP 500"),
            ([reading(-HOUR, 2 * HOUR), Reading(state=TrailState.FAILED, reason="HTTP 500")], None),
        ],
    )
    def test_it_says_why_nothing_can_be_concluded(self, readings: list[Reading], blind: str | None) -> None:
        told = Account(readings).blind()
        assert told is None if blind is None else blind in str(told)
