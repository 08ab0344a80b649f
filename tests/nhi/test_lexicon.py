"""The lexicon and what an operator changes in it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.errors import ConfigurationError
from accesssync.nhi.classify import classify, context
from accesssync.nhi.lexicon import LARGEST, Group, base_lexicon, load_lexicon
from accesssync.nhi.verdict import Subject
from tests.nhi.test_hard_cases import NOW

BASE = base_lexicon()


def test_every_word_is_written_as_it_is_looked_up() -> None:
    tables: list[dict[str, Group]] = [BASE.source.groups, BASE.source.endings, BASE.source.accounts, BASE.source.lists]
    for table in tables:
        for name, group in table.items():
            assert len(group.words) == len(set(group.words)), name
            assert all(word == word.casefold().strip() and " " not in word for word in group.words), name
    assert all(word.isalnum() for group in BASE.source.accounts.values() for word in group.words)
    assert all(phrase.count(" ") == 1 for group in BASE.source.phrases.values() for phrase in group.words)


def test_no_word_is_in_two_groups() -> None:
    seen: dict[str, str] = {}
    for name, group in BASE.source.groups.items():
        for word in group.words:
            assert seen.setdefault(word, name) == name, f"{word} is in {seen[word]} and {name}"


def test_an_override_adds_moves_removes_and_reweighs_and_changes_the_version() -> None:
    override = b"""
[thresholds]
nhi = 70
[points]
component = 10
[groups.N1]
add = ["zephyr", "nightly"]
remove = ["bot"]
points = 55
[groups.OURS]
title = "our deployer"
points = 60
kind = "ci"
add = ["shiplift"]
"""
    changed = load_lexicon(BASE, override, "ours.toml")
    assert changed.version != BASE.version
    assert changed.version == load_lexicon(BASE, override, "elsewhere.toml").version
    assert (changed.nhi, changed.points["component"], changed.groups["N1"].points) == (70, 10, 55)
    assert (changed.words["zephyr"], changed.words["nightly"], changed.words["shiplift"]) == ("N1", "N1", "OURS")
    assert "bot" not in changed.words
    used = context(NOW, lexicon=changed)
    found = classify(Subject(handle="shiplift-ledger"), used)
    assert (found.label, found.kind, found.ruleset) == ("review", "ci", changed.version)
    assert BASE.words["bot"] == "N1", "the original is untouched"


@pytest.mark.parametrize(
    ("override", "line", "says"),
    [
        ("[groups.N1]\nadd = [\n", 3, "not valid TOML"),
        ("\n\n[groups.N1]\nadd = ['Bot']\n", 4, "'Bot' is not a lower-case word"),
        ("[groups.N1]\n\nadd = 7\n", 3, "expected `array`"),
        ("[groups.N1]\nadd = []\nweight = 7\n", 3, "unknown field"),
        ("[groups.N1]\npoints = 7000\n", 1, "between -100 and 100"),
        ("[groups.N1]\nadd = []\n[groups.NEW]\nadd = ['x']\n", 3, "needs title and points"),
        ("[lists.colours]\nadd = ['x']\n", 1, "lists cannot be added"),
        ("[points]\n\nluck = 7\n", 3, "no points called 'luck'"),
        ("[thresholds]\nreview = 90\n", 1, "not above nhi"),
        ("# nothing\n[nonsense]\n", 2, "unknown field"),
    ],
)
def test_an_error_in_an_override_is_named_by_its_line(override: str, line: int, says: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_lexicon(BASE, override.encode(), "ours.toml")
    assert f"ours.toml, line {line}:" in caught.value.message
    assert says in caught.value.message


def test_an_override_that_is_not_text_or_too_large_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="line 2: not UTF-8"):
        load_lexicon(BASE, b"[points]\n\xff\xfe", "ours.toml")
    with pytest.raises(ConfigurationError, match="larger than"):
        load_lexicon(BASE, b"#" * (LARGEST + 1), "ours.toml")


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_override_is_applied_whole_or_refused(override: bytes) -> None:
    try:
        load_lexicon(BASE, override)
    except ConfigurationError as error:
        assert "\n" not in error.message  # noqa: PT017 - most of it is refused, some of it is not
