"""How much of a stranger's text is kept."""

from hashlib import blake2b
from typing import Final

from msgspec.structs import replace

from accesssync.drift.compare import R
from accesssync.drift.facts import NOUNS

LONGEST: Final = 1024
"""Characters of one attribute that are stored. No real name comes near it."""


def bounded(record: R) -> R:
    """The record with overlong texts cut, each ending in a hash of the whole so that any difference still shows."""
    long = {}
    for name in NOUNS[type(record)].facts:
        value: object = getattr(record, name)
        if isinstance(value, str) and len(value) > LONGEST:
            long[name] = _cut(value)
    return replace(record, **long) if long else record


def _cut(text: str) -> str:
    mark = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[: LONGEST - len(mark) - 2]}…#{mark}"
