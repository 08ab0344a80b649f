"""Typed getters over one mapping of a YAML file or one row of a CSV file."""

import re
from collections.abc import Collection, Iterator
from datetime import date
from typing import TypeVar

from accesssync.parse.glob import Glob, fault_of
from accesssync.parse.problems import Problems, did_you_mean, nearest, shown
from accesssync.parse.tree import Entry, Mapping, Node, Scalar, Sequence

LONGEST_LINE = 1_000
"""Characters of a text of one line, unless told otherwise."""

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_INTEGER = re.compile(r"[+-]?\d{1,18}")
_EMAIL = re.compile(r"[^\s@<>,;:\"()\[\]\\]{1,64}@[^\s@<>,;:\"()\[\]\\]{1,253}")
_KINDS = {Scalar: "a text", Sequence: "a list", Mapping: "a mapping of names to values"}
_Name = TypeVar("_Name", bound=str)
_Any = TypeVar("_Any")


class Fields:
    """The values under their names. A getter never raises: it notes the problem and gives a placeholder of its type.

    Names that no getter asked for are refused when the problems are raised, with the nearest name that was asked for.
    An empty value is no value. A text keeps its inner form and loses outer white space.
    """

    def __init__(
        self, file: str, node: Mapping, problems: Problems, *, separator: str | None = None, closed: bool = True
    ) -> None:
        self.file = file
        self.line = node.line
        self._entries = node.entries
        self._problems = problems
        self._separator = separator
        self._asked: dict[str, bool] = {}
        self._refused: set[str] = set()
        self._closed = closed
        if closed:
            problems.before_raising(self._close)

    # What is there

    def keys(self) -> tuple[str, ...]:
        """Every name that has a value or could have one, as written. Asking for them accepts none of them."""
        return tuple(self._entries)

    def has(self, key: str) -> bool:
        """Whether there is a value. It accepts the name."""
        return self._entry(key) is not None

    def line_of(self, key: str) -> int:
        """The line of a name, or where all of this begins."""
        entry = self._entries.get(key)
        return entry.line if entry else self.line

    def refused(self, key: str) -> bool:
        """Whether a problem with this value was noted, so that what a getter gave for it is a placeholder."""
        return key in self._refused

    @property
    def sound(self) -> bool:
        """Whether no problem with any value was noted so far."""
        return not self._refused

    def pass_over(self) -> None:
        """Ask nothing of what is here: what it belongs to was refused, so that its names tell nobody anything."""
        self._asked |= dict.fromkeys(self._entries, False)

    def fault(self, key: str | None, message: str) -> None:
        """Note a problem of one's own with this value, or with the whole."""
        line = self.line if key is None else self.line_of(key)
        if key is not None:
            self._refused.add(key)
        self._problems.add(self.file, line, message if key is None else f"{key}: {message}")

    # Texts

    def text(self, key: str, longest: int = LONGEST_LINE, *, lines: bool = False) -> str:
        """A text that has to be there. With `lines` it may have several."""
        return self.optional_text(key, longest, lines=lines) or self._missing(key, "")

    def optional_text(self, key: str, longest: int = LONGEST_LINE, *, lines: bool = False) -> str | None:
        """A text, or None where there is none."""
        scalar = self._scalar(key)
        return None if scalar is None else self._checked(key, scalar, longest, lines=lines)

    def texts(self, key: str, longest: int = LONGEST_LINE) -> tuple[str, ...]:
        """One text or more, each once; a single one may stand without its list."""
        return self.optional_texts(key, longest) or self._missing(key, ())

    def optional_texts(self, key: str, longest: int = LONGEST_LINE) -> tuple[str, ...]:
        """Any number of texts."""
        found: dict[str, None] = {}
        for scalar in self._scalars(key):
            text = self._checked(key, scalar, longest)
            if text in found:
                self._problems.add(self.file, scalar.line, f"{key}: {shown(text)} is there twice")
            found[text] = None
        return tuple(found)

    def email(self, key: str) -> str:
        """An address that has to be there, as it was written."""
        return self.optional_email(key) or self._missing(key, "")

    def optional_email(self, key: str) -> str | None:
        """An address, or None."""
        text = self.optional_text(key, 320)
        if text is not None and not _EMAIL.fullmatch(text):
            self.fault(key, f"{shown(text)} is no e-mail address")
        return text

    def choice(self, key: str, allowed: Collection[_Name]) -> _Name:
        """One of the allowed names, which has to be there."""
        return self.optional_choice(key, allowed) or self._missing(key, next(iter(allowed)))

    def optional_choice(self, key: str, allowed: Collection[_Name]) -> _Name | None:
        """One of the allowed names, or None."""
        text = self.optional_text(key)
        if text is None:
            return None
        for one in allowed:
            if one == text:
                return one
        hint = did_you_mean(text, allowed) or f"; one of {', '.join(allowed)}"
        self.fault(key, f"{shown(text)} is not allowed{hint}")
        return next(iter(allowed))

    def glob(self, key: str) -> Glob:
        """A pattern that has to be there."""
        return Glob(self._pattern(key, self.text(key)))

    def globs(self, key: str) -> tuple[Glob, ...]:
        """One pattern or more."""
        return tuple(Glob(self._pattern(key, text)) for text in self.texts(key))

    def optional_globs(self, key: str) -> tuple[Glob, ...]:
        """Any number of patterns."""
        return tuple(Glob(self._pattern(key, text)) for text in self.optional_texts(key))

    # Other values

    def integer(self, key: str, low: int, high: int) -> int:
        """A whole number from `low` to `high` that has to be there."""
        found = self.optional_integer(key, low, high)
        return self._missing(key, low) if found is None else found

    def optional_integer(self, key: str, low: int, high: int) -> int | None:
        """A whole number from `low` to `high`, or None."""
        text = self.optional_text(key)
        if text is None:
            return None
        plain = text.replace("_", "")
        if not _INTEGER.fullmatch(plain):
            self.fault(key, f"{shown(text)} is no whole number")
            return low
        if not low <= int(plain) <= high:
            self.fault(key, f"{plain} does not lie between {low} and {high}")
            return low
        return int(plain)

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        text = self.optional_text(key)
        if text is not None and text.casefold() not in {"true", "false"}:
            self.fault(key, f"{shown(text)} is neither true nor false")
        return default if text is None else text.casefold() == "true"

    def day(self, key: str) -> date:
        """A day such as 2027-03-31 that has to be there."""
        found = self.optional_day(key)
        return self._missing(key, date.min) if found is None else found

    def optional_day(self, key: str) -> date | None:
        """A day such as 2027-03-31, or None."""
        text = self.optional_text(key)
        if text is None:
            return None
        try:
            if _DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        self.fault(key, f"{shown(text)} is no day; write one such as 2027-03-31")
        return date.min

    # What has names of its own

    def record(self, key: str) -> "Fields | None":
        """The mapping under a name, or None where there is none."""
        entry = self._entry(key)
        return None if entry is None else self._record(key, entry.value)

    def records(self, key: str) -> "Iterator[Fields]":
        """Every mapping of a list, which may be absent."""
        entry = self._entry(key)
        if entry is None:
            return
        if not isinstance(entry.value, Sequence):
            self._wrong(key, entry.value, "a list")
            return
        for item in entry.value.items:
            found = self._record(key, item)
            if found is not None:
                yield found

    def named(self, key: str) -> "Iterator[tuple[str, Fields]]":
        """Every mapping by its name, out of a mapping that may be absent. A name without values has none."""
        entry = self._entry(key)
        if entry is None:
            return
        if not isinstance(entry.value, Mapping):
            self._wrong(key, entry.value, "a mapping of names to values")
            return
        for name, inner in entry.value.entries.items():
            node: Node = inner.value
            if isinstance(node, Scalar) and node.empty:
                node = Mapping({}, inner.line)
            found = self._record(name, node)
            if found is not None:
                yield name, found

    # How it is done

    def _entry(self, key: str) -> Entry | None:
        self._asked.setdefault(key, False)
        entry = self._entries.get(key)
        if entry is None or (isinstance(entry.value, Scalar) and entry.value.empty):
            return None
        return entry

    def _scalar(self, key: str) -> Scalar | None:
        entry = self._entry(key)
        if entry is None:
            return None
        if not isinstance(entry.value, Scalar):
            self._wrong(key, entry.value, "a text")
            return None
        return entry.value

    def _scalars(self, key: str) -> Iterator[Scalar]:
        entry = self._entry(key)
        if entry is None:
            return
        node = entry.value
        if isinstance(node, Scalar) and self._separator is not None:
            parts = (part.strip() for part in node.text.split(self._separator))
            yield from (Scalar(part, node.line) for part in parts if part)
        elif isinstance(node, Scalar):
            yield node
        elif isinstance(node, Sequence):
            for item in node.items:
                if isinstance(item, Scalar) and not item.empty:
                    yield item
                else:
                    what = "nothing" if isinstance(item, Scalar) else _KINDS[type(item)]
                    self._problems.add(self.file, item.line, f"{key}: a text is needed here, this is {what}")
                    self._refused.add(key)
        else:
            self._wrong(key, node, "a list of texts")

    def _checked(self, key: str, scalar: Scalar, longest: int, *, lines: bool = False) -> str:
        text = scalar.text.strip()
        if len(text) > longest:
            message = f"{key}: longer than {longest:,} characters"
            self._problems.add(self.file, scalar.line, message)
        elif not lines and ("\n" in text or "\t" in text):
            self._problems.add(self.file, scalar.line, f"{key}: a text of one line is needed, without tabs")
        return text

    def _pattern(self, key: str, text: str) -> str:
        fault = fault_of(text)
        if fault:
            self.fault(key, fault)
        return text

    def _record(self, key: str, node: Node) -> "Fields | None":
        if isinstance(node, Mapping):
            return Fields(self.file, node, self._problems, separator=self._separator)
        self._problems.add(self.file, node.line, f"{key}: names with values are needed here, not {_KINDS[type(node)]}")
        return None

    def _wrong(self, key: str, node: Node, needed: str) -> None:
        self._problems.add(self.file, node.line, f"{key} has to be {needed}, not {_KINDS[type(node)]}")
        self._refused.add(key)

    def _missing(self, key: str, placeholder: _Any) -> _Any:
        if key in self._refused:
            # A problem with it is noted; that it has no value would be a second one.
            return placeholder
        self._refused.add(key)
        if self._closed:
            self._asked[key] = True
        else:
            self._problems.add(self.file, self.line, f"{key} is missing")
        return placeholder

    def _close(self) -> None:
        """Tell names nobody asked for, and those that are missing unless one of the former was meant for it."""
        explained = set()
        for key, entry in self._entries.items():
            if key not in self._asked:
                near = nearest(key, self._asked)
                explained.add(near)
                hint = f"; did you mean {near}?" if near else f"; known are {', '.join(self._asked)}"
                self._problems.add(self.file, entry.line, f"{shown(key)} is not known here{hint}")
        for key, missing in self._asked.items():
            if missing and key not in explained:
                there = key in self._entries
                line = self.line_of(key)
                self._problems.add(self.file, line, f"{key} is empty" if there else f"{key} is missing")


def yaml_fields(content: bytes, file: str, problems: Problems) -> Fields:
    """The fields of a YAML file, whose top is a mapping. Those of a broken file are empty and complain of nothing
    further; those of an empty one lack whatever has to be there."""
    # The library is 5 MB and 60 ms of every start, and most of them read no file.
    from accesssync.parse.compose import compose

    node = compose(content, file, problems)
    if isinstance(node, Mapping):
        return Fields(file, node, problems)
    if node is not None:
        problems.add(file, node.line, f"the file has to be a mapping of names to values, not {_KINDS[type(node)]}")
    return Fields(file, Mapping({}, 1), Problems(), closed=False)
