"""Pseudonyms for people: the same person has the same one in every report that is made with the same key.

Whoever has no key cannot find out, not even by trying names, whom a pseudonym stands for.
"""

import re
from base64 import b32encode
from collections.abc import Iterable, Iterator
from hmac import digest
from typing import Final
from unicodedata import normalize

_ADDRESS: Final = re.compile(r"[^\s@<>()\[\]\"',;:|=]+@[^\s@<>()\[\]\"',;:|=]+")
_WORD: Final = re.compile(r"\w+")
_SHORTEST: Final = 3
"""Letters of a name of one word that is looked for inside of other texts."""

_LETTERS: Final = 16
_MOST_WORDS: Final = 8
_LONGEST_RUN: Final = 24
_KEPT: Final = 100_000
_SHORT: Final = 500
"""Characters of a text that is worth remembering."""


class Pseudonyms:
    """Replaces people by pseudonyms.

    `known` are the names, addresses and handles to look for inside of texts; `plain` are texts such as names of roles,
    in which the words of a name may stand without meaning the person.
    """

    def __init__(self, key: bytes, known: Iterable[str] = (), plain: Iterable[str] = ()) -> None:
        self._key = key
        self._found: dict[str, str] = {}
        usual = {run for text in plain for run in _runs(_words(text))}
        self._begin: dict[str, set[tuple[str, ...]]] = {}
        self._unspaced: set[str] = set()
        for name in known:
            words = _words(name)
            if words and len(words) <= _MOST_WORDS and words not in usual and _telling(words):
                self._begin.setdefault(words[0], set()).add(words)
                if len(words) == 1 and not words[0].isascii() and len(words[0]) <= _LONGEST_RUN:
                    self._unspaced.add(words[0])
        self._lengths = sorted({len(one) for one in self._unspaced}, reverse=True)

    def of(self, text: str) -> str:
        """The pseudonym of whoever or whatever a text names. Letter case and outer spaces do not count."""
        if not text.strip():
            return text
        plain = normalize("NFKC", text).strip().casefold()
        code = b32encode(digest(self._key, plain.encode("utf-8", "surrogatepass"), "sha256")).decode().lower()
        return f"p-{code[:_LETTERS]}"

    def scrub(self, text: str) -> str:
        """The text with every address and every known name in it replaced."""
        found = self._found.get(text)
        if found is None:
            found = self._unspaced_out(self._named_out(_ADDRESS.sub(lambda one: self.of(one[0]), text)))
            if len(self._found) >= _KEPT:
                self._found.clear()
            if len(text) <= _SHORT:
                self._found[text] = found
        return found

    def _named_out(self, text: str) -> str:
        places = list(_WORD.finditer(text))
        words = [one[0].casefold() for one in places]
        parts, done, number = [], 0, 0
        while number < len(words):
            length = self._length_at(words, number)
            if length:
                begin, end = places[number].start(), places[number + length - 1].end()
                parts += [text[done:begin], self.of(text[begin:end])]
                done = end
            number += length or 1
        return "".join([*parts, text[done:]]) if parts else text

    def _length_at(self, words: list[str], number: int) -> int:
        names = self._begin.get(words[number], ())
        fitting = (len(one) for one in names if tuple(words[number : number + len(one)]) == one)
        return max(fitting, default=0)

    def _unspaced_out(self, text: str) -> str:
        """Names in scripts that put no spaces between words may stand anywhere."""
        if not self._unspaced or text.isascii():
            return text
        folded = text.casefold()
        if len(folded) != len(text):
            return text
        parts, number = [], 0
        while number < len(text):
            run = next((n for n in self._lengths if folded[number : number + n] in self._unspaced), 0)
            parts.append(self.of(text[number : number + run]) if run else text[number])
            number += run or 1
        return "".join(parts)


def _words(text: str) -> tuple[str, ...]:
    return tuple(word.casefold() for word in _WORD.findall(text[:10_000]))


def _runs(words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for begin in range(len(words)):
        for end in range(begin + 1, min(len(words), begin + _MOST_WORDS) + 1):
            yield words[begin:end]


def _telling(words: tuple[str, ...]) -> bool:
    """Whether somebody is meant where these words stand: not by a number, nor by a short word."""
    return any(not word.isdigit() for word in words) and (
        len(words) > 1 or len(words[0]) >= _SHORTEST or not words[0].isascii()
    )
