"""What is told of spans is what looking at each run by itself would tell."""

from datetime import timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from accesssync.reports.period.history import Stay
from accesssync.reports.period.machines import Labels, machines
from accesssync.reports.period.privilege import Powers, holdings, powers
from accesssync.reports.period.spans import OPEN, Spans, begun, ended, held, intersection, union, without
from accesssync.reports.period.trend import MOST, points, trend
from tests.reports.period.past import Past, pasts, ran

LABELS = ("human", "nhi", "review", "unknown")
few = st.integers(0, 12)
any_spans = st.lists(st.tuples(few, few), max_size=5)


def runs_in(spans: Spans) -> set[int]:
    return {run for run in range(13) if held(spans, run)}


@given(any_spans, any_spans)
def test_spans_are_sets_of_runs(some: Spans, others: Spans) -> None:
    mine, theirs = union(some), union(others)
    assert runs_in(mine) == {run for run in range(13) if any(start <= run < end for start, end in some)}
    assert all(end < later for (_, end), (later, _) in pairwise(mine))
    assert runs_in(intersection(mine, theirs)) == runs_in(mine) & runs_in(theirs)
    assert runs_in(without(mine, theirs)) == runs_in(mine) - runs_in(theirs)
    assert intersection(mine, theirs) == union(intersection(mine, theirs))
    assert without(mine, theirs) == union(without(mine, theirs))


def found_in(past: Past) -> Powers:
    return powers(past.roles(), past.carried(), past.permissions())


@given(pasts.map(Past))
def test_who_was_privileged_at_each_run(past: Past) -> None:
    holding = holdings(past.grants(), past.stays(), found_in(past))
    for run, state in zip(past.runs, past.states, strict=True):
        assert {one for one, mine in holding.items() if held(mine.spans, run.id)} == state.privileged()


@given(pasts.map(Past))
def test_by_which_permissions_at_each_run(past: Past) -> None:
    found = found_in(past)
    for run, state in zip(past.runs, past.states, strict=True):
        access = state.access()
        for role in access.roles.values():
            names = set(access.unpack(access.carried(role.id) & access.privileged))
            assert set(found.at(role.id, run.id)) == names


@given(pasts.map(Past))
def test_the_trend_counts_what_each_run_had(past: Past) -> None:
    runs = past.runs
    holding = holdings(past.grants(), past.stays(), found_in(past))
    course = trend(runs, past.stays(), past.machines(), holding)
    for point, state in zip(course, past.states, strict=True):
        able, privileged, robots = state.able(), state.privileged(), set(state.machines)
        assert (point.people, point.machines) == (len(able - robots), len(able & robots))
        assert point.privileged_people == len(privileged - robots)
        assert point.privileged_machines == len(privileged & robots)
    assert (course[0].joined, course[0].left) == (None, None)
    for before, point, earlier, state in zip(course, course[1:], past.states, past.states[1:], strict=False):
        assert point.joined == len(state.able() - earlier.able())
        assert point.left == len(earlier.able() - state.able())
        grown = point.people + point.machines - before.people - before.machines
        assert (point.joined or 0) - (point.left or 0) == grown


@given(pasts.map(Past))
def test_a_trend_of_few_points_counts_everybody_who_came_and_went_in_between(past: Past) -> None:
    ends = [past.runs[0], past.runs[-1]] if len(past.runs) > 1 else past.runs
    whole = trend(past.runs, past.stays(), past.machines(), {})
    two = trend(ends, past.stays(), past.machines(), {})
    assert (two[-1].people, two[-1].machines) == (whole[-1].people, whole[-1].machines)
    if len(ends) > 1:
        assert two[-1].joined == sum(one.joined or 0 for one in whole)
        assert two[-1].left == sum(one.left or 0 for one in whole)


@given(pasts.map(Past))
def test_joined_less_left_is_the_difference_of_the_ends(past: Past) -> None:
    first, last = past.runs[0].id, past.runs[-1].id
    able = {one: union((stay.start, stay.end) for stay in mine if stay.able) for one, mine in past.stays().items()}
    joined = sum(len(begun(spans, first, last)) for spans in able.values())
    left = sum(len(ended(spans, first, last)) for spans in able.values())
    assert joined - left == len(past.states[-1].able()) - len(past.states[0].able())


def test_a_long_history_has_few_points_and_ends_with_the_newest() -> None:
    runs = [ran(number, proven=number % 3 > 0) for number in range(1, 5_000)]
    chosen = points(runs)
    assert 20 <= len(chosen) <= MOST
    assert chosen[-1] == [one for one in runs if one.proven][-1]
    assert all(one.proven for one in chosen)
    assert points(runs[:-24])[:-1] == chosen[: len(points(runs[:-24])) - 1]


def test_a_run_that_was_not_published_or_not_proven_is_no_point() -> None:
    assert points([ran(1), ran(2, proven=False), ran(3, published=False)]) == [ran(1)]
    assert points([]) == []


said = st.lists(
    st.tuples(st.tuples(few, st.integers(1, 6)).map(lambda pair: (pair[0], sum(pair))), st.sampled_from(LABELS)),
    max_size=4,
)


@given(said, said, st.lists(st.tuples(few, st.sampled_from(("human", "nhi"))), max_size=3), st.booleans())
def test_whom_an_identity_is_taken_for_at_each_run(
    evidence: list[tuple[tuple[int, int], str]],
    files: list[tuple[tuple[int, int], str]],
    decisions: list[tuple[int, str]],
    account: bool,
) -> None:
    runs = [ran(number) for number in range(13)]
    first: dict[int, str] = {}
    for (start, end), label in evidence:
        first.update({run: label for run in range(start, end) if run not in first})
    # A record has one label at a time: what is told twice is told the first time.
    told = tuple(((run, run + 1), label) for run, label in sorted(first.items()))
    declared = tuple((span, label) for span, label in files if label in ("human", "nhi"))
    decided = tuple((runs[number].finished_at or runs[number].started_at, label) for number, label in sorted(decisions))
    labels = Labels({"ada": told}, {"ada": decided} if decided else {}, {"ada": declared} if declared else {})
    known = {"ada": (Stay(0, OPEN, True, account),)}
    found = machines(known, labels, runs, latest=True)
    for run in range(13):
        label = first.get(run, "nhi" if account else "unknown")
        label = next((one for number, one in sorted(decisions, reverse=True) if number <= run), label)
        label = next((one for (start, end), one in reversed(declared) if start <= run < end), label)
        assert held(found.get("ada", ()), run) == (label == "nhi")


def test_a_decision_since_the_last_run_counts_where_the_newest_state_is_asked_for() -> None:
    runs = [ran(1), ran(2)]
    later = runs[-1].started_at + timedelta(days=1)
    labels = Labels({"ada": (((1, OPEN), "human"),)}, {"ada": ((later, "nhi"),)}, {})
    known = {"ada": (Stay(1, OPEN, True, False),)}
    assert machines(known, labels, runs, latest=True) == {"ada": ((2, OPEN),)}
    assert machines(known, labels, runs, latest=False) == {}
