"""Bodies that fit: always JSON, always UTF-8, never larger than the limit, and what was cut says so."""

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from accesssync.forward.fit import MOST_BYTES, fitted, writable

any_text = st.text(st.characters(), max_size=200)
plain = st.none() | st.booleans() | st.integers() | st.floats() | any_text
values = st.recursive(plain, lambda inner: st.lists(inner, max_size=8) | st.dictionaries(any_text, inner, max_size=8))


@given(st.dictionaries(any_text, values, max_size=12), st.integers(1_000, 3_000))
def test_whatever_is_told_fits_and_can_be_read(body: dict[str, Any], most: int) -> None:
    written = fitted(body, most)
    assert len(written) <= most
    assert isinstance(json.loads(written.decode()), dict)
    assert b"\n" not in written


def test_half_a_character_in_a_name_is_replaced_and_the_rest_kept() -> None:
    told = json.loads(fitted({"name": "Ada \udc80 Lovelace", "list": ["\ud83d\ude00", "\ud83d"]}))
    assert told == {"name": "Ada \ufffd Lovelace", "list": ["\U0001f600", "\ufffd"]}
    assert writable("Zoë \U0001f600") == "Zoë \U0001f600"


def test_what_fits_is_told_as_it_is() -> None:
    body = {"message": "m", "finding": {"id": "F-1", "evidence": {"keys": ["a", "b"], "score": 7, "since": None}}}
    assert json.loads(fitted(body)) == body


def test_a_huge_finding_is_cut_where_it_is_huge_and_says_so() -> None:
    keys = [f"key {number} " + "x" * 100 for number in range(20_000)]
    body = {"message": "m", "finding": {"id": "F-1", "evidence": {"keys": keys, "note": "y" * 2_000_000}}}
    written = fitted(body)
    told = json.loads(written)
    assert len(written) <= MOST_BYTES
    assert told["cut_from_bytes"] > 2_000_000
    assert told["finding"]["id"] == "F-1"
    assert told["finding"]["evidence"]["keys"][0] == keys[0]
    assert told["finding"]["evidence"]["keys"][-1].startswith("\u2026 and ")
    assert "more characters" in told["finding"]["evidence"]["note"]


def test_a_time_or_anything_else_is_told_as_text() -> None:
    assert json.loads(fitted({"at": {1, 2}, "path": complex(1, 2)})) == {"at": [1, 2], "path": "(1+2j)"}
