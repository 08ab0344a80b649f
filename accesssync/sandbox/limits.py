"""Rate limits: one bucket per family of endpoints, in periods aligned to the clock."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime


@dataclass(slots=True)
class _Bucket:
    period_number: int
    used: int = 0


class RateLimits:
    """`limit` requests per `period` seconds for each family, counted from the start of the period."""

    def __init__(self, limit: int, period: int, clock: Callable[[], datetime]) -> None:
        self.limit = limit
        self.period = period
        self._clock = clock
        self._buckets: dict[str, _Bucket] = {}

    def spend(self, family: str) -> tuple[bool, dict[str, str]]:
        """Whether the request is within the limit, and the headers that tell the client."""
        now = self._clock().timestamp()
        current = int(now // self.period)
        bucket = self._buckets.get(family)
        if bucket is None or bucket.period_number != current:
            bucket = self._buckets[family] = _Bucket(current)
        bucket.used += 1
        reset = max(1, math.ceil((current + 1) * self.period - now))
        return bucket.used <= self.limit, {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Period": str(self.period),
            "X-RateLimit-Remaining": str(max(0, self.limit - bucket.used)),
            "X-RateLimit-Reset": str(reset),
            "X-RateLimit-Name": family,
        }
