"""`accesssync findings checks`, `evaluate` and `what-if`."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accesssync.cli.findings.group import findings
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import (
    Document,
    complain,
    print_json,
    say,
)
from accesssync.cli.table import SHOWN, Column, print_table
from accesssync.errors import StoreError, UsageError
from accesssync.findings.severity import SEVERITIES
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.findings.rulebook import Rulebook

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
    from accesssync.jobs.forward.tell import tellings
    from accesssync.jobs.opening import open_to_write
    from accesssync.jobs.sync.document import error_document, findings_document

    engine = open_to_write(invocation.settings)
    told: list[Document] = []
    codes: set[int] = set()
    for one in evaluate_orgs(
        engine,
        invocation.orgs,
        _rulebook(invocation),
        clock=now,
        sleep=time.sleep,
        wait=wait,
        telling=tellings(invocation.settings),
    ):
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
