"""`accesssync db`."""

from pathlib import Path

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, print_json, say
from accesssync.model.visible import visible


@click.group()
def db() -> None:
    """Look after the database."""


@db.command()
@common
def upgrade(invocation: Invocation) -> None:
    """Migrate the database to the schema of this version. Make a backup first: accesssync db backup."""
    from accesssync.jobs import database

    done = database.upgrade(invocation.settings)
    if done["before"] == done["revision"]:
        _print(invocation, done, f"{done['database']} has schema {done['revision']} already")
    else:
        _print(
            invocation, done, f"{done['database']} upgraded from {done['before'] or 'nothing'} to {done['revision']}"
        )


@db.command()
@common
def current(invocation: Invocation) -> None:
    """Which schema the database has, and which one this version needs."""
    from accesssync.jobs import database

    found = database.current(invocation.settings)
    verdict = "as needed" if found["revision"] == found["wanted"] else f"this version needs {found['wanted']}"
    _print(invocation, found, f"{found['database']} has schema {found['revision'] or 'none'}: {verdict}")


@db.command()
@common
def check(invocation: Invocation) -> None:
    """Whether the database is sound: schema, integrity, references."""
    from accesssync.jobs import database

    found = database.check(invocation.settings)
    _print(invocation, found, f"{found['database']} is sound, schema {found['revision']}")


@db.command(epilog="Example: accesssync db backup --to /var/backups/accesssync.db")
@click.option("--to", "target", type=click.Path(dir_okay=False, path_type=Path), help="The file to make.")
@common
def backup(invocation: Invocation, target: Path | None) -> None:
    """Copy the whole database into a private file, also while a worker runs."""
    from accesssync.jobs import database

    done = database.back_up(invocation.settings, target, now())
    _print(invocation, done, f"{done['backup']} ({done['bytes']:,} bytes)")


def _print(invocation: Invocation, document: Document, line: str) -> None:
    if invocation.as_json:
        print_json({"schema": "accesssync.db/1", **document})
    else:
        say(visible(line))
