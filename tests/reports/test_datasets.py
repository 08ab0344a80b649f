"""What every dataset promises by its form alone."""

import re

from tests.reports.datasets_page import PAGE, datasets, renew


def test_the_page_lists_every_column() -> None:
    page = PAGE.read_text("utf-8")
    assert page == renew(page), "renew it with: python -m tests.reports.datasets_page"


def test_names_are_stable_file_names_and_columns_are_told_apart() -> None:
    found = datasets()
    assert len({one.name for one in found}) == len(found) == 16
    for one in found:
        names = [column.name for column in one.columns]
        assert names[0] == "org"
        assert len(set(names)) == len(names), one.name
        assert all(re.fullmatch(r"[a-z][a-z0-9_]*", name) for name in (one.name, *names))
        assert all(column.means.endswith(".") for column in one.columns), one.name


def test_names_and_addresses_are_marked_as_personal_everywhere() -> None:
    by_name: dict[str, set[bool]] = {}
    for one in datasets():
        for column in one.columns:
            by_name.setdefault(column.name, set()).add(column.personal)
    for name in ("email", "identity_id", "owner", "owner_email", "subject_name", "target", "sponsor"):
        assert by_name[name] == {True}, name
