"""Delete what is older than the settings have it kept."""

from collections.abc import Callable
from datetime import datetime

from accesssync.settings import Settings
from accesssync.store import retention
from accesssync.store.engine import Database


def retain(database: Database, settings: Settings, now: datetime, check: Callable[[], None]) -> dict[str, int]:
    """The rows deleted, by table. `check` is called now and then and may raise to stop: the rest goes next time."""
    activity = _before(now, settings.retention_activity)
    cutoffs = retention.Cutoffs(
        history=_before(now, settings.retention_history),
        changes=_before(now, settings.retention_changes),
        activity=activity.date() if activity else None,
        runs=_before(now, settings.retention_runs),
    )
    return retention.retain(database, cutoffs, check)


def kept_since(settings: Settings, now: datetime) -> datetime | None:
    """Before which time facts that hold no more may have been deleted; None where they are kept for ever."""
    return _before(now, settings.retention_history)


def _before(now: datetime, months: int) -> datetime | None:
    """So many calendar months ago; None for never. The 31st of a month without one is its 28th."""
    if months == 0:
        return None
    year, month = divmod(now.year * 12 + now.month - 1 - months, 12)
    return now.replace(year=year, month=month + 1, day=min(now.day, 28))
