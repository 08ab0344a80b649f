"""Mark an object as ours, and read the marks again: what it is among ours, what was installed, and its own id.

The id tells an object from a copy that somebody made of it: a copy carries the id of the original and is not ours.
Dashboards and pipelines have the marks in their description, monitors and rules in their tags.
"""

import re
from hashlib import blake2b
from typing import Any, Final

from msgspec import Struct, json

from accesssync.model.installed import MANAGED_BY, Body, Kind

_IN_TEXT: Final = frozenset({Kind.DASHBOARD, Kind.PIPELINE})
_OBJECT, _CONTENT, _ID = "accesssync-object:", "accesssync-content:", "accesssync-id:"
_MARK = re.compile(r"(?:managed-by|accesssync-(?:object|content|id)):[\w.\-]+")


class Marks(Struct, frozen=True):
    """What an object says about itself. None where it does not say it."""

    name: str | None
    content: str | None
    id: str | None


def digest(body: Body) -> str:
    """The same for the same content, whatever the order of its fields."""
    return blake2b(json.encode(body, order="deterministic"), digest_size=8).hexdigest()


def marked(kind: Kind, name: str, body: Body, identifier: str | None = None) -> dict[str, Any]:
    """The body with its marks. The id is known only once the object is there."""
    marks = [MANAGED_BY, _OBJECT + name, _CONTENT + digest(body)]
    marks += [_ID + identifier] if identifier is not None else []
    if kind in _IN_TEXT:
        told = body.get("description") or ""
        return {**body, "description": f"{told}\n\n{' '.join(marks)}" if told else " ".join(marks)}
    return {**body, "tags": [*body.get("tags", ()), *marks]}


def read_marks(body: Body) -> Marks | None:
    """The marks of an object; None where it is not marked as ours."""
    texts = [body.get("description"), *_texts(body.get("tags"))]
    found = [mark for text in texts if isinstance(text, str) for mark in _MARK.findall(text)]
    if MANAGED_BY not in found:
        return None
    return Marks(*(_after(found, start) for start in (_OBJECT, _CONTENT, _ID)))


def unmarked(body: Body) -> dict[str, Any]:
    """The body without its marks: what people see of it."""
    plain = dict(body)
    if isinstance(plain.get("description"), str):
        plain["description"] = _MARK.sub("", plain["description"]).strip()
    if isinstance(plain.get("tags"), list):
        plain["tags"] = [each for each in plain["tags"] if not (isinstance(each, str) and _MARK.fullmatch(each))]
    return plain


def is_copy(marks: Marks, identifier: str) -> bool:
    """Whether somebody copied one of ours. One without an id is ours, left behind before it was finished."""
    # Tags may come back in lower case.
    return marks.id is not None and marks.id.lower() != identifier.lower()


def _texts(found: object) -> list[Any]:
    return found if isinstance(found, list) else []


def _after(marks: list[str], start: str) -> str | None:
    return next((each.removeprefix(start) for each in marks if each.startswith(start)), None)
