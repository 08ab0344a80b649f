"""Who is gone, and who only was not seen.

A proven listing cannot show one removal plus one insertion between two of its pages, so absence is a
suspicion. It becomes a removal one record at a time: by a GET that answers 404. And many suspicions at once
are likelier a fault than an exodus, so beyond a limit none is followed.
"""

from collections.abc import Callable, Iterable
from concurrent.futures import Executor
from typing import TypeVar

from msgspec import Struct

from accesssync.errors import DeadlineError, DeniedError, UpstreamError
from accesssync.snapshot.source import Record

R = TypeVar("R", bound=Record)

FEW = 5
SHARE = 0.01
MOST = 50
COLLAPSE = 0.5
COLLAPSE_FROM = 10


class Verdict(Struct, frozen=True, kw_only=True):
    """What is known of the records that a listing did not show.

    `removed` are proven gone. `found` were read by id after all. `unclear` could be neither
    shown nor proven gone. `refused` says, where it is set, why nothing was followed up.
    """

    removed: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    unclear: tuple[str, ...] = ()
    refused: str | None = None


def limit(listed: int, accepted: int = 0) -> int:
    """How many removals one run may confirm for a listing of this many records.

    The larger of 5 and 1 % of the listing, but never over 50, unless the operator accepted more for once.
    """
    return max(min(max(FEW, int(listed * SHARE)), MOST), accepted)


def collapsed(stored: int, listed: int, accepted: int = 0) -> bool:
    """Whether a listing lost so much since last time that nothing may be concluded from it.

    More than half of at least ten stored records, beyond what the operator accepted.
    """
    lost = stored - listed
    return stored >= COLLAPSE_FROM and lost > stored * COLLAPSE and lost > accepted


def too_many(candidates: int, listed: int, allowed: int) -> str:
    """The guard's reason for removing nobody."""
    return f"{candidates:,} of {listed + candidates:,} would be removed, {allowed} is the most for one run"


def confirm(
    get: Callable[[str], R | None],
    candidates: Iterable[str],
    listed: int,
    executor: Executor,
    sink: Callable[[list[R]], None],
    accepted: int = 0,
    own: frozenset[str] = frozenset(),
) -> Verdict:
    """Look at every candidate by its id and tell removal from a gap in the listing.

    Records that turn out to exist are handed to `sink`. Refuses, without a request, when there are more
    candidates than `limit` allows, those aside that our `own` writes ended. `get` reads one record, or None where
    Datadog answers 404.
    """
    ids = sorted(candidates)
    if not ids:
        return Verdict()
    allowed = limit(listed, accepted)
    foreign = sum(one not in own for one in ids)
    if foreign > allowed:
        return Verdict(
            unclear=tuple(ids),
            refused=too_many(foreign, listed, allowed),
        )
    removed, found, unclear = [], [], []
    for record_id, future in [(one, executor.submit(get, one)) for one in ids]:
        try:
            record = future.result()
        except DeadlineError:
            raise
        except (UpstreamError, DeniedError):
            unclear.append(record_id)
            continue
        if record is None:
            removed.append(record_id)
        else:
            sink([record])
            found.append(record_id)
    return Verdict(removed=tuple(removed), found=tuple(found), unclear=tuple(unclear))
