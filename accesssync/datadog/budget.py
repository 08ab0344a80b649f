"""Keep part of every rate limit free for the other users of the organization."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import NamedTuple

from accesssync.datadog.limits import Limits
from accesssync.datadog.retry import whole_number


class RateLimit(NamedTuple):
    """One rate limit as last told: `limit` requests in `period` seconds, of which `remaining` were left.

    `period` is None where Datadog did not tell it.
    """

    limit: int
    period: int | None
    remaining: int


class _Bucket:
    """What is known of one rate limit. `reset_at` is on the monotonic clock."""

    __slots__ = ("in_flight", "limit", "period", "remaining", "reset_at")

    def __init__(self) -> None:
        self.limit = 0
        self.period: int | None = None
        self.remaining = 0
        self.reset_at = 0.0
        self.in_flight = 0


class Budget:
    """Counts requests and paces them. Safe to use from several threads.

    Datadog tells the limits only in its answers, per named bucket that one or more operations share. What has
    not been told is not limited here; the server's 429 is the fallback.
    """

    def __init__(self, limits: Limits, clock: Callable[[], float]) -> None:
        self._share = limits.share_left_to_others
        self._cap = limits.wait_cap
        self._clock = clock
        self._lock = Lock()
        self._buckets: dict[str, _Bucket] = {}
        self._bucket_of: dict[str, str] = {}
        self._requests = 0
        self._lowest: float | None = None

    @property
    def requests(self) -> int:
        """How many requests were sent, retries included."""
        return self._requests

    @property
    def lowest_fraction(self) -> float | None:
        """The smallest part of any rate limit that was ever left, 0 to 1; None where none was told."""
        return self._lowest

    def rate_limit_of(self, operation: str) -> tuple[str, RateLimit] | None:
        """The limit that counts this operation, with its name; None where no answer has told it yet."""
        with self._lock:
            name, each = self._bucket_of.get(operation), self._known(operation)
            return None if name is None or each is None else (name, RateLimit(each.limit, each.period, each.remaining))

    def wait_for_share(self, operation: str) -> float:
        """Seconds until a request may be sent without touching the others' share; 0 for now."""
        with self._lock:
            bucket = self._known(operation)
            if bucket is None:
                return 0.0
            left = bucket.reset_at - self._clock()
            if left <= 0 or bucket.remaining - bucket.in_flight > self._share * bucket.limit:
                return 0.0
            return min(left, self._cap)

    @contextmanager
    def request(self, operation: str) -> Iterator[None]:
        """Count one request and, while it is under way, take it as used up."""
        with self._lock:
            self._requests += 1
            bucket = self._known(operation)
            if bucket is not None:
                bucket.in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                if bucket is not None:
                    bucket.in_flight -= 1

    def learn(self, operation: str, headers: Mapping[str, str] | None) -> None:
        """Take in what one answer says; None where there was none."""
        with self._lock:
            if headers is not None:
                self._learn(operation, headers)

    def _known(self, operation: str) -> _Bucket | None:
        name = self._bucket_of.get(operation)
        return None if name is None else self._buckets[name]

    def _learn(self, operation: str, headers: Mapping[str, str]) -> None:
        limit = whole_number(headers.get("x-ratelimit-limit"))
        remaining = whole_number(headers.get("x-ratelimit-remaining"))
        reset = whole_number(headers.get("x-ratelimit-reset"))
        if not limit or remaining is None or reset is None:
            return
        # An unnamed limit can only be taken as the operation's own.
        name = (headers.get("x-ratelimit-name") or f"operation {operation}")[:200]
        self._bucket_of[operation] = name
        bucket = self._buckets.setdefault(name, _Bucket())
        if len(self._buckets) > len(self._bucket_of):
            self._buckets = {used: self._buckets[used] for used in self._bucket_of.values()}
        bucket.limit = limit
        bucket.period = whole_number(headers.get("x-ratelimit-period")) or None
        bucket.remaining = min(remaining, limit)
        bucket.reset_at = self._clock() + min(float(reset), self._cap)
        fraction = bucket.remaining / limit
        self._lowest = fraction if self._lowest is None else min(self._lowest, fraction)
