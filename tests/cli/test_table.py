"""Tables can be read at any width, whatever is in them."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from accesssync.cli.table import Column, print_table, shorten_list, shorten_middle, table_lines, wrap

WHO = Column("WHO", lambda one: one["who"], "middle", least=20)
COLUMNS = (
    WHO,
    Column("NAME", lambda one: one["name"], least=10, optional=True),
    Column("COUNT", lambda one: one["count"], "number"),
    Column("ROLES", lambda one: one["roles"], "list", least=12),
    Column("NOTE", lambda one: one["note"], "wrap", least=10, sparse=True),
)
rows = st.lists(
    st.fixed_dictionaries(
        {
            "who": st.text(max_size=60),
            "name": st.none() | st.text(max_size=60),
            "count": st.integers(0, 10**9),
            "roles": st.lists(st.text(max_size=30), max_size=6),
            "note": st.just("") | st.text(max_size=80),
        }
    ),
    min_size=1,
    max_size=5,
)


def row(**values: Any) -> dict[str, Any]:
    return {"who": "ada@example.com", "name": "Ada", "count": 1, "roles": ["Admin"], "note": "", **values}


@given(rows, st.integers(40, 160))
def test_no_line_is_wider_than_the_table_may_be(documents: list[dict[str, Any]], width: int) -> None:
    assert all(cell_len(line) <= width for line in table_lines(COLUMNS, documents, width=width))


@given(rows, st.integers(1, 200))
def test_the_first_column_is_always_there_and_no_line_has_an_escape(
    documents: list[dict[str, Any]], width: int
) -> None:
    lines = list(table_lines(COLUMNS, documents, width=width))

    assert lines[0].startswith("WHO")
    assert all("\x1b" not in line and "\n" not in line and "\u202e" not in line for line in lines)


def test_an_optional_column_goes_first_and_a_silent_one_is_not_shown() -> None:
    assert next(iter(table_lines(COLUMNS, [row()], width=80))).split() == ["WHO", "NAME", "COUNT", "ROLES"]
    crowded = [row(who="x" * 60, name="y" * 60, roles=["z" * 60], note="w " * 40)]
    assert next(iter(table_lines(COLUMNS, crowded, width=55))).split() == ["WHO", "COUNT", "ROLES", "NOTE"]


def test_a_column_that_says_the_same_in_every_row_is_shown_only_where_it_tells() -> None:
    org = Column("ORG", lambda one: one["name"], telling=True)

    assert "ORG" not in next(iter(table_lines((WHO, org), [row(), row()], width=80)))
    assert "ORG" in next(iter(table_lines((WHO, org), [row(), row(name="Grace")], width=80)))


def test_wide_characters_keep_the_columns_aligned() -> None:
    columns = (Column("NAME", lambda one: one["name"]), WHO)
    lines = list(table_lines(columns, [row(name="田中太郎"), row(name="Ada")], width=80))

    assert {cell_len(line.split("ada@")[0]) for line in lines[1:]} == {10}


def test_shortened_texts_say_that_something_is_missing() -> None:
    assert shorten_middle("ada.lovelace@analytical.example", 20) == "ada.lovelace@…xample"
    assert shorten_list(["Admin", "Standard", "Read only"], 16) == "Admin +2"
    assert shorten_list(["Admin", "Standard", "Read only"], 18) == "Admin, Standard +1"
    assert shorten_list(["Administrator"], 6) == "Admin…"
    assert wrap("name: Ada -> Grace", 12) == ["name: Ada ->", "Grace"]


def test_the_last_line_counts(capsys: pytest.CaptureFixture[str]) -> None:
    print_table([WHO], [row(), row(), row()], limit=2, one="user", many="users")
    assert capsys.readouterr().out.splitlines()[-1] == "2 of 3 users; --limit 0 shows all of them"
    print_table([WHO], [row()], one="user", many="users")
    assert capsys.readouterr().out.splitlines()[-1] == "1 user"
    print_table([WHO], [], one="user", many="users")
    assert capsys.readouterr().out == "0 users\n"
