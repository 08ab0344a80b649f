"""Join the events of the Audit Trail to changes: the same subject, a fitting action, within the change's window.

Datadog publishes which events there are and how they name who did it, but not how an event shows old and new values. So
an id that matches is relied on, what the values tell is used where they tell something, and what fits less is not
joined: a change without an actor is better than one with the wrong one.
"""

from collections.abc import Collection, Iterable, Iterator
from datetime import timedelta

from msgspec import Struct
from msgspec.structs import replace

from accesssync.model.change import Change
from accesssync.model.trail import TrailEvent

SKEW = timedelta(minutes=2)
"""By how much Datadog's clocks and those of a run may differ at either end of a window."""

LATENESS = timedelta(hours=1)
"""How long after it happened an event may arrive."""

CREATED, MODIFIED, DELETED = "created", "modified", "deleted"
_ACTIONS = {
    "added": frozenset({CREATED}),
    # To disable somebody is a DELETE.
    "updated": frozenset({MODIFIED, DELETED}),
    "removed": frozenset({DELETED}),
}


class Attribution(Struct, frozen=True):
    """What the Audit Trail says of one change: who, if it is certain, and the events that fit."""

    actor: str | None
    events: tuple[TrailEvent, ...]


class Trail:
    """Events, found by the records that they are about."""

    def __init__(self, events: Iterable[TrailEvent]) -> None:
        self._by_asset: dict[str, list[TrailEvent]] = {}
        for one in events:
            if one.asset_id:
                self._by_asset.setdefault(one.asset_id.lower(), []).append(one)

    def fitting(self, change: Change) -> tuple[TrailEvent, ...]:
        """The events that account for a change, oldest first."""
        found = {
            one.id: one
            for asset in _assets(change)
            for one in self._by_asset.get(asset.lower(), ())
            if within(one, change) and fits(one, change)
        }
        return tuple(sorted(_nearest(change, found.values()), key=lambda one: (one.at, one.id)))

    def attribution(self, change: Change) -> Attribution:
        """Who made a change. Where the events that fit name several people, nobody: one of them did, and which is open.

        A key is named where all of them were done with the same.
        """
        events = self.fitting(change)
        actors = {one.actor for one in events}
        if len(actors) != 1 or None in actors:
            return Attribution(None, events)
        by = {one.by for one in events}
        return Attribution(by.pop() if len(by) == 1 else actors.pop(), events)


def attributed(changes: Iterable[Change], trail: Trail, joined: dict[str, list[str]]) -> Iterator[Change]:
    """The same changes, with an actor where the trail knows one and nobody else said who it was.

    Every event that fits a change goes into `joined`, with the ids of all the changes that it fits.
    """
    for change in changes:
        found = trail.attribution(change)
        for one in found.events:
            joined.setdefault(one.id, []).append(change.id)
        yield replace(change, actor=found.actor) if found.actor and change.actor is None else change


def within(event: TrailEvent, change: Change) -> bool:
    """Whether an event happened when a change did, as far as clocks can be trusted."""
    if event.at > change.observed_before + SKEW:
        return False
    return change.observed_after is None or event.at >= change.observed_after - SKEW


def fits(event: TrailEvent, change: Change) -> bool:
    """Whether an event about one of a change's records accounts for it."""
    noun, _, verb = change.kind.rpartition(".")
    if noun == "grant":
        return _fits_link(event, verb, change.subject_id, _field(change, "role_id"), _people(change))
    if noun == "membership":
        user = _field(change, "user_id") or ""
        return _fits_link(event, verb, user, _field(change, "team_id"), {user.lower()} - {""})
    if noun == "role_permission":
        carried = {text.lower() for name in ("permission_id", "permission") if (text := _field(change, name))}
        return event.action in {CREATED, MODIFIED} and _told(event, verb, carried, unsaid=True)
    return event.action in _ACTIONS.get(verb, frozenset())


def _fits_link(
    event: TrailEvent, verb: str, member: str, container: str | None, named: Collection[str]
) -> bool:  # fmt: skip
    """Whether an event put a member into a role or team, or took it out."""
    asset = (event.asset_id or "").lower()
    if container is not None and asset == container.lower():
        return event.action in {CREATED, MODIFIED} and _told(event, verb, named, unsaid=False)
    if asset != member.lower():
        return False
    if event.action == CREATED:
        return verb == "added"
    if event.action == DELETED:
        return verb == "removed"
    return container is not None and _told(event, verb, {container.lower()}, unsaid=False)


def _told(event: TrailEvent, verb: str, wanted: Collection[str], *, unsaid: bool) -> bool:
    """Whether the values of an event tell of any of these, in the right direction where they tell one.

    `unsaid` is the answer where an event tells no values at all.
    """
    if not event.texts:
        return unsaid
    mine = event.texts.intersection(wanted)
    if not mine:
        return False
    against = event.lost if verb == "added" else event.gained
    return not mine & against


def _nearest(change: Change, events: Collection[TrailEvent]) -> Collection[TrailEvent]:
    """Of several events, those that name a field which changed, where any does."""
    naming = [one for one in events if one.fields & change.fields.keys()]
    return naming if change.kind.endswith(".updated") and naming else events


def _assets(change: Change) -> Iterator[str]:
    """The records that an event about a change may be about."""
    noun = change.kind.rpartition(".")[0]
    yield change.subject_id
    for name in {"grant": ("role_id",), "membership": ("team_id", "user_id")}.get(noun, ()):
        found = _field(change, name)
        if found:
            yield found


def _people(change: Change) -> set[str]:
    """What the subject of a grant may be called by an event: its id, and its address."""
    return {change.subject_id.lower(), *((change.subject.lower(),) if "@" in change.subject else ())}


def _field(change: Change, name: str) -> str | None:
    for value in change.fields.get(name, ()):
        if isinstance(value, str) and value:
            return value
    return None
