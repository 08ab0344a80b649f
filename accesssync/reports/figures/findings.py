"""What is wrong: open findings by severity and age, and those to fix first."""

from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from accesssync.findings.severity import RANK, SEVERITIES
from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell
from accesssync.reports.figures.shape import Groups, Series, bucket, counted, spans

EDGES = (7, 30, 90, 180)
OPEN = frozenset({"open", "reopened"})
WAIVED = frozenset({"waived", "accepted"})
PRESSING = frozenset({"critical", "high"})

GROUPS, EACH = 6, 2
"""How many kinds of findings are to be fixed first, and how many findings of each are told."""


class Instance(Struct, frozen=True, kw_only=True):
    """One finding to fix first."""

    finding_id: str
    subject_kind: str
    subject_id: str
    subject: str
    owner: str | None
    age_days: int | None
    evidence: Mapping[str, Any]


class Kind(Struct, frozen=True, kw_only=True):
    """Findings of one check and severity, the oldest first."""

    check: str
    title: str
    severity: str
    remediation: str
    count: int
    instances: tuple[Instance, ...]


def by_severity_and_age(findings: Table | None, as_of: datetime) -> Groups | None:
    """Open findings by how long they have been open; waived ones are told beside, never drawn."""
    if findings is None:
        return None
    names = spans(EDGES)
    counts: dict[Cell, list[int]] = {severity: [0] * len(names) for severity in SEVERITIES}
    undated = waived = 0
    for severity, status, days in _aged(findings, as_of):
        if status in WAIVED:
            waived += 1
        if status not in OPEN or severity not in counts:
            continue
        place = bucket(days, EDGES)
        if place < 0:
            undated += 1
            place = 0
        counts[severity][place] += 1
    pressing = [sum(counts[one][place] for one in PRESSING) for place in range(len(names))]
    total = sum(map(sum, counts.values()))
    says = (
        f"{total:,} open, {sum(pressing):,} of them critical or high, {sum(pressing[2:]):,} of those older than 30 days"
    )
    says += f"; {waived:,} waived are counted apart." if waived else "."
    about = "Days since each open finding was first seen. Waived and resolved ones are in the table only."
    if undated:
        about += f" Of {undated:,} the day is not known; they stand with the youngest."
    return Groups(
        title="Open findings by severity and age",
        says=says if total else "Nothing is open.",
        about=about,
        first="Days open",
        groups=names,
        series=tuple(Series(one, one, tuple(counts[one])) for one in SEVERITIES),
    )


def open_by_severity(findings: Table) -> Counter[str]:
    """How many findings of each severity are open."""
    return Counter(str(severity) for severity, status in findings.rows("severity", "status") if status in OPEN)


def fix_first(findings: Table | None, as_of: datetime) -> tuple[Kind, ...]:
    """The most pressing open findings, gathered by check: the most severe first, then those about most subjects."""
    if findings is None:
        return ()
    found: dict[tuple[str, str], list[int]] = {}
    for row, (check, severity, status) in enumerate(findings.rows("check_id", "severity", "status")):
        if status in OPEN and severity in RANK:
            found.setdefault((str(check), str(severity)), []).append(row)
    order = sorted(found, key=lambda one: (RANK[one[1]], -len(found[one]), one[0]))
    ages = [days for _, _, days in _aged(findings, as_of)]
    return tuple(_kind(findings, check, severity, found[check, severity], ages) for check, severity in order[:GROUPS])


def _kind(findings: Table, check: str, severity: str, rows: list[int], ages: list[int | None]) -> Kind:
    rows = sorted(rows, key=lambda row: (-(ages[row] or 0), row))
    first = rows[0]
    return Kind(
        check=check,
        title=_text(findings, "title", first) or check,
        severity=severity,
        remediation=_text(findings, "remediation", first),
        count=len(rows),
        instances=tuple(_instance(findings, row, ages[row]) for row in rows[:EACH]),
    )


def _instance(findings: Table, row: int, days: int | None) -> Instance:
    evidence = findings.columns["evidence"][row] if "evidence" in findings else None
    return Instance(
        finding_id=_text(findings, "finding_id", row),
        subject_kind=_text(findings, "subject_type", row),
        subject_id=_text(findings, "subject_id", row),
        subject=_text(findings, "subject_name", row) or _text(findings, "subject_id", row),
        owner=_text(findings, "owner", row) or None,
        age_days=days,
        evidence=evidence if isinstance(evidence, Mapping) else {},
    )


def _text(table: Table, column: str, row: int) -> str:
    cell: Cell = table.columns[column][row] if column in table else None
    return "" if cell is None else str(cell)


def _aged(findings: Table, as_of: datetime) -> Iterator[tuple[Cell, Cell, int | None]]:
    for severity, status, days, seen in findings.rows("severity", "status", "age_days", "first_seen_at"):
        if isinstance(days, int):
            yield severity, status, max(0, days)
        else:
            yield severity, status, max(0, (as_of - seen).days) if isinstance(seen, datetime) else None


def opened_since(findings: Table, since: datetime) -> int:
    """How many of the open critical and high findings were first seen after a time."""
    return sum(
        status in OPEN and severity in PRESSING and isinstance(seen, datetime) and seen > since
        for severity, status, seen in findings.rows("severity", "status", "first_seen_at")
    )


def told_open(findings: Table) -> str:
    """`2 critical, 5 high`."""
    counts = open_by_severity(findings)
    return ", ".join(f"{counts[one]:,} {one}" for one in SEVERITIES if one in PRESSING)


def told_rest(findings: Table) -> str:
    """What else is open, in words."""
    rest = sum(count for one, count in open_by_severity(findings).items() if one not in PRESSING)
    return counted(rest, "less pressing one", "less pressing ones")
