"""Gather a digest from what is stored, and keep it for wherever the alerts go."""

from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from heapq import nsmallest

from accesssync.findings.catalogue import BY_ID
from accesssync.findings.severity import RANK, SEVERITIES
from accesssync.forward.digest import NAMED, Digest, Gap, Named, Pressing, Some, entry_of
from accesssync.forward.entry import Stream
from accesssync.jobs.changes import changes
from accesssync.jobs.forward.tell import Telling, keep_told, kept
from accesssync.jobs.inventory import chosen_orgs
from accesssync.jobs.sync.classify import count_labels
from accesssync.model.change import Cause, Change
from accesssync.model.coverage import CoverageState
from accesssync.model.when import AtTime
from accesssync.store import findings, runs
from accesssync.store.engine import Database
from accesssync.store.findings import FindingRecord

_NOUNS = ("identity", "credential")


def digests(engine: Database, names: Sequence[str], since: datetime, now: datetime) -> Iterator[Digest]:
    """What became of each organization since a time; nothing of one that no run was published of."""
    for org in chosen_orgs(engine, names):
        if org.published_run_id is not None:
            yield digest_of(engine, org, since, now)


def digest_of(engine: Database, org: runs.OrgRecord, since: datetime, now: datetime) -> Digest:
    """What became of one organization since a time."""
    counts: Counter[str] = Counter()
    came, went = _Some(), _Some()
    for change in changes(engine, [org.name], since=AtTime(since), until=None, baseline=False):
        if change.cause is Cause.ORG:
            counts[change.kind] += 1
            came.take(change, "added")
            went.take(change, "removed")
    opened: Counter[str] = Counter()
    resolved = 0
    for one in findings.list_findings(engine, org.id, ("open", "waived", "resolved")):
        # What shows because more can be seen, or because rules changed, is not the organization's doing.
        if one.cause == Cause.ORG and max(one.opened_at, one.reopened_at or one.opened_at) >= since:
            opened[one.severity] += 1
        resolved += one.resolved_at is not None and one.resolved_at >= since
    proven = runs.last_run(engine, org.id, complete=True)
    published = [one for one in runs.list_runs(engine, org.id, published=True) if one.started_at >= since]
    open_now = findings.open_by_severity(engine, org.id, now.date())
    return Digest(
        org=org.name,
        since=since,
        until=now,
        runs=len(published),
        proven_at=proven.finished_at if proven else None,
        changes=dict(counts),
        came=came.told(),
        went=went.told(),
        opened=_by_severity(opened),
        resolved=resolved,
        open=_by_severity(open_now),
        first=_first(engine, org.id),
        gaps=_gaps(engine, org),
        to_decide=count_labels(engine, org.id)["review"],
    )


class _Some:
    """The first few identities and credentials that came or went, and how many there were."""

    def __init__(self) -> None:
        self._first: list[Named] = []
        self._total = 0

    def take(self, change: Change, verb: str) -> None:
        noun, _, what = change.kind.rpartition(".")
        if noun in _NOUNS and what == verb:
            self._total += 1
            if len(self._first) < NAMED:
                self._first.append(Named(noun, change.subject_id, change.subject))

    def told(self) -> Some:
        return Some(tuple(self._first), self._total)


def _by_severity(counts: dict[str, int] | Counter[str]) -> dict[str, int]:
    return {name: counts[name] for name in SEVERITIES if counts.get(name)}


def _first(engine: Database, org_id: int) -> tuple[Pressing, ...]:
    """The worst open findings, the oldest of equals first; nothing that only informs."""

    def rank(one: FindingRecord) -> tuple[int, datetime, str]:
        return RANK[one.severity], one.opened_at, one.id

    telling = (one for one in findings.list_findings(engine, org_id, ("open",)) if one.severity != "info")
    return tuple(
        Pressing(
            id=one.id,
            check=one.check_id,
            title=BY_ID[one.check_id].title if one.check_id in BY_ID else one.check_id,
            severity=one.severity,  # type: ignore[arg-type]
            kind=one.subject_kind,
            subject_id=one.subject_id,
            subject=one.subject,
            opened_at=one.opened_at,
        )
        for one in nsmallest(NAMED, telling, key=rank)
    )


def _gaps(engine: Database, org: runs.OrgRecord) -> tuple[Gap, ...]:
    published = runs.last_run(engine, org.id, published=True)
    coverage = runs.coverage_of(engine, published.id) if published else {}
    fine = {CoverageState.COMPLETE, CoverageState.SKIPPED}
    return tuple(
        Gap(resource.value, one.coverage.state.value, one.coverage.reason)
        for resource, one in coverage.items()
        if one.coverage.state not in fine
    )


def keep_digest(engine: Database, org: runs.OrgRecord, telling: Telling, since: datetime, now: datetime) -> bool:
    """Keep a digest for wherever the alerts go; whether they go anywhere."""
    if not telling.on(Stream.ALERTS):
        return False
    keep_told(engine, org.id, [kept(entry_of(digest_of(engine, org, since, now), telling.about))], now)
    return True
