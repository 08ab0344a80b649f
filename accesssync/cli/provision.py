"""`accesssync provision`: from an access file to a plan, and from a plan to writes."""

import click

from accesssync.cli.mails import invitations
from accesssync.cli.plans import approve, export, override, plan
from accesssync.cli.writes import apply, reconcile, resume, status


@click.group()
def provision() -> None:
    """Bring an organization to what an access file says: plan, review, apply."""


for command in (export, plan, approve, override, apply, resume, status, invitations, reconcile):
    provision.add_command(command)
