"""The benchmark itself, small: what it measures and what it says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
USERS = 200


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, dict[str, Any]]:
    """One run without the loop: what it printed and its document."""
    written = tmp_path_factory.mktemp("benchmark") / "figures.json"
    options = ["--sizes", str(USERS), "--latency-ms", "1", "--page-size", "100", "--repeats", "1", "--skip-loop"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", *options, "--json", str(written)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout, json.loads(written.read_text())


def test_it_measures_every_way_of_reading(ran: tuple[str, dict[str, Any]]) -> None:
    figures, everything = ran[1]["figures"]

    assert (figures["users"], figures["page_size"], figures["latency_ms"]) == (USERS, 100, 1.0)
    assert (figures["everything"], everything["everything"]) == (False, True)
    assert (
        everything["samples"].keys()
        == figures["samples"].keys()
        == {"version", "floor", "first", "unchanged", "active"}
    )
    for what, samples in figures["samples"].items():
        (sample,) = samples
        assert sample["start_up"]["wall"] > 0
        assert sample["work"]["peak_rss"] > 1 << 20
        if what != "version":
            assert sample["work"]["wall"] > 0
            assert sample["work"]["cpu"] > 0


def test_the_floor_asks_for_what_the_sync_asks_for(ran: tuple[str, dict[str, Any]]) -> None:
    samples = ran[1]["figures"][0]["samples"]

    assert samples["version"][0]["requests"] == 0
    assert samples["floor"][0]["requests"] == samples["first"][0]["requests"] > USERS / 100


def test_an_unchanged_sync_writes_its_run_and_nothing_else(ran: tuple[str, dict[str, Any]]) -> None:
    written = ran[1]["figures"][0]["written"]

    assert written["first"]["identities"]["inserted"] == USERS
    assert touched(written["unchanged"]) == {"orgs", "runs", "coverage", "audit", "evaluations"}
    assert written["unchanged"]["orgs"] == {"rows": 1, "inserted": 0, "updated": 1, "deleted": 0}
    assert written["unchanged"]["runs"] == {"rows": 2, "inserted": 1, "updated": 0, "deleted": 0}
    assert written["unchanged"]["audit"] == {"rows": 2, "inserted": 1, "updated": 0, "deleted": 0}
    assert written["unchanged"]["evaluations"] == {"rows": 2, "inserted": 1, "updated": 0, "deleted": 0}


def test_an_unchanged_sync_of_everything_writes_the_use_of_its_own_keys_at_most(
    ran: tuple[str, dict[str, Any]],
) -> None:
    written = ran[1]["figures"][1]["written"]

    assert touched(written["unchanged"]) - {"activity"} == {"orgs", "runs", "coverage", "audit", "evaluations"}
    assert written["unchanged"]["activity"]["updated"] <= 2
    assert written["unchanged"]["activity"]["inserted"] == written["unchanged"]["activity"]["deleted"] == 0


def test_logins_are_written_as_activity_only(ran: tuple[str, dict[str, Any]]) -> None:
    written = ran[1]["figures"][0]["written"]

    assert touched(written["active"]) - {"activity"} == {"orgs", "runs", "coverage", "audit", "evaluations"}
    assert 0 < written["active"]["activity"]["updated"] <= USERS * 0.02


def test_the_goals_for_a_large_organization_are_not_judged_on_a_small_one(ran: tuple[str, dict[str, Any]]) -> None:
    printed, document = ran
    goals = {goal["goal"]: goal["reached"] for goal in document["figures"][0]["goals"]}

    assert [reached for goal, reached in goals.items() if goal.startswith("unchanged")] == [True]
    assert {reached for goal, reached in goals.items() if not goal.startswith("unchanged")} == {None}
    assert "MISS" not in printed


def test_what_it_prints_fits_a_screen_and_names_no_place(ran: tuple[str, dict[str, Any]]) -> None:
    machine, _, table = ran[0].partition("\n\n")

    assert max(map(len, table.splitlines())) <= 100
    assert str(ROOT) not in machine + table


def touched(written: dict[str, dict[str, int]]) -> set[str]:
    """The tables in which any row was written."""
    return {name for name, counts in written.items() if counts["inserted"] + counts["updated"] + counts["deleted"]}
