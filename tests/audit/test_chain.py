"""The chain: one form for one content, and no change to a written log goes unnoticed."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from itertools import count
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from accesssync.audit.entry import EMPTY, Entry, Head, Kind, Sealed, canonical, hash_of, seal
from accesssync.audit.lines import BadLineError, line_of, read_lines
from accesssync.audit.verify import Anchor, verify

NOON = datetime(2026, 6, 30, 12, tzinfo=UTC)
TEXT = st.text(st.characters(codec=None), max_size=20)
FACTS = st.dictionaries(
    TEXT,
    st.recursive(
        st.none() | st.booleans() | st.integers() | TEXT,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=4,
)
ENTRIES = st.builds(
    Entry,
    kind=st.sampled_from(Kind),
    at=st.timedeltas(timedelta(days=-9_000), timedelta(days=9_000)).map(lambda apart: NOON + apart),
    actor=TEXT,
    org=st.none() | TEXT,
    subject_id=st.none() | TEXT,
    facts=FACTS,
    personal=st.dictionaries(st.sampled_from(["subject", "reason", "name"]), st.none() | TEXT),
)
LOGS = st.lists(ENTRIES, min_size=1, max_size=6)


def keys() -> Callable[[], bytes]:
    """Keys that tests can repeat."""
    numbers = count()
    return lambda: next(numbers).to_bytes(32, "big")


def written(entries: list[Entry]) -> list[Sealed]:
    log: list[Sealed] = []
    new_key = keys()
    for entry in entries:
        head = Head(log[-1].seq, log[-1].hash) if log else EMPTY
        log.append(seal(entry, head, new_key))
    return log


def five() -> list[Sealed]:
    return written(
        [
            Entry(kind=Kind.RUN_PUBLISHED, at=NOON + timedelta(hours=n), actor=f"user{n}@example.com", facts={"n": n})
            for n in range(1, 6)
        ]
    )


def first_bad(log: list[Sealed], *anchors: Anchor) -> tuple[int, str] | None:
    fault = verify(log, anchors).fault
    return None if fault is None else (fault.seq, fault.problem)


@given(LOGS)
def test_whatever_is_written_is_found_as_it_was_written(entries: list[Entry]) -> None:
    log = written(entries)
    verdict = verify(log, [Anchor(seq=one.seq, hash=one.hash, source="run-1") for one in log])
    assert verdict.fault is None
    assert verdict.erased == 0
    assert verdict.entries == len(entries)
    assert verdict.head == Head(log[-1].seq, log[-1].hash)


@given(LOGS)
def test_an_export_is_the_log_again_when_it_is_read(entries: list[Entry]) -> None:
    log = written(entries)
    lines = [line_of(one) for one in log]
    assert all("\n" not in line for line in lines)
    assert list(read_lines(lines)) == log


@given(LOGS, st.data())
def test_no_edited_character_of_an_entry_goes_unnoticed(entries: list[Entry], data: st.DataObject) -> None:
    log = written(entries)
    at = data.draw(st.integers(0, len(log) - 1))
    position = data.draw(st.integers(0, len(log[at].body) - 1))
    character = data.draw(st.characters(codec="ascii").filter(lambda one: one != log[at].body[position]))
    body = log[at].body[:position] + character + log[at].body[position + 1 :]
    log[at] = replace(log[at], body=body)
    found = first_bad(log)
    assert found is not None
    assert found[0] == at + 1


@given(LOGS.filter(lambda entries: len(entries) > 1), st.data())
def test_an_edited_entry_with_its_hash_renewed_is_found_by_the_next(entries: list[Entry], data: st.DataObject) -> None:
    log = written(entries)
    at = data.draw(st.integers(0, len(log) - 2))
    body = json.loads(log[at].body)
    body["facts"] = {"forged": True}
    forged = canonical(body)
    log[at] = replace(log[at], body=forged, hash=hash_of(forged))
    found = first_bad(log)
    assert found is not None
    assert found[0] == at + 2
    assert f"does not follow entry {at + 1}" in found[1]


@pytest.mark.parametrize("column", ["at", "kind", "org", "subject_id"])
def test_what_is_searched_is_what_was_written(column: str) -> None:
    log = five()
    log[2] = replace(log[2], **{column: NOON if column == "at" else "another"})
    assert first_bad(log) == (3, f"what is listed as its {column} is not what was written")


def test_a_removed_entry_is_missing() -> None:
    log = five()
    assert first_bad([*log[:1], *log[3:]]) == (2, "missing: entries 2 to 3")
    assert first_bad(log[1:]) == (1, "missing: entry 1")


def test_entries_that_changed_places_are_found() -> None:
    log = five()
    log[1], log[2] = replace(log[2], seq=2), replace(log[1], seq=3)
    found = first_bad(log)
    assert found is not None
    assert found[0] == 2
    assert "written as entry 3" in found[1]


def test_an_entry_that_stands_twice_is_found() -> None:
    log = five()
    assert first_bad([*log, log[4]]) == (5, "entry 5 stands behind entry 5")


def test_a_cut_tail_is_known_only_to_whoever_noted_the_end() -> None:
    log = five()
    assert first_bad(log[:3]) is None
    noted = Anchor(seq=5, hash=log[4].hash, source="run-7")
    assert first_bad(log[:3], noted) == (4, "the end is cut off: run-7 saw entry 5; missing: entries 4 to 5")
    assert first_bad([], noted) == (1, "the end is cut off: run-7 saw entry 5; missing: entries 1 to 5")
    assert first_bad(log, noted) is None


def test_a_log_written_anew_disagrees_with_what_was_noted_of_the_old_one() -> None:
    old, new = five(), written([Entry(kind=Kind.RUN_FAILED, at=NOON, actor="mallory")] * 5)
    assert first_bad(new) is None
    found = first_bad(new, Anchor(seq=4, hash=old[3].hash, source="the export of 2026-06-30"))
    assert found is not None
    assert found[0] == 4
    assert "the export of 2026-06-30" in found[1]


class TestPersonal:
    """What identifies people is kept beside the chain."""

    ENTRY = Entry(
        kind=Kind.IDENTITY_DECIDED, at=NOON, actor="ada@example.com", subject_id="u-1",
        personal={"subject": "bob@example.com", "reason": "Bob is on leave", "absent": None},
    )  # fmt: skip

    def test_nothing_personal_is_chained(self) -> None:
        [one] = written([self.ENTRY])
        assert not [text for text in ("ada", "bob", "leave", "example.com") if text in one.body]
        assert "u-1" in one.body
        assert set(json.loads(one.body)["personal"]) == {"actor", "subject", "reason"}

    def test_the_same_text_never_has_the_same_hash(self) -> None:
        one, other = written([self.ENTRY, self.ENTRY])
        assert not {*json.loads(one.body)["personal"].values()} & {*json.loads(other.body)["personal"].values()}

    @pytest.mark.parametrize("gone", [["subject"], ["actor", "subject", "reason"]])
    def test_it_can_be_erased_and_the_chain_holds(self, gone: list[str]) -> None:
        log = written([self.ENTRY, self.ENTRY])
        texts = json.loads(log[0].personal)
        for name in gone:
            del texts[name]
        log[0] = replace(log[0], personal=canonical(texts))
        verdict = verify(log, ())
        assert verdict.fault is None
        assert verdict.erased == len(gone)

    @pytest.mark.parametrize(
        "forge",
        [
            lambda texts: texts["actor"].update(value="mallory"),
            lambda texts: texts["actor"].update(key="00" * 32),
            lambda texts: texts["actor"].update(key="no key"),
            lambda texts: texts["actor"].pop("key"),
            lambda texts: texts.update(actor=None),
            lambda texts: texts.update(another={"key": "00", "value": "x"}),
        ],
    )
    def test_it_cannot_be_replaced(self, forge: Callable[[dict[str, Any]], object]) -> None:
        log = written([self.ENTRY, self.ENTRY])
        texts = json.loads(log[1].personal)
        forge(texts)
        log[1] = replace(log[1], personal=canonical(texts))
        found = first_bad(log)
        assert found is not None
        assert found[0] == 2

    def test_a_name_without_end_is_cut(self) -> None:
        [one] = written([replace(self.ENTRY, personal={"subject": "x" * 1_000_000})])
        assert len(one.personal) < 2_000
        assert verify([one], ()).fault is None


class TestCanonical:
    """One content, one form."""

    def test_the_order_of_keys_and_the_zone_of_a_time_make_no_difference(self) -> None:
        east = NOON.astimezone(timezone(timedelta(hours=2)))
        one = Entry(kind=Kind.PLAN_MADE, at=NOON, actor="a", facts={"x": 1, "y": [True, None]})
        other = Entry(kind=Kind.PLAN_MADE, at=east, actor="a", facts={"y": (True, None), "x": 1})
        assert written([one])[0].body == written([other])[0].body

    @pytest.mark.parametrize("value", [0.5, {1: "a"}, b"bytes", NOON, {"a": [1.0]}, float("nan"), {"a", "b"}])
    def test_what_has_no_single_form_is_refused(self, value: object) -> None:
        with pytest.raises(TypeError, match="canonical"):
            seal(Entry(kind=Kind.PLAN_MADE, at=NOON, actor="a", facts={"value": value}), EMPTY, keys())

    def test_the_form_is_known(self) -> None:
        """Whoever verifies with a program of their own relies on these bytes."""
        entry = Entry(kind=Kind.PLAN_MADE, at=NOON, actor="ada", org="acme", facts={"n": 1, "é": "\u2028"})
        [one] = written([entry])
        assert one.body == (
            '{"at":"2026-06-30T12:00:00.000000Z","facts":{"n":1,"\\u00e9":"\\u2028"},"format":1,"kind":"plan.made",'
            '"org":"acme","personal":{"actor":"f511103a4f5f11256c03bfd575892ebb778a710229c49033ee945913499e234e"},'
            f'"previous":"{"0" * 64}","seq":1,"subject_id":null}}'
        )


@pytest.mark.parametrize(
    "line",
    ["", "{}", "[]", "null", "{", '{"entry": 1, "hash": "", "personal": {}}', '{"entry": {}}', "\x00", "[" * 100_000],
)
def test_a_line_that_is_no_entry_is_named(line: str) -> None:
    good = line_of(five()[0])
    with pytest.raises(BadLineError, match=r"^line 2 "):
        list(read_lines([good, line]))
