"""Whether and when a failed read is tried again. Pure: chance is an argument, time is not needed."""

from random import Random

from accesssync.datadog.failure import Failure
from accesssync.datadog.limits import Limits

# A 429 is answered by waiting for the reset; these by waiting a little. Any other 4xx would fail again.
_PASSING = frozenset({408, 429})


def decide(attempt: int, failure: Failure, rng: Random, limits: Limits) -> float | None:
    """Seconds to wait before the next attempt, or None to give up. `attempt` counts from 1.

    Meant for calls that change nothing; a write must be read back instead of repeated.
    """
    if attempt >= limits.attempts or not _may_pass(failure):
        return None
    if failure.status == 429:
        reset = whole_number(failure.reset)
        if reset:
            # A little more than asked for, so that several threads do not come back at the same moment.
            return min(reset + rng.random(), limits.wait_cap)
    ceiling = min(limits.backoff_cap, limits.backoff * 2.0 ** (attempt - 1))
    return rng.random() * ceiling


def whole_number(text: str | None) -> int | None:
    """A header's count of seconds or requests; None for anything that is not a plain whole number."""
    if text is None or not text.isascii() or not text.isdigit() or len(text) > 12:
        return None
    return int(text)


def _may_pass(failure: Failure) -> bool:
    if failure.lasting:
        return False
    return failure.kind != "status" or failure.status in _PASSING or 500 <= failure.status <= 599
