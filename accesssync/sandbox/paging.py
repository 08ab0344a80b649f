"""Cut a page out of a listing, and let faults spoil it on the way."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Generic, Protocol, TypeVar

from accesssync.sandbox.render import listing, to_json
from accesssync.sandbox.replies import RefusedError, Reply

T = TypeVar("T")


@dataclass(slots=True)
class Sheet(Generic[T]):
    """One page in the making.

    `rows` is everything that is listed, in order; `shown` what this page holds; `data` its bytes.
    `page_meta` is sent as `meta.page`.
    """

    rows: Sequence[T]
    number: int
    size: int
    page_meta: dict[str, object]
    shown: list[T] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)


class Spoiler(Protocol):
    """Something that interferes with a page; see the faults."""

    def rearrange(self, sheet: Sheet[T]) -> None:
        """Before the page is cut: `rows`, `number` and `page_meta` may be altered."""

    def pick(self, sheet: Sheet[T]) -> None:
        """After the page is cut: `shown` may be altered."""

    def damage(self, sheet: Sheet[T]) -> None:
        """After it is rendered: `data` may be altered."""


@dataclass(frozen=True, slots=True)
class Paging:
    """The rules of one listing: default and largest page, and what happens above the largest.

    `announced` is what `meta.page.max_page_size` says, None where it is not sent.
    """

    maximum: int = 100
    default: int = 10
    announced: int | None = None
    refuse_larger: bool = False
    bad_request: Callable[[str], Reply] = field(kw_only=True)

    def read(self, query: Mapping[str, str]) -> tuple[int, int]:
        """Page number and size, or RefusedError."""
        size = self._number(query, "page[size]", self.default, at_least=1)
        number = self._number(query, "page[number]", 0, at_least=0)
        if size > self.maximum:
            if self.refuse_larger:
                raise RefusedError(self.bad_request(f"page[size] must not be larger than {self.maximum}"))
            size = self.maximum
        return number, size

    def _number(self, query: Mapping[str, str], name: str, default: int, *, at_least: int) -> int:
        text = query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12) or int(text) < at_least:
            raise RefusedError(self.bad_request(f"{name} is not valid"))
        return int(text)


def page(
    rows: Sequence[T],
    *,
    total: int,
    query: Mapping[str, str],
    paging: Paging,
    render: Callable[[T], bytes],
    included: Callable[[Sequence[T]], bytes] | None = None,
    spoilers: Sequence[Spoiler] = (),
) -> Reply:
    """The answer to a listing request. `total` counts all records, `rows` those that match a filter."""
    number, size = paging.read(query)
    page_meta: dict[str, object] = {"total_count": total, "total_filtered_count": len(rows)}
    if paging.announced is not None:
        page_meta["max_page_size"] = paging.announced
    sheet = Sheet(rows, number, size, page_meta)
    for each in spoilers:
        each.rearrange(sheet)
    start = sheet.number * size
    sheet.shown = list(sheet.rows[start : start + size])
    for each in spoilers:
        each.pick(sheet)
    sheet.data = list(map(render, sheet.shown))
    for each in spoilers:
        each.damage(sheet)
    extra = included(sheet.shown) if included else None
    return Reply(body=listing(to_json({"page": sheet.page_meta}), sheet.data, extra))
