"""Sign what is posted, so that whoever receives it knows who sent it and when, and takes nothing twice."""

import hmac
from hashlib import blake2b, sha256

VERSION = "v1"
TIMESTAMP = "X-Accesssync-Timestamp"
SIGNATURE = "X-Accesssync-Signature"
DELIVERY = "X-Accesssync-Delivery"

TOLERANCE = 300
"""Seconds that a receiver should let a timestamp differ from its own clock: older posts are replayed ones."""


def headers(body: bytes, at: int, key: bytes | None) -> dict[str, str]:
    """The headers of one post. `at` is in seconds since 1970. Without a key there is no signature.

    The delivery's name is made of the body alone: the same batch sent again has the same one.
    """
    found = {TIMESTAMP: str(at), DELIVERY: blake2b(body, digest_size=16).hexdigest()}
    if key is not None:
        found[SIGNATURE] = signature(body, at, key)
    return found


def signature(body: bytes, at: int, key: bytes) -> str:
    """`v1=` and the HMAC-SHA256, in hexadecimal, of `v1:TIMESTAMP:` and the body."""
    told = f"{VERSION}:{at}:".encode() + body
    return f"{VERSION}={hmac.new(key, told, sha256).hexdigest()}"


def verify(body: bytes, timestamp: str, given: str, key: bytes, now: int) -> bool:
    """What a receiver does: whether a post was signed with this key, and lately. It compares in constant time."""
    if not timestamp.isascii() or not timestamp.isdigit() or abs(now - int(timestamp[:18])) > TOLERANCE:
        return False
    return hmac.compare_digest(signature(body, int(timestamp), key).encode(), given.encode("utf-8", "replace"))
