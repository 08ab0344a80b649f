"""The file of what was refused for good: private, one JSON document a line, and never larger than it may be."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct, json

from accesssync.errors import StoreError


class DeadLetters(Struct, frozen=True):
    """Where they go. What finds no room is lost, and whoever puts it aside is told so."""

    path: Path
    most_bytes: int

    def put(self, line: Mapping[str, Any]) -> bool:
        """Add a line; False where there is no room for it.

        StoreError where the file cannot be written, or where a link or somebody else's file is in its place.
        """
        data = json.encode(line) + b"\n"
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            handle = os.open(self.path, os.O_CREAT | os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW, 0o600)
            try:
                os.fchmod(handle, 0o600)
                if os.fstat(handle).st_size + len(data) > self.most_bytes:
                    return False
                os.write(handle, data)
                os.fsync(handle)
            finally:
                os.close(handle)
        except OSError as error:
            raise StoreError(
                f"the dead-letter file {self.path} cannot be written: {error.strerror or 'input/output error'}",
                remedy="make it writable, or name another with ACCESSSYNC_FORWARD__DEAD_LETTERS",
            ) from error
        return True
