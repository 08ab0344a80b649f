"""`accesssync nhi decide` and `nhi export-decisions`: what people decide, in and out."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from accesssync.cli.lists import opened
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, complain, print_json, say
from accesssync.model.visible import visible
from accesssync.nhi.verdict import Kind

if TYPE_CHECKING:
    from accesssync.jobs.decide import Wish
    from accesssync.jobs.inventory import View
    from accesssync.nhi.decisions import DecisionRule
    from accesssync.store.engine import Database

KINDS = get_args(Kind)


def _day(_context: click.Context, _option: click.Parameter, text: str | None) -> date | None:
    try:
        return date.fromisoformat(text) if text is not None else None
    except ValueError:
        raise click.BadParameter(f"{text!r} is no date such as 2027-06-30") from None


@click.command(
    epilog="""\b
A decision belongs to the Datadog id and is final: no sync changes it. The computed score is kept beside it, and where
the evidence changes the decision is offered for review. A later decision about the same id replaces it; a decision in
decisions.yaml of the governance directory wins over both.

\b
With --from: a CSV with the columns id, label (human or nhi), reason, and where they are known kind, owner, purpose,
review_by, by and org. All of its rows are stored, or none. The CSV of nhi list can be filled in for it.

\b
Examples:
  accesssync nhi decide ci@example.com --nhi ci --owner platform@example.com --purpose "deploys" --reason "asked Ada"
  accesssync nhi decide 07a3d791-f7f8-4815-b845-12dbc56576ca --human --reason "met him" --review-by 2027-06-30
  accesssync nhi decide --from decided.csv"""
)
@click.argument("who", metavar="[ID|EMAIL]", required=False)
@click.option("--human", is_flag=True, help="It is a person.")
@click.option("--nhi", "kind", type=click.Choice(KINDS), help="It is a machine of this kind.")
@click.option("--owner", metavar="WHO", help="Who answers for it.")
@click.option("--purpose", metavar="TEXT", help="What it is there for.")
@click.option("--reason", metavar="TEXT", help="How you know.")
@click.option("--review-by", callback=_day, metavar="DATE", help="When to look at the decision again.")
@click.option("--by", metavar="WHO", help="Who decides; else ACCESSSYNC_OPERATOR or the login name.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Decisions as CSV: all of them or none.",
)
@common
def decide(
    invocation: Invocation,
    who: str | None,
    human: bool,
    kind: Kind | None,
    owner: str | None,
    purpose: str | None,
    reason: str | None,
    review_by: date | None,
    by: str | None,
    source: Path | None,
) -> None:
    """Say for good whether somebody is a person or a machine, and who answers for it."""
    from accesssync.jobs.decide import Wish
    from accesssync.nhi.verdict import Decision

    texts = {"--owner": owner, "--purpose": purpose, "--reason": reason, "--by": by}
    for option, text in texts.items():
        if text is not None and not (text.strip() and len(text) <= 1_000 and text.isprintable()):
            raise click.BadOptionUsage(option, f"{option} has to be a line of 1 to 1,000 characters")
    if source is not None:
        if who or human or kind or owner or purpose or reason or review_by:
            raise click.UsageError("--from takes everything but --by from the file")
        _decide_file(invocation, source, invocation.operator(by))
        return
    if who is None:
        raise click.UsageError("give ID or EMAIL, or --from FILE.csv")
    if human == (kind is not None):
        raise click.UsageError("give either --human or --nhi KIND")
    if reason is None:
        raise click.UsageError("give --reason: how you know")
    decision = Decision("human" if human else "nhi", kind)
    _decide_one(
        invocation,
        Wish(
            who=who, decision=decision, by=invocation.operator(by), reason=reason, owner=owner, purpose=purpose,
            review_by=review_by,
        ),
    )  # fmt: skip


def _decide_one(invocation: Invocation, wish: "Wish") -> None:
    from accesssync.jobs import decide as job

    engine, chosen = _opened_to_decide(invocation)
    found = job.decide(engine, chosen, wish, wish.by, now())
    if invocation.as_json:
        print_json({"schema": "accesssync.nhi_decision/1", "decision": found})
        return
    label = "a person" if wish.decision.label == "human" else f"a machine ({wish.decision.kind})"
    say(f"{visible(found['subject'])} is {label}: decided by {visible(wish.by)}, for good")
    say(f"the evidence says {found['computed']} with {found['score']} points; that is kept beside the decision")
    _say_overruled([found])


def _decide_file(invocation: Invocation, source: Path, by: str) -> None:
    from accesssync.jobs import decide as job
    from accesssync.parse.problems import Problems

    problems = Problems()
    with job.opened_file(source) as content:
        wishes = job.read_wishes(content, str(source), by, problems)
    engine, chosen = _opened_to_decide(invocation)
    found = job.decide_all(engine, chosen, wishes, by, now(), str(source), problems)
    if invocation.as_json:
        print_json({"schema": "accesssync.nhi_decisions/1", "decisions": found})
        return
    people = sum(one["label"] == "human" for one in found)
    say(f"{len(found):,} decided, for good: {people:,} human, {len(found) - people:,} nhi")
    _say_overruled(found)


def _opened_to_decide(invocation: Invocation) -> "tuple[Database, list[View]]":
    from accesssync.jobs.inventory import views
    from accesssync.jobs.opening import open_to_write, written_rules

    governance = written_rules(invocation.settings)
    engine = open_to_write(invocation.settings)
    return engine, views(engine, invocation.orgs, None, lambda _error: None, governance)


def _say_overruled(found: list[Document]) -> None:
    overruled = [one for one in found if one["overruled_by_file"]]
    for one in overruled[:5]:
        complain(f"note: {visible(one['subject'])}: decisions.yaml decides otherwise, and it wins")
    if len(overruled) > 5:
        complain(f"note: and {len(overruled) - 5:,} more of which decisions.yaml decides")


@click.command(
    "export-decisions",
    epilog="""\b
Written in the form of decisions.yaml, for the governance directory (ACCESSSYNC_GOVERNANCE_DIR). Decisions that come
from a file are not in it. With --json the same decisions as a document.

\b
Examples:
  accesssync nhi export-decisions > governance/decisions.yaml
  accesssync nhi export-decisions --org acme""",
)
@common
def export_decisions(invocation: Invocation) -> None:
    """Print what was decided by command and counts now, as a file to keep in version control."""
    from accesssync.jobs.decide import entered
    from accesssync.nhi.decisions import write_decisions

    engine, views = opened(invocation, None)
    rules = entered(engine, views)
    if invocation.as_json:
        found = [_exported(one) for one in rules]
        print_json({"schema": "accesssync.nhi_export/1", "decisions": found})
        return
    say(write_decisions(rules).rstrip("\n"))


def _exported(rule: "DecisionRule") -> Document:
    return {
        "match": [one.text for one in rule.match],
        "label": rule.label,
        "kind": rule.kind,
        "owner": rule.owner,
        "purpose": rule.purpose,
        "reason": rule.reason,
        "by": rule.by,
        "review_by": rule.review_by.isoformat() if rule.review_by else None,
        "org": [one.text for one in rule.orgs],
    }
