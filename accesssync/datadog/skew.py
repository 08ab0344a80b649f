"""How far two clocks are apart, as far as an answer tells."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime


def server_skew(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds by which `now`, in seconds since 1970, is ahead of the sender's clock, to about a second.

    None where the answer does not tell, or was kept by something on the way.
    """
    sent = headers.get("date")
    if sent is None or len(sent) > 64 or "age" in headers:
        return None
    try:
        moment = parsedate_to_datetime(sent)
        return now - (moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
