"""Put records into batches that a destination takes: in their order, each in exactly one."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TypeVar

from accesssync.forward.destination import Limits

T = TypeVar("T")


def packed(records: Iterable[tuple[T, bytes]], limits: Limits) -> Iterator[list[tuple[T, bytes]]]:
    """Batches within the limits of one call, each record with what it goes by.

    A record that is too large for any batch comes in a batch of its own: see `too_large`.
    """
    batch: list[tuple[T, bytes]] = []
    size = 2
    for what, record in records:
        # A list in JSON: brackets around, a comma between.
        grown = size + len(record) + (1 if batch else 0)
        if batch and (len(batch) >= limits.records or grown > limits.bytes):
            yield batch
            batch, grown = [], 2 + len(record)
        batch.append((what, record))
        size = grown
    if batch:
        yield batch


def too_large(record: bytes, limits: Limits) -> bool:
    """Whether no call takes this record."""
    return len(record) > limits.record_bytes or len(record) + 2 > limits.bytes


def halves(batch: Sequence[T]) -> tuple[Sequence[T], Sequence[T]]:
    """A refused batch in two, to find the record that is at fault; of more than one record."""
    middle = len(batch) // 2
    return batch[:middle], batch[middle:]
