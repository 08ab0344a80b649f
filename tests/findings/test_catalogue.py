"""The catalogue is complete in itself, names commands that exist, and the document is made from it."""

import shlex
from pathlib import Path

import pytest

from accesssync.cli.main import COMMANDS
from accesssync.findings.catalogue import ALL, BY_ID, checks_for
from accesssync.findings.check import Check
from accesssync.findings.describe import COMMAND, markdown
from accesssync.findings.policy import Policy
from accesssync.findings.separation import Rule, controls, known_permissions, rules
from accesssync.findings.severity import SEVERITIES
from accesssync.jobs.findings.picture import ASKED_ABOUT

DOCUMENT = Path(__file__).parents[2] / "docs" / "findings.md"


@pytest.mark.parametrize("check", ALL, ids=lambda one: one.id)
def test_every_check_says_what_people_need(check: Check) -> None:
    assert check.severity in SEVERITIES
    assert check.title
    assert check.logic
    assert check.when
    assert check.controls
    assert set(check.controls) <= controls().groups.keys()
    assert check.remedy.place
    program, command, *_ = shlex.split(check.remedy.command.replace("{", "").replace("}", ""))
    assert program == "accesssync"
    assert command in COMMANDS
    for one in check.parameters:
        assert one.default is None or one.least <= one.default <= one.most
        assert (one.unit == "days") == one.name.endswith("days")


def test_ids_are_unique_and_the_document_is_current() -> None:
    assert len(BY_ID) == len(ALL)
    assert DOCUMENT.read_text("utf-8") == markdown(), f"run: {COMMAND}"


def test_separations_name_permissions_that_exist() -> None:
    named = {name for rule in rules() for side in rule.sides for name in side}
    assert named <= known_permissions()
    assert len(rules()) == 14


def test_own_rules_become_checks() -> None:
    own = Rule(id="OWN-1", title="t", sides=(("a",), ("b",)), why="w", severity="low")
    assert [one.id for one in checks_for(Policy(rules=(own,)))][-1] == "OWN-1"


def test_checks_that_look_at_changes_say_for_how_many_days() -> None:
    assert all("days" in BY_ID[one].defaults() for one in ASKED_ABOUT)
