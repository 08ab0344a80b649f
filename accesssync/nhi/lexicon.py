"""The words, weights and thresholds: a versioned data file, and what an operator changes in it."""

import re
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from hashlib import sha256
from importlib.resources import files
from typing import Any

from msgspec import Struct, ValidationError, convert, json
from msgspec.structs import replace

from accesssync.errors import ConfigurationError
from accesssync.nhi.verdict import Kind

LARGEST = 1_000_000
"""Bytes of a file of one's own."""

SHORTEST_COMPOUND, LONGEST_COMPOUND = 7, 40
"""Letters of a word that is tried as one that consists of others."""

SHORTEST_PART, _LONGEST_PART = 3, 16
_SHORT_LAST = frozenset({"ci", "qa", "vm"})
_REMEMBERED = 50_000


class Group(Struct, frozen=True, forbid_unknown_fields=True):
    """Words that mean the same to a reviewer and are worth the same."""

    title: str
    words: tuple[str, ...]
    points: int = 0
    further: int = 0
    cap: int = 100
    repeat: bool = False
    component: bool = False
    kind: Kind | None = None


class _File(Struct, frozen=True, forbid_unknown_fields=True):
    number: int
    thresholds: dict[str, int]
    points: dict[str, int]
    groups: dict[str, Group]
    phrases: dict[str, Group]
    endings: dict[str, Group]
    accounts: dict[str, Group]
    lists: dict[str, Group]


class _Change(Struct, frozen=True, forbid_unknown_fields=True):
    add: tuple[str, ...] = ()
    remove: tuple[str, ...] = ()
    points: int | None = None
    further: int | None = None
    cap: int | None = None
    title: str | None = None
    kind: Kind | None = None


class _Override(Struct, frozen=True, forbid_unknown_fields=True):
    thresholds: dict[str, int] = {}
    points: dict[str, int] = {}
    groups: dict[str, _Change] = {}
    phrases: dict[str, _Change] = {}
    endings: dict[str, _Change] = {}
    accounts: dict[str, _Change] = {}
    lists: dict[str, _Change] = {}


class Lexicon:
    """Words by what they mean. Immutable once built; `version` is stored with every classification."""

    def __init__(self, source: _File, version: str) -> None:
        self.source = source
        self.version = version
        self.points: Mapping[str, int] = source.points
        self.nhi: int = source.thresholds["nhi"]
        self.review: int = source.thresholds["review"]
        self.groups = {**source.groups, **source.phrases, **source.endings, **source.accounts}
        self.words = _by_word(source.groups)
        self.phrases = {
            tuple(phrase.split(" ", 1)): name for phrase, name in _by_word(source.phrases).items() if " " in phrase
        }
        self.endings = sorted(_by_word(source.endings).items(), key=lambda one: -len(one[0]))
        self.accounts = _by_word(source.accounts)
        self.lists = {name: frozenset(group.words) for name, group in source.lists.items()}
        self._compounds: dict[str, tuple[str, ...]] = {}
        self.known = frozenset(self.words) | {word for phrase in self.phrases for word in phrase}

    def parts(self, word: str) -> tuple[str, ...]:
        """The words of the lexicon that a word consists of without a rest, as in `buildserver`; else the word itself.

        A word that merely begins or ends with one of them is left alone: so do the names of people.
        """
        if word in self.known or not SHORTEST_COMPOUND <= len(word) <= LONGEST_COMPOUND:
            return (word,)
        found = self._compounds.get(word)
        if found is None:
            if len(self._compounds) > _REMEMBERED:
                self._compounds.clear()
            found = self._compounds[word] = self._cut(word) or (word,)
        return found

    def _cut(self, word: str) -> tuple[str, ...] | None:
        # The way to each place with the fewest parts; a word is short, so this is quick whatever it holds.
        best: list[tuple[str, ...] | None] = [()] + [None] * len(word)
        for end in range(SHORTEST_PART, len(word) + 1):
            for start in range(max(0, end - _LONGEST_PART), end - SHORTEST_PART + 1):
                before = best[start]
                if before is not None and word[start:end] in self.words:
                    already = best[end]
                    if already is None or len(before) + 1 < len(already):
                        best[end] = (*before, word[start:end])
        first = best[-3] if word[-2:] in _SHORT_LAST else None
        return best[-1] or ((*first, word[-2:]) if first else None)


