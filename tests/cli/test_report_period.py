"""Reports over a period and about two dates: their numbers against what each run had, asked for by other commands."""

import csv
import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from accesssync.sandbox import Organization, SandboxServer, generate
from accesssync.sandbox import faults as f
from tests.cli.conftest import NOW, USERS, Cli

Rows = list[dict[str, str]]
Facts = dict[str, dict[str, Any]]


class Reports:
    """Makes reports and reads their tables."""

    def __init__(self, cli: Cli, folder: Path) -> None:
        self.cli = cli
        self._folder = folder

    def __call__(self, *options: str) -> dict[str, Rows]:
        """The tables of one report by name."""
        out = self._folder / "report"
        self.cli.ok("report", "--out", str(out), "--format", "csv", *options)
        return {path.stem: self._rows(path) for path in sorted(out.glob("*.csv"))}

    def limitations(self) -> str:
        """What the last report says that it cannot know."""
        told = json.loads((self._folder / "report" / "identities.meta.json").read_bytes())
        return " ".join(told["about"]["limitations"])

    def _rows(self, path: Path) -> Rows:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file, strict=True))


class Told:
    """A story of four runs: access that came and went, people who joined, left and moved, keys made and deleted."""

    def __init__(self, cli: Cli, organization: Organization) -> None:
        self.cli = cli
        self.runs = [self._sync()]
        roles = {one.name: one.id for one in organization.roles.values()}
        self.admin = roles["Datadog Admin Role"]
        plain = {roles["Datadog Standard Role"], roles["Datadog Read Only Role"]}
        everybody = sorted(organization.users.values(), key=lambda one: one.id)
        able_people = [one for one in everybody if not one.service_account and one.status == "Active"]
        ordinary = [one.id for one in able_people if one.role_ids and plain.issuperset(one.role_ids)]
        self.guest, self.leaver, self.mover, self.owner = ordinary[:4]
        made = organization.add_user("new.person@example.com", name="New Person")
        self.joiner = made.id
        organization.grant_role(self.guest, self.admin)
        organization.disable(self.leaver)
        self.runs.append(self._sync())
        organization.revoke_role(self.guest, self.admin)
        self.team = organization.add_team("Night shift").id
        organization.add_membership(self.team, self.mover)
        key = organization.add_application_key(self.owner, name="for an hour")
        self.key = key.id
        self.runs.append(self._sync())
        organization.delete_application_key(key.id)
        organization.enable(self.leaver)
        self.runs.append(self._sync())

    def _sync(self) -> str:
        return str(self.cli.ok("sync")["runs"][0]["run_id"])

    def people(self, run: str) -> Facts:
        """Everybody at a run, as another command tells it."""
        return {one["id"]: one for one in self.cli.ok("identities", "--as-of", run)["identities"]}

    def grants(self, run: str) -> set[tuple[str, str]]:
        """Every grant at a run, as another command tells it."""
        return {(one["identity_id"], one["role_id"]) for one in self.cli.ok("grants", "--as-of", run)["grants"]}


def able(people: Facts) -> set[str]:
    return {one for one, facts in people.items() if not facts["disabled"] and facts["status"] != "Disabled"}


def pairs(rows: Rows) -> set[tuple[str, str]]:
    return {(one["identity_id"], one["role_id"]) for one in rows}


@pytest.fixture
def organization() -> Organization:
    return generate(40, 7, NOW)


@pytest.fixture
def story(cli: Cli, organization: Organization) -> Told:
    """On SQLite."""
    return Told(cli, organization)


@pytest.fixture
def told(either: Cli, organization: Organization) -> Told:
    return Told(either, organization)


