"""The reports that the worker makes: a directory for each, named by its time, and only so many of them kept."""

import re
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from accesssync.errors import StoreError
from accesssync.jobs.findings.rulebook import rulebook_of
from accesssync.jobs.governance.directory import load_governance
from accesssync.jobs.report.backing import backing_of
from accesssync.jobs.report.beyond import usual
from accesssync.jobs.report.bundle import is_ours
from accesssync.jobs.report.formats import chosen_formats
from accesssync.jobs.report.make import Made, Order, make_report
from accesssync.settings import Settings
from accesssync.store.engine import Database

_NAME = re.compile(r"\d{8}T\d{6}Z")


class Kept(Struct, frozen=True, kw_only=True):
    """A report that was made, and how many older ones went."""

    made: Made
    removed: int


def make_generation(
    engine: Database,
    settings: Settings,
    *,
    names: Sequence[str] = (),
    by: str,
    now: datetime,
    token: UUID,
    check: Callable[[], None],
) -> Kept:
    """Make the report of these organizations, or all, then remove the oldest ones. `check` may raise to stop."""
    folder = settings.report_dir
    order = Order(
        out=folder / now.astimezone(UTC).strftime("%Y%m%dT%H%M%SZ"),
        formats=chosen_formats(settings.report_format, settings.report_browser),
        names=names,
        by=by,
        now=now,
        token=token,
        backing=backing_of(settings),
        asked=usual(settings, now),
    )
    rulebook = rulebook_of(settings, load_governance(settings.governance_dir, now.date()))
    made = make_report(engine, rulebook, order, lambda _what, _done, _total: check())
    return Kept(made=made, removed=_remove(folder, settings.report_keep))


def _remove(folder: Path, keep: int) -> int:
    """Remove the oldest reports; never anything that is not one of ours or has another kind of name."""
    if keep == 0:
        return 0
    try:
        ours = sorted(path for path in folder.iterdir() if _NAME.fullmatch(path.name) and _removable(path))
        for path in ours[:-keep]:
            shutil.rmtree(path)
    except OSError as error:
        raise StoreError(f"old reports in {folder} cannot be removed: {error.strerror}") from error
    return len(ours[:-keep])


def _removable(path: Path) -> bool:
    return not path.is_symlink() and path.is_dir() and is_ours(path)
