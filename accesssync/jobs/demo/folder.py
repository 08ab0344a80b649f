"""The folder of a demonstration: its own, and nobody else's."""

import fcntl
import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from accesssync.errors import LockedError, RefusedError, UsageError

MARKER = ".accesssync-demo"
DATABASE = "accesssync.db"

_OURS = re.compile(re.escape(DATABASE) + r"(-wal|-shm|-journal|\.migrate|\.[0-9a-f]+\.lock)?")


@contextmanager
def prepared(folder: Path) -> Iterator[Path]:
    """Where the demonstration may put its database; one that an earlier demonstration left is gone.

    Only the database is ever removed, and only next to the mark of an earlier demonstration: RefusedError for
    a folder that holds anything else. LockedError while another demonstration uses it.
    """
    if not str(folder).isprintable() or "?" in str(folder):
        raise UsageError(f"--dir {str(folder)!r} cannot be part of a database URL", remedy="use plain characters")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        names = [path.name for path in folder.iterdir()]
        if names and MARKER not in names:
            raise RefusedError(
                f"{folder} holds files that no demonstration made; nothing was touched",
                remedy="name an empty or a new folder: accesssync demo --dir DIR",
            )
        mark = os.open(folder / MARKER, os.O_CREAT | os.O_RDWR | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise UsageError(
            f"{folder} cannot be used: {error.strerror or error}", remedy="choose a writable folder with --dir"
        ) from error
    try:
        _hold(mark, folder)
        for name in names:
            if _OURS.fullmatch(name):
                (folder / name).unlink()
        yield folder / DATABASE
    finally:
        os.close(mark)


def _hold(mark: int, folder: Path) -> None:
    try:
        fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise LockedError(f"another demonstration is using {folder}", remedy="wait for it, or use --dir") from None
