"""Close a bundle: the files that say what the others are, made when all others are written."""

from collections.abc import Sequence
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from accesssync.evidence.block import Block
from accesssync.evidence.instruction import write_instruction
from accesssync.evidence.manifest import ENVELOPE, INSTRUCTION, MANIFEST, SUMS, File, write_manifest, write_sums
from accesssync.evidence.sign import fingerprint, sign
from accesssync.model.when import as_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


class Closing(Struct, frozen=True, kw_only=True):
    """What a bundle ends with."""

    files: dict[str, bytes]
    """The last files by name, to be written at the top of the bundle as they are."""
    manifest_hash: str
    """What to note elsewhere: nobody can alter the bundle without altering it."""
    fingerprint: str | None
    """Of the key that signed it; None where none did."""


def close(files: Sequence[File], blocks: Sequence[Block], key: "Ed25519PrivateKey | None" = None) -> Closing:
    """The last files of a bundle that has these `files`, which rest on `blocks`, one an organization.

    Signed where there is a `key`. ValueError for paths that no bundle has; they are never made of strangers' text.
    """
    mark = fingerprint(key.public_key()) if key else None
    instruction = write_instruction(blocks, mark)
    listed = [*files, File(path=INSTRUCTION, sha256=_hash(instruction), size=len(instruction))]
    manifest = write_manifest(listed, blocks, mark)
    sums = write_sums(listed, manifest)
    last = {INSTRUCTION: instruction, MANIFEST: manifest, SUMS: sums}
    if key:
        hashes = {file.path: file.sha256 for file in listed} | {MANIFEST: _hash(manifest), SUMS: _hash(sums)}
        facts = {"report_id": blocks[0].report_id, "generated_at": as_text(blocks[0].generated_at)}
        last[ENVELOPE] = sign(hashes, facts, key)
    return Closing(files=last, manifest_hash=_hash(manifest), fingerprint=mark)


def _hash(text: bytes) -> str:
    return sha256(text).hexdigest()
