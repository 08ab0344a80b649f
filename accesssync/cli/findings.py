"""`accesssync findings`: what is wrong, what was accepted, and the checks behind it."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from accesssync.cli.lines import check_lines
from accesssync.cli.lists import limit_option
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import (
    Document,
    ToldError,
    complain,
    day,
    print_csv,
    print_json,
    print_json_failed,
    say,
)
from accesssync.cli.table import SHOWN, Column, print_table
from accesssync.cli.visible import visible
from accesssync.errors import AccessSyncError, StoreError, ThresholdError, UsageError
from accesssync.findings.severity import SEVERITIES, at_least

if TYPE_CHECKING:
    from accesssync.jobs.findings.rulebook import Rulebook

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


@click.group()
def findings() -> None:
    """What is wrong with the access, how bad it is, and what to do about it."""


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


@findings.command(
    epilog="""\b
Examples:
  accesssync findings show F-7Q2K
  accesssync findings show 7q2k --json"""
)
@click.argument("finding", metavar="ID")
@common
def show(invocation: Invocation, finding: str) -> None:
    """Everything about one finding: the fields it rests on, the run that saw them, and what to do."""
    from accesssync.jobs.findings import listing as job
    from accesssync.jobs.opening import open_to_read

    told = job.show_finding(open_to_read(invocation.settings), invocation.orgs, finding, now())
    if invocation.as_json:
        print_json({"schema": "accesssync.finding/1", "finding": told})
        return
    again = f", reopened {told['reopened_times']} times" if told["reopened_times"] else ""
    say(f"{told['id']}  {told['severity'].upper()}  {told['title']}  ({visible(told['org'])})")
    say(f"  {told['subject_kind']:<11} {visible(told['subject'])}")
    if told["subject"] != told["subject_id"]:
        say(f"  {'id':<11} {visible(told['subject_id'])}")
    say(f"  {'status':<11} {told['status']} since {day(told['reopened_at'] or told['opened_at'])}{again}")
    if told["resolved_at"]:
        why = visible(told["resolved_because"])
        say(f"  {'resolved':<11} {day(told['resolved_at'])} by {told['resolved_run']}: {why}")
    say(f"  {'check':<11} {told['check']}: {visible(told.get('logic', 'this version does not know it'))}")
    seen = f"{told['seen_run']} of {_minute(told['observed_at'])}"
    say(f"  seen by {seen}; opened by {told['opened_run']} ({told['cause']})")
    for name, value in told["evidence"].items():
        say(f"    {name:<24} {_value(value)}")
    _show_state(told)
    _show_doing(told)


def _show_state(told: Document) -> None:
    state = told["check_state"]
    if state and state["state"] != "evaluated":
        reason = f": {visible(state['reason'])}" if state["reason"] else ""
        say(f"  last evaluation: the check was {state['state'].replace('_', ' ')}{reason}")
    waiver = told["waiver"]
    if waiver:
        word = "accepted" if told["status"] == "waived" else "was accepted"
        say(
            f"  {word} until {waiver['expires']} for {visible(waiver['owner'])}, approved by "
            f"{visible(waiver['approver'])}: {visible(waiver['reason'])} ({visible(waiver['source'])})"
        )
    for event in told["history"]:
        by = f" by {visible(event['by'])}" if event["by"] else f" by {event['run_id']}" if event["run_id"] else ""
        detail = f": {visible(event['detail'])}" if event["detail"] else ""
        say(f"  {day(event['at'])} {event['event'].replace('_', ' ')}{by}{detail}")


def _show_doing(told: Document) -> None:
    remedy = told.get("remediation")
    if not remedy:
        return
    say(f"  to do: {remedy['text']}")
    say(f"    {visible(remedy['command'])}")
    say(f"    in Datadog: {remedy['place']}")
    for caveat in told["caveats"]:
        say(f"  mind: {caveat}")
    for framework, ids in told["controls"].items():
        say(f"  evidence for {framework}: {', '.join(ids)}")
    if told["status"] == "open":
        say(f"  accept it: accesssync findings waive {told['id']} --owner WHO --approver WHO --until DATE --reason WHY")


def _minute(text: str | None) -> str:
    return text[:16].replace("T", " ") if text else "-"


def _value(value: Any) -> str:
    if value is None:
        return "not known"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        flat = [", ".join(map(str, one)) if isinstance(one, list) else str(one) for one in value]
        return visible("; ".join(flat) if any(isinstance(one, list) for one in value) else ", ".join(flat)) or "none"
    return visible(value)


def _date(_context: click.Context, _option: click.Parameter, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date such as 2027-06-30") from None


@findings.command(
    epilog="""\b
A waived finding stays counted, and is open again after the last day. Give it again to renew it.

