"""Take a record apart that did not fit, attribute by attribute. What cannot be understood is left out and named."""

from collections.abc import Mapping
from datetime import UTC, datetime
from types import NoneType
from typing import Any, get_args

import msgspec
from msgspec import Raw, Struct
from msgspec.json import Decoder
from msgspec.structs import fields

# What a decoder raises for content that does not fit. Overflow comes from moving a time at the edge of the calendar.
UNFIT = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, OverflowError)
# Longer than any id Datadog gives out, short enough for any index.
ID_LENGTH = 128

_object = Decoder(dict[str, Raw])


def usable_id(value: object) -> bool:
    """Whether a value can name a record."""
    return isinstance(value, str) and 0 < len(value) <= ID_LENGTH


def utc(value: datetime) -> datetime:
    """The same moment in UTC, which is also what a time without a zone is taken to be in."""
    if value.tzinfo is UTC:
        return value
    return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Repair:
    """Makes a `wire` record out of whatever of it can be understood.

    `names` tells what a wire field is called in the model, where that differs; an empty name is for a field whose
    loss the builder of the record notices by itself.
    """

    def __init__(self, wire: type[Struct], names: Mapping[str, str]) -> None:
        self._wire = wire
        self._names = names
        self._plain = _Group(wire, without=("id", "attributes", "relationships"))
        self._groups = {f.name: _Group(f.type) for f in fields(wire) if f.name in ("attributes", "relationships")}
        self._has_id = any(f.name == "id" for f in fields(wire))

    def __call__(self, raw: Raw) -> tuple[Any, set[str]] | None:
        """The record and the model's names of what is missing; None for one that is no object or has no usable id."""
        values: dict[str, Any] = {}
        try:
            record = _object.decode(raw)
            if self._has_id:
                values["id"] = msgspec.json.decode(record.get("id", b"null"))
        except UNFIT:
            return None
        if self._has_id and not usable_id(values["id"]):
            return None
        lost: list[str] = []
        values |= self._plain.take(record, lost)
        for name, group in self._groups.items():
            values[name] = group.read(record.get(name), lost)
        named = {self._names.get(name, name) for name in lost}
        return self._wire(**values), named - {""}


class _Group:
    """The fields of one wire type, each with its own decoder: the same types as on the fast path, so that both
    judge a value alike."""

    def __init__(self, hint: Any, without: tuple[str, ...] = ()) -> None:
        parts = get_args(hint) or (hint,)
        self._nullable = NoneType in parts
        self._struct = next(part for part in parts if part is not NoneType)
        self._fields = [(f, Decoder(f.type)) for f in fields(self._struct) if f.name not in without]

    def read(self, raw: Raw | None, lost: list[str]) -> Any:
        """The part of a record that `raw` holds."""
        if self._nullable and raw is not None and bytes(raw) == b"null":
            return None
        try:
            found = _object.decode(raw if raw is not None else b"")
        except UNFIT:
            # Where nothing is said of any field, that is not "all are empty".
            lost += [field.name for field, _ in self._fields]
            found = {}
        return self._struct(**self.take(found, lost))

    def take(self, found: dict[str, Raw], lost: list[str]) -> dict[str, Any]:
        """What can be understood of the fields; the names of the others go to `lost`."""
        values: dict[str, Any] = {}
        for field, decoder in self._fields:
            values[field.name] = None if field.required else field.default
            if field.name in found:
                try:
                    values[field.name] = _settled(decoder.decode(found[field.name]))
                except UNFIT:
                    lost.append(field.name)
            elif field.required:
                lost.append(field.name)
        return values


def _settled(value: Any) -> Any:
    # Times at the edge of the calendar fail when they are moved, and must do so here.
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, Struct):
        for field in value.__struct_fields__:
            setattr(value, field, _settled(getattr(value, field)))
    return value
