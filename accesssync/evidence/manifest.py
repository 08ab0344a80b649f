"""The list of a bundle's files with their hashes, and the same list as `sha256sum -c` reads it.

The manifest seals itself: `seal` is the hash of the manifest with zeros in the place of the seal. That protects nothing
by itself, since whoever edits a file can compute it anew; it tells which of two files that contradict each other was
edited, when nobody took the trouble.
"""

import re
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Any, Final

from msgspec import DecodeError, Struct, ValidationError, json

from accesssync.evidence.block import Block, document
from accesssync.model.when import as_text

SCHEMA: Final = "accesssync.manifest/1"
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
ENVELOPE: Final = "manifest.dsse.json"
INSTRUCTION: Final = "VERIFY.txt"

_PATH: Final = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
_SEAL: Final = re.compile(rb'"seal": "([0-9a-f]{64})"')
_NOTHING: Final = "0" * 64


class File(Struct, frozen=True, kw_only=True):
    """A file of the bundle: its path below the bundle's directory, its hash, its size in bytes, and how many rows it
    has where it has rows."""

    path: str
    sha256: str
    size: int
    rows: int | None = None


class Manifest(Struct, frozen=True, kw_only=True):
    """What a manifest says, as far as verifying needs it. `organizations` are blocks as documents."""

    schema: str
    seal: str
    files: tuple[File, ...]
    signed_by: str | None
    previous_manifest: str | None
    organizations: tuple[dict[str, Any], ...]


def is_path(path: str) -> bool:
    """Whether a bundle may have a file of that path: below it, in plain letters, and no hidden one."""
    return _PATH.fullmatch(path) is not None


def write_manifest(files: Iterable[File], blocks: Sequence[Block], signed_by: str | None = None) -> bytes:
    """The manifest of these files, which rest on these blocks, one an organization. The same for the same arguments.

    `signed_by` is the fingerprint of the key that will sign. ValueError for a path that no bundle has, and for a
    second file of the same path.
    """
    listed = sorted(files, key=lambda file: file.path)
    for before, file in zip([None, *listed], listed, strict=False):
        if not is_path(file.path) or (before and before.path == file.path):
            raise ValueError("a bundle has files of different and plain names")
    about = [document(block) for block in blocks]
    told = {
        "schema": SCHEMA,
        "seal": _NOTHING,
        "report_id": blocks[0].report_id,
        "report_name": blocks[0].report_name,
        "generated_at": as_text(blocks[0].generated_at),
        "generated_by": blocks[0].generated_by,
        "host": blocks[0].host,
        "tool_version": blocks[0].tool_version,
        "complete": all(block.complete for block in blocks),
        "reconciled": _all(block.reconciled for block in blocks),
        "config_hash": blocks[0].config_hash,
        "ruleset_hash": blocks[0].ruleset_hash,
        "previous_manifest": blocks[0].previous_manifest,
        "signed_by": signed_by,
        "limitations": sorted({f"{one['org']}: {text}" for one in about for text in one["limitations"]}),
        "files": [{name: getattr(file, name) for name in File.__struct_fields__} for file in listed],
        "organizations": about,
    }
    unsealed = json.format(json.encode(told), indent=2) + b"\n"
    return _sealed_with(unsealed, sha256(unsealed).hexdigest())


def write_sums(files: Iterable[File], manifest: bytes) -> bytes:
    """What `sha256sum -c` reads: every file and the manifest, but neither itself nor the signature."""
    hashes = {file.path: file.sha256 for file in files} | {MANIFEST: sha256(manifest).hexdigest()}
    return "".join(f"{digest}  {path}\n" for path, digest in sorted(hashes.items())).encode()


def read_manifest(text: bytes) -> Manifest | str:
    """The manifest, or in words why it is none that we wrote."""
    try:
        found = json.decode(text, type=Manifest)
    except (DecodeError, ValidationError, UnicodeDecodeError, RecursionError):
        return "it is not readable"
    if found.schema != SCHEMA:
        return "it is of another version, or no manifest"
    if sha256(_sealed_with(text, _NOTHING)).hexdigest() != found.seal:
        return "it does not match its own seal"
    if not all(is_path(file.path) for file in found.files):
        return "it names a file outside of the bundle"
    return found


def read_sums(text: bytes) -> dict[str, str]:
    """The hashes by path; lines that are not as we write them are left out."""
    lines = (line.partition("  ") for line in text.decode("ascii", "replace").splitlines())
    return {path: digest for digest, _, path in lines if re.fullmatch("[0-9a-f]{64}", digest) and is_path(path)}


def _sealed_with(text: bytes, seal: str) -> bytes:
    return _SEAL.sub(b'"seal": "' + seal.encode() + b'"', text, count=1)


def _all(outcomes: Iterable[bool | None]) -> bool | None:
    known = list(outcomes)
    return False if False in known else None if None in known else True
