"""What keys and tokens say about having been seen in public."""

from collections.abc import Iterable

from accesssync.sandbox.credentials import Leak
from accesssync.sandbox.render import timestamp, to_json


def leak_relationship(leak: Leak | None) -> dict[str, object]:
    """The relationship; its `data` is null while the secret is one."""
    return {"data": None if leak is None else {"type": "leaked_keys", "id": leak.id}}


def leaks_included(leaks: Iterable[Leak | None]) -> list[bytes]:
    """The leaks as they accompany keys and tokens."""
    return [
        to_json(
            {
                "type": "leaked_keys",
                "id": leak.id,
                "attributes": {"date": timestamp(leak.at), "leak_source": leak.source},
            }
        )
        for leak in leaks
        if leak is not None
    ]
