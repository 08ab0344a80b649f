"""Patterns with * and ?, matched in time that cannot run away."""

from collections.abc import Iterable, Iterator
from typing import Generic, TypeVar

from msgspec import Struct

LONGEST = 300
"""Characters of a pattern."""

MOST_STARS = 8

T = TypeVar("T")


class Glob(Struct, frozen=True):
    """A pattern as it was written: * stands for any letters or none, ? for one; capitals make no difference."""

    text: str

    @property
    def exact(self) -> str | None:
        """The one folded text that it matches, where it has neither * nor ?."""
        return None if "*" in self.text or "?" in self.text else self.text.casefold()

    def matches(self, text: str) -> bool:
        """Whether the whole text has this form; in time that grows with the product of both lengths at worst."""
        pattern, value = self.text.casefold(), text.casefold()
        at = given = 0
        star = -1
        resume = 0
        while given < len(value):
            if at < len(pattern) and pattern[at] == "*":
                star, resume, at = at, given, at + 1
            elif at < len(pattern) and pattern[at] in ("?", value[given]):
                at, given = at + 1, given + 1
            elif star >= 0:
                resume += 1
                at, given = star + 1, resume
            else:
                return False
        return all(char == "*" for char in pattern[at:])


def fault_of(text: str) -> str | None:
    """Why a text is no pattern that is accepted, or None."""
    if len(text) > LONGEST:
        return f"a pattern longer than {LONGEST} characters"
    if text.count("*") > MOST_STARS:
        return f"a pattern with more than {MOST_STARS} *"
    return None


class Patterns(Generic[T]):
    """Things by their patterns. Exact ones are looked up, so that thousands of them cost no more than one."""

    def __init__(self, things: Iterable[tuple[Glob, T]]) -> None:
        self._exact: dict[str, list[tuple[int, T]]] = {}
        self._others: list[tuple[int, Glob, T]] = []
        for number, (glob, thing) in enumerate(things):
            if glob.exact is not None:
                self._exact.setdefault(glob.exact, []).append((number, thing))
            else:
                self._others.append((number, glob, thing))

    def matching(self, texts: Iterable[str | None]) -> Iterator[T]:
        """The things of which a pattern matches one of the texts: exact ones first, then as they were given."""
        known = [text for text in texts if text]
        exact = {number: thing for text in known for number, thing in self._exact.get(text.casefold(), ())}
        seen = set(exact)
        yield from (exact[number] for number in sorted(exact))
        for number, glob, thing in self._others:
            if number not in seen and any(glob.matches(text) for text in known):
                seen.add(number)
                yield thing
