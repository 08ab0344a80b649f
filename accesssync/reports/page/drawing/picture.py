"""A picture as a list of marks in a box whose width is fixed; the browser scales it."""

from math import ceil, floor, log10
from typing import Literal

from msgspec import Struct

WIDTH = 560
"""Units of a picture that fills half of the page; a unit is about a pixel there."""

LETTER = 6.4
"""Width of a letter of the usual size, near enough to decide whether a number fits into a bar."""


class Mark(Struct, frozen=True, kw_only=True):
    """One shape. What is not needed for its kind stays as it is."""

    kind: Literal["rect", "text", "line", "path", "circle"]
    x: float = 0
    y: float = 0
    width: float = 0
    height: float = 0
    """Of a line: how far its end is from its beginning."""
    path: str = ""
    look: str = ""
    """Names of classes of the style sheet."""
    text: str = ""
    """What a text says; of another mark, what a pointer over it tells."""
    anchor: Literal["start", "middle", "end"] = "start"


class Picture(Struct, frozen=True):
    """Marks in a box."""

    width: int
    height: int
    marks: tuple[Mark, ...]


def text(x: float, y: float, words: str, look: str = "", anchor: Literal["start", "middle", "end"] = "start") -> Mark:
    """Words whose base line begins, is centred or ends at a point."""
    return Mark(kind="text", x=round(x, 1), y=round(y, 1), text=words, look=look, anchor=anchor)


def rect(x: float, y: float, width: float, height: float, look: str, words: str = "") -> Mark:
    """A bar; never thinner than what can be seen."""
    return Mark(
        kind="rect",
        x=round(x, 1),
        y=round(y, 1),
        width=round(max(width, 0.8), 1),
        height=round(max(height, 1.5), 1),
        look=look,
        text=words,
    )


def line(x: float, y: float, width: float, height: float, look: str) -> Mark:
    """A straight line."""
    return Mark(
        kind="line", x=round(x, 1), y=round(y, 1), width=round(x + width, 1), height=round(y + height, 1), look=look
    )


def fits(words: str, width: float) -> bool:
    """Whether words of the usual size stand inside a bar."""
    return len(words) * LETTER + 4 <= width


def cut(words: str, most: int) -> str:
    """A name of at most so many letters."""
    return words if len(words) <= most else words[: most - 1].rstrip() + "\u2026"


def short(number: int) -> str:
    """A number where there is little room: `950`, `1.2k`, `48k`, `1.3M`."""
    for size, letter in ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k")):
        if abs(number) >= size:
            share = number / size
            return f"{share:.0f}{letter}" if abs(share) >= 10 or share == int(share) else f"{share:.1f}{letter}"
    return f"{number:,}"


def ticks(most: int, wanted: int = 4) -> tuple[int, ...]:
    """Whole, round numbers from zero to at least `most`, about so many of them."""
    if most <= 0:
        return (0, 1)
    raw = most / wanted
    power = 10 ** max(0, floor(log10(raw))) if raw >= 1 else 1
    step = max(1, next(int(power * one) for one in (1, 2, 5, 10) if power * one >= raw))
    return tuple(step * number for number in range(ceil(most / step) + 1))
