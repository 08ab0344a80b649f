"""Files of the governance directory that findings are judged by: read whole, or refused by line."""

import io
from datetime import date
from pathlib import Path

import pytest

from accesssync.errors import InputError
from accesssync.findings.catalogue import BY_ID
from accesssync.findings.people import key_of, read_people
from accesssync.findings.policy import PolicyFile, read_policy
from accesssync.findings.waiver import Waiver, read_waivers
from accesssync.parse.problems import Problems

TODAY = date(2026, 11, 21)
DOCUMENT = Path(__file__).parents[2] / "docs" / "governance.md"


def policy(text: str) -> PolicyFile:
    problems = Problems()
    found = read_policy(text.encode(), "policy.yaml", problems, BY_ID)
    problems.raise_any()
    return found


def waivers(text: str) -> tuple[Waiver, ...]:
    problems = Problems()
    found = read_waivers(text.encode(), "waivers.yaml", problems, TODAY)
    problems.raise_any()
    return found


def faults(text: str) -> str:
    with pytest.raises(InputError) as caught:
        policy(text)
    return "\n".join(caught.value.problems)


def test_the_examples_of_the_document_are_sound() -> None:
    blocks = [block.split("```")[0] for block in DOCUMENT.read_text("utf-8").split("```yaml\n")[1:]]
    found = policy(blocks[0])
    emea, other = found.of("emea"), found.of("acme")
    assert (emea.of("AS-ID-01").parameters, other.of("AS-ID-01").parameters) == ({"days": 90}, {"days": 45})
    assert emea.of("AS-ID-10").off
    assert emea.login == "sso"
    assert [one.id for one in emea.rules] == ["OWN-01"]
    assert len(waivers(blocks[1])) == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "version: 1\nchecks:\n  AS-ID-99: {off: true, reason: r}\n",
            "policy.yaml:2: checks: there is no check 'AS-ID-99'",
        ),
        ("version: 1\nchecks:\n  AS-ID-01: {days: -5}\n", "policy.yaml:3: days: -5 does not lie between 1 and 3650"),
        ("version: 1\nchecks:\n  AS-ID-01: {dayz: 5}\n", "policy.yaml:3"),
        ("version: 1\nchecks:\n  AS-ID-01: {days: 5}\n  AS-ID-01: {days: 6}\n", "policy.yaml:4"),
        ("version: 1\nchecks:\n  AS-ID-01: {off: true}\n", "say with reason"),
        ("version: 1\nchecks:\n  AS-ID-01: {severity: urgent}\n", "urgent"),
        ("version: 1\na: &a [x, x]\nb: [*a, *a]\n", "aliases"),
        ('version: 1\nbreak_glass: ["*"]\n', "would match everybody"),
        ("version: 1\ntiers: {dashboards_read: T9}\n", "T9"),
        ("version: 1\nlogin: maybe\n", "maybe"),
        ("version: 1\nseparation:\n  - {id: AS-SOD-01, title: t, a: [x], b: [y]}\n", "is taken"),
        ("version: 2\n", "version"),
        ("checks: {}\n", "version is missing"),
    ],
)
def test_a_policy_with_a_fault_is_refused_by_line(text: str, said: str) -> None:
    assert said in faults(text)


def test_of_a_check_that_there_is_not_nothing_else_is_said() -> None:
    told = faults("version: 1\nchecks:\n  AS-ID-99: {off: true, days: 4, more: {a: [1]}}\n")
    assert told.splitlines() == ["policy.yaml:2: checks: there is no check 'AS-ID-99'; did you mean AS-ID-09?"]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("{check: AS-ID-01, owner: a, reason: r, approver: b, expires: 2027-12-01}", "more than a year"),
        ("{check: AS-ID-01, owner: a, reason: r, expires: 2027-01-01}", "approver is missing"),
        ("{check: AS-ID-01, owner: a, reason: r, approver: b}", "expires is missing"),
        ("{owner: a, reason: r, approver: b, expires: 2027-01-01}", "either a finding or a check"),
        (
            "{finding: F-1, check: A, owner: a, reason: r, approver: b, expires: 2027-01-01}",
            "either a finding or a check",
        ),
        ('{check: "*", owner: a, reason: r, approver: b, expires: 2027-01-01}', "every risk there is"),
    ],
)
def test_a_waiver_with_a_fault_is_refused_by_line(entry: str, said: str) -> None:
    with pytest.raises(InputError) as caught:
        waivers(f"version: 1\nwaivers:\n  - {entry}\n")
    assert any(said in one and one.startswith("waivers.yaml:3:") for one in caught.value.problems), (
        caught.value.problems
    )


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("\u0430da@example.com,active,,,\n", "people.csv:2: email: has letters that are not ASCII"),
        ("ada@example.com,active\nAda@Example.COM,left\n", "people.csv:3: email: is there twice, first in line 2"),
        (
            "ada@example.com,active\nada@\u0435xample.com,left\n",
            "people.csv:3: email: looks like the address in line 2",
        ),
        ("ada@example.com,gone\n", "people.csv:2"),
        ("ada@example.com,left,,yesterday\n", "people.csv:2: left_on"),
        ("nobody,active\n", "no e-mail address"),
    ],
)
def test_a_people_file_with_a_fault_is_refused_by_line(rows: str, said: str) -> None:
    problems = Problems()
    read_people(io.BytesIO(f"email,status,type,left_on\n{rows}".encode()), "people.csv", problems)
    assert any(said in one for one in problems.found()), problems.found()


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("Ada@Example.com", "ada@example.COM", True),
        ("ada@b\u00fccher.example", "ada@xn--bcher-kva.example", True),
        ("K\u0131m@example.com", "kim@example.com", False),
        ("\u017fam@example.com", "sam@example.com", False),
        ("ada+x@example.com", "ada@example.com", False),
    ],
)
def test_people_are_matched_to_the_letter(one: str, other: str, same: bool) -> None:
    assert (key_of(one) == key_of(other) and key_of(one) is not None) is same
