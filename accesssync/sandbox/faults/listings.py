"""Faults in what a listing holds and in what order."""

from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from accesssync.sandbox.faults.effect import Effect, Incoming
from accesssync.sandbox.paging import Sheet

T = TypeVar("T")
_TOTALS = ("total_count", "total_filtered_count", "total")


def _set_totals(sheet: Sheet[T], value: object) -> None:
    sheet.page_meta.update({name: value for name in _TOTALS if name in sheet.page_meta})


@dataclass(slots=True)
class SamePage(Effect):
    """Page `number`, whichever is asked for."""

    number: int = 0

    def rearrange(self, sheet: Sheet[T]) -> None:
        sheet.number = self.number


@dataclass(slots=True)
class EmptyPage(Effect):
    """Nothing on this page although there is more after it."""

    def pick(self, sheet: Sheet[T]) -> None:
        sheet.shown = []


@dataclass(slots=True)
class HalfListing(Effect):
    """Only the first `keep` of the rows; with `totals_agree` the totals deny that there were more."""

    keep: float = 0.5
    totals_agree: bool = False

    def rearrange(self, sheet: Sheet[T]) -> None:
        sheet.rows = sheet.rows[: int(len(sheet.rows) * self.keep)]
        if self.totals_agree:
            _set_totals(sheet, len(sheet.rows))


@dataclass(slots=True)
class ShortPage(Effect):
    """Page `at` holds `keep` rows; the pages after it go on from there, so that nothing is lost.

    It has to stay active for every page from `at` on.
    """

    at: int = 1
    keep: int = 1

    def concerns(self, incoming: Incoming, /) -> bool:
        return incoming.page >= self.at

    def rearrange(self, sheet: Sheet[T]) -> None:
        start = sheet.number * sheet.size
        if sheet.number == self.at:
            sheet.rows = sheet.rows[: start + self.keep]
        else:
            # Leading rows are repeated only to move the rest; they lie on pages already served.
            missing = sheet.size - self.keep
            sheet.rows = [*sheet.rows[:missing], *sheet.rows]


@dataclass(slots=True)
class Duplicate(Effect):
    """The last row of the page before takes the place of the first row of this one."""

    def concerns(self, incoming: Incoming, /) -> bool:
        return incoming.page > 0

    def pick(self, sheet: Sheet[T]) -> None:
        start = sheet.number * sheet.size
        if sheet.shown and start:
            sheet.shown[0] = sheet.rows[start - 1]


@dataclass(slots=True)
class Reorder(Effect):
    """A new order for every request."""

    seed: int = 0
    _rng: Random = field(init=False, repr=False)

    def __post_init__(self) -> None:
        self._rng = Random(self.seed)  # noqa: S311  an order, not a secret

    def rearrange(self, sheet: Sheet[T]) -> None:
        rows = list(sheet.rows)
        self._rng.shuffle(rows)
        sheet.rows = rows


@dataclass(slots=True)
class Totals(Effect):
    """Every total is `value`, of whatever type, or `absent`."""

    value: int | str | float | None = None
    absent: bool = False

    def rearrange(self, sheet: Sheet[T]) -> None:
        if not self.absent:
            _set_totals(sheet, self.value)
            return
        for name in _TOTALS:
            sheet.page_meta.pop(name, None)


@dataclass(slots=True)
class ChangingTotals(Effect):
    """Every total grows by `step` with every request."""

    step: int = 1
    _seen: int = field(default=0, init=False)

    def rearrange(self, sheet: Sheet[T]) -> None:
        self._seen += 1
        _set_totals(sheet, len(sheet.rows) + self._seen * self.step)
