"""`accesssync validate`."""

from pathlib import Path

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_json, say
from accesssync.model.visible import visible


@click.command(
    epilog="""\b
Needs neither keys nor a database. Exit code 2 where anything is wrong, with file and line of everything.

\b
Examples:
  accesssync validate governance/
  accesssync validate "$ACCESSSYNC_GOVERNANCE_DIR" --json"""
)
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@common
def validate(invocation: Invocation, folder: Path) -> None:
    """Check a governance directory: every file in it, offline, for a pipeline."""
    from accesssync.jobs.governance.validate import validate_directory

    told = validate_directory(folder, now())
    if invocation.as_json:
        print_json({"schema": "accesssync.validate/1", **told})
        return
    for one in told["files"]:
        say(f"{one['file']:<15} {visible(one['says'])}")
    for note in told["notes"]:
        say(f"note: {visible(note)}")
    say("sound" if told["files"] else "no file of the governance directory is there")
