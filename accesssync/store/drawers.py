"""What waits to be written, laid by so that writing it touches few pages.

Ids are random, and their indexes are ordered: rows in the order of arrival touch every page of an index in every
transaction. Here they lie in drawers by the first character of their id, and of what waits the fullest drawer is
taken out as a whole: it belongs to one stretch of the index. With UUIDs there are sixteen.
"""

from collections import defaultdict
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class Drawers(Generic[T]):
    """Items by id. Not for use by several threads at once."""

    def __init__(self, room: int) -> None:
        """With room for items of so much weight in all, which `crowded` watches over."""
        self._room = room
        self._weight = 0
        self._drawers: defaultdict[str, dict[str, T]] = defaultdict(dict)

    @property
    def crowded(self) -> bool:
        """Whether it is time to take something out."""
        return self._weight >= self._room

    def __contains__(self, one: str) -> bool:
        return one in self._drawers.get(one[0], ())

    def put(self, one: str, item: T, weight: int = 1) -> None:
        """Lay an item by, in the place of what lay there under its id."""
        self._drawers[one[0]][one] = item
        self._weight += weight

    def take(self) -> list[tuple[str, T]]:
        """Take out the fullest drawer, in the order of ids, with its share of the weight; not from nothing."""
        count = sum(map(len, self._drawers.values()))
        drawer = self._drawers.pop(max(self._drawers, key=lambda first: len(self._drawers[first])))
        self._weight -= self._weight * len(drawer) // count
        return sorted(drawer.items(), key=_id)

    def take_all(self) -> Iterator[list[tuple[str, T]]]:
        """Take everything out; gives one drawer after another, in the order of ids."""
        drawers, self._drawers, self._weight = self._drawers, defaultdict(dict), 0
        return (sorted(drawers.pop(first).items(), key=_id) for first in sorted(drawers))


def _id(item: tuple[str, object]) -> str:
    return item[0]
