"""How much of a stranger's text is kept."""

from hashlib import blake2b
from operator import attrgetter
from typing import Final, get_args

from msgspec.structs import fields, replace

from accesssync.drift.compare import R
from accesssync.drift.facts import NOUNS

LONGEST: Final = 1024
"""Characters of one attribute that are stored. No real name comes near it."""


def _texts(record_type: type) -> tuple[str, ...]:
    """The facts of a record that are texts."""
    return tuple(
        field.name for field in fields(record_type) if field.name in NOUNS[record_type].facts and _is_text(field.type)
    )


def _is_text(hint: object) -> bool:
    return hint is str or str in get_args(hint)


_TEXTS: Final = {record_type: _texts(record_type) for record_type in NOUNS}
# The id comes along because a getter of one attribute gives no tuple.
_VALUES: Final = {record_type: attrgetter("id", *names) for record_type, names in _TEXTS.items()}


def bounded(record: R) -> R:
    """The record with overlong texts cut, each ending in a hash of the whole so that any difference still shows."""
    _, *values = _VALUES[type(record)](record)
    for value in values:
        if value is not None and len(value) > LONGEST:
            break
    else:
        return record
    named = zip(_TEXTS[type(record)], values, strict=True)
    return replace(record, **{name: _cut(text) for name, text in named if text is not None and len(text) > LONGEST})


def _cut(text: str) -> str:
    mark = blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
    return f"{text[: LONGEST - len(mark) - 2]}…#{mark}"
