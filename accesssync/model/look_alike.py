"""Texts that a reader takes for each other."""

import unicodedata
from collections.abc import Iterable, Mapping
from typing import Final

_TWINS: Final[dict[int, str]] = {
    0x0030: "o",
    0x0031: "l",
    0x007C: "l",
    0x0131: "i",
    0x03B1: "a",
    0x03B2: "b",
    0x03B3: "y",
    0x03B5: "e",
    0x03B7: "n",
    0x03B9: "i",
    0x03BA: "k",
    0x03BD: "v",
    0x03BF: "o",
    0x03C1: "p",
    0x03C4: "t",
    0x03C5: "u",
    0x03C7: "x",
    0x0430: "a",
    0x0435: "e",
    0x043E: "o",
    0x0440: "p",
    0x0441: "c",
    0x0443: "y",
    0x0445: "x",
    0x0455: "s",
    0x0456: "i",
    0x0458: "j",
    0x04BB: "h",
    0x04CF: "l",
    0x0501: "d",
    0x0578: "n",
}
"""Letters of other alphabets, and digits, that look like Latin ones; the commonest of Unicode's confusables."""


def skeleton(text: str) -> str:
    """What is left of a text when everything that a reader may overlook is taken away.

    Compatibility forms, accents, letter case, invisible marks and look-alike letters. Two texts with one skeleton
    look alike; they are not therefore the same, and are never merged.
    """
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    kept = "".join(char for char in decomposed if unicodedata.category(char) not in {"Mn", "Cf", "Cc"})
    return kept.casefold().translate(_TWINS)


def look_alikes(texts: Iterable[tuple[str, str | None]]) -> Mapping[str, tuple[str, ...]]:
    """Of (id, text) pairs, the ids that share a skeleton with another id: each with the others."""
    groups: dict[str, list[str]] = {}
    for one, text in texts:
        if text:
            groups.setdefault(skeleton(text) if not text.isascii() else text.lower().translate(_TWINS), []).append(one)
    return {
        one: tuple(other for other in group if other != one)
        for group in groups.values()
        if len(group) > 1
        for one in group
    }
