"""Records into a file or a stream, one JSON document a line."""

import fcntl
import os
import re
import stat
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from accesssync.forward.destination import Limits
from accesssync.model.delivery import Delivered, Outcome, Stopped

FILE_LIMITS = Limits(records=5_000, bytes=5_000_000, record_bytes=1_000_000)
"""What is appended at once."""

_UNSEEN = re.compile("[\x7f-\x9f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]")


def line(record: bytes) -> bytes:
    """A record as one line, with everything that a terminal obeys or hides written as an escape. It stays JSON."""
    if not record.isascii() or b"\x7f" in record:
        record = _UNSEEN.sub(lambda found: f"\\u{ord(found[0]):04x}", record.decode()).encode()
    return record.replace(b"\n", b" ") + b"\n"


class NdjsonFile:
    """Appends to a file that is private where it is new. It is opened anew each time: one that was rotated is followed.

    All of a batch is appended, or nothing of it: several processes may write to the same file.
    """

    def __init__(self, path: Path) -> None:
        self._path = path

    def send(self, records: Sequence[bytes]) -> Outcome:
        """Append the records and wait until they are on the disk."""
        text = b"".join(map(line, records))
        try:
            handle = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError as error:
            return self._stopped(error)
        try:
            return self._append(handle, text)
        except OSError as error:
            return self._stopped(error)
        finally:
            os.close(handle)

    def _append(self, handle: int, text: bytes) -> Outcome:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return Stopped(
                "the file of ACCESSSYNC_FORWARD__FILE is no ordinary file", "name a file, or - for standard output"
            )
        fcntl.flock(handle, fcntl.LOCK_EX)
        before = os.fstat(handle).st_size
        try:
            _write_all(handle, text)
            os.fsync(handle)
        except OSError:
            # Half a line would spoil the next one too.
            with suppress(OSError):
                os.ftruncate(handle, before)
            raise
        return Delivered()

    def _stopped(self, error: OSError) -> Stopped:
        reason = error.strerror or type(error).__name__
        remedy = "make room, or name another file with ACCESSSYNC_FORWARD__FILE"
        return Stopped(f"the file of ACCESSSYNC_FORWARD__FILE cannot be written: {reason}", remedy)


class NdjsonStream:
    """Writes to a stream that somebody else opened, such as standard output."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def send(self, records: Sequence[bytes]) -> Outcome:
        """Write the records and hand them over."""
        try:
            self._stream.write(b"".join(map(line, records)))
            self._stream.flush()
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or type(error).__name__
            return Stopped(f"standard output cannot be written: {reason}")
        return Delivered()


def _write_all(handle: int, text: bytes) -> None:
    left = memoryview(text)
    while left:
        left = left[os.write(handle, left) :]
