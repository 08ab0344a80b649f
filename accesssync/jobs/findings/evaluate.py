"""Evaluate what an organization has published, and keep what changed about its findings."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from msgspec import Struct

from accesssync.errors import AccessSyncError, PartialError, UsageError
from accesssync.findings.catalogue import ruleset
from accesssync.findings.check import Raised
from accesssync.findings.evaluate import Evaluation, Outcome, evaluate
from accesssync.findings.identify import finding_id
from accesssync.findings.lifecycle import Before, Step, Stored, follow, waiver_for
from accesssync.findings.picture import Picture
from accesssync.findings.severity import RANK
from accesssync.findings.waiver import Waiver
from accesssync.jobs.findings.news import News
from accesssync.jobs.findings.picture import picture_at
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.forward.tell import Telling, silence
from accesssync.jobs.inventory import View, chosen_orgs, view_at
from accesssync.store import findings
from accesssync.store.engine import Database
from accesssync.store.findings import EvaluationRecord, Marked, Written
from accesssync.store.lease import Lease, leased


class Evaluated(Struct, frozen=True, kw_only=True):
    """What one evaluation came to. `opened` counts those that opened again, too; `worst` is the most pressing of them.

    `failed` names the checks that ended in an error of their own; `alerting` counts what the organization itself did.
    """

    org: str
    run_id: int
    opened: int = 0
    reopened: int = 0
    resolved: int = 0
    open: int = 0
    waived: int = 0
    severities: dict[str, int] = {}
    worst: str | None = None
    alerting: int = 0
    failed: tuple[str, ...] = ()

    @property
    def error(self) -> PartialError | None:
        """What is wrong with the evaluation itself; None where every check came to an end."""
        if not self.failed:
            return None
        return PartialError(
            f"checks failed: {', '.join(self.failed)}",
            org=self.org,
            remedy="the others were evaluated, and their findings are stored; please report this as a bug",
        )


class Judged(Struct, frozen=True, kw_only=True):
    """One organization's evaluation, or why there is none."""

    org: str
    evaluated: Evaluated | None
    error: AccessSyncError | None


def evaluate_orgs(
    engine: Database,
    names: Sequence[str],
    rulebook: Rulebook,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
    wait: bool = False,
    telling: Callable[[str], Telling] = silence,
) -> Iterator[Judged]:
    """Evaluate the last published run of each organization, one after the other; what fails is part of the answer."""
    for org in chosen_orgs(engine, names):
        try:
            with leased(engine, org.name, org.id, wait=wait, sleep=sleep) as lease:
                view = view_at(engine, org, None)
                if view is None:
                    raise UsageError("no run was published yet", org=org.name, remedy="run: accesssync sync")
                evaluated = evaluate_published(engine, lease, view, rulebook, clock(), telling(org.name))
        except AccessSyncError as error:
            error.org = error.org or org.name
            yield Judged(org=org.name, evaluated=None, error=error)
        else:
            yield Judged(org=org.name, evaluated=evaluated, error=evaluated.error)


def evaluate_published(
    engine: Database, lease: Lease, view: View, rulebook: Rulebook, at: datetime, telling: Telling | None = None
) -> Evaluated:
    """Run every check over one published run and write what changed, holding the organization's lease.

    What `telling` has published of it is kept in the same transactions.
    """
    picture = picture_at(engine, view, rulebook, at)
    found = evaluate(picture)
    return _keep(engine, lease, view, rulebook, picture, found, telling or silence(view.org.name))


def _keep(
    engine: Database,
    lease: Lease,
    view: View,
    rulebook: Rulebook,
    picture: Picture,
    found: Evaluation,
    telling: Telling,
) -> Evaluated:
    marked = findings.marked_findings(engine, lease.org_id)
    last = findings.last_evaluation(engine, lease.org_id)
    taken = {one.id for one in marked}
    ids = {one.fingerprint: one.id for one in marked}
    steps = follow(
        view.org.name,
        [_stored(one) for one in marked],
        found,
        _before(last),
        waiver_for(picture.waivers, view.org.name, picture.today, _named(picture)),
        ids.get,
    )
    tally = _Tally()
    news = News(engine, view, picture, telling)
    changed = (news.hearing(step, _written(tally.counting(step), taken, picture.at, view.run.id)) for step in steps)
    findings.write_findings(engine, lease, view.run.id, picture.at, changed, news.tell)
    record = findings.record_evaluation(
        engine,
        lease,
        run_id=view.run.id,
        at=picture.at,
        ruleset=ruleset(),
        policy_hash=rulebook.digest,
        opened=tally.opened + tally.reopened,
        resolved=tally.resolved,
        outcomes={name: [one.state, one.reason, one.raised, one.terms] for name, one in found.outcomes.items()},
    )
    return _evaluated(engine, view, record, tally, found)


