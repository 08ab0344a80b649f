"""What the delivery needs of a destination: a way to hand records over, their form, and how much it takes at once."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Protocol

from msgspec import Struct

from accesssync.forward.entry import Entry, Stream
from accesssync.model.delivery import Outcome


class Limits(Struct, frozen=True):
    """What one call may carry: how many records, how many bytes of them in all with what stands between them, and how
    many bytes a single one may have. Bytes are counted before any compression."""

    records: int
    bytes: int
    record_bytes: int


class Destination(Protocol):
    """Somebody who takes records. Adapters implement it without knowing it: it asks for plain values only."""

    def send(self, records: Sequence[bytes]) -> Outcome:
        """Hand over records, each a JSON document without line breaks, once and in this order.

        What is not delivered is answered, not raised; repeating is the caller's business. Raises only what would
        stop anything: a signal, a bug.
        """
        ...


class Route(Struct, frozen=True, kw_only=True):
    """The way of one stream of one organization to one destination.

    `name` tells destinations apart and stays the same from run to run, since what was delivered is kept under it.
    `prepare` gives an entry the form it has there; its second argument is the time of delivery.
    """

    name: str
    stream: Stream
    org: str
    limits: Limits
    prepare: Callable[[Entry, datetime], bytes]
    destination: Destination


LOG_INTAKE = Limits(records=1_000, bytes=5_000_000, record_bytes=1_000_000)
"""Of Datadog's log intake. A larger record is cut over there without a word, so it has to be cut here."""

ONE_BY_ONE = Limits(records=1, bytes=1_000_000, record_bytes=1_000_000)
"""Of whoever takes one record per request, as Datadog's events do."""
