"""Tell which of the changes that a run saw were made by accesssync itself, and on whose behalf."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from msgspec.structs import replace

from accesssync.model.change import Change
from accesssync.model.operation import Operation
from accesssync.store.intents import Intent

_CREATES = {
    Operation.CREATE_USER: "identity.added",
    Operation.CREATE_SERVICE_ACCOUNT: "identity.added",
    Operation.CREATE_APPLICATION_KEY: "credential.added",
}
_ENDS = frozenset(
    {
        Operation.REVOKE_APPLICATION_KEY,
        Operation.REVOKE_API_KEY,
        Operation.REVOKE_ACCESS_TOKEN,
        Operation.REVOKE_OAUTH_AUTHORIZATION,
    }
)
_CHANGES: Mapping[Operation, frozenset[str]] = {
    Operation.DISABLE_USER: frozenset({"disabled", "status"}),
    Operation.ENABLE_USER: frozenset({"disabled", "status"}),
    Operation.UPDATE_USER: frozenset({"name", "title"}),
    Operation.UPDATE_APPLICATION_KEY: frozenset({"scopes", "name"}),
}
"""Which fields each operation changes."""


class OwnWrites:
    """Writes that are certain to have been done, by whom they were done to."""

    def __init__(self, writes: Iterable[Intent]) -> None:
        self._by_subject: dict[str, list[Intent]] = {}
        for one in writes:
            for subject in {one.subject_id, one.made_id} - {None}:
                self._by_subject.setdefault(str(subject), []).append(one)

    @property
    def ended(self) -> frozenset[str]:
        """The ids of what was revoked."""
        return frozenset(
            one.subject_id
            for many in self._by_subject.values()
            for one in many
            if one.operation in _ENDS and one.subject_id
        )

    @property
    def touched(self) -> frozenset[str]:
        """The ids of everybody and everything that was written to."""
        return frozenset(self._by_subject)

    def explained(self, changes: Iterable[Change]) -> Iterator[Change]:
        """The same changes; those that our own writes account for in full say so.

        A write accounts for a change of its subject that became visible after it was sent: what was seen to differ
        before it was sent is somebody else's doing.
        """
        for change in changes:
            mine = [one for one in self._by_subject.get(change.subject_id, ()) if _within(one, change)]
            causes = _causes(change, mine) if mine else []
            if not causes:
                yield change
                continue
            why = dict.fromkeys(f"plan {one.plan[:12]}" if one.plan else one.operation for one in causes)
            yield replace(change, actor=causes[-1].actor, explanation=", ".join(why))


def since(proven: Iterable[datetime | None]) -> datetime | None:
    """From when own writes are of interest: since the oldest of the last proven looks."""
    known = [one for one in proven if one is not None]
    return min(known) if known else None


def _within(write: Intent, change: Change) -> bool:
    sent = write.sent_at
    if sent is None or sent > change.observed_before:
        return False
    return change.observed_after is None or sent >= change.observed_after


def _causes(change: Change, writes: list[Intent]) -> list[Intent]:
    """The writes that account for a change; none where they do not account for all of it."""
    noun, _, verb = change.kind.rpartition(".")
    if noun == "grant":
        role_id = change.fields.get("role_id", (None, None))[verb == "added"]
        gives = {Operation.GRANT_ROLE, Operation.CREATE_USER, Operation.CREATE_SERVICE_ACCOUNT}
        fitting = gives if verb == "added" else {Operation.REVOKE_ROLE}
        return [one for one in writes if one.operation in fitting and role_id in one.action.get("role_ids", ())]
    if verb == "added":
        return [one for one in writes if _CREATES.get(Operation(one.operation)) == change.kind]
    if verb == "removed":
        return [one for one in writes if one.operation in _ENDS]
    found = [one for one in writes if _CHANGES.get(Operation(one.operation), frozenset()) & change.fields.keys()]
    covered = frozenset[str]().union(*(_CHANGES[Operation(one.operation)] for one in found))
    return found if change.fields.keys() <= covered else []
