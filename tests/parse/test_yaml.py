"""YAML files that people write: what is read, and what is refused by its line."""

import time
from datetime import date

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from accesssync.errors import InputError
from accesssync.parse import compose
from accesssync.parse.fields import Fields, yaml_fields
from accesssync.parse.problems import Problems
from accesssync.parse.tree import Entry, Mapping, Node, Scalar, Sequence


def tree(content: bytes | str) -> Node | None:
    problems = Problems()
    found = compose.compose(content if isinstance(content, bytes) else content.encode(), "a.yaml", problems)
    problems.raise_any()
    return found


def refused(content: bytes | str) -> tuple[str, ...]:
    with pytest.raises(InputError) as caught:
        tree(content)
    assert caught.value.exit_code == 2
    return caught.value.problems


def test_everything_knows_its_line_and_nothing_is_guessed() -> None:
    assert tree("# a comment\nowner: no\nlist:\n  - 0123\n  - 'x'\n") == Mapping(
        {
            "owner": Entry(2, Scalar("no", 2, plain=True)),
            "list": Entry(3, Sequence((Scalar("0123", 4, plain=True), Scalar("x", 5)), 4)),
        },
        2,
    )


@pytest.mark.parametrize("content", ["", "# nothing\n", "---\n", "null\n"])
def test_an_empty_file_has_no_entries(content: str) -> None:
    assert tree(content) == Mapping({}, 1)


def test_a_byte_order_mark_and_any_line_ends_are_read() -> None:
    plain = tree("a: 1\nb: 2\n")
    assert tree(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n") == plain
    assert tree("a: 1\rb: 2\r") == plain


@pytest.mark.parametrize(
    ("content", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' is there twice, first in line 1"),
        ("a:\n  - x: 1\n    x: 2\n", 3, "'x' is there twice, first in line 2"),
        ("a: &b [1]\n", 1, "anchors"),
        ("a: 1\nb: *a\n", 2, "anchors"),
        ("match: *@vendor.example\n", 1, "in quotes"),
        ("a: !!python/object:os.system x\n", 1, "tags such as 'tag:yaml.org,2002:python/object:os.system'"),
        ("a: !secret x\n", 1, "tags"),
        ("a: 1\n---\nb: 2\n", 2, "one file holds one document"),
        ("? [a]\n: 1\n", 1, "a key has to be a text"),
        ("a: 1\n\tb: 2\n", 2, "indent with spaces"),
        ("a: [1\nb: 2\n", 2, "not valid YAML"),
        ("a: 'x\n", 2, "not valid YAML"),
        ("a: 1\nb: x\x00y\n", 2, "a NUL is hidden"),
        ("a: 1\nb: x\u202ey\n", 2, "U+202E"),
        ("a: 1\nb: x\u2028y\n", 2, "U+2028"),
        ('a: 1\nb: "x\\u202ey"\n', 2, "U+202E"),
        ('a: "\\UFFFFFFFF"\n', 1, "not valid YAML"),
        (b"a: 1\nb: \xff\n", 2, "not text in UTF-8"),
        ("a: 1\n".encode("utf-16"), 1, "UTF-16"),
        ("a: 1\nb: " + "x" * 10_001 + "\n", 2, "longer than 10,000"),
        ("a: " + "[" * 25 + "]" * 25, 1, "nested deeper"),
    ],
)
def test_what_is_refused_is_named_by_its_line(content: bytes | str, line: int, says: str) -> None:
    problems = refused(content)
    assert problems[0].startswith(f"a.yaml:{line}: ")
    assert says in problems[0]


def test_several_problems_are_told_at_once_in_the_order_of_the_lines() -> None:
    found = refused("a: 1\na: 2\nb: &x 1\nc: !t 1\n")
    assert [problem.split(":")[1] for problem in found] == ["2", "3", "4"]


def test_a_file_that_unfolds_is_refused_at_once() -> None:
    bomb = 'a: &a ["x","x","x","x","x","x","x","x","x"]\n'
    for name, before in zip("bcdefghi", "abcdefgh", strict=True):
        bomb += f"{name}: &{name} [{','.join(['*' + before] * 9)}]\n"
    started = time.process_time()
    assert "anchors" in refused(bomb)[0]
    assert time.process_time() - started < 1


def test_nesting_without_end_costs_no_stack() -> None:
    assert "nested deeper" in refused("[" * 500_000)[0]
    assert "nested deeper" in refused("".join(f"{' ' * depth}a:\n" for depth in range(100)))[0]


def test_size_and_number_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compose, "LARGEST", 10)
    assert "larger than 10 bytes" in refused("a: 0123456789")[0]
    monkeypatch.undo()
    monkeypatch.setattr(compose, "MOST_NODES", 5)
    assert refused("- 1\n- 2\n- 3\n- 4\n- 5\n") == ("a.yaml:5: more than 5 values in one file",)


