"""Put records into batches that a destination takes: in their order, each in exactly one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from accesssync.forward.destination import Limits

T = TypeVar("T")


def packed(records: Iterable[tuple[T, bytes]], limits: Limits) -> Iterator[list[tuple[T, bytes]]]:
    """Batches within the limits of one call, each record with what it goes by.

    A record that no call takes comes in a batch of its own, since it would spoil any other: see `hopeless`.
    """
    batch: list[tuple[T, bytes]] = []
    size = 2
    for what, record in records:
        # A list in JSON: brackets around, a comma between.
        grown = size + len(record) + (1 if batch else 0)
        alone = hopeless(record, limits)
        if batch and (alone or len(batch) >= limits.records or grown > limits.bytes):
            yield batch
            batch, grown = [], 2 + len(record)
        batch.append((what, record))
        size = grown
        if alone:
            yield batch
            batch, size = [], 2
    if batch:
        yield batch


def hopeless(record: bytes, limits: Limits) -> bool:
    """Whether no call takes this record: it is too large, or empty because it could not be made."""
    return not record or len(record) > limits.record_bytes or len(record) + 2 > limits.bytes


def halves(batch: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """A refused batch in two, to find the record that is at fault; of more than one record."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
