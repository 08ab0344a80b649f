"""`accesssync sync --json` in a process that has loaded its modules and opened or made its database before.

Settings are read and the database is opened again by the command; that belongs to what is measured.
"""

import io
import json
import random
import time
from contextlib import redirect_stdout
from typing import Any

import accesssync.cli.main
import accesssync.cli.sync
import accesssync.jobs.sync.run
from accesssync.jobs.opening import open_to_write, targets, terms
from accesssync.jobs.sync.document import sync_document
from accesssync.settings import load
from benchmarks.stopwatch import Apart, tell

LOADED = (accesssync.cli.sync, sync_document)
"""What the command imports when it is called."""

APART = {"classification": ("classify_all", "count_labels"), "evaluation": ("evaluate_published",)}
"""Parts of a sync that are told by themselves, and what carries them out."""


def main() -> None:
    """Prepare, then sync once."""
    settings = load(None)
    chosen = targets(
        settings,
        [],
        sleep=time.sleep,
        monotonic=time.monotonic,
        rng=random.SystemRandom(),
        on_event=lambda _event: None,
    )
    terms(settings)
    open_to_write(settings).dispose()
    for target in chosen:
        target.open().close()
    # Collecting, storing and comparing are what the figures are about; what is made of that is told by itself.
    parts = {name: Apart() for name in APART}
    for name, functions in APART.items():
        for function in functions:
            timed = parts[name].timed(getattr(accesssync.jobs.sync.run, function))
            setattr(accesssync.jobs.sync.run, function, timed)
    tell(_sync, parts)


def _sync() -> Any:
    printed = io.BytesIO()
    with io.TextIOWrapper(printed) as screen, redirect_stdout(screen):
        code = accesssync.cli.main.run(["sync", "--json", "--no-progress"])
        document = printed.getvalue()
    if code:
        raise SystemExit(code)
    return json.loads(document)["runs"][0]


if __name__ == "__main__":
    main()
