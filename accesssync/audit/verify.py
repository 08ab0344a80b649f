"""Whether a log is still the one that was written: find edits, exchanges, gaps and a cut tail."""

import json
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from accesssync.audit.entry import EMPTY, Head, Sealed, hash_of, keyed_hash, timestamp


class Anchor(Struct, frozen=True, kw_only=True):
    """What somebody noted of the log outside of it: that entry `seq` had this hash. `source` says who, for people."""

    seq: int
    hash: str
    source: str


class Fault(Struct, frozen=True, kw_only=True):
    """The first entry that is not as it was written; `seq` is its number."""

    seq: int
    problem: str


class Verdict(Struct, frozen=True, kw_only=True):
    """What came of looking at a log. `entries` counts those that were looked at, up to and including a bad one."""

    entries: int
    head: Head
    anchors: int
    erased: int
    """Personal texts that were taken out on purpose; their hashes are still there."""
    fault: Fault | None


def verify(log: Iterable[Sealed], anchors: Iterable[Anchor]) -> Verdict:
    """Look at a whole log, in the order of its numbers, and at what is known of it from elsewhere.

    Stops at the first entry that is not as it was written. An anchor of an entry that is not there any more means that
    the tail was cut, one with another hash that the log was written anew.
    """
    noted = _by_number(anchors)
    head, entries, erased = EMPTY, 0, 0

    def found(fault: Fault | None) -> Verdict:
        return Verdict(entries=entries, head=head, anchors=len(noted), erased=erased, fault=fault)

    for one in log:
        entries += 1
        gone, problem = _examine(one, head)
        if problem is None:
            problem = _contradicted(one, noted.get(one.seq, []))
        if problem is not None:
            return found(Fault(seq=min(one.seq, head.seq + 1), problem=problem))
        erased += gone
        head = Head(one.seq, one.hash)
    beyond = [each for seq in sorted(noted) if seq > head.seq for each in noted[seq]]
    if beyond:
        return found(Fault(seq=head.seq + 1, problem=_cut_off(head.seq, beyond[-1])))
    return found(None)


def _by_number(anchors: Iterable[Anchor]) -> dict[int, list[Anchor]]:
    noted: dict[int, list[Anchor]] = {}
    for anchor in anchors:
        noted.setdefault(anchor.seq, []).append(anchor)
    return noted


def _examine(one: Sealed, head: Head) -> tuple[int, str | None]:
    """How many of an entry's personal texts were erased, and what is wrong with the entry."""
    body = _parsed(one.body)
    problem = _misplaced(one.seq, head.seq) or _edited(one, body) or _strange(one, body, head)
    return (0, problem) if problem is not None else _personal(body, one.personal)


def _misplaced(seq: int, last: int) -> str | None:
    if seq <= last:
        return f"entry {seq} stands behind entry {last}"
    return f"missing: {_numbers(last + 1, seq - 1)}" if seq > last + 1 else None


def _edited(one: Sealed, body: dict[str, Any]) -> str | None:
    if hash_of(one.body) != one.hash:
        return "its content and its hash do not fit each other: one of them was edited"
    beside = {"at": timestamp(one.at), "kind": one.kind, "org": one.org, "subject_id": one.subject_id}
    differing = [name for name, value in beside.items() if body.get(name) != value]
    return f"what is listed as its {differing[0]} is not what was written" if differing else None


def _strange(one: Sealed, body: dict[str, Any], head: Head) -> str | None:
    if body.get("seq") != one.seq:
        return f"it was written as entry {body.get('seq')} and stands in another's place"
    if body.get("previous") != head.hash:
        return f"it does not follow entry {head.seq} as that is now: one of the two was replaced"
    return None


def _personal(body: dict[str, Any], clear: str) -> tuple[int, str | None]:
    hashes, texts = body.get("personal"), _parsed(clear)
    if not isinstance(hashes, dict):
        return 0, "its content is no entry"
    for name, text in texts.items():
        if not _stands_for(text, hashes.get(name)):
            return 0, f"its text {name!r} is not the one that was written"
    return len(hashes) - len(texts), None


def _stands_for(text: Any, expected: Any) -> bool:
    try:
        return bool(keyed_hash(bytes.fromhex(text["key"]), text["value"]) == expected)
    except (TypeError, KeyError, ValueError, AttributeError):
        return False


def _contradicted(one: Sealed, anchors: list[Anchor]) -> str | None:
    for anchor in anchors:
        if anchor.hash != one.hash:
            return f"{anchor.source} noted another hash for it: the log was written anew"
    return None


def _cut_off(last: int, farthest: Anchor) -> str:
    return (
        f"the end is cut off: {farthest.source} saw entry {farthest.seq}; missing: {_numbers(last + 1, farthest.seq)}"
    )


def _numbers(first: int, last: int) -> str:
    return f"entry {first}" if first == last else f"entries {first} to {last}"


def _parsed(text: str) -> dict[str, Any]:
    """The map that a text is; an empty one where it is none."""
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
