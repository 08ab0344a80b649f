"""The tables of a period and of a comparison, against what each run had."""

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import given
from msgspec.structs import replace

from accesssync.findings.people import People, Person
from accesssync.model.change import Cause, Change
from accesssync.model.identity import Identity
from accesssync.reports.dataset import Dataset
from accesssync.reports.period.access import access_in_period
from accesssync.reports.period.compare import Between, datasets
from accesssync.reports.period.history import Link, Log, Names, Period, Stay, Version, Who
from accesssync.reports.period.joiners import Records, joined, left, moved, touched
from accesssync.reports.period.privilege import holdings, powers
from accesssync.reports.period.privileges import Powerful, gained, lost
from accesssync.reports.period.spans import OPEN
from tests.reports.period.past import IDENTITIES, Past, State, pasts, ran
from tests.reports.rows import records

NAMES = Names(people={one: Who(f"{one}@example.com", one, "human") for one in IDENTITIES}, roles={})


def over(past: Past) -> Period:
    runs = past.runs
    start, end = runs[0].started_at, runs[-1].finished_at or runs[-1].started_at
    return Period(org="acme", start=start, end=end, first=runs[0], last=runs[-1], runs=tuple(runs))


def read(past: Past) -> Records:
    """What the store would hand in: here everything, which is more than it has to be."""
    versions = [Version(Identity(id=one), stay.start, stay.end) for one, mine in past.stays().items() for stay in mine]
    grants: dict[str, list[Link]] = {}
    for link in past.grants():
        grants.setdefault(link.owner, []).append(link)
    return Records(stays=past.stays(), versions=touched(versions), grants=grants, members=())


def power(past: Past) -> Powerful:
    found = powers(past.roles(), past.carried(), past.permissions())
    return Powerful(found, holdings(past.grants(), past.stays(), found), past.stays())


def told(dataset: Dataset) -> list[tuple[str, str]]:
    """Run and identity of every row."""
    return [(one["run_id"], one["identity_id"]) for one in records(dataset)]


@given(pasts.map(Past))
def test_joined_and_left_are_what_each_run_shows(past: Past) -> None:
    period, log = over(past), Log(past.runs)
    came, went = [], []
    for run, earlier, state in zip(past.runs[1:], past.states, past.states[1:], strict=False):
        came += [(f"run-{run.id}", one) for one in sorted(state.able() - earlier.able())]
        went += [(f"run-{run.id}", one) for one in sorted(earlier.able() - state.able())]
    assert told(joined(period, read(past), NAMES, log)) == came
    assert told(left(period, read(past), NAMES, log)) == went


@given(pasts.map(Past))
def test_privileged_gained_and_lost_are_what_each_run_shows(past: Past) -> None:
    period, log, powerful = over(past), Log(past.runs), power(past)
    came, went = [], []
    for run, earlier, state in zip(past.runs[1:], past.states, past.states[1:], strict=False):
        came += [(f"run-{run.id}", one) for one in sorted(state.privileged() - earlier.privileged())]
        went += [(f"run-{run.id}", one) for one in sorted(earlier.privileged() - state.privileged())]
    assert told(gained(period, powerful, NAMES, log)) == came
    assert told(lost(period, powerful, NAMES, log)) == went
    still = {one["identity_id"] for one in records(gained(period, powerful, NAMES, log)) if one["still_privileged"]}
    assert still <= past.states[-1].privileged()


@given(pasts.map(Past))
def test_those_who_moved_were_able_before_and_after(past: Past) -> None:
    expected = []
    for run, earlier, state in zip(past.runs[1:], past.states, past.states[1:], strict=False):
        for one in sorted(state.able() & earlier.able()):
            before, after = ({role for who, role in each.grants if who == one} for each in (earlier, state))
            if before != after:
                expected.append((f"run-{run.id}", one, tuple(sorted(after - before)), tuple(sorted(before - after))))
    found = records(moved(over(past), read(past), NAMES, Log(past.runs)))
    assert [(one["run_id"], one["identity_id"], one["roles_gained"], one["roles_lost"]) for one in found] == expected


@given(pasts.map(Past))
def test_access_in_the_period_is_every_grant_that_any_run_had(past: Past) -> None:
    def grants() -> Any:
        return iter(past.grants())

    found = records(access_in_period(over(past), grants, NAMES, Log(past.runs), power(past).powers))
    assert {(one["identity_id"], one["role_id"]) for one in found} == {
        pair for state in past.states for pair in state.grants
    }
    for name, state in (("held_at_start", past.states[0]), ("held_at_end", past.states[-1])):
        assert {(one["identity_id"], one["role_id"]) for one in found if one[name]} == set(state.grants)
    assert all(one["came_and_went"] == (not one["held_at_start"] and not one["held_at_end"]) for one in found)
    assert len({one["access_id"] for one in found}) == len(found)


def compared(past: Past) -> dict[str, list[dict[str, Any]]]:
    first, last = past.runs[0], past.runs[-1]

    def apart(start: int, end: int) -> bool:
        return (start <= first.id < end) != (start <= last.id < end)

    between = Between(
        org="acme",
        earlier=first,
        later=last,
        identities=tuple(
            Version(Identity(id=one, disabled=not stay.able), stay.start, stay.end)
            for one, mine in past.stays().items()
            for stay in mine
            if apart(stay.start, stay.end)
        ),
        grants=tuple(one for one in past.grants() if apart(one.start, one.end)),
        credentials=(),
        role_permissions=tuple(one for one in past.carried() if apart(one.start, one.end)),
        stays=past.stays(),
        names=NAMES,
        power=power(past),
        counts={
            "identities": (len(past.states[0].people), len(past.states[-1].people)),
            "grants": (len(past.states[0].grants), len(past.states[-1].grants)),
            "credentials": (0, 0),
            "role_permissions": (len(past.states[0].carried), len(past.states[-1].carried)),
        },
    )
    return {one.name: records(one) for one in datasets(between)}


