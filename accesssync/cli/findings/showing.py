"""`accesssync findings show`."""

from typing import Any

import click

from accesssync.cli.findings.group import findings
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import (
    Document,
    day,
    print_json,
    say,
)
from accesssync.model.visible import visible


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
