"""Patterns: what they match, and that none of them takes long."""

import re
import time

from hypothesis import given
from hypothesis import strategies as st

from accesssync.parse.glob import Glob, Patterns

_LETTERS = st.text("ab?*", max_size=8)


@given(_LETTERS, st.text("abA", max_size=10))
def test_a_pattern_matches_what_the_same_regular_expression_does(pattern: str, text: str) -> None:
    regular = "".join({"*": ".*", "?": "."}.get(char, char) for char in pattern)
    assert Glob(pattern).matches(text) == bool(re.fullmatch(regular, text, re.IGNORECASE | re.DOTALL))


def test_no_pattern_takes_long() -> None:
    started = time.process_time()
    assert not Glob("*a*a*a*a*a*a*ab").matches("a" * 1_000)
    assert time.process_time() - started < 1


def test_exact_patterns_come_first_then_the_order_of_the_file() -> None:
    patterns = Patterns([(Glob("*@acme.example"), "all"), (Glob("Ada@acme.example"), "ada"), (Glob("ci-*"), "ci")])
    assert list(patterns.matching(["ada@ACME.example", None])) == ["ada", "all"]
    assert list(patterns.matching(["x", "ci-1"])) == ["ci"]
    assert list(patterns.matching([None, ""])) == []
