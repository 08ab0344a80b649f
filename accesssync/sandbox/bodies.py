"""Take apart the body of a request that writes."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from accesssync.sandbox.endpoint import Call
from accesssync.sandbox.replies import RefusedError, Reply, error

Record = Mapping[str, Any]


def invalid(_detail: str) -> Reply:
    """How most endpoints say 400."""
    return error(400, "Invalid input ")


class Body:
    """One record out of a request. Whatever does not fit is a RefusedError with what `refuse` answers."""

    def __init__(self, record: object, kind: str, refuse: Callable[[str], Reply] = invalid) -> None:
        self._refuse = refuse
        if not isinstance(record, dict) or record.get("type") != kind:
            raise self._refused(f"type has to be {kind}")
        self.record: Record = record
        attributes = record.get("attributes", {})
        if not isinstance(attributes, dict):
            raise self._refused("attributes has to be an object")
        self.attributes: Record = attributes

    def text(self, name: str, *, required: bool = False) -> str | None:
        """A text among the attributes; None where it is null or missing."""
        found = self.attributes.get(name)
        if (found is None and not required) or (isinstance(found, str) and (found.strip() or not required)):
            return found
        raise self._refused(f"{name} has to be a text")

    def flag(self, name: str) -> bool | None:
        """A truth value among the attributes."""
        found = self.attributes.get(name)
        if found is None or isinstance(found, bool):
            return found
        raise self._refused(f"{name} has to be true or false")

    def texts(self, name: str) -> tuple[str, ...] | None:
        """A list of texts among the attributes; None where it is null or missing."""
        found = self.attributes.get(name)
        if found is None:
            return None
        if isinstance(found, list) and all(isinstance(each, str) and each for each in found):
            return tuple(dict.fromkeys(found))
        raise self._refused(f"{name} has to be a list of texts")

    def related(self, name: str, kind: str) -> tuple[str, ...]:
        """The ids that a relationship leads to; none where there is no such relationship."""
        relationships = self.record.get("relationships", {})
        relationship = relationships.get(name) if isinstance(relationships, dict) else None
        data = relationship.get("data") if isinstance(relationship, dict) else None
        if data is None:
            return ()
        found = data if isinstance(data, list) else [data]
        if not all(isinstance(each, dict) and each.get("type") == kind and each.get("id") for each in found):
            raise self._refused(f"{name} has to name {kind}")
        return tuple(str(each["id"]) for each in found)

    def require_same_id(self, wanted: str) -> None:
        """422 where the body is about another record than the address."""
        if self.record.get("id") != wanted:
            raise RefusedError(error(422, "UUID's in the URL and request body do not match"))

    def _refused(self, detail: str) -> RefusedError:
        return RefusedError(self._refuse(detail))


def data_of(call: Call) -> object:
    """The `data` of a request, or 400."""
    try:
        whole = json.loads(call.body)
    except (ValueError, RecursionError):
        raise RefusedError(error(400, "400 BAD REQUEST")) from None
    if not isinstance(whole, dict) or "data" not in whole:
        raise RefusedError(error(400, "400 BAD REQUEST"))
    return whole["data"]
