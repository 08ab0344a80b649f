"""The records that an answer carries beside those that were asked for."""

from typing import TypeVar

from msgspec import Raw, Struct
from msgspec.json import Decoder

from accesssync.datadog.repair import UNFIT

T = TypeVar("T")


class _Item(Struct):
    id: str
    type: str
    attributes: Raw = Raw(b"null")
    relationships: Raw = Raw(b"null")


class _Answer(Struct):
    included: list[Raw]


_answer = Decoder(_Answer)
_item = Decoder(_Item)


class Included:
    """Looks records up by type and id. What cannot be understood is as good as not there."""

    __slots__ = ("_items",)

    def __init__(self, body: bytes) -> None:
        self._items: dict[tuple[str, str], _Item] = {}
        try:
            raw_items = _answer.decode(body).included
        except UNFIT:
            return
        for raw in raw_items:
            try:
                item = _item.decode(raw)
            except UNFIT:
                continue
            self._items[item.type, item.id] = item

    def attributes(self, kind: str, identifier: str, decoder: Decoder[T]) -> T | None:
        """The attributes of one record; None where it is not there or they do not fit."""
        item = self._items.get((kind, identifier))
        return None if item is None else _decoded(item.attributes, decoder)

    def relationships(self, kind: str, identifier: str, decoder: Decoder[T]) -> T | None:
        """The relationships of one record; None where it is not there or they do not fit."""
        item = self._items.get((kind, identifier))
        return None if item is None else _decoded(item.relationships, decoder)


def _decoded(raw: Raw, decoder: Decoder[T]) -> T | None:
    try:
        return decoder.decode(raw)
    except UNFIT:
        return None
