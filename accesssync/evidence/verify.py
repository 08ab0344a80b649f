"""Whether a bundle is as it was made, and how far that is proven. Looks at hashes that others computed."""

from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import TYPE_CHECKING

from msgspec import Struct

from accesssync.evidence.manifest import (
    ENVELOPE,
    MANIFEST,
    SUMS,
    Manifest,
    read_manifest,
    read_sums,
    write_sums,
)
from accesssync.evidence.sign import Signature, check

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


class Found(Struct, frozen=True, kw_only=True):
    """What lies in a directory that is said to be a bundle.

    `hashes` has every ordinary file below it by path, `odd` everything else that is no directory, with what it is, such
    as "a symbolic link". The three files that verifying reads itself are here as they are; None where missing.
    """

    hashes: Mapping[str, str]
    odd: Mapping[str, str]
    manifest: bytes | None
    sums: bytes | None
    envelope: bytes | None


class Verdict(Struct, frozen=True, kw_only=True):
    """What came of verifying. Paths are in order."""

    changed: tuple[str, ...]
    missing: tuple[str, ...]
    added: tuple[str, ...]
    problems: tuple[str, ...]
    """What else is wrong, in words."""
    signature: Signature
    files: int
    """How many the bundle consists of, by what it says itself."""
    manifest_hash: str | None
    manifest: Manifest | None
    """None where it cannot be believed."""

    @property
    def sound(self) -> bool:
        """Whether nothing was found."""
        return not (self.changed or self.missing or self.added or self.problems)


def verify(found: Found, given: "Ed25519PublicKey | None" = None, expected_manifest: str | None = None) -> Verdict:
    """Compare what is there with what should be.

    `given` is the key that has to have signed it, `expected_manifest` the hash that its manifest has to have, each
    where the reader knows it from elsewhere.
    """
    signature = check(found.envelope, given)
    read = None if found.manifest is None else read_manifest(found.manifest)
    manifest = read if isinstance(read, Manifest) else None
    wanted = dict(_wanted(found, signature, manifest))
    present = found.hashes.keys() | found.odd.keys()
    changed = {path for path, digest in wanted.items() if path in present and found.hashes.get(path) != digest}
    signed = manifest is not None and manifest.signed_by is not None
    if isinstance(read, str):
        changed.add(MANIFEST)
    if signature.state == "invalid":
        changed.add(ENVELOPE)
    missing = wanted.keys() - present | ({ENVELOPE} - present if signed else set())
    known = wanted.keys() | {MANIFEST, SUMS} | ({ENVELOPE} if signed or signature.hashes else set())
    return Verdict(
        changed=tuple(sorted(changed)),
        missing=tuple(sorted(missing)),
        added=tuple(sorted(present - known - changed)),
        problems=tuple(_problems(found, signature, read, given, expected_manifest)),
        signature=signature,
        files=len(wanted) + (ENVELOPE in present),
        manifest_hash=found.hashes.get(MANIFEST),
        manifest=None if MANIFEST in changed else manifest,
    )


def _wanted(found: Found, signature: Signature, manifest: Manifest | None) -> Iterator[tuple[str, str]]:
    """Which files there should be, by the best witness: a sound signature, else a sound manifest, else the sums."""
    if signature.hashes:
        yield from signature.hashes.items()
        return
    if manifest is None:
        yield from read_sums(found.sums or b"").items()
        return
    yield from ((file.path, file.sha256) for file in manifest.files)
    yield MANIFEST, sha256(found.manifest or b"").hexdigest()
    yield SUMS, sha256(write_sums(manifest.files, found.manifest or b"")).hexdigest()


def _problems(
    found: Found,
    signature: Signature,
    manifest: Manifest | str | None,
    given: "Ed25519PublicKey | None",
    expected_manifest: str | None,
) -> Iterator[str]:
    yield from (f"{path} is {what}" for path, what in sorted(found.odd.items()))
    if isinstance(manifest, str):
        yield f"{MANIFEST} cannot be believed: {manifest}"
    if signature.state == "by_other_key":
        yield f"the signature is not by the given key, but by the key {signature.fingerprint}"
    if signature.state == "unsigned" and given is not None:
        yield "a key was given, but nobody signed this bundle"
    if signature.state == "invalid":
        yield "the signature is not valid"
    if expected_manifest is not None and found.hashes.get(MANIFEST) != expected_manifest:
        yield f"{MANIFEST} has not the expected hash"
