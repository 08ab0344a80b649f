"""Every bound on talking to Datadog, in one place."""

from msgspec import Struct


class Limits(Struct, frozen=True, kw_only=True):
    """How long, how often and how much. Seconds unless said otherwise.

    `connect` bounds one connection attempt to one address, `read` the silence between two pieces of an
    answer, `attempt` a whole answer however it trickles in. `run` is the time set aside for everything that
    one source reads, waits included. `body_bytes` counts decompressed bytes. `wait_cap` is the longest single
    wait that a rate limit may ask for. `share_left_to_others` is the part of every rate limit that stays untouched
    for the other users of the organization.
    """

    connect: float = 10.0
    read: float = 30.0
    attempt: float = 90.0
    run: float = 4 * 3600.0
    body_bytes: int = 32 * 1024 * 1024
    attempts: int = 5
    backoff: float = 1.0
    backoff_cap: float = 30.0
    wait_cap: float = 300.0
    share_left_to_others: float = 0.2
