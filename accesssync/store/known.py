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


class Known:
    """The digests and stamps of one kind, by id.

    One map and not two, because the ids are the largest part of either: at 100,000 records a second one
    cost 20 MiB. A stamp may outlive its record, for Datadog may show the record again.
    """

    def __init__(self) -> None:
        self._entries: dict[str, bytes] = {}
        self._held = 0

    def __len__(self) -> int:
        """How many records are held."""
        return self._held

    def __contains__(self, one: str) -> bool:
        """Whether a record of this id is held."""
        return len(self._entries.get(one, b"")) >= DIGEST

    def __iter__(self) -> Iterator[str]:
        """The ids of all records that are held."""
        return (one for one, entry in self._entries.items() if len(entry) >= DIGEST)

    def differs(self, one: str, digest: bytes) -> bool:
        """Whether a record is new or has another digest."""
        entry = self._entries.get(one)
        return entry is None or entry[:DIGEST] != digest

    def hold(self, one: str, digest: bytes) -> None:
        """Note a record's digest."""
        entry = self._entries.get(one, b"")
        self._held += len(entry) < DIGEST
        self._entries[one] = digest + entry[-STAMP:] if len(entry) % DIGEST else digest

    def drop(self, one: str) -> None:
        """Forget a record, but not when it was last active."""
        entry = self._entries.pop(one, b"")
        self._held -= len(entry) >= DIGEST
        if len(entry) % DIGEST:
            self._entries[one] = entry[-STAMP:]

    def stamp(self, one: str) -> bytes | None:
        """When a record was last active, packed; None where nothing is known."""
        entry = self._entries.get(one, b"")
        return entry[-STAMP:] if len(entry) % DIGEST else None

    def set_stamp(self, one: str, stamp: bytes) -> None:
        """Note when a record was last active."""
        entry = self._entries.get(one, b"")
        self._entries[one] = (entry[:DIGEST] if len(entry) >= DIGEST else b"") + stamp