def test_both_parsers_agree(monkeypatch: pytest.MonkeyPatch) -> None:
    content = "a: 1\nb:\n  - {c: 'd', e: }\n  - |\n    two\n    lines\n"
    fast = tree(content)
    monkeypatch.setattr(compose, "_LOADER", yaml.SafeLoader)
    assert tree(content) == fast
    assert "not valid YAML" in refused('a: "\\UFFFFFFFF"\n')[0]


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_give_a_tree_or_an_input_error(content: bytes) -> None:
    try:
        assert tree(content) is not None
    except InputError as error:
        assert all(problem.startswith("a.yaml:") for problem in error.problems)  # noqa: PT017 - either is welcome


_TEXTS = st.text(st.characters(codec="ascii", min_codepoint=32, max_codepoint=126), min_size=1, max_size=12)
_TREES = st.recursive(
    _TEXTS, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4), max_leaves=12
)


def plain(node: Node) -> object:
    if isinstance(node, Scalar):
        return node.text
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(entry.value) for key, entry in node.entries.items()}


@given(st.dictionaries(_TEXTS, _TREES, min_size=1, max_size=4), st.sampled_from([None, True, False]))
def test_what_a_yaml_writer_writes_is_read_back(content: dict[str, object], flow: bool | None) -> None:
    node = tree(yaml.safe_dump(content, default_flow_style=flow))
    assert node is not None
    assert plain(node) == content


def fields(content: str) -> tuple[Fields, Problems]:
    problems = Problems()
    return yaml_fields(content.encode(), "a.yaml", problems), problems


def test_values_come_with_their_types() -> None:
    top, problems = fields(
        "version: 1\ntext: ' x '\nnone: ~\nday: 2027-03-31\nflag: true\nkind: ci\nmany: [a, b]\none: a\n"
        "glob: '*@acme.example'\nmail: ada@acme.example\nlong: |\n  two\n  lines\nin: {a: 1}\n"
        "rows:\n  - a: 1\n  - a: 2\nby:\n  x: {a: 3}\n  y:\n"
    )
    assert top.integer("version", 1, 1) == 1
    assert top.text("text") == "x"
    assert top.optional_text("none") is None
    assert top.optional_text("absent") is None
    assert top.day("day") == date(2027, 3, 31)
    assert top.flag("flag", False)
    assert top.flag("absent", True)
    assert top.choice("kind", ("ci", "iac")) == "ci"
    assert top.texts("many") == ("a", "b")
    assert top.texts("one") == ("a",)
    assert top.glob("glob").matches("Ada@Acme.Example")
    assert top.email("mail") == "ada@acme.example"
    assert top.text("long", lines=True) == "two\nlines"
    inner = top.record("in")
    assert inner is not None
    assert inner.integer("a", 0, 5) == 1
    assert [one.integer("a", 0, 5) for one in top.records("rows")] == [1, 2]
    assert {name: one.optional_integer("a", 0, 5) for name, one in top.named("by")} == {"x": 3, "y": None}
    problems.raise_any()