@given(pasts.map(Past))
def test_a_comparison_is_the_difference_of_the_two_states(past: Past) -> None:
    first, last = past.states[0], past.states[-1]
    found = compared(past)
    grants = {(one["identity_id"], one["role_id"], one["change"]) for one in found["compare_grants"]}
    assert grants == {(*pair, "gained") for pair in last.grants - first.grants} | {
        (*pair, "lost") for pair in first.grants - last.grants
    }
    privileged = {(one["identity_id"], one["change"]) for one in found["compare_privileged"]}
    assert privileged == {(one, "gained") for one in last.privileged() - first.privileged()} | {
        (one, "lost") for one in first.privileged() - last.privileged()
    }
    identities = {one["identity_id"]: one["change"] for one in found["compare_identities"]}
    assert {one for one, change in identities.items() if change == "gained"} == last.people.keys() - first.people.keys()
    assert {one for one, change in identities.items() if change == "lost"} == first.people.keys() - last.people.keys()
    for row in found["compare_summary"]:
        assert row["later"] - row["earlier"] == row["gained"] - row["lost"], row


NOBODY = frozenset[Any]()


def story() -> Past:
    """Ada is there throughout; the second run sees the Admin role given to her, the third sees it taken."""
    plain = State({"ada": (True, False)}, NOBODY, frozenset({("admin", "p-1")}), frozenset({"p-1"}), NOBODY)
    return Past([plain, replace(plain, grants=frozenset({("ada", "admin")})), plain])


def test_what_came_and_went_is_in_the_period_and_not_in_the_comparison() -> None:
    past = story()
    period, log = over(past), Log(past.runs)
    (access,) = records(access_in_period(period, lambda: iter(past.grants()), NAMES, log, power(past).powers))
    (came,) = records(gained(period, power(past), NAMES, log))
    (went,) = records(lost(period, power(past), NAMES, log))
    assert (access["came_and_went"], access["privileged"]) == (True, True)
    assert (came["how"], came["still_privileged"], came["lost_by"]) == ("granted", False, past.runs[2].finished_at)
    assert (went["how"], went["privileged_by"]) == ("revoked", past.runs[1].finished_at)
    assert [len(rows) for name, rows in compared(past).items() if name != "compare_summary"] == [0, 0, 0, 0, 0]


def test_a_change_tells_when_by_whom_and_why() -> None:
    past = story()
    at = past.runs[1].started_at + timedelta(seconds=20)
    change = Change(
        id="c-1", org="acme", run_id=past.runs[1].id, observed_after=past.runs[0].started_at, observed_before=at,
        kind="grant.added", cause=Cause.ORG, subject_id="ada", subject="ada",
        fields={"role": (None, "admin"), "role_id": (None, "admin")}, actor="bob", explanation="CHG-1: on call",
    )  # fmt: skip
    for ticketed, basis in (((), "decided"), (("c-1",), "ticket")):
        (row,) = records(moved(over(past), read(past), NAMES, Log(past.runs, [change], ticketed)))[:1]
        assert (row["window_start"], row["window_end"]) == (past.runs[0].started_at, at)
        assert (row["actor"], row["explained"], row["basis"]) == ("bob", True, basis)
    by_plan = replace(change, explanation="plan 0123456789ab")
    (row,) = records(moved(over(past), read(past), NAMES, Log(past.runs, [by_plan])))[:1]
    assert row["basis"] == "plan"


DAY = datetime(2026, 1, 1, tzinfo=UTC).date()


def leaving(*, able_after: bool, exact: bool = False) -> list[dict[str, Any]]:
    """Ada's last day was 1 January; the runs are at 3 and 30 o'clock counted from its beginning."""
    first, second = ran(3), ran(30)
    period = Period(
        org="acme", start=first.started_at, end=second.started_at + timedelta(hours=1), first=first, last=second,
        runs=(first, second),
    )  # fmt: skip
    stays = [Stay(3, OPEN if able_after else 30, True, False)]
    stays += [] if able_after else [Stay(30, OPEN, False, False)]
    versions = [] if able_after else [Version(Identity(id="ada"), one.start, one.end) for one in stays]
    sent = second.started_at - timedelta(hours=2)
    found = Records(
        stays={"ada": tuple(stays)}, versions=touched(versions), grants={}, members=(),
        exact={("ada", 30): (sent, sent + timedelta(minutes=3))} if exact else {},
    )  # fmt: skip
    people = People({"ada@example.com": Person(email="ada@example.com", status="left", left_on=DAY)})
    return records(left(period, found, NAMES, Log((first, second)), people))


def test_hours_to_disable_are_bounded_by_the_window() -> None:
    (row,) = leaving(able_after=False)
    assert (row["how"], row["left_on"]) == ("disabled", DAY)
    assert (row["hours_at_least"], row["hours_at_most"]) == (0.0, 6.0)


def test_our_own_write_tells_the_hours_exactly() -> None:
    (row,) = leaving(able_after=False, exact=True)
    assert (row["hours_at_least"], row["hours_at_most"]) == (4.0, 4.1)


def test_who_left_and_can_still_log_in_is_told_too() -> None:
    (row,) = leaving(able_after=True)
    assert (row["how"], row["run_id"], row["hours_at_most"]) == ("still_active", None, None)
    assert row["hours_at_least"] == 6.0
