"""Decide what has to be done so that an organization has what is wanted, and nothing of others is touched."""

from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct, json

from accesssync.forward.marks import digest, is_copy, read_marks, unmarked
from accesssync.forward.objects import Wanted
from accesssync.model.installed import Body, Found

_LONGEST, _BEFORE = 100, 20
"""Characters of a text that are shown, and how many of them stand before the first one that differs."""

_MORE = "\u2026"


class Action(StrEnum):
    """What is done about one object."""

    CREATE = "create"
    UPDATE = "update"
    RESTORE = "restore"
    """It is the version that we installed, and somebody edited it since."""
    KEEP = "keep"
    REMOVE = "remove"


class Difference(Struct, frozen=True):
    """One thing that is other than wanted: where it is, what stands there and what belongs there, as short texts."""

    path: str
    now: str
    wanted: str


class Step(Struct, frozen=True):
    """What is to be done about one object. `id` None: it is not there yet."""

    action: Action
    wanted: Wanted
    id: str | None = None
    differences: tuple[Difference, ...] = ()


def ours(found: Sequence[Found]) -> dict[str, Found]:
    """Those that accesssync installed, by their name among ours: marked, and no copies of it.

    Of several that an interrupted installation left under one name, the one that was finished counts, else the first.
    """
    chosen: dict[str, Found] = {}
    for each in found:
        marks = read_marks(each.body)
        if marks is None or marks.name is None or is_copy(marks, each.id):
            continue
        if marks.name not in chosen or (marks.id is not None and _id_of(chosen[marks.name]) is None):
            chosen[marks.name] = each
    return chosen


def leftovers(found: Sequence[Found]) -> list[Found]:
    """Everything else of ours: what is not wanted any more, or was begun twice."""
    kept = {each.id for each in ours(found).values()}
    return [
        each
        for each in found
        if each.id not in kept and (marks := read_marks(each.body)) is not None and not is_copy(marks, each.id)
    ]


def decide(wanted: Sequence[Wanted], found: Sequence[Found]) -> list[Step]:
    """The steps for objects of one kind, in the order in which they are wanted."""
    there = ours(found)
    return [_step(each, there.get(each.name)) for each in wanted]


def _id_of(found: Found) -> str | None:
    marks = read_marks(found.body)
    return marks.id if marks else None


def _step(wanted: Wanted, found: Found | None) -> Step:
    if found is None:
        return Step(Action.CREATE, wanted)
    marks = read_marks(found.body)
    known = marks is not None and marks.content == digest(wanted.body)
    other = tuple(differences(unmarked(found.body), wanted.body))
    if known and not other:
        # Without its id a copy of it could not be told from it.
        action = Action.KEEP if marks is not None and marks.id is not None else Action.UPDATE
    else:
        action = Action.RESTORE if known else Action.UPDATE
    return Step(action, wanted, found.id, other)


def differences(now: Body, wanted: Body) -> Iterator[Difference]:
    """Where an object is other than wanted. What Datadog adds by itself is no difference."""
    for name, each in wanted.items():
        if name == "tags":
            # They come back in an order of their own.
            yield from _differing(name, sorted(now.get(name) or ()), sorted(each))
        else:
            yield from _differing(name, now.get(name), each)


def _differing(path: str, now: Any, wanted: Any) -> Iterator[Difference]:
    if isinstance(wanted, Mapping) and isinstance(now, Mapping):
        for name, each in wanted.items():
            yield from _differing(f"{path}.{name}", now.get(name), each)
    elif isinstance(wanted, list) and isinstance(now, list) and len(wanted) == len(now):
        for number, (one, each) in enumerate(zip(now, wanted, strict=True)):
            yield from _differing(f"{path}[{number}]", one, each)
    elif not _same(now, wanted):
        lists = isinstance(wanted, list) and isinstance(now, list)
        told = (f"{len(now)} entries", f"{len(wanted)} entries") if lists else _shortened(now, wanted)
        yield Difference(path, *told)


def _same(now: Any, wanted: Any) -> bool:
    # What is empty, zero or false may as well be left out of an answer; and Datadog calls one and the same type of
    # monitor by two names.
    return (not now and not wanted) or bool(now == wanted) or (now, wanted) == ("query alert", "metric alert")


def _shortened(now: Any, wanted: Any) -> tuple[str, str]:
    """Both as short texts that begin a little before the place where they differ."""
    one, other = _text(now), _text(wanted)
    alike = next((at for at, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    start = max(0, alike - _BEFORE) if max(len(one), len(other)) > _LONGEST else 0
    return _piece(one, start), _piece(other, start)


def _text(value: Any) -> str:
    text = value if isinstance(value, str) else "nothing" if value is None else json.encode(value).decode()
    return " ".join(text.split())


def _piece(text: str, start: int) -> str:
    piece = text[start : start + _LONGEST]
    return (_MORE if start else "") + piece + (_MORE if len(text) > start + _LONGEST else "")
