"""Figures are counted from the rows: the same numbers as a slow count that nobody could get wrong."""

import itertools
from collections import Counter
from datetime import timedelta
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accesssync.reports.columns import Table
from accesssync.reports.figures.credentials import credential_ages
from accesssync.reports.figures.findings import by_severity_and_age, fix_first
from accesssync.reports.figures.heat import roles_by_tier
from accesssync.reports.figures.logins import last_logins
from accesssync.reports.figures.population import Population, humans_and_machines
from accesssync.reports.figures.shape import percent, spans
from accesssync.reports.figures.trend import joined_and_left, privileged_over_time
from accesssync.reports.page.drawing.picture import ticks
from tests.reports.builders import AT
from tests.reports.page.organization import dataset, trend, whole

ROWS = whole(400)

findings = st.lists(
    st.fixed_dictionaries(
        {
            "finding_id": st.text("ABC", min_size=1, max_size=4),
            "check_id": st.sampled_from(["AS-ID-01", "AS-PRIV-06", "AS-KEY-01"]),
            "severity": st.sampled_from(["critical", "high", "medium", "low", "info"]),
            "status": st.sampled_from(["open", "reopened", "waived", "resolved"]),
            "age_days": st.integers(0, 400),
            "evidence": st.just({}),
        }
    ),
    max_size=40,
)


def table(name: str, rows: list[dict[str, Any]]) -> Table:
    """Rows as figures get them."""
    return Table(dataset(name, rows, list(rows[0]) if rows else ["severity", "status", "age_days", "check_id"]))


@given(findings)
def test_every_open_finding_is_drawn_once_in_its_severity_and_age(rows: list[dict[str, Any]]) -> None:
    figure = by_severity_and_age(table("findings", rows), AT)
    assert figure
    opens = [one for one in rows if one["status"] in ("open", "reopened")]
    assert sum(figure.totals()) == len(opens)
    for series in figure.series:
        ages = [one["age_days"] for one in opens if one["severity"] == series.key]
        limits = (-1, 7, 30, 90, 180, 10**6)
        assert series.values == tuple(
            sum(low < age <= high for age in ages) for low, high in itertools.pairwise(limits)
        )


@given(findings)
def test_what_to_fix_first_is_open_most_severe_first_and_counted_whole(rows: list[dict[str, Any]]) -> None:
    kinds = fix_first(table("findings", rows), AT)
    opens = Counter((one["check_id"], one["severity"]) for one in rows if one["status"] in ("open", "reopened"))
    assert {(one.check, one.severity): one.count for one in kinds}.items() <= opens.items()
    order = [("critical", "high", "medium", "low", "info").index(one.severity) for one in kinds]
    assert order == sorted(order)
    if len(opens) <= 6:
        assert len(kinds) == len(opens)


def test_never_and_unknown_logins_stand_apart() -> None:
    figure = last_logins(table("identities", ROWS["identities"]), AT)
    assert figure
    people = [one for one in ROWS["identities"] if one["type"] in ("human", "unknown") and one["status"] == "Active"]
    assert sum(figure.totals()) == len(people)
    assert figure.apart == figure.groups[-2:] == ("never", "unknown")
    assert figure.totals()[-2:] == tuple(
        sum(one["last_login_state"] == state for one in people) for state in ("never", "unknown")
    )


def test_people_and_machines_add_up_to_everybody() -> None:
    figure = humans_and_machines(Population(table("identities", ROWS["identities"])))
    assert figure
    totals = dict(zip(figure.groups, figure.totals(), strict=True))
    assert totals["with access"] + totals["disabled"] == len(ROWS["identities"])
    assert totals["invited"] == sum(one["status"] == "Pending" for one in ROWS["identities"])
    assert totals["privileged"] == sum(one["is_privileged"] and not one["disabled"] for one in ROWS["identities"])


def test_credentials_of_unknown_age_are_in_none_of_the_ages() -> None:
    figure = credential_ages(table("keys_tokens", ROWS["keys_tokens"]), AT)
    assert figure
    assert sum(figure.totals()) == len(ROWS["keys_tokens"])
    unknown = next(one for one in figure.series if one.key == "unknown")
    assert sum(unknown.values) == sum(one["created_at"] is None for one in ROWS["keys_tokens"])


def test_the_role_that_carries_the_control_plane_and_is_held_comes_first() -> None:
    figure = roles_by_tier(table("roles", ROWS["roles"][::-1]), table("role_permissions", ROWS["role_permissions"]))
    assert figure
    # The administrators of the invented organization have nobody who holds the role; the tier below has.
    assert figure.rows[0][0] == "Incident Commander"
    assert figure.rows[1][0] == "Datadog Admin Role"
    place = [short for short, _ in figure.columns].index("T0")
    assert figure.values[1][place] == 2


def test_joined_and_left_are_summed_by_day_week_or_month_and_nobody_is_lost() -> None:
    for step, name in ((1, "Day"), (5, "Week"), (40, "Month")):
        rows = [{**one, "at": AT - timedelta(days=step * (29 - place))} for place, one in enumerate(trend())]
        figure = joined_and_left(table("trend", rows))
        assert figure
        assert figure.first == name
        joined, left = (sum(one.values) for one in figure.series)
        assert (joined, left) == (sum(one["joined"] for one in rows), sum(one["left"] for one in rows))
        assert list(figure.groups) == sorted(set(figure.groups))
        assert figure.twin()[0] == (name, "joined", "left")


def test_a_long_history_is_thinned_and_keeps_its_ends() -> None:
    rows = [{**trend()[0], "at": AT - timedelta(hours=number), "privileged_people": number} for number in range(5_000)]
    figure = privileged_over_time(table("trend", rows))
    assert figure
    assert len(figure.at) == 200
    assert (figure.series[0].values[0], figure.series[0].values[-1]) == (4_999, 0)


def test_what_is_not_there_is_no_figure() -> None:
    assert last_logins(None, AT) is None
    assert by_severity_and_age(None, AT) is None
    assert credential_ages(None, AT) is None
    assert roles_by_tier(None, None) is None
    assert joined_and_left(None) is None
    assert humans_and_machines(Population(None)) is None


@given(st.integers(0, 10**10))
def test_an_axis_has_few_whole_round_numbers_and_reaches_the_highest(most: int) -> None:
    found = ticks(most)
    assert found[0] == 0
    assert found[-1] >= most
    assert 2 <= len(found) <= 7
    assert len({high - low for low, high in itertools.pairwise(found)}) == 1


def test_a_share_is_never_rounded_to_nothing_or_to_everything() -> None:
    assert (percent(0, 0), percent(1, 1000), percent(999, 1000), percent(1, 3)) == (
        "none", "under 1 %", "over 99 %", "33 %",
    )  # fmt: skip
    assert spans((30, 90)) == ("0\u201330", "31\u201390", "over 90")