def _evaluated(engine: Database, view: View, record: EvaluationRecord, tally: "_Tally", found: Evaluation) -> Evaluated:
    new = findings.opened_since(engine, view.org.id, view.run.id, record.at) if record.opened else []
    worst = min(new, key=lambda one: (RANK[one.severity], one.check_id, one.id), default=None)
    counts: dict[str, int] = {}
    for one in new:
        counts[one.severity] = counts.get(one.severity, 0) + 1
    return Evaluated(
        org=view.org.name,
        run_id=view.run.id,
        opened=record.opened,
        reopened=tally.reopened,
        resolved=tally.resolved,
        open=record.open,
        waived=record.waived,
        severities=counts,
        worst=worst.id if worst else None,
        alerting=tally.alerting,
        failed=tuple(found.failed),
    )


class _Tally:
    """How many findings opened, opened again and were resolved."""

    def __init__(self) -> None:
        self.opened = self.reopened = self.resolved = self.alerting = 0

    def counting(self, step: Step) -> Step:
        if step.status == "open" and step.event in ("opened", "reopened", "waiver_ended"):
            self.opened += step.event == "opened"
            self.reopened += step.event != "opened"
            self.alerting += step.cause == "org"
        self.resolved += step.event == "resolved"
        return step


def _stored(one: Marked) -> Stored:
    return Stored(one.key, one.id, one.fingerprint, one.check_id, one.status, one.digest, one.reopened)


def _before(last: EvaluationRecord | None) -> Before:
    if last is None:
        return Before(None)
    return Before({name: Outcome(*values) for name, values in last.outcomes.items()}, last.ruleset)


def _named(picture: Picture) -> Callable[[Raised], tuple[str, ...]]:
    """By which texts a waiver may name the subject of a finding."""
    identities = picture.access.identities

    def named(one: Raised) -> tuple[str, ...]:
        who = identities.get(one.subject_id) if one.kind == "identity" else None
        also = (who.email, who.handle, who.name) if who is not None else ()
        name = one.evidence.get("name")
        texts = (one.subject_id, one.subject, *also, name if isinstance(name, str) else None)
        return tuple(text for text in texts if text)

    return named


def _written(step: Step, taken: set[str], at: datetime, run_id: int) -> Written:
    known = step.stored
    name = known.id if known is not None else finding_id(step.print, taken)
    taken.add(name)
    row: dict[str, Any] = {}
    if step.event == "resolved":
        row = {"status": "resolved", "resolved_at": at, "resolved_run": run_id, "why": step.why}
    elif step.raised is not None:
        row = _content(step.raised, step)
        if step.event != "changed":
            row |= {"status": step.status, **_waiver(step.waiver)}
        if known is None:
            one = step.raised
            row |= {"fingerprint": step.print, "check_id": one.check, "cause": step.cause.value}
            row |= {"subject_kind": one.kind, "subject_id": one.subject_id}
        else:
            row["seen_run"] = run_id
        if known is not None and step.event in ("reopened", "waiver_ended"):
            row |= {"reopened": known.reopened + 1, "reopened_at": at, "cause": step.cause.value}
            row |= {"resolved_at": None, "resolved_run": None, "why": None}
    event = None if step.event == "changed" else step.event
    return Written(
        key=known.key if known else None, id=name, event=event, cause=step.cause.value, detail=step.why, row=row
    )


def _content(one: Raised, step: Step) -> dict[str, Any]:
    return {"severity": one.severity, "subject": one.subject, "evidence": one.evidence, "digest": step.digest}


def _waiver(one: Waiver | None) -> dict[str, Any]:
    if one is None:
        return {"waiver": None, "waived_until": None}
    shown = {"owner": one.owner, "reason": one.reason, "approver": one.approver, "source": one.source}
    return {"waiver": {**shown, "expires": one.expires.isoformat()}, "waived_until": one.expires}
