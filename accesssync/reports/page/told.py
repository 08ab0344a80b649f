"""Cells as a reader sees them: nothing in them acts or hides, and nothing is longer than a page can bear."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime

from accesssync.model.visible import visible
from accesssync.reports.dataset import Cell

MOST = 300
"""Letters of a text that the page carries; the whole of it is in the CSV file."""

MANY = 60
"""Entries of a list that the page carries."""


def clean(words: object, most: int = MOST) -> str:
    """A text made visible and cut, with a word on what was cut off."""
    whole = words if isinstance(words, str) else str(words)
    if len(whole) <= most:
        return visible(whole)
    return f"{visible(whole[: most - 1])}\u2026 ({len(whole):,} characters)"


def entries(words: tuple[str, ...]) -> list[str]:
    """The entries of a list made visible, the last of them saying how many more there are."""
    shown = [clean(one) for one in words[:MANY]]
    return [*shown, f"\u2026 {len(words) - MANY:,} more"] if len(words) > MANY else shown


def pairs(found: Mapping[str, object]) -> list[tuple[str, str]]:
    """What a map says, as words and values: names without underscores, nothing of what is not known."""
    return [(clean(name.replace("_", " "), 60), _value(value)) for name, value in found.items() if value is not None]


def flat(found: Mapping[str, object]) -> str:
    """What a map says on one line."""
    return clean("; ".join(f"{name}: {value}" for name, value in pairs(found)), 2 * MOST)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, list | tuple):
        shown = ", ".join("\u2013" if one is None else clean(one, 80) for one in value[:8])
        return f"{shown} and {len(value) - 8:,} more" if len(value) > 8 else shown or "none"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {inner}" for name, inner in pairs(value)) or "none"
    if isinstance(value, datetime):
        return moment(value)
    return clean(_MOMENT.sub(r"\1 \2", value) if isinstance(value, str) else value)


_MOMENT = re.compile(r"^(\d{4}-\d\d-\d\d)T(\d\d:\d\d):\d\d(?:\.\d+)?Z$")


def moment(at: datetime) -> str:
    """`2026-11-21 02:14`, in UTC."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M}"


def told(cell: Cell, most: int = 120) -> str:
    """A cell as text; not known is a dash."""
    if cell is None:
        return "\u2013"
    if isinstance(cell, str):
        return clean(cell, most)
    if isinstance(cell, tuple):
        return clean(", ".join(entries(cell)), most)
    return clean(flat(cell), most) if isinstance(cell, Mapping) else _plain(cell)


def _plain(cell: float | date) -> str:
    if isinstance(cell, bool):
        return "yes" if cell else "no"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return f"{cell:,.2f}"
    return moment(cell) if isinstance(cell, datetime) else cell.isoformat()
