"""Read orders, filters and inclusions out of a query."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Protocol, TypeVar

from starlette.datastructures import QueryParams

from accesssync.sandbox.replies import RefusedError, Reply

Refuse = Callable[[str], Reply]


class _Known(Protocol):
    id: str


K = TypeVar("K", bound=_Known)


def arranged(
    rows: Iterable[K],
    query: Mapping[str, str],
    orders: Mapping[str, Callable[[K], str]],
    *,
    default: str,
    refuse: Refuse,
) -> list[K]:
    """The rows in the order that `sort` asks for, backwards after a minus; those with equal keys by id."""
    sort = query.get("sort") or default
    key = orders.get(sort.removeprefix("-"))
    if key is None:
        raise RefusedError(refuse("sort is not valid"))
    return sorted(rows, key=lambda row: (key(row), row.id), reverse=sort.startswith("-"))


def flag(query: Mapping[str, str], name: str, refuse: Refuse) -> bool | None:
    """True, false or, where it is not asked for, None."""
    text = query.get(name)
    if text is None:
        return None
    if text.lower() not in {"true", "false"}:
        raise RefusedError(refuse(f"{name} is not valid"))
    return text.lower() == "true"


def moment(query: Mapping[str, str], name: str, refuse: Refuse) -> datetime | None:
    """A point in time, in UTC where no offset is given."""
    text = query.get(name)
    if text is None:
        return None
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise RefusedError(refuse(f"{name} is not valid")) from None
    return read if read.tzinfo else read.replace(tzinfo=UTC)


def several(query: QueryParams, name: str) -> frozenset[str]:
    """The values of a parameter that may be repeated or separated by commas."""
    return frozenset(each for text in query.getlist(name) for each in text.split(",")) - {""}


def inclusions(query: QueryParams, known: Iterable[str], refuse: Refuse) -> frozenset[str]:
    """What shall come along; anything unknown is refused."""
    wanted = several(query, "include")
    if not wanted <= set(known):
        raise RefusedError(refuse("include is not valid"))
    return wanted
