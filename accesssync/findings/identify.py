"""The name of a finding: the same tomorrow, and short enough to type."""

from collections.abc import Container
from hashlib import blake2b

from accesssync.findings.check import Raised

_LETTERS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Without the letters that are taken for others: I, L, O and U."""

SHORTEST = 4
_MEANT = str.maketrans("ILO", "110")


def fingerprint(org: str, one: Raised, version: int) -> bytes:
    """Sixteen bytes that are the same as long as a finding is: check, its version, organization, subject and part."""
    text = "\x1f".join((one.check, str(version), org, one.kind, one.subject_id, one.part))
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def finding_id(print_: bytes, taken: Container[str]) -> str:
    """The shortest name made of a fingerprint that no other finding has."""
    number = int.from_bytes(print_, "big")
    letters = [_LETTERS[(number >> shift) & 31] for shift in range(123, -1, -5)]
    for length in range(SHORTEST, len(letters) + 1):
        name = "F-" + "".join(letters[:length])
        if name not in taken:
            return name
    raise LookupError("every name made of this fingerprint is taken")


def typed(text: str) -> str:
    """A name as somebody typed it, in the form in which it is kept: F-7q2k, 7Q2K and F-7Q2K are one."""
    upper = text.strip().upper()
    bare = upper.removeprefix("F-")
    return "F-" + bare.translate(_MEANT)
