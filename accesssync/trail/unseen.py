"""Find access that came and went: events that gave some, and of which no look saw anything."""

from collections.abc import Collection, Iterable, Iterator
from datetime import datetime

from msgspec import Struct

from accesssync.model.coverage import Resource
from accesssync.model.trail import TrailEvent
from accesssync.trail.join import CREATED, MODIFIED, SKEW

RESOURCES = {
    "user": Resource.USERS,
    "service_account": Resource.USERS,
    "application_key": Resource.APPLICATION_KEYS,
    "api_key": Resource.API_KEYS,
    "personal_access_token": Resource.ACCESS_TOKENS,
    "service_access_token": Resource.ACCESS_TOKENS,
}
"""The sorts of record that are access by themselves, with the listing that shows them."""

ROLE = "role"


class Candidate(Struct, frozen=True):
    """What an event says there was: a record of a resource, or, with `role_id`, a user in a role.

    `subjects` are the ids or addresses of which one is the record's.
    """

    event: TrailEvent
    resource: Resource
    subjects: frozenset[str]
    role_id: str | None = None


def candidates(events: Iterable[TrailEvent], joined: Collection[str]) -> Iterator[Candidate]:
    """The events that gave access and that fitted no change."""
    for one in events:
        if one.id in joined or one.asset_id is None:
            continue
        resource = RESOURCES.get(one.asset_type or "")
        if resource is not None and one.action == CREATED:
            yield Candidate(one, resource, frozenset({one.asset_id.lower()}))
        elif one.asset_type == ROLE and one.action == MODIFIED and one.joined:
            yield Candidate(one, Resource.USERS, one.joined, one.asset_id)


def settled(event: TrailEvent, looked_after: datetime | None) -> bool:
    """Whether a look that began at `looked_after` would have seen what an event gave, had it still been there."""
    return looked_after is not None and event.at + SKEW < looked_after
