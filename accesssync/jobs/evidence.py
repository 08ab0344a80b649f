"""Keys that sign reports, and the verification of a bundle that lies somewhere."""

import os
import stat
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accesssync.errors import AccessSyncError, ConfigurationError, StoreError, UsageError, VerificationError
from accesssync.evidence import sign
from accesssync.evidence.manifest import ENVELOPE, MANIFEST, SUMS
from accesssync.evidence.verify import Found, Verdict, verify
from accesssync.jobs.private_file import private_file
from accesssync.model.visible import visible
from accesssync.settings import Settings

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

Document = dict[str, Any]

LARGEST_LIST = 64 * 2**20
"""Bytes of a manifest, sums or envelope; other files may have any size."""

_LARGEST_KEY = 2**16
_CHUNK = 2**20
_DEEPEST = 8


def signing_key(settings: Settings) -> "Ed25519PrivateKey | None":
    """The key that signs reports; None where there is none. ConfigurationError where it cannot be used."""
    path, secret = settings.signing_key_file, settings.signing_key
    if path is None and secret is None:
        return None
    variable = "ACCESSSYNC_SIGNING_KEY" if path is None else "ACCESSSYNC_SIGNING_KEY_FILE"
    if path is not None and secret is not None:
        raise ConfigurationError(
            "both ACCESSSYNC_SIGNING_KEY and ACCESSSYNC_SIGNING_KEY_FILE are set", remedy="keep one of them"
        )
    # In an environment, a key of several lines is often written in one.
    text = secret.get_secret_value().replace("\\n", "\n") if secret else _key_text(path or Path(), variable)
    wrong = None
    try:
        return sign.private_key(text)
    except UsageError as error:
        wrong = error
    raise ConfigurationError(f"{variable} cannot be used: {wrong.message}", remedy=wrong.remedy)


def make_key(path: Path) -> Document:
    """Make a signing key: `path`, private, and beside it `path`.pub, to be given out. UsageError where one exists."""
    public_path = path.with_name(path.name + ".pub")
    if public_path.exists() or public_path.is_symlink():
        raise UsageError(f"{public_path} exists already", remedy="choose another name, or remove it first")
    pem = sign.new_private_pem()
    public = sign.private_key(pem).public_key()
    with private_file(path) as file:
        file.write(pem)
    with private_file(public_path) as file:
        file.write(sign.public_pem(public))
    return {"private": str(path), "public": str(public_path), "fingerprint": sign.fingerprint(public)}


def verify_bundle(folder: Path, public: Path | None = None, expected_manifest: str | None = None) -> Verdict:
    """Look at every file below `folder`, and at no other: no link is followed.

    `public` holds the key that has to have signed it; `expected_manifest` is the hash that was noted when it was made.
    UsageError where there is no bundle, StoreError where a file cannot be read.
    """
    given = sign.public_key(_key_text(public, None)) if public else None
    try:
        found = _find(folder)
    except OSError as error:
        raise StoreError(f"{error.filename or folder} cannot be read: {error.strerror}") from None
    if found.manifest is None and found.sums is None and found.envelope is None:
        raise UsageError(
            f"{folder} is no bundle of a report: it has neither {MANIFEST} nor {SUMS}",
            remedy="give the directory that accesssync report wrote",
        )
    return verify(found, given, expected_manifest and expected_manifest.strip().lower())


def refuse_altered(verdict: Verdict, folder: Path) -> None:
    """Raise VerificationError where something is wrong, naming what."""
    if verdict.sound:
        return
    kinds = (("changed", verdict.changed), ("missing", verdict.missing), ("added", verdict.added))
    parts = [f"{what} {_named(paths)}" for what, paths in kinds if paths]
    parts += [visible(problem) for problem in verdict.problems]
    raise VerificationError(
        f"{folder} is not as it was made: {'; '.join(parts)}", remedy="ask for the report again where it was made"
    )


def verdict_document(verdict: Verdict) -> Document:
    """The verdict for scripts."""
    manifest = verdict.manifest
    return {
        "verified": verdict.sound,
        "signature": {"state": verdict.signature.state, "fingerprint": verdict.signature.fingerprint},
        "manifest_sha256": verdict.manifest_hash,
        "files": verdict.files,
        "bytes": sum(file.size for file in manifest.files) if manifest else None,
        "rows": sum(file.rows or 0 for file in manifest.files) if manifest else None,
        "changed": [visible(path) for path in verdict.changed],
        "missing": [visible(path) for path in verdict.missing],
        "added": [visible(path) for path in verdict.added],
        "problems": [visible(problem) for problem in verdict.problems],
        "organizations": list(manifest.organizations) if manifest else [],
    }


def _named(paths: tuple[str, ...], most: int = 10) -> str:
    more = f" and {len(paths) - most:,} more" if len(paths) > most else ""
    return ", ".join(visible(path) for path in paths[:most]) + more


def _find(folder: Path) -> Found:
    hashes: dict[str, str] = {}
    odd: dict[str, str] = {}
    kept: dict[str, bytes] = {}
    if not folder.is_dir():
        raise UsageError(f"{folder} is no directory", remedy="give the directory that accesssync report wrote")
    for path, what in _walk(folder, "", _DEEPEST):
        if what is not None:
            odd[path] = what
            continue
        look = _look(folder / path, keep=path in (MANIFEST, SUMS, ENVELOPE))
        if isinstance(look, str):
            odd[path] = look
            continue
        hashes[path], text = look
        if text is not None:
            kept[path] = text
    return Found(hashes=hashes, odd=odd, manifest=kept.get(MANIFEST), sums=kept.get(SUMS), envelope=kept.get(ENVELOPE))


def _walk(folder: Path, prefix: str, deep: int) -> Iterator[tuple[str, str | None]]:
    """Everything below `folder` by path, with what it is where it is no ordinary file."""
    with os.scandir(folder) as entries:
        for entry in sorted(entries, key=lambda entry: entry.name):
            path = prefix + entry.name
            if entry.is_symlink():
                yield path, "a symbolic link"
            elif entry.is_dir(follow_symlinks=False):
                if deep:
                    yield from _walk(folder / entry.name, path + "/", deep - 1)
                else:
                    yield path, "a directory deeper than any bundle has"
            else:
                yield path, None if entry.is_file(follow_symlinks=False) else "neither a file nor a directory"


def _look(path: Path, *, keep: bool) -> tuple[str, bytes | None] | str:
    """The hash of an ordinary file, and its bytes where they are wanted; or what it is instead, in words.

    Memory does not grow with it.
    """
    handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    with open(handle, "rb") as file:  # noqa: PTH123 - of a handle
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            return "neither a file nor a directory"
        if keep:
            text = file.read(LARGEST_LIST + 1)
            if len(text) > LARGEST_LIST:
                return f"larger than {LARGEST_LIST:,} bytes"
            return sha256(text).hexdigest(), text
        digest = sha256()
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest(), None


def _key_text(path: Path, variable: str | None) -> str:
    error: AccessSyncError
    try:
        with path.open("rb") as file:
            return file.read(_LARGEST_KEY).decode("ascii", "replace")
    except OSError as failed:
        what = f"{variable} names a file that cannot be read" if variable else "the public key cannot be read"
        kind = ConfigurationError if variable else UsageError
        error = kind(f"{what}: {path}: {failed.strerror}", remedy="accesssync evidence keygen FILE makes both")
    raise error
