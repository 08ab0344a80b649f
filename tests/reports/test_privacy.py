"""Pseudonyms stay the same, tell nothing, and leave nobody behind; profiles leave out what they say."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accesssync.reports.dataset import Row
from accesssync.reports.disguise import SAID, disguise, disguise_block
from accesssync.reports.profile import PROFILES, left_out, narrowed
from accesssync.reports.pseudonyms import Pseudonyms
from tests.reports.builders import AT, block, column, dataset

KEY = b"k" * 32
NAMES = ("Ada Lovelace", "ada@acme.example", "ada.lovelace", "Prince", "王小明", "Data Admin", "O'Brien-Smith", "Li")
SOME = Pseudonyms(KEY, NAMES, ["Datadog Admin Role", "Data Admin"])


def test_a_pseudonym_is_the_same_for_the_same_person_and_key_and_no_other() -> None:
    other = Pseudonyms(b"x" * 32, NAMES)
    assert SOME.of("Ada@Acme.example ") == Pseudonyms(KEY).of("ada@acme.example")
    assert SOME.of("ada@acme.example") != other.of("ada@acme.example")
    assert SOME.of("Ada") != SOME.of("Bob")
    assert SOME.of("Ada").startswith("p-")
    assert [SOME.of(""), SOME.of("  ")] == ["", "  "]


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("key of ada lovelace, made by ADA@ACME.EXAMPLE", ("ada", "ACME")),
        ("ada.lovelace-laptop", ("ada", "lovelace")),
        ("asked bob.unknown@other.example about it", ("bob", "other")),
        ("Prince's keys", ("Prince",)),
        ("会議:王小明さん", ("王小明",)),
        ("(O'Brien-Smith)", ("Brien",)),
        ("mailto:x@y.z?cc=ada@acme.example", ("x@y.z", "ada@")),
    ],
)
def test_names_and_addresses_are_found_wherever_they_stand(text: str, gone: tuple[str, ...]) -> None:
    scrubbed = SOME.scrub(text)
    assert not [one for one in gone if one.casefold() in scrubbed.casefold()]
    assert "p-" in scrubbed


@pytest.mark.parametrize(
    "text", ["Datadog Admin Role", "Data Admin of the week", "Princess", "a list of Li things", "2026-11-20", ""]
)
def test_what_only_looks_like_a_name_stays(text: str) -> None:
    assert SOME.scrub(text) == text


@given(
    names=st.lists(st.text(st.characters(categories=["L", "N", "Zs"]), min_size=3, max_size=20), max_size=5),
    before=st.sampled_from(["", "by ", "key of (", "x; "]),
    after=st.sampled_from(["", " again", ")", ";"]),
)
def test_no_known_name_of_words_is_left(names: list[str], before: str, after: str) -> None:
    some = Pseudonyms(KEY, names)
    for name in names:
        words = name.split()
        if any(len(word) >= 3 and not word.isnumeric() for word in words):
            assert f" {name} ".casefold() not in some.scrub(f" {before}{name}{after} ").casefold()


def test_cells_of_every_kind_lose_their_people_and_ids_stay() -> None:
    columns = [
        column("identity_id", "id", personal=True), column("email", personal=True),
        column("who", "list", personal=True),
        column("role"), column("teams", "list"), column("evidence", "json", personal=True), column("at", "moment"),
        column("keys", "count"),
    ]  # fmt: skip
    evidence = {
        "title": "Engineer", "days": 3, "on": True, "none": None, "ada@acme.example": 1,
        "deep": [{"name": ["Old Name", "New Name"], "text": "Ada Lovelace left"}, "Datadog Admin Role"],
    }  # fmt: skip
    rows: list[Row] = [
        ("u1", "ada@acme.example", ("Ada", "Bob"), "Datadog Admin Role", ("Team of Ada Lovelace",), evidence, AT, 3),
        (None,) * 8,
    ]
    (told,) = disguise([dataset(columns, rows)], SOME)
    first, second = told.read()
    assert second == rows[1]
    assert first[:2] == ("u1", SOME.of("ada@acme.example"))
    assert first[2] == (SOME.of("Ada"), SOME.of("Bob"))
    assert first[3] == "Datadog Admin Role"
    assert first[4] == (f"Team of {SOME.of('ada lovelace')}",)
    assert first[6:] == (AT, 3)
    text = json.dumps(first[5])
    assert '"days": 3' in text
    for gone in ("Engineer", "ada", "Ada", "Old", "New Name"):
        assert gone not in text
    assert "Datadog Admin Role" in text
    assert list(told.read()) == [first, second]


def test_the_block_loses_its_people_and_says_so() -> None:
    told = disguise_block(block(credentials_used=("key ..a1b2 of ada@acme.example",), generated_by="ada"), SOME)
    assert "ada" not in str(told).replace("Datadog", "")
    assert "audit-1" not in str(told)
    assert told.filters_applied[-1] == SAID


def test_an_auditor_gets_everything_but_scores() -> None:
    one = dataset([column("identity_id", "id"), column("nhi_confidence", "count")], [("u1", 40)])
    (told,) = narrowed([one], PROFILES["auditor"])
    assert list(told.read()) == [("u1",)]
    assert left_out([one], PROFILES["auditor"])[1] == "columns left out: nhi_confidence"


def test_an_owner_gets_roles_and_who_holds_them() -> None:
    made = [dataset([column("id", "id")], [("x",)], name) for name in ("grants", "roles", "findings", "changes")]
    assert [one.name for one in narrowed(made, PROFILES["owner"])] == ["grants", "roles"]
    assert "datasets left out: findings, changes" in left_out(made, PROFILES["owner"])


def test_full_is_everything() -> None:
    made = [dataset([column("nhi_confidence")], [("x",)])]
    assert narrowed(made, PROFILES["full"]) == tuple(made)
    assert left_out(made, PROFILES["full"]) == ()
