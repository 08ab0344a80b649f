"""Findings as they stood at a past run, put together from what happened to them since they were opened."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, case, select

from accesssync.findings.severity import RANK
from accesssync.reports.material import FindingAt
from accesssync.store.engine import translated
from accesssync.store.inventory import Moment
from accesssync.store.tables import finding_events, findings, runs

AT_ONCE = 2_000
_AFTER = {"reopened": "open", "waiver_ended": "open", "resolved": "resolved", "waived": "waived"}
"""What each event makes of a finding, which is open when it is opened."""

_Event = tuple[str, datetime, str | None, int | None]


def findings_at(engine: Engine, moment: Moment, at: datetime, until: datetime | None) -> Iterator[FindingAt]:
    """Every finding that had been opened by a run, as it stood then, the most pressing first.

    `at` is the end of the run, by which waivers end. `until` is the time up to which what people did by command counts;
    None: all of it. Severity, subject and evidence are those that it was last told with: older ones are not kept.
    """
    with translated("the findings cannot be read"), engine.connect() as connection:
        ended = _run_ends(connection, moment)
        happened = _events(connection, moment, until)
        one = findings.c
        query = (
            select(findings)
            .where(one.org_id == moment.org_id, one.opened_run <= moment.run_id)
            .order_by(case(RANK, value=one.severity, else_=len(RANK)), one.check_id, one.subject, one.id)
        )
        for row in connection.execution_options(yield_per=AT_ONCE).execute(query).mappings():
            yield _standing(row, happened.get(row["id"], ()), at, ended)


def _run_ends(connection: Any, moment: Moment) -> list[tuple[int, datetime]]:
    query = select(runs.c.id, runs.c.finished_at).where(
        runs.c.org_id == moment.org_id, runs.c.undone.is_(False), runs.c.id <= moment.run_id
    )
    return [(row[0], row[1]) for row in connection.execute(query.order_by(runs.c.id)) if row[1] is not None]


def _events(connection: Any, moment: Moment, until: datetime | None) -> dict[str, list[_Event]]:
    """What happened to each finding up to the moment, oldest first."""
    one = finding_events.c
    query = (
        select(one.finding_id, one.event, one.at, one.detail, one.run_id)
        .where(one.org_id == moment.org_id)
        .order_by(one.key)
    )
    found: dict[str, list[_Event]] = {}
    for finding_id, event, at, detail, run_id in connection.execution_options(yield_per=AT_ONCE).execute(query):
        counts = run_id <= moment.run_id if run_id is not None else until is None or at <= until
        if counts:
            found.setdefault(finding_id, []).append((event, at, detail, run_id))
    return found


def _standing(row: Any, events: Sequence[_Event], at: datetime, ended: list[tuple[int, datetime]]) -> FindingAt:
    status, waived = "open", False
    resolved, why, resolved_run = None, None, None
    for event, when, detail, run_id in events:
        status = _AFTER.get(event, status)
        waived = waived or status == "waived"
        resolved, why, resolved_run = (when, detail, run_id) if event == "resolved" else (None, None, None)
    waiver, until = (row["waiver"], row["waived_until"]) if waived else (None, None)
    if status == "waived" and until is not None and until < at.date():
        status = "open"
    return FindingAt(
        id=row["id"],
        check=row["check_id"],
        severity=row["severity"],
        status=status,
        reopened=sum(event[0] in ("reopened", "waiver_ended") for event in events),
        subject_kind=row["subject_kind"],
        subject_id=row["subject_id"],
        subject=row["subject"],
        evidence=row["evidence"],
        opened_at=row["opened_at"],
        last_seen_at=_last_seen(ended, resolved_run) if resolved is not None else max(at, row["opened_at"]),
        resolved_at=resolved,
        resolved_because=why,
        waiver=waiver,
        waived_until=until,
        cause=row["cause"],
    )


def _last_seen(ended: list[tuple[int, datetime]], resolved_run: int | None) -> datetime | None:
    """The end of the last run before the one that no longer found it."""
    before = [when for run_id, when in ended if resolved_run is not None and run_id < resolved_run]
    return before[-1] if before else None
