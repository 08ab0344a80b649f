"""`accesssync provision invitations`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_json, say
from accesssync.cli.plan_view import SHOWN
from accesssync.cli.provisioning import (
    by_option,
    database_of,
    doors_of,
    only_org,
    out_option,
    record_of,
    tell_plan,
    world_of,
    yes_option,
)
from accesssync.cli.table import Column, print_table
from accesssync.cli.write_view import tell_results
from accesssync.errors import UsageError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.store.engine import Database

MAILS = (
    Column("TO", lambda one: one["email"], "middle", least=20),
    Column("STATE", lambda one: one["state"], least=8),
    Column("SENT (UTC)", lambda one: one["sent_at"][:16].replace("T", " "), least=16),
    Column("ENDS", lambda one: (one["expires_at"] or "")[:16].replace("T", " "), least=10, optional=True),
    Column("MAILS", lambda one: one["mails"], "number"),
    Column("USER", lambda one: one["user_id"], "middle", least=8, optional=True),
)


@click.command(
    epilog="""\b
Without options: every invitation that was sent from here. Datadog cannot list them.

\b
Examples:
  accesssync provision invitations
  accesssync provision invitations --resend-expired --yes
  accesssync provision invitations --resend grace@example.com
  accesssync provision invitations --clean-up 30d -o plan.json"""
)
@click.option("--resend-expired", is_flag=True, help="Once more to everybody whose invitation has ended.")
@click.option("--resend", "wanted", metavar="ID|EMAIL", help="Once more to this one, also where it is unknown.")
@click.option("--clean-up", "older", metavar="AGE", help="Plan to disable who was invited that long ago: 30d.")
@out_option
@yes_option
@by_option
@common
def invitations(
    invocation: Invocation,
    resend_expired: bool,
    wanted: str | None,
    older: str | None,
    out: Path | None,
    yes: bool,
    by: str | None,
) -> None:
    """Invitations: who was invited, who came, who has to be asked again."""
    from accesssync.jobs.provision import invitations as job

    if sum((resend_expired, wanted is not None, older is not None)) > 1:
        raise UsageError("--resend-expired, --resend and --clean-up are different things", remedy="choose one")
    database, operator = database_of(invocation), invocation.operator(by)
    if older is not None:
        org = only_org(invocation)
        age = job.parse_age(older)
        doors, record = doors_of(invocation), record_of(database, org)
        planned = job.clean_up(database, invocation.settings, org, record, age, doors, author=operator, now=now())
        tell_plan(invocation, planned, out, SHOWN)
    elif resend_expired or wanted is not None:
        _resend(invocation, database, wanted, yes, operator)
    else:
        _list_mails(invocation, database)


def _resend(invocation: Invocation, database: "Database", wanted: str | None, yes: bool, operator: str) -> None:
    from accesssync.jobs.provision import invitations as job

    org = only_org(invocation)
    record = record_of(database, org)
    mails = [job.chosen(database, record, wanted)] if wanted else job.expired(database, record, now())
    if mails and not yes:
        if invocation.as_json or not sys.stdin.isatty():
            raise UsageError("there is nobody to ask", org=org.name, remedy="give --yes to send without asking")
        say(", ".join(visible(one.email) for one in mails))
        click.confirm(f"send {len(mails):,} invitations once more?", abort=True)
    world, doors = world_of(lambda _done, _total: None), doors_of(invocation)
    done = (
        [job.send_again(database, invocation.settings, org, record, mails, doors, world, by=operator)] if mails else []
    )
    tell_results(invocation, done)


def _list_mails(invocation: Invocation, database: "Database") -> None:
    from accesssync.jobs.provision.invitations import invitations as job
    from accesssync.store.runs import find_org

    chosen = (find_org(database, one.name) for one in invocation.settings.organizations(invocation.orgs))
    mails = [mail for org in chosen if org is not None for mail in job(database, org, now())]
    if invocation.as_json:
        print_json({"schema": "accesssync.provision_invitations/1", "invitations": mails})
    else:
        print_table(MAILS, mails, limit=0, one="invitation", many="invitations")
