"""Which fault strikes which request."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from fnmatch import fnmatchcase
from threading import Lock
from typing import Any, TypeVar

from accesssync.sandbox.faults import answers, deliveries, listings, records
from accesssync.sandbox.faults.effect import Effect, Incoming
from accesssync.sandbox.paging import Sheet
from accesssync.sandbox.replies import Reply

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Fault:
    """An effect and the requests that it strikes.

    `path` is a pattern with `*` and `?`. `page` None means any page. Of the requests that match, those
    from the `nth` on (counted from 1) are struck, `times` of them, or all where it is None. `matched`
    counts the requests that matched, `fired` those that the effect really interfered with.
    """

    effect: Effect
    path: str = "*"
    method: str = "*"
    page: int | None = None
    nth: int = 1
    times: int | None = 1
    matched: int = 0
    fired: int = 0

    def strikes(self, incoming: Incoming) -> bool:
        """Count the request and say whether it is struck."""
        if not self._matches(incoming):
            return False
        self.matched += 1
        return self.matched >= self.nth and (self.times is None or self.matched < self.nth + self.times)

    def _matches(self, incoming: Incoming) -> bool:
        return (
            self.method in {"*", incoming.method}
            and self.page in {None, incoming.page}
            and fnmatchcase(incoming.path, self.path)
            and self.effect.concerns(incoming)
        )


class Strike:
    """One fault at work on one request; counts it as fired once something has been done."""

    def __init__(self, fault: Fault) -> None:
        self._fault = fault
        self._counted = False

    def instead(self, incoming: Incoming) -> Reply | None:
        """The answer that replaces the true one."""
        self._count("instead")
        return self._fault.effect.instead(incoming)

    def rearrange(self, sheet: Sheet[T]) -> None:
        """Before a page is cut."""
        self._count("rearrange")
        self._fault.effect.rearrange(sheet)

    def pick(self, sheet: Sheet[T]) -> None:
        """After it is cut."""
        self._count("pick")
        self._fault.effect.pick(sheet)

    def damage(self, sheet: Sheet[T]) -> None:
        """After it is rendered."""
        if sheet.data:
            self._count("damage")
        self._fault.effect.damage(sheet)

    def deliver(self, reply: Reply) -> Reply:
        """Before it is sent."""
        self._count("deliver")
        return self._fault.effect.deliver(reply)

    def _count(self, place: str) -> None:
        interferes = getattr(type(self._fault.effect), place) is not getattr(Effect, place)
        if interferes and not self._counted:
            self._counted = True
            self._fault.fired += 1


class Faults:
    """The faults of one server. May be changed from any thread while it serves."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._lock = Lock()

    def add(
        self,
        effect: Effect,
        *,
        path: str = "*",
        method: str = "*",
        page: int | None = None,
        nth: int = 1,
        times: int | None = 1,
    ) -> Fault:
        """Schedule an effect; the Fault tells later how often it fired."""
        fault = Fault(effect, path, method, page, nth, times)
        with self._lock:
            self._faults.append(fault)
        return fault

    def add_json(self, wanted: Mapping[str, Any]) -> Fault:
        """Schedule from `{"effect": NAME, "arguments": {...}, "path": ..., "page": ...}`."""
        made = EFFECTS[wanted["effect"]](**wanted.get("arguments", {}))
        where = {each.name for each in fields(Fault)} - {"effect", "matched", "fired"}
        return self.add(made, **{name: wanted[name] for name in where & wanted.keys()})

    def remove(self, fault: Fault) -> None:
        """Take one fault out."""
        with self._lock:
            self._faults.remove(fault)

    def clear(self) -> None:
        """Take all faults out."""
        with self._lock:
            self._faults.clear()

    def all(self) -> list[Fault]:
        """Every fault that is scheduled or was."""
        with self._lock:
            return list(self._faults)

    def strike(self, incoming: Incoming) -> list[Strike]:
        """Those that strike this request, in the order in which they were added."""
        with self._lock:
            return [Strike(each) for each in self._faults if each.strikes(incoming)]


def _spelled(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "_", name).lower()


EFFECTS: Mapping[str, type[Effect]] = {
    _spelled(name): found
    for module in (answers, deliveries, listings, records)
    for name, found in vars(module).items()
    if isinstance(found, type) and issubclass(found, Effect) and found not in {Effect, answers.Run}
}
"""Every effect that can be asked for by name, as `half_listing` for HalfListing."""
