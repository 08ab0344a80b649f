"""What an endpoint is made of, and what it is handed when it is called."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from starlette.datastructures import QueryParams

from accesssync.sandbox.access import Access, Caller, may
from accesssync.sandbox.activity import Activity
from accesssync.sandbox.organization import Organization
from accesssync.sandbox.paging import Spoiler
from accesssync.sandbox.replies import Reply


@dataclass(frozen=True, slots=True)
class Behaviour:
    """Knobs of the API that Datadog does not document or changes from site to site.

    `max_page_size` applies to users; `announce_max_page_size` sends it in `meta.page`.
    `refuse_larger_pages` answers 400 to a page above the maximum instead of clamping it.
    """

    max_page_size: int = 1000
    announce_max_page_size: bool = True
    refuse_larger_pages: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """One request on its way through an endpoint. `origin` and `requested` are the address that the client used."""

    organization: Organization
    behaviour: Behaviour
    activity: Activity
    rng: Random
    caller: Caller
    path: Mapping[str, str]
    query: QueryParams
    headers: Mapping[str, str]
    body: bytes
    now: datetime
    origin: str
    requested: str
    spoilers: Sequence[Spoiler] = ()

    def may(self, permission: str) -> bool:
        """Whether the caller's application key carries `permission`."""
        key, owner = self.caller.app_key, self.caller.owner
        return key is not None and owner is not None and may(self.organization, key, owner, permission)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A method and path, the rate-limit family it counts in, who may call it and what it answers.

    `answer` runs while the organization's lock is held. An `intake` takes data in bulk: its requests
    are not limited, and their bodies not remembered among the writes.
    """

    method: str
    path: str
    family: str
    access: Access
    answer: Callable[[Call], Reply]
    intake: bool = False
