"""`accesssync forward`: publish into Datadog and elsewhere."""

import click

from accesssync.cli.delivering import run, status
from accesssync.cli.digesting import digest
from accesssync.cli.installing import remove, setup


@click.group()
def forward() -> None:
    """Publish alerts, the audit log, events and metrics."""


for command in (run, status, digest, setup, remove):
    forward.add_command(command)
