"""The doctor for the database."""

import stat
from collections.abc import Iterator

from accesssync.errors import AccessSyncError, StoreError
from accesssync.jobs.doctor.lines import Check, Fault
from accesssync.settings import Settings
from accesssync.store import schema
from accesssync.store.engine import connect, parse_url, sqlite_path


def check_database(settings: Settings) -> Iterator[Check]:
    """Whether the database is there, private and migrated."""
    url = parse_url(settings.database_url.get_secret_value())
    shown = url.render_as_string(hide_password=True)
    path = sqlite_path(url)
    try:
        if path is not None and (not path.exists() or not path.stat().st_size):
            yield Check("database", None, "warn", f"{shown} does not exist yet", "accesssync sync makes it")
            return
        if path is not None and stat.S_IMODE(path.stat().st_mode) & 0o077:
            yield _failing(f"{shown} can be read by others", f"run: chmod 600 {path}")
            return
        found, wanted = schema.current(connect(url)), schema.head()
    except (OSError, StoreError) as error:
        reason = error.message if isinstance(error, AccessSyncError) else str(error.strerror)
        yield _failing(f"{shown}: {reason}", "check ACCESSSYNC_DATABASE_URL")
        return
    if found == wanted:
        private = "is private and " if path is not None else ""
        yield Check("database", None, "ok", f"{shown} {private}has schema {found}")
    elif found is None:
        yield Check("database", None, "warn", f"{shown} is empty", "accesssync sync migrates it")
    else:
        older = found in schema.known()
        fix = "run: accesssync db upgrade" if older else "a newer accesssync wrote it: use that version"
        yield _failing(f"{shown} has schema {found}, not {wanted}", fix)


def _failing(message: str, fix: str) -> Check:
    return Check("database", None, "fail", message, fix, Fault.DATABASE)
