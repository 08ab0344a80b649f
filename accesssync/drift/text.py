"""How much of a stranger's text is kept."""

from hashlib import blake2b
from typing import Final, TypeVar

from msgspec.structs import replace

from accesssync.model.identity import Identity
from accesssync.model.role import Permission, Role

LONGEST = 1024
"""Characters of one attribute that are stored. No real name comes near it."""

T = TypeVar("T", Identity, Role, Permission)


_TEXTS: Final[dict[type, tuple[str, ...]]] = {
    Identity: ("email", "handle", "name", "title", "status"),
    Role: ("name",),
    Permission: ("name", "display_name", "group_name", "display_type"),
}


def bounded(record: T) -> T:
    """The record with overlong texts cut, each ending in a hash of the whole so that any difference still shows."""
    long = {}
    for name in _TEXTS[type(record)]:
        value: str | None = getattr(record, name)
        if value is not None and len(value) > LONGEST:
            long[name] = _cut(value)
    return replace(record, **long) if long else record


def _cut(text: str) -> str:
    mark = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[: LONGEST - len(mark) - 2]}…#{mark}"