def _by_word(groups: Mapping[str, Group]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, group in groups.items():
        for word in group.words:
            found.setdefault(word, name)
    return found


@cache
def base_lexicon() -> Lexicon:
    """The lexicon that comes with accesssync."""
    content = (files("accesssync.nhi") / "data" / "lexicon.toml").read_bytes()
    source = convert(tomllib.loads(content.decode()), type=_File)
    return Lexicon(source, f"{source.number}-{sha256(content).hexdigest()[:12]}")


def load_lexicon(base: Lexicon, override: bytes, name: str = "lexicon") -> Lexicon:
    """The lexicon with an operator's changes, or ConfigurationError that names file and line; never half of them."""
    text, document = _read(override, name)
    try:
        change = convert(document, type=_Override)
    except ValidationError as error:
        raise _fault(name, text, *_place(str(error))) from None
    source = base.source
    tables: dict[str, Any] = {}
    for table in ("thresholds", "points"):
        tables[table] = _numbers(getattr(source, table), getattr(change, table), table, name, text)
    for table in ("groups", "phrases", "endings", "accounts", "lists"):
        tables[table] = _merge(getattr(source, table), getattr(change, table), table, name, text)
    if not 0 < tables["thresholds"]["review"] <= tables["thresholds"]["nhi"]:
        raise _fault(name, text, ["thresholds"], "review has to be above 0 and not above nhi")
    merged = replace(source, **tables)
    digest = sha256(base.version.encode() + json.encode(merged, order="deterministic")).hexdigest()[:12]
    return Lexicon(merged, f"{source.number}-{digest}")


def _read(override: bytes, name: str) -> tuple[str, dict[str, Any]]:
    if len(override) > LARGEST:
        raise ConfigurationError(f"{name} is larger than {LARGEST:,} bytes")
    try:
        text = override.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = override.count(b"\n", 0, error.start) + 1
        raise ConfigurationError(f"{name}, line {line}: not UTF-8", remedy="save it as UTF-8") from None
    try:
        return text, tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        at = re.search(r"line (\d+)", str(error))
        line = int(at[1]) if at else text.count("\n") + 1
        raise ConfigurationError(f"{name}, line {line}: not valid TOML") from None
    except RecursionError:
        raise ConfigurationError(f"{name}: nested too deeply") from None


def _numbers(old: Mapping[str, int], new: Mapping[str, int], table: str, name: str, text: str) -> dict[str, int]:
    for key, value in new.items():
        if key not in old:
            raise _fault(name, text, [table, key], f"there is no {table} called {key[:60]!r}")
        if not -100 <= value <= 100:
            raise _fault(name, text, [table, key], "has to lie between -100 and 100")
    return {**old, **new}


def _merge(old: Mapping[str, Group], new: Mapping[str, _Change], table: str, name: str, text: str) -> dict[str, Group]:
    merged = dict(old)
    for key, change in new.items():
        group = old.get(key)
        if group is None:
            if table == "lists" or change.points is None or change.title is None:
                raise _fault(name, text, [table, key], "a new group needs title and points; lists cannot be added")
            group = Group(title=change.title, words=(), kind=change.kind)
        for word in (*change.add, *change.remove):
            if not word or len(word) > 100 or word != word.casefold().strip():
                raise _fault(name, text, [table, key, word], f"{word[:60]!r} is not a lower-case word")
        for value in (change.points, change.further, change.cap):
            if value is not None and not -100 <= value <= 100:
                raise _fault(name, text, [table, key], "points have to lie between -100 and 100")
        given = {field: getattr(change, field) for field in ("points", "further", "cap", "title", "kind")}
        gone = set(change.remove)
        words = tuple(word for word in dict.fromkeys((*group.words, *change.add)) if word not in gone)
        merged[key] = replace(group, words=words, **{f: value for f, value in given.items() if value is not None})
    # A word that was moved to another group leaves the one where it was.
    moved = {word: key for key, change in new.items() for word in change.add}
    if table == "lists":
        return merged
    return {
        key: replace(group, words=tuple(word for word in group.words if moved.get(word, key) == key))
        for key, group in merged.items()
    }


def _place(message: str) -> tuple[list[str], str]:
    what, _, where = message.partition(" - at `$")
    unknown = re.search(r"unknown field `(.+?)`", what)
    path = [part for part in re.split(r"[.\[\]`]+", where) if part and part != "..."]
    return [*path, *([unknown[1]] if unknown else [])], what[:1].lower() + what[1:]


def _fault(name: str, text: str, path: list[str], what: str) -> ConfigurationError:
    """The error with the line where the last part of the path that can be found stands."""
    line = 1
    rows = text.splitlines()
    for part in path:
        line = next((at for at in _lines_with(rows, part) if at >= line), line)
    where = ".".join(path)[:80]
    return ConfigurationError(f"{name}, line {line}: {where + ': ' if where else ''}{what}")


def _lines_with(rows: list[str], part: str) -> Iterator[int]:
    for number, row in enumerate(rows, start=1):
        if part in row:
            yield number
