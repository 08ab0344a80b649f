"""WHEN, as people write it: a run, a moment, a day, or so long ago."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal

from msgspec import Struct

from accesssync.errors import UsageError

Edge = Literal["start", "end"]

_AGO = re.compile(r"(\d{1,5})([smhdw])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


class AtRun(Struct, frozen=True):
    """The state that one run published, or the changes up to and including it."""

    run_id: int


class AtTime(Struct, frozen=True):
    """A moment, in UTC."""

    time: datetime


When = AtRun | AtTime


def parse_when(text: str, *, option: str, edge: Edge, now: datetime) -> When:
    """Understand `run-412`, RFC 3339, `2026-06-30`, or `7d`.

    A bare date means the `edge` of that UTC day: its end for "up to" and "as of", its start for "since".
    A time without an offset is taken as UTC. UsageError names the option and shows the four forms.
    """
    stripped = text.strip()
    if stripped.startswith("run-") and stripped[4:].isascii() and stripped[4:].isdigit() and len(stripped) < 23:
        return AtRun(int(stripped[4:]))
    ago = _AGO.fullmatch(stripped)
    if ago:
        try:
            return AtTime(now - timedelta(**{_UNITS[ago[2]]: int(ago[1])}))
        except OverflowError:
            return AtTime(datetime.min.replace(tzinfo=UTC))
    try:
        if len(stripped) == 10:
            day = date.fromisoformat(stripped)
            return AtTime(datetime.combine(day, time.max if edge == "end" else time.min, UTC))
        if "T" in stripped or " " in stripped:
            moment = datetime.fromisoformat(stripped)
            return AtTime(moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC))
    except (ValueError, OverflowError):
        pass
    raise UsageError(
        f"{option} does not understand {text[:60]!r}",
        remedy="write a run (run-412), a time (2026-06-30T12:00:00Z), a date (2026-06-30) or an age (7d, 12h)",
    )


def as_text(moment: datetime) -> str:
    """A time as accesssync writes it everywhere: RFC 3339 in UTC."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
