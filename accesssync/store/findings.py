"""Findings, what happens to them, and how they were judged."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct
from sqlalchemy import ColumnElement, Connection, Engine, bindparam, func, insert, or_, select, update

from accesssync.audit.entry import Entry, Kind
from accesssync.errors import UsageError
from accesssync.store.audit import append
from accesssync.store.bulk import batches, insert_rows
from accesssync.store.engine import translated
from accesssync.store.lease import Lease, writing
from accesssync.store.outbox import Queued, queue
from accesssync.store.tables import evaluations, finding_events, findings, waivers

CHUNK = 2_500
"""Findings of one transaction: each may write its own row, one about what happened to it, an alert and an event."""


class FindingRecord(Struct, frozen=True, kw_only=True):
    """A finding as it is kept. `waiver` is what counts or counted last, with owner, reason and approver."""

    key: int
    id: str
    check_id: str
    severity: str
    status: str
    cause: str
    subject_kind: str
    subject_id: str
    subject: str
    evidence: dict[str, Any]
    opened_at: datetime
    opened_run: int
    seen_run: int
    reopened: int
    reopened_at: datetime | None
    resolved_at: datetime | None
    resolved_run: int | None
    why: str | None
    waiver: dict[str, Any] | None
    waived_until: date | None


class Marked(Struct, frozen=True, gc=False):
    """What an evaluation needs to know of a finding that is kept."""

    key: int
    id: str
    fingerprint: bytes
    check_id: str
    status: str
    digest: bytes
    reopened: int


class Written(Struct, frozen=True, kw_only=True):
    """What is to be written about one finding. `key` None: it is new. `row` holds the columns that change.

    `event` None: what is found reads differently, and that is all.
    """

    key: int | None
    id: str
    event: str | None
    cause: str
    detail: str | None
    row: Mapping[str, Any]


class WaiverRecord(Struct, frozen=True, kw_only=True):
    """A waiver that was given by command."""

    id: int
    finding_id: str
    owner: str
    reason: str
    approver: str
    expires: date
    created_at: datetime
    created_by: str
    ended_at: datetime | None
    ended_by: str | None
    ended_reason: str | None


class EvaluationRecord(Struct, frozen=True, kw_only=True):
    """One evaluation. `outcomes` are [state, reason, raised, terms] by check."""

    id: int
    run_id: int
    at: datetime
    ruleset: str
    policy_hash: str | None
    opened: int
    resolved: int
    open: int
    waived: int
    outcomes: dict[str, list[Any]]


class EventRecord(Struct, frozen=True, kw_only=True):
    """One thing that happened to a finding."""

    at: datetime
    event: str
    run_id: int | None
    cause: str | None
    actor: str | None
    detail: str | None


_COLUMNS = tuple(findings.c[name] for name in FindingRecord.__struct_fields__)
_INSERTED = (
    "org_id", "id", "fingerprint", "check_id", "severity", "status", "cause", "subject_kind", "subject_id", "subject",
    "evidence", "digest", "opened_at", "opened_run", "seen_run", "reopened", "waiver", "waived_until",
)  # fmt: skip
_EVENT = ("org_id", "finding_id", "run_id", "at", "event", "cause", "detail")


def marked_findings(engine: Engine, org_id: int) -> list[Marked]:
    """Every finding of an organization, in the few words that an evaluation compares."""
    one = findings.c
    columns = one.key, one.id, one.fingerprint, one.check_id, one.status, one.digest, one.reopened
    query = select(*columns).where(one.org_id == org_id)
    with translated("the findings cannot be read"), engine.connect() as connection:
        result = connection.execution_options(yield_per=5_000).execute(query)
        return [Marked(row[0], row[1], bytes(row[2]), row[3], row[4], bytes(row[5]), row[6]) for row in result]


Tell = Callable[[Sequence[Written]], Sequence[Queued]]
"""What is to be published of some findings."""


def write_findings(
    engine: Engine, lease: Lease, run_id: int, at: datetime, changed: Iterable[Written], tell: Tell | None = None
) -> None:
    """Write what changed, and with it what is told of it, in small transactions.

    A new finding has no event: its row says when it was opened. What opens under a waiver has one that says so.
    """
    waiting: list[Written] = []
    for one in changed:
        waiting.append(one)
        if len(waiting) >= CHUNK:
            _write(engine, lease, run_id, at, waiting, tell)
            waiting = []
    if waiting:
        _write(engine, lease, run_id, at, waiting, tell)


def _write(engine: Engine, lease: Lease, run_id: int, at: datetime, part: Sequence[Written], tell: Tell | None) -> None:
    told = tell(part) if tell is not None else ()
    new = [one for one in part if one.key is None]
    moved = [one for one in part if one.key is not None]
    fixed = {"org_id": lease.org_id, "opened_at": at, "opened_run": run_id, "seen_run": run_id, "reopened": 0}
    rows = [tuple({**fixed, "id": one.id, **one.row}[name] for name in _INSERTED) for one in new]
    events = [
        (lease.org_id, one.id, run_id, at, event, one.cause, detail) for one in part for event, detail in _events(one)
    ]
    with translated("the findings cannot be written"), writing(engine, lease) as connection:
        insert_rows(connection, findings, _INSERTED, rows)
        insert_rows(connection, finding_events, _EVENT, events)
        _update(connection, moved)
        queue(connection, lease.org_id, told, at)


def _events(one: Written) -> Iterator[tuple[str, str | None]]:
    """What is noted of a finding, with its detail, so that its state at any past run can be told."""
    if one.key is not None and one.event is not None:
        yield one.event, one.detail
    if one.event in ("opened", "reopened") and one.row.get("status") == "waived":
        yield "waived", (one.row.get("waiver") or {}).get("reason")


def _update(connection: Connection, moved: Sequence[Written]) -> None:
    by_columns: dict[tuple[str, ...], list[dict[str, Any]]] = {}
    for one in moved:
        names = tuple(sorted(one.row))
        values = {f"new_{name}": one.row[name] for name in names}
        by_columns.setdefault(names, []).append({"row_key": one.key, **values})
    for names, rows in by_columns.items():
        values = {name: bindparam(f"new_{name}", type_=findings.c[name].type) for name in names}
        statement = update(findings).where(findings.c.key == bindparam("row_key")).values(**values)
        connection.execute(statement, rows)


def record_evaluation(engine: Engine, lease: Lease, **values: Any) -> EvaluationRecord:
    """Store that an evaluation was done, with the numbers of findings as they stand now."""
    with translated("the evaluation cannot be recorded"), writing(engine, lease) as connection:
        counts = _counts(connection, lease.org_id)
        row = connection.execute(
            insert(evaluations)
            .values(org_id=lease.org_id, open=counts.get("open", 0), waived=counts.get("waived", 0), **values)
            .returning(evaluations)
        ).mappings().one()  # fmt: skip
        return EvaluationRecord(**{name: row[name] for name in EvaluationRecord.__struct_fields__})


def _counts(connection: Connection, org_id: int) -> dict[str, int]:
    query = select(findings.c.status, func.count()).where(findings.c.org_id == org_id).group_by(findings.c.status)
    return {row[0]: int(row[1]) for row in connection.execute(query)}


def last_evaluation(engine: Engine, org_id: int) -> EvaluationRecord | None:
    """The newest evaluation of an organization."""
    query = select(evaluations).where(evaluations.c.org_id == org_id).order_by(evaluations.c.id.desc()).limit(1)
    with translated("the evaluations cannot be read"), engine.connect() as connection:
        row = connection.execute(query).mappings().first()
        return EvaluationRecord(**{name: row[name] for name in EvaluationRecord.__struct_fields__}) if row else None


def open_by_severity(engine: Engine, org_id: int, today: date) -> dict[str, int]:
    """How many findings are open, by severity; those whose waiver is past its last day included."""
    query = select(findings.c.severity, func.count()).where(findings.c.org_id == org_id, _open(today))
    with translated("the findings cannot be counted"), engine.connect() as connection:
        return {row[0]: int(row[1]) for row in connection.execute(query.group_by(findings.c.severity))}


def _open(today: date) -> ColumnElement[bool]:
    lapsed = (findings.c.status == "waived") & (findings.c.waived_until < today)
    return or_(findings.c.status == "open", lapsed)


def list_findings(engine: Engine, org_id: int, statuses: Sequence[str]) -> Iterator[FindingRecord]:
    """The findings that were left in one of these states, by check and subject."""
    query = (
        select(*_COLUMNS)
        .where(findings.c.org_id == org_id, findings.c.status.in_(statuses))
        .order_by(findings.c.check_id, findings.c.subject, findings.c.id)
    )
    with translated("the findings cannot be read"), engine.connect() as connection:
        for row in connection.execution_options(yield_per=2_000).execute(query).mappings():
            yield FindingRecord(**row)


def find_finding(engine: Engine, org_id: int, finding_id: str) -> FindingRecord | None:
    """One finding by its id."""
    query = select(*_COLUMNS).where(findings.c.org_id == org_id, findings.c.id == finding_id)
    with translated("the findings cannot be read"), engine.connect() as connection:
        row = connection.execute(query).mappings().first()
        return FindingRecord(**row) if row else None


def opened_since(engine: Engine, org_id: int, run_id: int, at: datetime) -> list[FindingRecord]:
    """What one evaluation opened or opened again and left open."""
    opened = or_((findings.c.opened_run == run_id) & (findings.c.opened_at == at), findings.c.reopened_at == at)
    query = select(*_COLUMNS).where(findings.c.org_id == org_id, findings.c.status == "open", opened)
    with translated("the findings cannot be read"), engine.connect() as connection:
        return [FindingRecord(**row) for row in connection.execute(query).mappings()]


def findings_by_key(engine: Engine, org_id: int, keys: Sequence[int]) -> dict[int, FindingRecord]:
    """Some findings, by their keys."""
    found: dict[int, FindingRecord] = {}
    with translated("the findings cannot be read"), engine.connect() as connection:
        for some in batches(keys):
            query = select(*_COLUMNS).where(findings.c.org_id == org_id, findings.c.key.in_(some))
            found.update((row["key"], FindingRecord(**row)) for row in connection.execute(query).mappings())
    return found


def events_of(engine: Engine, org_id: int, finding_id: str) -> list[EventRecord]:
    """Everything that happened to a finding after it was opened, oldest first."""
    table = finding_events
    columns = [table.c[name] for name in EventRecord.__struct_fields__]
    query = select(*columns).where(table.c.org_id == org_id, table.c.finding_id == finding_id).order_by(table.c.key)
    with translated("the findings cannot be read"), engine.connect() as connection:
        return [EventRecord(**row) for row in connection.execute(query).mappings()]


def list_waivers(engine: Engine, org_id: int, *, ended: bool = False) -> list[WaiverRecord]:
    """The waivers given by command, oldest first; with `ended`, also those that were taken back."""
    columns = [waivers.c[name] for name in WaiverRecord.__struct_fields__]
    query = select(*columns).where(waivers.c.org_id == org_id).order_by(waivers.c.id)
    if not ended:
        query = query.where(waivers.c.ended_at.is_(None))
    with translated("the waivers cannot be read"), engine.connect() as connection:
        return [WaiverRecord(**row) for row in connection.execute(query).mappings()]


def add_waiver(engine: Engine, org: str, org_id: int, finding: FindingRecord, given: Mapping[str, Any]) -> None:
    """Accept a finding from now on, with an entry in the audit log.

    One that was waived before gets the new terms; the old ones are kept as ended.
    """
    with translated("the waiver cannot be written"), writing(engine) as connection:
        _end(connection, org_id, finding.id, given["created_at"], given["created_by"], "replaced")
        connection.execute(insert(waivers).values(org_id=org_id, finding_id=finding.id, **given))
        shown = {name: given[name] for name in ("owner", "reason", "approver")}
        shown |= {"source": "command", "expires": given["expires"].isoformat()}
        _set(connection, finding.key, ("open", "waived"), status="waived", waiver=shown, waived_until=given["expires"])
        detail = f"until {given['expires'].isoformat()}: {given['reason']}"
        _event(connection, org_id, finding.id, given["created_at"], "waived", given["created_by"], detail)
        append(
            connection,
            Entry(
                kind=Kind.WAIVER_GIVEN,
                at=given["created_at"],
                actor=given["created_by"],
                org=org,
                subject_id=finding.id,
                facts={"check": finding.check_id, "expires": given["expires"].isoformat()},
                personal={name: given[name] for name in ("owner", "approver", "reason")},
            ),
        )


def end_waiver(
    engine: Engine, org: str, org_id: int, finding: FindingRecord, at: datetime, by: str, reason: str
) -> None:
    """Take a waiver that was given by command back: the finding is open again. UsageError where there is none."""
    with translated("the waiver cannot be written"), writing(engine) as connection:
        if not _end(connection, org_id, finding.id, at, by, reason):
            where = (finding.waiver or {}).get("source") if finding.status == "waived" else None
            raise UsageError(
                f"{finding.id} has no waiver that was given by command",
                remedy=f"take it out of {where}" if where else "accesssync findings show says what it has",
            )
        again = {"reopened": finding.reopened + 1, "reopened_at": at}
        _set(connection, finding.key, ("waived",), status="open", waiver=None, waived_until=None, **again)
        _event(connection, org_id, finding.id, at, "waiver_ended", by, reason)
        facts = {"check": finding.check_id}
        append(
            connection,
            Entry(
                kind=Kind.WAIVER_ENDED,
                at=at,
                actor=by,
                org=org,
                subject_id=finding.id,
                facts=facts,
                personal={"reason": reason},
            ),
        )


def _end(connection: Connection, org_id: int, finding_id: str, at: datetime, by: str, reason: str) -> int:
    mine = waivers.c.org_id == org_id, waivers.c.finding_id == finding_id, waivers.c.ended_at.is_(None)
    return connection.execute(
        update(waivers).where(*mine).values(ended_at=at, ended_by=by, ended_reason=reason)
    ).rowcount  # fmt: skip


def _set(connection: Connection, key: int, only: Sequence[str], **values: Any) -> None:
    connection.execute(update(findings).where(findings.c.key == key, findings.c.status.in_(only)).values(**values))


def _event(
    connection: Connection, org_id: int, finding_id: str, at: datetime, event: str, actor: str, detail: str
) -> None:
    connection.execute(
        insert(finding_events).values(
            org_id=org_id, finding_id=finding_id, run_id=None, at=at, event=event, actor=actor, detail=detail
        )
    )
