"""Faults in single records of a page."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar
from uuid import UUID

from accesssync.sandbox.faults.effect import Effect
from accesssync.sandbox.paging import Sheet
from accesssync.sandbox.render import to_json

T = TypeVar("T")
Record = dict[str, Any]

HOSTILE_NAMES: Mapping[str, str] = {
    "escape": "\x1b[31mRed\x1b[0m\x1b]0;title\x07",
    "lines": "Ann\r\nSet-Cookie: a=b\r\n2026-01-01 INFO forged",
    "right_to_left": "Ann \u202eexe.nnA\u202c \u200bZero\ufeff",
    "nul": "Ann\x00Lee",
    "formula": "=cmd|' /C calc'!A0",
    "at_formula": "@SUM(1+1)*cmd|' /C calc'!A0",
    "script": "<script>alert(1)</script>",
    "path": "../../../../tmp/x",
    "lookup": "${jndi:ldap://127.0.0.1/a}",
    "format": "{0.__class__} %s %(x)s {}",
    "emoji": "👩‍💻 \U0001f3f4\u200d\u2620\ufe0f",
    "surrogate": "Ann \ud800 Lee",
}


def _patch(sheet: Sheet[T], index: int, change: Callable[[Record], None]) -> None:
    if not sheet.data:
        return
    at = min(index, len(sheet.data) - 1)
    record: Record = json.loads(sheet.data[at])
    change(record)
    sheet.data[at] = to_json(record)


def _bad_timestamp(record: Record) -> None:
    record["attributes"]["created_at"] = "not a time"


def _numeric_timestamp(record: Record) -> None:
    record["attributes"]["created_at"] = 1700000000


def _numeric_title(record: Record) -> None:
    record["attributes"]["title"] = 5


def _no_id(record: Record) -> None:
    record.pop("id", None)


def _null_id(record: Record) -> None:
    record["id"] = None


def _null_attributes(record: Record) -> None:
    record["attributes"] = None


def _nulls(record: Record) -> None:
    record["attributes"] = dict.fromkeys(record["attributes"])


def _no_attributes(record: Record) -> None:
    record["attributes"] = {}


def _no_relationships(record: Record) -> None:
    record.pop("relationships", None)


def _extra_fields(record: Record) -> None:
    record["links"] = {"self": None}
    record["attributes"]["favourite_colour"] = {"rgb": [1, 2, 3]}


def _unknown_status(record: Record) -> None:
    record["attributes"]["status"] = "Hibernating"


def _unknown_type(record: Record) -> None:
    record["type"] = "wombats"


def _not_an_object(record: Record) -> None:
    record.clear()


_CHANGES: Mapping[str, Callable[[Record], None]] = {
    "bad_timestamp": _bad_timestamp,
    "numeric_timestamp": _numeric_timestamp,
    "numeric_title": _numeric_title,
    "no_id": _no_id,
    "null_id": _null_id,
    "null_attributes": _null_attributes,
    "nulls": _nulls,
    "no_attributes": _no_attributes,
    "no_relationships": _no_relationships,
    "extra_fields": _extra_fields,
    "unknown_status": _unknown_status,
    "unknown_type": _unknown_type,
    "empty": _not_an_object,
}


@dataclass(slots=True)
class BadRecord(Effect):
    """Record `index` of the page is malformed in the way that `kind` names; see `BadRecord.kinds()`."""

    kind: str
    index: int = 0

    def __post_init__(self) -> None:
        if self.kind not in _CHANGES:
            raise ValueError(f"kind must be one of {', '.join(_CHANGES)}")

    @staticmethod
    def kinds() -> tuple[str, ...]:
        """Every known way."""
        return tuple(_CHANGES)

    def damage(self, sheet: Sheet[T]) -> None:
        _patch(sheet, self.index, _CHANGES[self.kind])


@dataclass(slots=True)
class PatchRecord(Effect):
    """Record `index` of the page gets these attributes on top of its own."""

    attributes: Mapping[str, Any]
    index: int = 0

    def damage(self, sheet: Sheet[T]) -> None:
        _patch(sheet, self.index, lambda record: record["attributes"].update(self.attributes))


@dataclass(slots=True)
class HugeName(Effect):
    """Record `index` has a name of `length` characters."""

    length: int = 1_000_000
    index: int = 0

    def damage(self, sheet: Sheet[T]) -> None:
        _patch(sheet, self.index, lambda record: record["attributes"].update(name="x" * self.length))


@dataclass(slots=True)
class HostileName(Effect):
    """Record `index` has the name from HOSTILE_NAMES that `which` names."""

    which: str
    index: int = 0

    def damage(self, sheet: Sheet[T]) -> None:
        _patch(sheet, self.index, lambda record: record["attributes"].update(name=HOSTILE_NAMES[self.which]))


@dataclass(slots=True)
class ManyRoles(Effect):
    """User `index` has `count` roles, none of which exists."""

    count: int = 10_000
    index: int = 0

    def damage(self, sheet: Sheet[T]) -> None:
        roles = [{"type": "roles", "id": str(UUID(int=number, version=4))} for number in range(self.count)]
        _patch(sheet, self.index, lambda record: record["relationships"].update(roles={"data": roles}))
