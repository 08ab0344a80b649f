"""Notice that a person's decision was made on other evidence than there is now. Never changes the decision."""

from collections.abc import Collection
from datetime import date

from msgspec import Struct

_EITHER = ("B1", "B2", "B3")
_COMING = ("B5",)
_WORDS = {
    "B1": "never logged in while owning keys",
    "B2": "keys in use while nobody logs in",
    "B3": "keys named after automation",
    "B5": "logs in, with a second factor",
}


class Grounds(Struct, frozen=True):
    """What the evidence said: the computed label, and the ids of the signals."""

    computed: str
    signals: Collection[str]


def reconsider(then: Grounds, now: Grounds, review_by: date | None, today: date) -> list[str]:
    """Why a decision made on `then` should be looked at again; empty where it need not be.

    A changed label and signals of behaviour count. That somebody did not log in for a while does not: it would have
    every decision about a person reviewed after the holidays.
    """
    reasons = []
    if then.computed != now.computed:
        reasons.append(f"the evidence said {then.computed} at that time, now it says {now.computed}")
    reasons += [f"new: {_WORDS[one]}" for one in (*_EITHER, *_COMING) if one in now.signals and one not in then.signals]
    reasons += [f"no longer: {_WORDS[one]}" for one in _EITHER if one in then.signals and one not in now.signals]
    if review_by is not None and today > review_by:
        reasons.append(f"to be reviewed by {review_by.isoformat()}")
    return reasons
