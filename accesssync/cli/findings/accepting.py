"""`accesssync findings waive`, `unwaive` and `export-waivers`."""

from datetime import date

import click

from accesssync.cli.findings.group import findings
from accesssync.cli.lines import check_lines
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import (
    print_json,
    say,
)
from accesssync.model.visible import visible


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
