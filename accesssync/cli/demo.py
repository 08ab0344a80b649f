"""`accesssync demo`."""

import random
import shlex
import sys
import time
from pathlib import Path
from shutil import get_terminal_size, which
from typing import TYPE_CHECKING

import click

from accesssync.cli.changes import change_line
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_json, print_json_failed, say, strong
from accesssync.cli.table import wrap
from accesssync.errors import VerificationError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.demo.play import Played
    from accesssync.jobs.demo.stage import Act

LABEL = 10
"""Cells that the name of an act takes."""


@click.command(
    epilog="""\b
Examples:
  accesssync demo
  accesssync demo --users 5000 --seed 7 --dir /tmp/demo

The same seed makes the same organization. The exit code is 12 when anything was missed or invented."""
)
@click.option(
    "--dir",
    "folder",
    type=click.Path(path_type=Path),
    default=Path("accesssync-demo"),
    show_default=True,
    help="Where its database goes; replaced if an earlier demo made it.",
)
@click.option("--users", type=click.IntRange(50, 20_000), default=1000, show_default=True, help="User records.")
@click.option("--seed", type=int, default=1, show_default=True, help="Another seed, another organization.")
@common
def demo(invocation: Invocation, folder: Path, users: int, seed: int) -> None:
    """See it work on an invented organization: no keys, no network, a database of its own.

    A local look-alike of Datadog is listed, changed behind our back, made to lie, and listed again. Everything
    printed is measured.
    """
    from accesssync.jobs.demo.play import play
    from accesssync.jobs.demo.stage import Surroundings

    with invocation.bar() as bar:
        surroundings = Surroundings(
            clock=now,
            monotonic=time.monotonic,
            sleep=time.sleep,
            rng=random.Random(seed),  # noqa: S311 - who is changed, nothing secret
            on_page=lambda resource, done, total: bar(str(resource), done, total),
        )
        played = play(folder, users, seed, surroundings, lambda act: None if invocation.as_json else _show_act(act))
    error = None
    if played.broken:
        error = VerificationError(
            f"the demonstration did not come out as promised: {', '.join(played.broken)}",
            remedy=f"please report this with --users {users} --seed {seed}",
        )
    if invocation.as_json and error is not None:
        print_json_failed(_document(played, users, seed), error)
    elif invocation.as_json:
        print_json(_document(played, users, seed))
    else:
        _show_end(played, users)
    if error is not None:
        raise error


def _show_act(act: "Act") -> None:
    width = get_terminal_size().columns
    label = act.name if act.kept else act.name.upper()
    for line in act.said:
        for part in wrap(visible(line), width - LABEL):
            say(strong(f"{label:<{LABEL}}") + part)
            label = ""
    for change in act.loud:
        lines = wrap(change_line(change, timed=False), width - LABEL - 2)
        for number, line in enumerate(lines):
            say(f"{'':<{LABEL}}{' ' if number else '!'} {line}")
    sys.stdout.flush()


def _show_end(played: "Played", users: int) -> None:
    verdict = f"BROKEN: {', '.join(played.broken)}" if played.broken else "every promise kept"
    say(f"{'':<{LABEL}}{users:,} users, {len(played.acts)} acts, {played.seconds:.1f} s: {verdict}")
    say()
    say("Look around in what was stored:")
    for command in explore(played):
        say(f"  {visible(command)}")
    say("Your own organization, read-only: set DD_SITE, DD_API_KEY and DD_APP_KEY, then")
    say(f"  {visible(shlex.quote(_program()))} sync")


def explore(played: "Played") -> list[str]:
    """Commands that show what the demonstration left behind."""
    program = shlex.quote(_program())
    return [
        f"export ACCESSSYNC_DATABASE_URL={shlex.quote(_url(played))}",
        f"{program} admins",
        f"{program} nhi list",
        f"{program} changes --since run-1",
        f"{program} timeline {shlex.quote(played.subject)}",
        f"{program} identities --as-of run-1",
        f"{program} evidence verify {shlex.quote(str(played.database.parent / 'report'))}",
    ]


def _program() -> str:
    """How the reader can call this program: as it was called here, unless the shell finds it by its name."""
    called = Path(sys.argv[0])
    return str(called) if called.name == "accesssync" and which("accesssync") is None else "accesssync"


def _url(played: "Played") -> str:
    return f"sqlite:///{played.database}"


def _document(played: "Played", users: int, seed: int) -> dict[str, object]:
    return {
        "schema": "accesssync.demo/1",
        "kept": not played.broken,
        "org": played.org,
        "users": users,
        "seed": seed,
        "database": str(played.database),
        "database_url": _url(played),
        "duration_seconds": round(played.seconds, 3),
        "acts": [
            {"name": act.name, "kept": act.kept, "said": list(act.said), "figures": dict(act.figures)}
            for act in played.acts
        ],
        "explore": explore(played),
    }
