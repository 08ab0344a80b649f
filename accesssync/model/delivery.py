"""What came of handing records to somebody: everything that an intake, a file or a webhook can say to a batch."""

from msgspec import Struct


class Delivered(Struct, frozen=True):
    """Whoever was asked has all of it."""


class Refused(Struct, frozen=True):
    """This batch will never be taken as it is: something in it is at fault, or all of it together is too large.

    `reason` is one line without any content of the records.
    """

    reason: str
    status: int = 0


class Later(Struct, frozen=True):
    """Not now: too many requests, an error over there, or no answer, so that it may even have arrived.

    `seconds` is the wait that was asked for; None where nobody said.
    """

    reason: str
    seconds: float | None = None
    status: int = 0


class Stopped(Struct, frozen=True):
    """Nothing more can be delivered there until somebody changes something: keys, a permission, an operation that is
    not allowed, a full disk. `remedy` says what."""

    reason: str
    remedy: str | None = None
    status: int = 0


Outcome = Delivered | Refused | Later | Stopped
