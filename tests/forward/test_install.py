"""What is done about what is there: ours is told from others', edits from versions, and copies from originals."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.forward.install import Action, decide, differences, leftovers, ours
from accesssync.forward.marks import digest, marked, read_marks, unmarked
from accesssync.forward.objects import Wanted
from accesssync.model.installed import Found, Kind

BODY: dict[str, Any] = {"title": "t", "description": "What it is.", "widgets": [{"definition": {"type": "note"}}]}
RULE: dict[str, Any] = {"name": "r", "tags": ["team:a"], "queries": [{"query": "x", "distinctFields": []}]}


def installed(kind: Kind = Kind.DASHBOARD, body: dict[str, Any] = BODY, known_as: str = "abc", **more: Any) -> Found:
    """As it was installed, with what Datadog adds and `more` that somebody changed."""
    return Found(known_as, {"id": known_as, "author": "x", **marked(kind, "board", body, known_as), **more})


def action(found: list[Found], body: dict[str, Any] = BODY, kind: Kind = Kind.DASHBOARD) -> Action:
    [step] = decide([Wanted(kind, "board", body)], found)
    return step.action


@pytest.mark.parametrize(("kind", "body"), [(Kind.DASHBOARD, BODY), (Kind.DETECTION_RULE, RULE), (Kind.PIPELINE, {})])
def test_marks_go_on_and_come_off(kind: Kind, body: dict[str, Any]) -> None:
    with_marks = marked(kind, "board", body, "aBc_-9")
    marks = read_marks(with_marks)
    assert marks is not None
    assert (marks.name, marks.content, marks.id) == ("board", digest(body), "aBc_-9")
    assert list(differences(unmarked(with_marks), body)) == []


@given(st.text(max_size=60), st.text(alphabet="ab-", min_size=1, max_size=5))
def test_whatever_the_description_says_the_marks_are_found(text: str, name: str) -> None:
    marks = read_marks(marked(Kind.DASHBOARD, name, {"description": text}, "id-1"))
    assert marks is not None
    assert marks.id is not None


def test_what_is_as_wanted_is_kept_and_what_datadog_adds_is_no_edit() -> None:
    assert action([installed()]) is Action.KEEP
    assert action([installed(body={**BODY, "tags": []})], {**BODY, "tags": []}) is Action.KEEP


def test_what_is_not_there_is_made() -> None:
    assert action([]) is Action.CREATE


def test_the_same_title_without_a_mark_is_somebody_elses() -> None:
    assert action([Found("xyz", BODY)]) is Action.CREATE
    assert ours([Found("xyz", BODY)]) == {}


def test_an_older_version_is_updated_and_an_edited_one_restored() -> None:
    assert action([installed(body={**BODY, "title": "older"})]) is Action.UPDATE
    assert action([installed(title="edited")]) is Action.RESTORE
    assert action([installed(widgets=[])]) is Action.RESTORE


def test_a_copy_of_ours_is_somebody_elses() -> None:
    copy = Found("copy", {**installed().body, "id": "copy", "title": "edited"})
    assert action([copy]) is Action.CREATE
    assert action([copy, installed()]) is Action.KEEP
    assert leftovers([copy, installed()]) == []


def test_one_that_was_begun_and_not_finished_is_finished() -> None:
    begun = Found("abc", marked(Kind.DASHBOARD, "board", BODY))
    assert action([begun]) is Action.UPDATE
    twice = Found("def", marked(Kind.DASHBOARD, "board", BODY))
    assert ours([begun, twice])["board"].id == "abc"
    assert [one.id for one in leftovers([begun, twice])] == ["def"]
    assert [one.id for one in leftovers([begun, installed(known_as="ghi")])] == ["abc"]


def test_tags_may_come_back_in_another_order_or_in_lower_case() -> None:
    found = installed(Kind.DETECTION_RULE, RULE, "aBc")
    tags = [each.lower() for each in reversed(found.body["tags"])]
    assert action([Found("aBc", {**found.body, "tags": tags})], RULE, Kind.DETECTION_RULE) is Action.KEEP


def test_what_is_empty_may_be_left_out_and_numbers_may_be_told_otherwise() -> None:
    wanted = {"a": [], "b": False, "c": {"d": 0, "e": 5}, "type": "metric alert"}
    assert list(differences({"c": {"e": 5.0}, "type": "query alert", "f": 1}, wanted)) == []
    assert [one.path for one in differences({"b": True, "c": {"d": 1, "e": 6}}, wanted)] == ["b", "c.d", "c.e", "type"]


def test_a_difference_says_where_and_shows_the_place_in_a_long_text() -> None:
    long = "word " * 100
    [one] = differences({"a": [{"b": long + "old" + long}]}, {"a": [{"b": long + "new" + long}]})
    assert one.path == "a[0].b"
    assert "old" in one.now
    assert "new" in one.wanted
    assert max(len(one.now), len(one.wanted)) < 110
    [one] = differences({"a": [1, 2]}, {"a": [1]})
    assert (one.now, one.wanted) == ("2 entries", "1 entries")
