"""The part of docs/reports.md that lists every column. To renew: python -m tests.reports.datasets_page"""

import re
from pathlib import Path
from typing import Any, cast

from accesssync.reports.dataset import Dataset
from accesssync.reports.datasets.catalogue import ALL

PAGE = Path(__file__).parents[2] / "docs" / "reports.md"
_PART = re.compile(r"(<!-- datasets -->\n).*?(<!-- end -->)", re.DOTALL)


def datasets() -> list[Dataset]:
    """Every dataset, of no organization: columns need none."""
    return [make(cast("Any", None)) for make in ALL]


def renew(page: str) -> str:
    """The page with the list of columns written anew."""
    listed = "\n".join(_section(one) for one in datasets())
    return _PART.sub(lambda found: f"{found[1]}{listed}{found[2]}", page)


def _section(one: Dataset) -> str:
    rows = [
        f"| `{column.name}`{' †' if column.personal else ''} | {column.kind} | {column.means} |"
        for column in one.columns
    ]
    head = [
        f"### `{one.name}`",
        "",
        f"{one.title}. One row: {one.row_is}.",
        "",
        "| Column | Kind | Means |",
        "|---|---|---|",
    ]
    return "\n".join([*head, *rows, ""]) + "\n"


if __name__ == "__main__":
    PAGE.write_text(renew(PAGE.read_text("utf-8")), "utf-8")