\b
Examples:
  accesssync findings waive F-7Q2K --owner platform@example.com --approver ciso@example.com \\
    --until 2027-06-30 --reason "the runner sets up Datadog itself; its key is in the vault" """
)
@click.argument("finding", metavar="ID")
@click.option("--owner", metavar="WHO", required=True, help="Who answers for the risk.")
@click.option("--approver", metavar="WHO", required=True, help="Who allowed it.")
@click.option("--reason", metavar="TEXT", required=True, help="Why, and what makes up for it.")
@click.option("--until", callback=_date, metavar="DATE", required=True, help="The last day, at most a year away.")
@click.option("--by", metavar="WHO", help="Who enters it; else ACCESSSYNC_OPERATOR or the login name.")
@common
def waive(
    invocation: Invocation, finding: str, owner: str, approver: str, reason: str, until: date, by: str | None
) -> None:
    """Accept a risk for a time, with a reason."""
    from accesssync.jobs.findings import accept as job
    from accesssync.jobs.opening import open_to_write

    check_lines({"--owner": owner, "--approver": approver, "--reason": reason, "--by": by})
    told = job.waive(
        open_to_write(invocation.settings), invocation.orgs, finding,
        owner=owner, reason=reason, approver=approver, expires=until, by=invocation.operator(by), now=now(),
    )  # fmt: skip
    if invocation.as_json:
        print_json({"schema": "accesssync.waiver/1", "waiver": told})
        return
    say(f"{told['id']} ({visible(told['subject'])}) is accepted until {told['expires']} for {visible(owner)}")


@findings.command(
    epilog="""\b
Examples:
  accesssync findings unwaive F-7Q2K --reason "the runner is gone" """
)
@click.argument("finding", metavar="ID")
@click.option("--reason", metavar="TEXT", required=True, help="Why it is not accepted any more.")
@click.option("--by", metavar="WHO", help="Who enters it; else ACCESSSYNC_OPERATOR or the login name.")
@common
def unwaive(invocation: Invocation, finding: str, reason: str, by: str | None) -> None:
    """Take a waiver back that was given by command: the finding is open again."""
    from accesssync.jobs.findings import accept as job
    from accesssync.jobs.opening import open_to_write

    check_lines({"--reason": reason, "--by": by})
    told = job.unwaive(
        open_to_write(invocation.settings), invocation.orgs, finding,
        reason=reason, by=invocation.operator(by), now=now(),
    )  # fmt: skip
    if invocation.as_json:
        print_json({"schema": "accesssync.waiver/1", "waiver": told})
        return
    say(f"{told['id']} ({visible(told['subject'])}) is open again")


@findings.command(
    "export-waivers",
    epilog="""\b
Examples:
  accesssync findings export-waivers > governance/waivers.yaml""",
)
@common
def export_waivers(invocation: Invocation) -> None:
    """The waivers given by command, as a waivers.yaml for the governance directory."""
    from accesssync.jobs.findings import accept as job
    from accesssync.jobs.opening import open_to_read

    text = job.export_waivers(open_to_read(invocation.settings), invocation.orgs)
    if invocation.as_json:
        print_json({"schema": "accesssync.waivers/1", "file": "waivers.yaml", "content": text})
        return
    say(text.rstrip("\n"))


STATES = (
    Column("CHECK", lambda one: one["id"], least=10),
    Column("SEVERITY", lambda one: one["severity"], least=8),
    Column("WHAT", lambda one: one["title"], "wrap", least=24),
    Column("STATE", lambda one: _state(one["states"]), "wrap", least=24),
)


def _state(states: Sequence[Document]) -> str:
    texts = []
    for one in states:
        word = (
            f"{one['raised']:,} found" if one["state"] in ("evaluated", "partial") else one["state"].replace("_", " ")
        )
        reason = f": {one['reason']}" if one["reason"] else ""
        texts.append((f"{one['org']} " if len(states) > 1 else "") + word + reason)
    return "; ".join(texts)


@findings.command(
    epilog="""\b
Needs no database; where there is one, it says what the last evaluation made of each check.

\b
Examples:
  accesssync findings checks
  accesssync findings checks --json
  accesssync findings checks --format markdown > docs/findings.md"""
)
@click.option("--format", "form", type=click.Choice(["table", "markdown"]), default="table")
@common
def checks(invocation: Invocation, form: str) -> None:
    """Every check: what it looks for, with which parameters, and whether it could be evaluated."""
    from accesssync.findings import describe
    from accesssync.findings.catalogue import ruleset

    if form == "markdown":
        say(describe.markdown().rstrip("\n"))
        return
    states = _last_states(invocation)
    found = [{**one, "states": states.get(one["id"], [])} for one in describe.catalogue()]
    if invocation.as_json:
        print_json({"schema": "accesssync.checks/1", "ruleset": ruleset(), "checks": found})
        return
    print_table(STATES, found, limit=0, one="check", many="checks")


def _last_states(invocation: Invocation) -> dict[str, list[Document]]:
    from accesssync.jobs.findings import listing as job
    from accesssync.jobs.opening import open_to_read

    try:
        return job.check_states(open_to_read(invocation.settings), invocation.orgs)
    except StoreError:
        # The catalogue needs no database, and says the same without one.
        return {}


@findings.command(
    epilog="""\b
