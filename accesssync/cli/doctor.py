"""`accesssync check`, also called `doctor`."""

import random
import sys
import time

import click

from accesssync.cli.options import Invocation, common
from accesssync.cli.output import Document, print_json, say
from accesssync.cli.visible import visible

MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@click.command(
    epilog="""\b
Examples:
  accesssync check
  accesssync check --org acme --json      # exit code 6: a key or scope fails, 9: the database"""
)
@common
def check(invocation: Invocation) -> int:
    """Whether keys, scopes, clock and database are as they should be, and what to do where not. Writes nothing."""
    from accesssync.jobs import doctor

    settings = invocation.settings
    lines: list[Document] = []
    chosen = settings.organizations(invocation.orgs)
    for found in doctor.check_database(settings):
        _tell(invocation, found, lines)
    for org in chosen:
        checks = doctor.check_org(settings, org, sleep=time.sleep, monotonic=time.monotonic, rng=random.SystemRandom())
        for found in checks:
            _tell(invocation, found, lines)
    if invocation.as_json:
        print_json({"schema": "accesssync.check/1", "checks": lines})
    return doctor.verdict(lines)


def _tell(invocation: Invocation, line: Document, lines: list[Document]) -> None:
    lines.append(line)
    if invocation.as_json:
        return
    where = f"{visible(line['org'])}  " if line["org"] else ""
    say(f"{MARKS[line['status']]} {where}{visible(line['message'])}")
    if line["fix"] and line["status"] != "ok":
        say(f"       {visible(line['fix'])}")
    sys.stdout.flush()


doctor = check
