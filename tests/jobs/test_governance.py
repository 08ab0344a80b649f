"""The governance directory is in force as a whole, or not at all."""

from pathlib import Path

import pytest

from accesssync.errors import ConfigurationError, InputError
from accesssync.jobs.governance.directory import Governance, load_governance
from tests.builders import NOW

OWNERS = "version: 1\nowners:\n  - match: ci@acme.example\n    owner: platform\n"


def test_without_a_directory_or_files_nothing_is_said(tmp_path: Path) -> None:
    assert load_governance(None, NOW.date()) == load_governance(tmp_path, NOW.date()) == Governance()


def test_every_problem_of_every_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "owners.yaml").write_text("version: 1\nowner: x\n")
    (tmp_path / "decisions.yaml").write_text("version: 9\n")
    with pytest.raises(InputError) as caught:
        load_governance(tmp_path, NOW.date())
    assert [problem.split(" ")[0] for problem in caught.value.problems] == ["decisions.yaml:1:", "owners.yaml:2:"]


def test_a_file_that_is_meant_but_called_otherwise_is_refused(tmp_path: Path) -> None:
    (tmp_path / "owners.yml").write_text(OWNERS)
    (tmp_path / "README.md").write_text("about")
    with pytest.raises(InputError, match=r"did you mean owners\.yaml"):
        load_governance(tmp_path, NOW.date())
    (tmp_path / "owners.yaml").write_text(OWNERS)
    found = load_governance(tmp_path, NOW.date())
    assert [rule.owner for rule in found.owners] == ["platform"]
    assert list(found.digests) == ["owners.yaml"]


def test_what_cannot_be_read_is_a_matter_of_configuration(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="nowhere") as caught:
        load_governance(tmp_path / "nowhere", NOW.date())
    assert "ACCESSSYNC_GOVERNANCE_DIR" in caught.value.line()
    (tmp_path / "owners.yaml").mkdir()
    with pytest.raises(ConfigurationError, match=r"owners\.yaml"):
        load_governance(tmp_path, NOW.date())
