"""A file that only its owner can read, and that is there whole or not at all."""

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from accesssync.errors import StoreError, UsageError


@contextmanager
def private_file(path: Path, *, replace: bool = False) -> Iterator[TextIO]:
    """Write `path`; it appears, with mode 0600, when the block has ended without an error.

    Without `replace`, UsageError where something of that name exists. StoreError where it cannot be written. What is
    written goes into a file beside it first, and never where a link leads to.
    """
    if not replace and (path.exists() or path.is_symlink()):
        raise UsageError(f"{path} exists already", remedy="choose another name, or remove it first")
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.part")
    try:
        handle = os.open(temporary, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_NOFOLLOW, 0o600)
        try:
            with open(handle, "w", encoding="utf-8", newline="\n") as file:  # noqa: PTH123 - of a handle
                yield file
                file.flush()
                os.fsync(file.fileno())
            if replace:
                temporary.replace(path)
            else:
                # Unlike a rename, a link does not take the place of what came there meanwhile.
                path.hardlink_to(temporary)
            _sync_folder(path.parent)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError as error:
        raise UsageError(f"{path} exists already", remedy="choose another name, or remove it first") from error
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror or 'input/output error'}") from error


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