@pytest.fixture
def report(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Reports:
    return Reports(Cli(monkeypatch, ""), tmp_path)


def test_a_period_tells_everything_that_happened_in_it(told: Told, report: Reports) -> None:
    found = report("--from", "2020-01-01")
    each = [told.people(run) for run in told.runs]

    came = [(run, one) for run, a, b in zip(told.runs[1:], each, each[1:], strict=False) for one in able(b) - able(a)]
    went = [(run, one) for run, a, b in zip(told.runs[1:], each, each[1:], strict=False) for one in able(a) - able(b)]
    assert sorted(came) == [(told.runs[1], told.joiner), (told.runs[3], told.leaver)]
    assert {(one["run_id"], one["identity_id"]) for one in found["joined"]} == set(came)
    assert {(one["run_id"], one["identity_id"]) for one in found["left"]} == set(went)
    assert {one["identity_id"]: one["how"] for one in found["joined"]} == {
        told.joiner: "appeared",
        told.leaver: "enabled",
    }
    assert len(found["joined"]) - len(found["left"]) == len(able(each[-1])) - len(able(each[0]))

    assert pairs(found["access_in_period"]) == set[tuple[str, str]]().union(*(told.grants(run) for run in told.runs))
    passing = [one for one in found["access_in_period"] if one["came_and_went"] == "true"]
    assert [(one["identity_id"], one["role_id"]) for one in passing] == [(told.guest, told.admin)]
    assert [one["identity_id"] for one in found["privileged_gained"]] == [told.guest]
    assert [one["identity_id"] for one in found["privileged_lost"]] == [told.guest]
    assert found["privileged_gained"][0]["tier"] == "T0"

    moves = {(one["run_id"], one["identity_id"]): one for one in found["moved"]}
    assert moves[told.runs[1], told.guest]["roles_gained"] == "Datadog Admin Role"
    assert moves[told.runs[2], told.guest]["roles_lost"] == "Datadog Admin Role"
    assert moves[told.runs[2], told.mover]["teams_gained"] == "Night shift"
    assert [one["credential_id"] for one in found["credentials_created"]] == [told.key]
    assert [one["credential_id"] for one in found["credentials_gone"]] == [told.key]
    changes = told.cli.ok("changes")["changes"]
    assert [one["change_id"] for one in found["changes"]] == [one["id"] for one in changes]
    assert "Whoever was there by then did not join" in report.limitations()


def test_a_run_as_the_beginning_is_itself_left_out(story: Told, report: Reports) -> None:
    found = report("--from", story.runs[1], "--to", story.runs[2])
    assert found["joined"] == []
    assert [one["identity_id"] for one in found["privileged_lost"]] == [story.guest]
    assert [one["identity_id"] for one in found["privileged_gained"]] == []
    assert {one["run_id"] for one in found["changes"]} == {story.runs[2]}
    assert {one["identity_id"] for one in found["identities"]} == set(story.people(story.runs[2]))


def test_a_comparison_shows_the_two_ends_alone(told: Told, report: Reports) -> None:
    found = report("--compare", told.runs[0], told.runs[3])
    before, after = told.grants(told.runs[0]), told.grants(told.runs[3])
    assert {(one["identity_id"], one["role_id"], one["change"]) for one in found["compare_grants"]} == {
        (*pair, "gained") for pair in after - before
    } | {(*pair, "lost") for pair in before - after}
    assert {one["identity_id"]: one["change"] for one in found["compare_identities"]} == {told.joiner: "gained"}
    assert found["compare_privileged"] == found["compare_credentials"] == []
    assert "accesssync report --from" in report.limitations()

    found = report("--compare", told.runs[0], told.runs[1])
    (gained,) = found["compare_privileged"]
    assert (gained["identity_id"], gained["change"]) == (told.guest, "gained")
    sums = {one["subject"]: one for one in found["compare_summary"]}
    assert int(sums["grants"]["earlier"]) == len(told.grants(told.runs[0]))
    assert int(sums["grants"]["later"]) == len(told.grants(told.runs[1]))
    assert int(sums["identities"]["later"]) == len(told.people(told.runs[1]))


def test_the_trend_is_what_a_report_of_each_day_counts(told: Told, report: Reports) -> None:
    course = {one["run_id"]: one for one in report()["trend"]}
    assert list(course) == told.runs
    for run in told.runs:
        tables = report("--as-of", run)
        privileged = {one["identity_id"] for one in tables["privileged"]}
        people = told.people(run)
        machines = {one for one, facts in people.items() if facts["classification"]["label"] == "nhi"}
        assert int(course[run]["people"]) == len(able(people) - machines)
        assert int(course[run]["machines"]) == len(able(people) & machines)
        assert int(course[run]["privileged_people"]) == len((privileged & able(people)) - machines)
        assert int(course[run]["privileged_machines"]) == len(privileged & able(people) & machines)
    figures = {one["figure"]: one for one in report("--compare", told.runs[0], told.runs[1])["previous"]}
    assert figures["privileged_people"]["change"] == "1"
    assert figures["people"]["since_run_id"] == told.runs[0]


def test_an_unproven_run_in_the_period_is_said_and_removes_nobody(
    story: Told, report: Reports, server: SandboxServer
) -> None:
    server.faults.add(f.HalfListing(), path=USERS, times=None)
    half = story.cli("sync", "--json")
    server.faults.clear()
    assert half.code == 7
    run = half.json["runs"][0]["run_id"]
    again = story.cli.ok("sync")["runs"][0]["run_id"]

    found = report("--from", story.runs[0])
    assert len(found["left"]) == 1
    whole = found["operation"][0]
    assert (whole["runs"], whole["proven"], whole["unproven"]) == ("5", "4", "1")
    users = next(one for one in found["operation"] if one["part"] == "users")
    assert users["unproven"] == "1"
    assert run in report.limitations()
    assert run not in {one["run_id"] for one in found["trend"]}
    assert again in {one["run_id"] for one in found["trend"]}


def test_a_sample_can_be_drawn_again_by_anybody(story: Told, report: Reports) -> None:
    first = report("--sample", "5", "--seed", "audit", "--from", story.runs[0])
    assert report("--sample", "5", "--seed", "audit", "--from", story.runs[0])["sample"] == first["sample"]
    for table, column in (("identities", "identity_id"), ("access_in_period", "access_id"), ("changes", "change_id")):
        ids = [one[column] for one in first[table]]
        rule = sorted(ids, key=lambda one: sha256(f"audit\n{table}\n{one}".encode()).hexdigest())[:5]
        assert [one["id"] for one in first["sample"] if one["population"] == table] == rule
    story.cli.ok("report", "--out", str(Path("other")), "--format", "csv")
    ended = story.cli("report", "--sample", "2", "--out", "drawn")
    assert "again with --sample 2 --seed " in ended.out


def test_dates_that_cannot_be_are_refused_with_the_reason(story: Told) -> None:
    for options, words in (
        (("--from", story.runs[2], "--to", story.runs[1]), "--from is after --to"),
        (("--from", "2026-06-30", "--to", "2026-01-01"), "--from is after --to"),
        (("--from", "2020-01-01", "--to", "2020-06-30"), "nothing was known yet"),
        (("--from", "2999-01-01"), "--from is after --to"),
        (("--from", "run-4711"), "run-4711 is not a run of"),
        (("--compare", story.runs[2], story.runs[1]), "earlier date first"),
        (("--compare", story.runs[0], story.runs[1], "--from", "7d"), "--compare is about two dates"),
        (("--as-of", story.runs[0], "--to", story.runs[1]), "both say as of when"),
        (("--seed", "x"), "--seed is for a sample"),
        (("--sample", "2", "--seed", "a\nb"), "printable"),
    ):
        ended = story.cli("report", "--out", "refused", *options)
        assert ended.code == 2, options
        assert words in ended.err, ended.err
        assert not Path("refused").exists()


def test_a_period_without_a_run_says_so(story: Told, report: Reports) -> None:
    found = report("--from", story.runs[3])
    assert found["joined"] == found["left"] == found["changes"] == []
    assert pairs(found["access_in_period"]) == story.grants(story.runs[3])
    assert "No run was published between" in report.limitations()


def test_who_left_by_the_personnel_file_is_told_with_the_hours(
    story: Told, report: Reports, organization: Organization, tmp_path: Path
) -> None:
    rules = tmp_path / "governance"
    rules.mkdir()
    leaver, guest = organization.users[story.leaver], organization.users[story.guest]
    (rules / "people.csv").write_text(
        f"email,status,left_on\n{leaver.email},left,2026-01-31\n{guest.email},left,2026-02-28\n", encoding="utf-8"
    )
    story.cli.env(ACCESSSYNC_GOVERNANCE_DIR=str(rules))
    found = report("--from", story.runs[0], "--to", story.runs[2])
    rows = {one["identity_id"]: one for one in found["left"]}
    assert rows[story.leaver]["how"] == "disabled"
    assert rows[story.leaver]["left_on"] == "2026-01-31"
    assert 0 < float(rows[story.leaver]["hours_at_least"]) <= float(rows[story.leaver]["hours_at_most"])
    assert rows[story.guest]["how"] == "still_active"
    assert rows[story.guest]["hours_at_most"] == ""
