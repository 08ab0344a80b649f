"""Listings of plain Python whose pages a test writes."""

from collections.abc import Callable, Sequence
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

from accesssync.model.coverage import Resource
from accesssync.snapshot.listing import Limits, Outcome, read_listing
from accesssync.snapshot.source import Listing, Page


class One(Struct, frozen=True):
    """A record."""

    id: str
    malformed: tuple[str, ...] = ()


def ones(ids: Sequence[str]) -> list[One]:
    """Records with these ids."""
    return [One(each) for each in ids]


def named(count: int) -> list[str]:
    """Ids in the order of listing."""
    return [f"{number:05}" for number in range(count)]


class AtOnce(Executor):
    """Does what it is given there and then: pages come in their order, so a test can script what happens between."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        done: Future[Any] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001 - an executor hands on whatever comes
            done.set_exception(error)
        return done


@dataclass
class Server:
    """Pages over a list of ids. `spoil(number, size, page)` may replace a page, change `ids`, or raise."""

    ids: list[str]
    cap: int = 100
    announced: int | None = None
    spoil: Callable[[int, int, Page[One]], Page[One]] = lambda _number, _size, page: page
    asked: list[tuple[int, int]] = field(default_factory=list)
    handed: list[str] = field(default_factory=list)

    def fetch(self, number: int, size: int) -> Page[One]:
        self.asked.append((number, size))
        served = min(size, self.cap)
        rows = self.ids[number * served : (number + 1) * served]
        return self.spoil(number, size, Page(ones(rows), len(self.ids), self.announced))

    def listing(self, **more: Any) -> Listing[One]:
        return Listing(Resource.USERS, "user_access_read", self.fetch, **more)

    def read(self, *, executor: Executor | None = None, limits: Limits | None = None, **more: Any) -> Outcome:
        """Read it all; `handed` holds every id that reached the sink."""

        def sink(records: list[One]) -> None:
            self.handed += [each.id for each in records]

        used = limits or Limits(size=100, ahead=2)
        return read_listing(self.listing(**more), executor or AtOnce(), sink, used, lambda _seen, _total: None)

    @property
    def passes(self) -> int:
        """How often the first page was asked for."""
        return sum(number == 0 for number, _ in self.asked)
