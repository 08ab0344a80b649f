"""A directory of files that appears as a whole or not at all, and that only its owner can read.

Everything is written into a sibling of a name that nobody knows, brought to the disk, and renamed. A directory that is
already there is replaced only if it is a report of ours: nobody's files go because of a mistyped name.
"""

import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from hashlib import file_digest
from pathlib import Path
from typing import BinaryIO

from msgspec import DecodeError, Struct, json

from accesssync.errors import StoreError, UsageError

MANIFEST = "manifest.json"
SCHEMA = "accesssync.manifest/"
"""What the schema of a manifest of ours begins with, whatever its version."""

BUFFER = 1 << 20


class Written(Struct, frozen=True, kw_only=True):
    """One file of a bundle. `rows` is None for what is no table."""

    sha256: str
    bytes: int
    rows: int | None = None


class Folder:
    """A directory of the bundle that is being written. Paths in it are ours: none is made of a name from outside."""

    def __init__(self, path: Path, written: dict[str, int | None], prefix: str = "") -> None:
        self.path = path
        self._written = written
        self._prefix = prefix

    @contextmanager
    def file(self, name: str) -> Iterator[BinaryIO]:
        """A new file with mode 0600."""
        handle = os.open(self.path / name, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW, 0o600)
        with open(handle, "w+b", buffering=BUFFER) as file:  # noqa: PTH123 - of a handle
            self._written[self._prefix + name] = None
            yield file

    def rows(self, name: str, count: int) -> None:
        """Note how many rows a file has."""
        self._written[self._prefix + name] = count

    def rows_of(self, name: str) -> int | None:
        """How many rows a file has that was written before; None for one that was not, or is no table."""
        return self._written.get(self._prefix + name)

    def adopt(self, name: str) -> None:
        """Take in a file that another program wrote into this directory."""
        path = self.path / name
        if path.is_symlink() or not path.is_file():
            raise StoreError(f"{name} was not written")
        path.chmod(0o600)
        self._written[self._prefix + name] = None

    def folder(self, name: str) -> "Folder":
        """A directory in this one."""
        inner = self.path / name
        inner.mkdir(mode=0o700)
        return Folder(inner, self._written, f"{self._prefix}{name}/")


class Bundle(Folder):
    """The directory that becomes visible at the end."""

    def __init__(self, path: Path, out: Path) -> None:
        self._all: dict[str, int | None] = {}
        self._hashed: dict[str, Written] = {}
        super().__init__(path, self._all)
        self.out = out

    def files(self) -> Mapping[str, Written]:
        """Every file so far by its path in the bundle, with its hash. Each is hashed once: no more is written to it."""
        for name in self._all.keys() - self._hashed.keys():
            path = self.path / name
            with path.open("rb") as file:
                digest = file_digest(file, "sha256").hexdigest()
            self._hashed[name] = Written(sha256=digest, bytes=path.stat().st_size, rows=self._all[name])
        return dict(sorted(self._hashed.items()))

    def sync(self) -> None:
        """Bring everything to the disk: all at once at the end, which waits for the disk far less often."""
        paths = [self.path / name for name in self._all]
        for path in [*paths, *sorted({self.path, *(path.parent for path in paths)})]:
            _sync(path)


@contextmanager
def bundle(out: Path) -> Iterator[Bundle]:
    """Write a directory; it takes the place of `out` when the block has ended without an error.

    UsageError where something is in the way that is no report of ours, StoreError where it cannot be written: then
    nothing is left of it, and what was there is as it was.
    """
    out = Path(os.path.normpath(out.absolute()))
    refuse_foreign(out)
    temporary = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
    try:
        out.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        temporary.mkdir(mode=0o700)
        try:
            made = Bundle(temporary, out)
            yield made
            made.sync()
            _take_place(temporary, out)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    except OSError as error:
        reason = error.strerror or "input/output error"
        raise StoreError(
            f"the report cannot be written to {out}: {reason}",
            remedy="nothing was left behind; choose another place with --out, or free some space",
        ) from error


def refuse_foreign(out: Path) -> None:
    """UsageError where something is in the way that a report may not replace."""
    other = "choose another place with --out"
    if out.is_symlink():
        raise UsageError(f"{out} is a symbolic link, and none is followed", remedy=other)
    if out.parent == out:
        raise UsageError(f"{out} is no place for a report", remedy=other)
    if not out.exists():
        return
    if not out.is_dir():
        raise UsageError(f"{out} is a file", remedy=other)
    try:
        empty = next(out.iterdir(), None) is None
    except OSError as error:
        raise StoreError(f"{out} cannot be read: {error.strerror or 'input/output error'}", remedy=other) from error
    if not empty and not is_ours(out):
        raise UsageError(
            f"{out} is there already and is no report of accesssync",
            remedy=f"{other}, or move what is in it away",
        )


def is_ours(path: Path) -> bool:
    """Whether a directory has a manifest of ours."""
    return manifest_hash(path) is not None


def manifest_hash(path: Path) -> str | None:
    """The SHA-256 of the manifest of a report; None where there is none of ours."""
    manifest = path / MANIFEST
    if manifest.is_symlink() or not manifest.is_file():
        return None
    try:
        with manifest.open("rb") as file:
            schema = json.decode(file.read(), type=_Manifest).schema
            file.seek(0)
            return file_digest(file, "sha256").hexdigest() if schema.startswith(SCHEMA) else None
    except (OSError, DecodeError):
        return None


class _Manifest(Struct):
    schema: str


def _take_place(temporary: Path, out: Path) -> None:
    """Rename to the name that was asked for; what was there goes when the new one stands."""
    if not out.exists():
        temporary.rename(out)
    else:
        refuse_foreign(out)
        before = out.with_name(f".{out.name}.{secrets.token_hex(4)}.before")
        out.rename(before)
        try:
            temporary.rename(out)
        except OSError:
            before.rename(out)
            raise
        shutil.rmtree(before, ignore_errors=True)
    with suppress(OSError):
        _sync(out.parent)


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
