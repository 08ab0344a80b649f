"""Make what is told fit: text that can be written as UTF-8, and no more bytes than there is room for.

What is cut says so: texts and lists end in how much is missing, and the whole names the size that it had.
"""

from collections.abc import Mapping
from typing import Any

from msgspec import json

MOST_BYTES = 200_000
"""Of the body of one entry: far below what the smallest intake takes, so that what goes around it finds room."""

_STEPS = ((20_000, 1_000), (4_000, 200), (500, 50), (100, 10), (40, 4))
"""Characters of a text and items of a list that are kept, ever fewer until it fits."""

_DEEPEST = 12


def fitted(body: Mapping[str, Any], most: int = MOST_BYTES) -> bytes:
    """The body as one line of JSON with at most `most` bytes (at least 1,000)."""
    whole = _encoded(_told(body, _DEEPEST, None, None))
    if len(whole) <= most:
        return whole
    for characters, items in _STEPS:
        told = _told(body, _DEEPEST, characters, items)
        cut = _encoded({**told, "cut_from_bytes": len(whole)})
        if len(cut) <= most:
            return cut
    plain = {name: _text(value, 40) for name, value in body.items() if isinstance(value, str)}
    return _encoded({**dict(list(plain.items())[:8]), "cut_from_bytes": len(whole)})


def writable(text: str) -> str:
    """The text with halves of characters, which UTF-8 cannot write, replaced."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return text


def _encoded(value: object) -> bytes:
    return json.encode(value)


def _told(value: Any, depth: int, characters: int | None, items: int | None) -> Any:
    if isinstance(value, str):
        return _text(value, characters)
    if value is None or isinstance(value, bool | int | float):
        return value
    if depth == 0:
        return "\u2026"
    if isinstance(value, Mapping):
        return _map(value, depth, characters, items)
    if isinstance(value, list | tuple | set | frozenset):
        some = sorted(value) if isinstance(value, set | frozenset) else list(value)
        kept = [_told(one, depth - 1, characters, items) for one in some[:items]]
        return [*kept, f"\u2026 and {len(some) - items:,} more"] if items is not None and len(some) > items else kept
    return _text(str(value), characters)


def _map(value: Mapping[Any, Any], depth: int, characters: int | None, items: int | None) -> dict[str, Any]:
    most = None if items is None else max(items, 20)
    kept = list(value.items())[:most]
    told = {_text(str(name), 200): _told(one, depth - 1, characters, items) for name, one in kept}
    if most is not None and len(value) > most:
        told["\u2026"] = f"and {len(value) - most:,} more"
    return told


def _text(text: str, characters: int | None) -> str:
    if characters is not None and len(text) > characters:
        text = f"{text[:characters]}\u2026 and {len(text) - characters:,} more characters"
    return writable(text)