@pytest.mark.parametrize(
    ("content", "ask", "says"),
    [
        ("a: 1\n", lambda top: top.text("owner"), ["1: owner is missing", "1: 'a' is not known here; known are owner"]),
        ("owner:\n", lambda top: top.text("owner"), ["1: owner is empty"]),
        ("ownr: x\n", lambda top: top.text("owner"), ["1: 'ownr' is not known here; did you mean owner?"]),
        ("a: [1]\n", lambda top: top.text("a"), ["1: a has to be a text, not a list"]),
        (
            "a: {b: 1}\n",
            lambda top: top.texts("a"),
            ["1: a has to be a list of texts, not a mapping of names to values"],
        ),
        ("a: [x, [y]]\n", lambda top: top.texts("a"), ["1: a: a text is needed here, this is a list"]),
        ("a: [x, x]\n", lambda top: top.texts("a"), ["1: a: 'x' is there twice"]),
        ("a: cii\n", lambda top: top.choice("a", ("ci", "iac")), ["1: a: 'cii' is not allowed; did you mean ci?"]),
        ("a: zzz\n", lambda top: top.choice("a", ("ci", "iac")), ["1: a: 'zzz' is not allowed; one of ci, iac"]),
        ("a: 7\n", lambda top: top.integer("a", 1, 5), ["1: a: 7 does not lie between 1 and 5"]),
        ("a: 1.5\n", lambda top: top.integer("a", 1, 5), ["1: a: '1.5' is no whole number"]),
        ("a: 31.3.2027\n", lambda top: top.day("a"), ["1: a: '31.3.2027' is no day; write one such as 2027-03-31"]),
        ("a: 2027-02-30\n", lambda top: top.day("a"), ["1: a: '2027-02-30' is no day; write one such as 2027-03-31"]),
        ("a: yes\n", lambda top: top.flag("a", False), ["1: a: 'yes' is neither true nor false"]),
        ("a: ada\n", lambda top: top.email("a"), ["1: a: 'ada' is no e-mail address"]),
        ("a: '*********'\n", lambda top: top.glob("a"), ["1: a: a pattern with more than 8 *"]),
        ("a: |\n  x\n  y\n", lambda top: top.text("a"), ["1: a: a text of one line is needed, without tabs"]),
        ("a: x\n", lambda top: list(top.records("a")), ["1: a has to be a list, not a text"]),
        ("a: [x]\n", lambda top: list(top.records("a")), ["1: a: names with values are needed here, not a text"]),
    ],
)
def test_a_wrong_value_is_told_once(content: str, ask: object, says: list[str]) -> None:
    top, problems = fields(content)
    assert callable(ask)
    ask(top)
    assert sorted(problems.found()) == sorted(f"a.yaml:{one}" for one in says)


def test_names_inside_are_refused_like_those_at_the_top() -> None:
    top, problems = fields("owners:\n  - match: x\n    ownr: y\n  - match: z\n    owner: y\n")
    for one in top.records("owners"):
        one.text("match")
        one.text("owner")
    assert problems.found() == ("a.yaml:3: 'ownr' is not known here; did you mean owner?",)


def test_a_broken_file_complains_of_what_is_broken_only() -> None:
    top, problems = fields("a: [\n")
    assert top.text("owner") == ""
    assert len(problems.found()) == 1
    top, problems = fields("")
    assert top.text("owner") == ""
    assert problems.found() == ("a.yaml:1: owner is missing",)


def test_an_error_shows_the_first_and_carries_all() -> None:
    problems = Problems()
    for line in range(1, 300):
        problems.add("a.yaml", line, "wrong")
    with pytest.raises(InputError) as caught:
        problems.raise_any()
    assert caught.value.message == "a.yaml:1: wrong (and 99 more problems)"
    assert len(caught.value.problems) == 100
