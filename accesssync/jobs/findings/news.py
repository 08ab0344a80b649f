"""Tell what an evaluation changed about findings, a few at a time, in the transactions that store it."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, cast

from accesssync.findings.lifecycle import Step
from accesssync.findings.picture import Picture
from accesssync.findings.severity import Severity
from accesssync.forward.alerts import FindingNews
from accesssync.forward.entry import Stream
from accesssync.forward.people import Person
from accesssync.jobs.forward.tell import Telling, told_of
from accesssync.jobs.inventory import View
from accesssync.model.change import Cause
from accesssync.model.credential import Credential
from accesssync.store import findings
from accesssync.store.engine import Database
from accesssync.store.findings import Written
from accesssync.store.outbox import Queued

_TOLD: Mapping[str, Literal["opened", "reopened", "resolved"]] = {
    "opened": "opened",
    "reopened": "reopened",
    "resolved": "resolved",
}


class News:
    """Hears of every step of an evaluation, and tells of those that are being written."""

    def __init__(self, engine: Database, view: View, picture: Picture, telling: Telling) -> None:
        self._engine = engine
        self._view = view
        self._picture = picture
        self._telling = telling
        self._on = telling.on(Stream.ALERTS) or telling.on(Stream.EVENTS)
        self._heard: dict[str, Step] = {}
        self._keys: Mapping[str, Credential] | None = None

    def hearing(self, step: Step, written: Written) -> Written:
        """The same, remembered until it is told."""
        if self._on and step.cause is Cause.ORG and step.event in _TOLD and step.status != "waived":
            self._heard[written.id] = step
        return written

    def tell(self, some: Sequence[Written]) -> list[Queued]:
        """What is to be published of what is about to be written."""
        if not self._heard:
            return []
        ended = [one.key for one in some if one.key is not None and one.id in self._heard]
        known = findings.findings_by_key(self._engine, self._view.org.id, ended)
        told: list[Queued] = []
        for one in some:
            step = self._heard.pop(one.id, None)
            if step is None:
                continue
            before = known.get(one.key) if one.key is not None else None
            told += told_of(self._news(one.id, step, before), self._telling)
        return told

    def _news(self, name: str, step: Step, before: findings.FindingRecord | None) -> FindingNews:
        now, was = step.raised, before
        source: Any = now if now is not None else was
        if source is None:
            raise LookupError(name)
        kind = now.kind if now is not None else source.subject_kind
        key = self._credential(source.subject_id) if kind == "credential" else None
        times = was.reopened if was is not None else 0
        return FindingNews(
            event=_TOLD[step.event],
            cause=step.cause,
            at=self._picture.at,
            run_id=self._view.run.id,
            id=name,
            check=now.check if now is not None else source.check_id,
            severity=cast("Severity", source.severity),
            kind=kind,
            subject_id=source.subject_id,
            subject=source.subject,
            evidence=source.evidence,
            times=times + 1 if step.event == "reopened" else times,
            type=key.type if key is not None else None,
            person=self._person(key.owner_id if key is not None else source.subject_id if kind == "identity" else None),
            why=step.why,
        )

    def _credential(self, one: str) -> Credential | None:
        if self._keys is None:
            self._keys = {each.id: each for each in self._picture.access.credentials}
        return self._keys.get(one)

    def _person(self, who: str | None) -> Person | None:
        if who is None:
            return None
        one = self._picture.access.identities.get(who)
        return Person(who, one.email, one.name) if one is not None else Person(who)
