"""The places at which a fault can interfere with a request."""

from dataclasses import dataclass
from typing import TypeVar

from accesssync.sandbox.organization import Organization
from accesssync.sandbox.paging import Sheet
from accesssync.sandbox.replies import Reply

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Incoming:
    """A request as a fault sees it. `page` is 0 where no page is asked for."""

    method: str
    path: str
    page: int
    organization: Organization


class Effect:
    """What a fault does. Every method does nothing unless a subclass says otherwise.

    `concerns` decides from the request alone. `instead` may return the whole answer. `rearrange`, `pick`
    and `damage` spoil a page in the making. `deliver` alters a finished answer or how it is sent.
    """

    def concerns(self, _incoming: Incoming, /) -> bool:
        """Whether this request is one that the effect can do anything to."""
        return True

    def instead(self, _incoming: Incoming, /) -> Reply | None:
        """An answer that replaces the true one; None lets the request go on."""
        return None

    def rearrange(self, sheet: Sheet[T]) -> None:
        """Before a page is cut."""

    def pick(self, sheet: Sheet[T]) -> None:
        """After it is cut."""

    def damage(self, sheet: Sheet[T]) -> None:
        """After it is rendered."""

    def deliver(self, reply: Reply) -> Reply:
        """Before it is sent."""
        return reply
