"""`accesssync findings list`."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

import click

from accesssync.cli.findings.group import findings
from accesssync.cli.lists import limit_option
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import (
    Document,
    ToldError,
    complain,
    print_csv,
    print_json,
    print_json_failed,
    say,
)
from accesssync.cli.table import Column, print_table
from accesssync.errors import AccessSyncError, ThresholdError
from accesssync.findings.severity import SEVERITIES, at_least
from accesssync.model.visible import visible

EACH = {"critical": 20, "high": 4}
"""Findings of one check that are shown one by one, by severity; more of them, or others, are one row."""

COLUMNS = (
    "id", "org", "check", "title", "severity", "status", "subject_kind", "subject_id", "subject", "opened_at",
    "opened_run", "reopened", "cause", "resolved_at", "waiver", "evidence",
)  # fmt: skip


def _loudly(one: Document) -> str:
    severity: str = one["severity"]
    return severity.upper() if severity == "critical" else severity


def _which(one: Document) -> str:
    return f"{one['count']} of them" if one.get("count") else one["id"]


TABLE = (
    Column("SEVERITY", _loudly, least=8),
    Column("FINDING", _which, least=8),
    Column("WHAT", lambda one: one["title"], "wrap", least=24),
    Column("WHO OR WHAT", lambda one: one["subject"], "middle", least=20),
    Column("CHECK", lambda one: one["check"], least=10, optional=True),
    Column("STATUS", lambda one: "" if one["status"] == "open" else one["status"], least=6, sparse=True),
    Column("ORG", lambda one: one["org"], least=6, telling=True),
)


@findings.command(
    "list",
    epilog="""\b
Many findings of one check are one row, and those that only inform are counted; --each shows them all, and so does
--check, --severity or --subject.

\b
Examples:
  accesssync findings list
  accesssync findings list --check AS-ID-01 --format csv
  accesssync findings list --status resolved --json
  accesssync findings list --fail-on high      # exit code 11 where any is open, for pipelines
  accesssync findings list --format ocsf       # OCSF 1.8.0, class 2003""",
)
@click.option("--severity", "severities", type=click.Choice(SEVERITIES), multiple=True, help="Only these; repeatable.")
@click.option("--check", "checks", metavar="ID", multiple=True, help="Only of these checks; repeatable.")
@click.option("--subject", metavar="ID|NAME", help="Only about this identity, role, key or whatever it is.")
@click.option(
    "--status",
    type=click.Choice(["open", "waived", "resolved", "all"]),
    multiple=True,
    help="Only these; open and waived unless given.",
)
@click.option("--each", is_flag=True, help="One row for each finding.")
@click.option("--fail-on", type=click.Choice(SEVERITIES), help="Exit with 11 where any so pressing or more is open.")
@limit_option
@click.option("--format", "form", type=click.Choice(["table", "csv", "ocsf"]), default="table")
@common
def list_(
    invocation: Invocation,
    severities: tuple[str, ...],
    checks: tuple[str, ...],
    subject: str | None,
    status: tuple[str, ...],
    each: bool,
    fail_on: str | None,
    limit: int,
    form: str,
) -> None:
    """What is wrong, the most pressing first."""
    from accesssync.jobs.findings import listing as job
    from accesssync.jobs.opening import open_to_read

    statuses = job.STATUSES if "all" in status else status or ("open", "waived")
    engine = open_to_read(invocation.settings)
    chosen = [one.upper() for one in checks]
    found = list(
        job.list_findings(
            engine, invocation.orgs, statuses=statuses, now=now(), checks=chosen, severities=severities, subject=subject
        )
    )
    error = _threshold(found, fail_on)
    if invocation.as_json:
        document = {"schema": "accesssync.findings/1", "findings": found}
        if error is not None:
            print_json_failed(document, error)
        print_json(document)
    elif form == "csv":
        print_csv(COLUMNS, found)
    elif form == "ocsf":
        _print_events(job.events(engine, found))
    else:
        narrowed = each or bool(severities or checks or subject)
        _print_list(found, limit=limit, each=narrowed)
        _print_left_out(job.not_evaluated(engine, invocation.orgs))
    if error is not None:
        raise ToldError(error) if form != "table" else error


def _threshold(found: Iterable[Document], fail_on: str | None) -> AccessSyncError | None:
    met = [one for one in found if fail_on and one["status"] == "open" and at_least(one["severity"], fail_on)]
    if not met:
        return None
    return ThresholdError(
        f"{len(met):,} open findings are {fail_on} or more pressing", remedy=f"accesssync findings show {met[0]['id']}"
    )


def _print_list(found: Sequence[Document], *, limit: int, each: bool) -> None:
    rows = found if each else list(_gathered([one for one in found if one["severity"] != "info"]))
    print_table(
        TABLE,
        rows,
        limit=limit,
        one="line" if rows is not found else "finding",
        many="lines" if rows is not found else "findings",
    )
    if not found:
        return
    counts = Counter(one["severity"] for one in found if one["status"] == "open")
    waived = sum(one["status"] == "waived" for one in found)
    told = ", ".join(f"{counts[name]:,} {name}" for name in SEVERITIES if counts[name]) or "none"
    say(f"open: {told}" + (f"; waived: {waived:,}" if waived else ""))
    gathered = next((one for one in rows if one.get("count")), None)
    if gathered is not None:
        say(f"each of them: accesssync findings list --check {gathered['check']}")
    first = next((one for one in rows if one["status"] == "open" and not one.get("count")), found[0])
    if not each and counts["info"]:
        say("what only informs: accesssync findings list --severity info")
    say(f"next: accesssync findings show {first['id']}")


def _gathered(found: Sequence[Document]) -> Iterator[Document]:
    """One row for each finding, and one for many of the same check, severity and state."""

    def alike(one: Document) -> tuple[str, ...]:
        return one["severity"], one["check"], one["org"], one["status"]

    for _, group in groupby(found, key=alike):
        same = list(group)
        if len(same) <= EACH.get(same[0]["severity"], 1):
            yield from same
        else:
            subject = f"{same[0]['subject']}, {same[1]['subject']} and {len(same) - 2:,} more"
            yield {**same[0], "count": len(same), "subject": subject}


def _print_left_out(left_out: Sequence[Document]) -> None:
    for one in left_out:
        if one["failed"]:
            complain(
                f"error: {visible(one['org'])}: checks failed: {', '.join(one['failed'])}; findings may be missing"
            )
        if one["not_evaluated"]:
            number = one["not_evaluated"]
            say(f"{visible(one['org'])}: {number:,} checks not evaluated; accesssync findings checks says why")


def _print_events(events: Iterable[Document]) -> None:
    import sys

    from msgspec import json

    encoder = json.Encoder()
    out = sys.stdout.buffer
    out.write(b"[")
    for number, one in enumerate(events):
        out.write((b",\n" if number else b"\n") + encoder.encode(one))
    out.write(b"\n]\n")
    out.flush()
