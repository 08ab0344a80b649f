"""Look after the database: which schema it has, whether it is sound, and a copy of it."""

from datetime import datetime
from pathlib import Path

from accesssync.errors import StoreError
from accesssync.jobs.inventory import Document
from accesssync.settings import Settings
from accesssync.store import backup, queue_schema, schema
from accesssync.store.engine import connect, create_private, parse_url, refuse_exposed, sqlite_path


def current(settings: Settings) -> Document:
    """The schema the database has and the one this version needs."""
    url = parse_url(settings.database_url.get_secret_value())
    path = sqlite_path(url)
    found = None
    if path is None or (path.exists() and path.stat().st_size):
        found = schema.current(connect(url))
    return {"database": url.render_as_string(hide_password=True), "revision": found, "wanted": schema.head()}


def upgrade(settings: Settings) -> Document:
    """Migrate the database to the schema of this version; makes a missing one."""
    url = parse_url(settings.database_url.get_secret_value())
    path = sqlite_path(url)
    if path is not None:
        create_private(path)
        refuse_exposed(path)
    engine = connect(url)
    before = schema.current(engine)
    if before != schema.head():
        schema.upgrade(engine)
    queue = queue_schema.current(engine)
    if queue is not None or (settings.worker_mode == "queue" and path is None):
        queue_schema.upgrade(engine)
    return {
        "database": url.render_as_string(hide_password=True),
        "before": before,
        "revision": schema.current(engine),
        "wanted": schema.head(),
    }


def check(settings: Settings) -> Document:
    """Whether the database is sound; StoreError says what is wrong with it."""
    url = parse_url(settings.database_url.get_secret_value())
    engine = schema.open_for_reading(url)
    if queue_schema.current(engine) is not None:
        queue_schema.ensure(engine)
    problems = backup.integrity(engine) + schema.differences(engine)
    if problems:
        more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
        raise StoreError(
            f"the database is not sound: {problems[0]}{more}", remedy="restore a backup, or report this as a bug"
        )
    return {
        "database": url.render_as_string(hide_password=True),
        "revision": schema.current(engine),
        "wanted": schema.head(),
        "sound": True,
    }


def back_up(settings: Settings, target: Path | None, now: datetime) -> Document:
    """Copy the whole database while others may be using it; the copy is private and complete or not there.

    Whatever schema it has: a backup is what comes before an upgrade.
    """
    url = parse_url(settings.database_url.get_secret_value())
    engine = schema.open_as_it_is(url)
    path = sqlite_path(url)
    suffix = ".db" if path is not None else ".sql"
    folder = path.parent if path is not None else Path.cwd()
    chosen = target or folder / f"accesssync-{now:%Y%m%dT%H%M%SZ}{suffix}"
    backup.copy(engine, chosen)
    return {
        "database": url.render_as_string(hide_password=True),
        "backup": str(chosen),
        "bytes": chosen.stat().st_size,
    }
