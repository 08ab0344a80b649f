"""Compose a tree from the events of a YAML file, with limits on everything a file can grow by."""

import re
from collections.abc import Iterator
from typing import Any

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
)

from accesssync.parse.letters import LARGEST, fault_in, text_of
from accesssync.parse.problems import Problems, shown
from accesssync.parse.tree import Entry, Mapping, Node, Scalar, Sequence

DEEPEST = 20
"""Lists and mappings within each other."""

MOST_NODES = 1_000_000
LONGEST_TEXT = 10_000
"""Characters of one text."""

_LOADER: type[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_STAR = re.compile(r"(^|[:\-\[,])\s*\*")
_TAB = re.compile(r"^ *\t")
_ALIAS = "anchors (&) and aliases (*) are not allowed; put a text that begins with such a sign in quotes"


class _Broken(Exception):  # noqa: N818 - never leaves this module
    """Nothing sensible can be read after this; the problem was noted."""


def compose(content: bytes, file: str, problems: Problems) -> Node | None:
    """The tree of one YAML document; None after a problem was noted that leaves nothing to read. An empty file is a
    mapping without entries.

    Refused by line: keys given twice, anchors and aliases (with which a small file can unfold into a huge one), tags,
    keys that are no text, a second document, invisible characters, and whatever is larger than the limits above.
    """
    if len(content) > LARGEST:
        problems.add(file, 1, f"the file is larger than {LARGEST:,} bytes")
        return None
    text = text_of(content, file, problems)
    if text is None:
        return None
    builder = _Builder(file, problems)
    try:
        for event in _events(text, file, problems):
            builder.take(event)
    except _Broken:
        return None
    root = builder.root
    return Mapping({}, 1) if root is None or (isinstance(root, Scalar) and root.empty) else root


def _events(text: str, file: str, problems: Problems) -> Iterator[Event]:
    try:
        yield from yaml.parse(text, Loader=_LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        lines = text.split("\n")
        number = min(mark.line + 1 if mark else 1, len(lines))
        problems.add(file, number, _why(lines[number - 1]))
        raise _Broken from None
    except (yaml.YAMLError, ValueError, OverflowError):
        problems.add(file, 1, "not valid YAML")
        raise _Broken from None


def _why(line: str) -> str:
    """A guess at what is meant: the parser's own words are about its insides."""
    if _TAB.match(line):
        return "not valid YAML: indent with spaces, not with tabs"
    if _STAR.search(line):
        return f"not valid YAML: {_ALIAS}"
    return "not valid YAML here: look at the indentation, quotes and colons of this line and the one before"


class _Frame:
    """A list or mapping that is being read."""

    __slots__ = ("entries", "items", "key", "line")

    def __init__(self, line: int, mapping: bool) -> None:
        self.line = line
        self.items: list[Node] = []
        self.entries: dict[str, Entry] | None = {} if mapping else None
        self.key: Scalar | None = None

    def node(self) -> Node:
        if self.entries is not None:
            return Mapping(self.entries, self.line)
        return Sequence(tuple(self.items), self.line)


class _Builder:
    """Puts the events together. The stack is a list, so that no depth of a file is a depth of ours."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.root: Node | None = None
        self._file = file
        self._problems = problems
        self._stack: list[_Frame] = []
        self._nodes = 0
        self._documents = 0

    def take(self, event: Event) -> None:
        mark = event.start_mark
        line = mark.line + 1 if mark else 1
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                self._stop(line, "one file holds one document; remove what follows the second ---")
        elif isinstance(event, NodeEvent):
            self._node(event, line)
        elif isinstance(event, CollectionEndEvent):
            self._place(self._stack.pop().node())

    def _node(self, event: NodeEvent, line: int) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            self._stop(line, f"more than {MOST_NODES:,} values in one file")
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self._problems.add(self._file, line, _ALIAS)
        elif isinstance(event, ScalarEvent | CollectionStartEvent) and event.tag is not None:
            self._problems.add(self._file, line, f"tags such as {shown(event.tag)} are not allowed")
        if self._problems.full:
            raise _Broken
        if isinstance(event, CollectionStartEvent):
            if len(self._stack) >= DEEPEST:
                self._stop(line, f"nested deeper than {DEEPEST} levels")
            self._stack.append(_Frame(line, isinstance(event, MappingStartEvent)))
        elif isinstance(event, ScalarEvent):
            self._place(self._scalar(event, line))
        else:
            self._place(Scalar("", line, plain=True))

    def _scalar(self, event: ScalarEvent, line: int) -> Scalar:
        text = event.value
        if len(text) > LONGEST_TEXT:
            self._problems.add(self._file, line, f"a text longer than {LONGEST_TEXT:,} characters")
            text = text[:LONGEST_TEXT]
        # An escape in double quotes can write what may not stand in the file.
        fault = fault_in(text)
        if fault:
            self._problems.add(self._file, line, fault)
        return Scalar(text, line, plain=not event.style)

    def _place(self, node: Node) -> None:
        if not self._stack:
            self.root = node
            return
        top = self._stack[-1]
        if top.entries is None:
            top.items.append(node)
        elif top.key is None:
            if not isinstance(node, Scalar):
                self._problems.add(self._file, node.line, "a key has to be a text")
                node = Scalar("", node.line)
            top.key = node
        else:
            key, top.key = top.key, None
            before = top.entries.setdefault(key.text, Entry(key.line, node))
            if before.value is not node:
                message = f"{shown(key.text)} is there twice, first in line {before.line}"
                self._problems.add(self._file, key.line, message)

    def _stop(self, line: int, message: str) -> None:
        self._problems.add(self._file, line, message)
        raise _Broken
