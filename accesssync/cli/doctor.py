"""`accesssync check`, also called `doctor`."""

import random
import sys
import time
from itertools import chain
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common
from accesssync.cli.output import print_json, say
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.jobs.doctor.lines import Check

MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL"}


@click.command(
    epilog="""\b
Examples:
  accesssync check
  accesssync check --org acme --json

Exit code 6 where a key or scope fails, else 9 where the database does, else 7 where Datadog does."""
)
@common
def check(invocation: Invocation) -> int:
    """Whether keys, scopes, clock and database are as they should be, and what to do where not. Writes nothing."""
    from accesssync.jobs.doctor.database import check_database
    from accesssync.jobs.doctor.lines import verdict
    from accesssync.jobs.doctor.organization import check_org

    settings = invocation.settings
    found: list[Check] = []
    about = [check_database(settings)]
    for org in settings.organizations(invocation.orgs):
        rng = random.SystemRandom()
        about.append(check_org(settings, org, sleep=time.sleep, monotonic=time.monotonic, rng=rng))
    for each in chain.from_iterable(about):
        found.append(each)
        if not invocation.as_json:
            _tell(each)
    if invocation.as_json:
        print_json({"schema": "accesssync.check/1", "checks": [each.document() for each in found]})
    return verdict(found)


def _tell(found: "Check") -> None:
    where = f"{visible(found.org)}  " if found.org else ""
    say(f"{MARKS[found.status]} {where}{visible(found.message)}")
    if found.fix and found.status != "ok":
        say(f"       {visible(found.fix)}")
    sys.stdout.flush()


doctor = check
