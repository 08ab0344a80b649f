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
    `page_meta` is the part of `meta` that tells the totals. `shift` moves pages that do not begin at a
    multiple of their size.
    """

    rows: Sequence[T]
    number: int
    size: int
    page_meta: dict[str, object]
    shift: int = 0
    shown: list[T] = field(default_factory=list)
    data: list[bytes] = field(default_factory=list)

    def fill(self, render: Callable[[T], bytes], spoilers: Sequence["Spoiler"] = ()) -> None:
        """Cut the page and render it, with every spoiler having its turn."""
        for each in spoilers:
            each.rearrange(self)
        start = self.number * self.size + self.shift
        self.shown = list(self.rows[start : start + self.size])
        for each in spoilers:
            each.pick(self)
        self.data = list(map(render, self.shown))
        for each in spoilers:
            each.damage(self)


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

    `announced` is what `meta.page.max_page_size` says, None where it is not sent. `more_meta` stands in
    `meta` beside `page`.
    """

    maximum: int = 100
    default: int = 10
    announced: int | None = None
    refuse_larger: bool = False
    more_meta: Mapping[str, object] = field(default_factory=dict)
    bad_request: Callable[[str], Reply] = field(kw_only=True)

    def read(self, query: Mapping[str, str]) -> tuple[int, int]:
        """Page number and size, or RefusedError."""
        return self.number(query, "page[number]", 0, at_least=0), self.size(query, "page[size]")

    def size(self, query: Mapping[str, str], name: str) -> int:
        """The size of a page, or RefusedError."""
        size = self.number(query, name, self.default, at_least=1)
        if size > self.maximum and self.refuse_larger:
            raise RefusedError(self.bad_request(f"{name} must not be larger than {self.maximum}"))
        return min(size, self.maximum)

    def number(self, query: Mapping[str, str], name: str, default: int, *, at_least: int) -> int:
        """A whole number from the query, or RefusedError."""
        text = query.get(name)
        if text is None:
            return default
        if not (text.isascii() and text.removeprefix("-").isdigit() and len(text) < 12) or int(text) < at_least:
            raise RefusedError(self.bad_request(f"{name} is not valid"))
        return int(text)


def page(
    rows: Sequence[T],
    *,
    total: int | None = None,
    query: Mapping[str, str],
    paging: Paging,
    render: Callable[[T], bytes],
    included: Callable[[Sequence[T]], bytes] | None = None,
    spoilers: Sequence[Spoiler] = (),
) -> Reply:
    """The answer to a listing request. `rows` are those that match a filter; `total` counts all records, if sent."""
    number, size = paging.read(query)
    page_meta: dict[str, object] = {} if total is None else {"total_count": total}
    page_meta["total_filtered_count"] = len(rows)
    if paging.announced is not None:
        page_meta["max_page_size"] = paging.announced
    sheet = Sheet(rows, number, size, page_meta)
    sheet.fill(render, spoilers)
    extra = included(sheet.shown) if included else None
    return Reply(body=listing(to_json({"page": sheet.page_meta, **paging.more_meta}), sheet.data, extra))
