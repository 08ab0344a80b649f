"""What is kept in memory of every stored record: its digest and when it was last active, in 24 bytes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from struct import Struct as Packed
from typing import Final

DIGEST: Final = 16
STAMP: Final = 8
NEVER: Final = b"\xff" * STAMP

_EPOCH: Final = datetime.fromisoformat("1970-01-01T00:00:00+00:00")
_MICROSECOND: Final = timedelta(microseconds=1)
_pack = Packed(">q").pack


def stamp_of(moment: datetime | None) -> bytes:
    """8 bytes for a time, to the microsecond; None ("never") has its own."""
    return NEVER if moment is None else _pack((moment - _EPOCH) // _MICROSECOND)


def stamp_in(entry: bytes) -> bytes:
    """The stamp of an entry; empty where it has none."""
    return entry[-STAMP:] if len(entry) % DIGEST else b""


class Known:
    """The digests and stamps of one kind, by id.

    One map and not two, because the ids are the largest part of either: at 100,000 records a second one
    cost 20 MiB. A stamp may outlive its record, for Datadog may show the record again.
    """

    __slots__ = ("entries",)

    def __init__(self) -> None:
        self.entries: dict[str, bytes] = {}
        """A digest, a digest and a stamp, or a stamp alone. Open, because it is asked once per record."""

    def __contains__(self, one: str) -> bool:
        """Whether a record of this id is held."""
        return len(self.entries.get(one, b"")) >= DIGEST

    def __iter__(self) -> Iterator[str]:
        """The ids of all records that are held."""
        return (one for one, entry in self.entries.items() if len(entry) >= DIGEST)

    def drop(self, one: str) -> None:
        """Forget a record, but not when it was last active."""
        stamp = stamp_in(self.entries.pop(one, b""))
        if stamp:
            self.entries[one] = stamp
