"""`accesssync worker`."""

import os
import random
import sys
import time
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, print_json

if TYPE_CHECKING:
    from accesssync.worker.start import Surroundings


@click.command(
    epilog="""\b
Examples:
  accesssync worker                      # until SIGTERM or Ctrl-C
  accesssync worker --log-format json
  accesssync worker --once retention     # one job, now
  ACCESSSYNC_SCHEDULE__SYNC="every 15m" accesssync worker"""
)
@click.option("--once", "job", metavar="JOB", help="Do this one job now, then end: sync, watch, retention ...")
@common
def worker(invocation: Invocation, job: str | None) -> int:
    """Do everything on a schedule until told to stop. Logs to stderr, health on a local port.

    SIGTERM or Ctrl-C ends it with code 0 once the calls in hand are done; a second one ends it at once. Each job has
    a schedule, ACCESSSYNC_SCHEDULE__SYNC for example; config.example.env lists them.
    """
    from accesssync.worker.start import Surroundings, work

    settings = invocation.settings
    log = invocation.service_log()
    around = Surroundings(log=log, now=now, monotonic=time.monotonic, rng=random.SystemRandom(), leave=_leave)
    if job is not None:
        return _once(invocation, job, around)
    code = work(settings, invocation.orgs, around)
    sys.stdout.flush()
    sys.stderr.flush()
    # Threads that still wait for an answer must not be waited for.
    os._exit(code)


def _once(invocation: Invocation, job: str, around: "Surroundings") -> int:
    from accesssync.errors import UsageError
    from accesssync.jobs.sync.document import error_document
    from accesssync.worker.start import first_error, once, outcome_code
    from accesssync.worker.table import JOBS

    if job not in JOBS:
        raise UsageError(f"there is no job {job!r}", remedy=f"the jobs are {', '.join(JOBS)}")
    done = once(invocation.settings, invocation.orgs, job, around)
    document: Document = {
        "schema": "accesssync.worker/1",
        "job": job,
        "turns": [
            {
                "org": org or None,
                "outcome": one.kind,
                "run_id": f"run-{one.run_id}" if one.run_id else None,
                "text": one.text,
            }
            for org, one in done
        ],
    }
    outcomes = [one for _, one in done]
    code, error = outcome_code(outcomes), first_error(outcomes)
    if invocation.as_json:
        if error is not None:
            document["error"] = error_document(error)
        print_json(document)
    return code


def _leave() -> None:
    os._exit(0)