A sync does this by itself. After a change of the governance directory it need not wait for the next one.

\b
Examples:
  accesssync findings evaluate
  accesssync findings evaluate --org acme --json"""
)
@click.option("--wait", is_flag=True, help="Wait while another process works on the same organization.")
@common
def evaluate(invocation: Invocation, wait: bool) -> int:
    """Evaluate what the last sync published again, by the present policy."""
    import time

    from accesssync.jobs.findings.evaluate import evaluate_orgs
    from accesssync.jobs.opening import open_to_write
    from accesssync.jobs.sync.document import error_document, findings_document

    engine = open_to_write(invocation.settings)
    told: list[Document] = []
    codes: set[int] = set()
    for one in evaluate_orgs(
        engine, invocation.orgs, _rulebook(invocation), clock=now, sleep=time.sleep, wait=wait
    ):  # fmt: skip
        codes.add(one.error.exit_code if one.error else 0)
        document: Document = {"org": one.org, "findings": findings_document(one.evaluated)}
        if one.evaluated is not None and not invocation.as_json:
            say(f"{visible(one.org)} run-{one.evaluated.run_id}: {findings_line(document['findings'])}")
        if one.error is not None:
            document["error"] = error_document(one.error)
            complain(f"error: {visible(one.error.line())}")
        told.append(document)
    if invocation.as_json:
        print_json({"schema": "accesssync.evaluation/1", "evaluations": told})
    return codes.pop() if len(codes) == 1 else 5


def findings_line(told: Document) -> str:
    """What came of an evaluation, in one line."""
    loud = [
        f"{told['opened_by_severity'][name]} {name}" for name in SEVERITIES[:2] if name in told["opened_by_severity"]
    ]
    opened = f"{told['opened']:,} opened" + (f" ({', '.join(loud)})" if loud else "")
    waived = f" {told['waived']:,} waived" if told["waived"] else ""
    return f"findings {opened} {told['resolved']:,} resolved {told['open']:,} open{waived}"


def _rulebook(invocation: Invocation) -> "Rulebook":
    from accesssync.jobs.findings.rulebook import rulebook_of
    from accesssync.jobs.governance.directory import load_governance

    settings = invocation.settings
    return rulebook_of(settings, load_governance(settings.governance_dir, now().date()))


WOULD = (
    Column("", lambda one: one["sign"], least=1),
    Column("SEVERITY", lambda one: one["severity"], least=8),
    Column("CHECK", lambda one: one["check"], least=10),
    Column("WHO OR WHAT", lambda one: one["subject"], "middle", least=24),
    Column("RUNS", lambda one: one["runs"], "number"),
    Column("FIRST", lambda one: one["first_run"], least=6),
    Column("ORG", lambda one: one["org"], least=6, telling=True),
)


@findings.command(
    "what-if",
    epilog="""\b
Looks at the last run of each day, at most 31 of them, as each of them saw the organization.

\b
Examples:
  accesssync findings what-if new-policy.yaml --since 30d
  accesssync findings what-if new-policy.yaml --since run-377 --json""",
)
@click.argument("policy", type=click.Path(exists=True, dir_okay=False, path_type=Path), metavar="POLICY.yaml")
@click.option("--since", metavar="WHEN", help="Only runs after this run, time, date or age.")
@click.option("--limit", type=click.IntRange(0), default=SHOWN, help="Rows of the table; 0 for all.")
@common
def what_if(invocation: Invocation, policy: Path, since: str | None, limit: int) -> None:
    """Which findings another policy would have opened, and which not, over the stored history."""
    from accesssync.jobs.findings import whatif as job
    from accesssync.jobs.opening import open_to_read

    tried = job.read_policy_of(policy)
    start = invocation.when(since, "--since", "start")
    engine = open_to_read(invocation.settings)
    with invocation.bar() as bar:
        found = list(job.what_if(engine, invocation.orgs, tried, _rulebook(invocation), start, bar))
    if not any(one["runs"] for one in found):
        raise UsageError("no run was published since then", remedy="give an earlier --since, or none")
    if invocation.as_json:
        print_json({"schema": "accesssync.what_if/1", "organizations": found})
        return
    rows = [
        {**each, "sign": sign, "org": one["org"]}
        for one in found
        for sign, key in (("+", "would_open"), ("-", "would_not_open"))
        for each in one[key]
    ]
    print_table(WOULD, rows, limit=limit, one="finding", many="findings")
    for one in found:
        say(
            f"{visible(one['org'])}: {len(one['runs']):,} runs looked at; {len(one['would_open']):,} more, "
            f"{len(one['would_not_open']):,} fewer, {one['in_both']:,} the same"
        )
