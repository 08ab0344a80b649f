"""`accesssync forward run` and `status`: deliver what waits, and say how it stands."""

import random
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, age, complain, print_json, say
from accesssync.cli.table import Column, print_table
from accesssync.errors import UsageError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from datetime import datetime

    from accesssync.jobs.forward.deliver import Turn
    from accesssync.jobs.forward.run import Standing


@click.command(
    epilog="""\b
Streams are switched on by ACCESSSYNC_FORWARD__ALERTS, __AUDIT and __EVENTS, and sent to Datadog where
ACCESSSYNC_ALLOWED_OPERATIONS has send_log and send_event, and to a webhook where it has send_webhook. A stream that is
on and not allowed is kept and named, and the command exits with 4; the others are delivered all the same. What does not
get through waits, in its order, for the next time. Metrics (ACCESSSYNC_FORWARD__METRICS, send_metric) are the figures
of now and never wait.

\b
Examples:
  accesssync forward run
  accesssync forward run --drain         # go on until nothing waits
  accesssync forward run --org acme --json"""
)
@click.option("--drain", is_flag=True, help="Try until nothing waits, or nothing can be delivered at all.")
@common
def run(invocation: Invocation, drain: bool) -> int:
    """Deliver what waits to be published."""
    from accesssync.jobs.forward.deliver import World
    from accesssync.jobs.forward.run import Connecting, deliver_all
    from accesssync.jobs.opening import open_to_write

    settings = invocation.settings
    if not settings.forward_streams and not settings.forward_metrics:
        return _nothing_on(invocation)
    piped = settings.forward_file == "-" and "file" in settings.forward_destinations
    if piped and invocation.as_json:
        raise UsageError(
            "both --json and ACCESSSYNC_FORWARD__FILE=- want standard output", remedy="leave one of them out"
        )
    tell = complain if piped else say
    engine = open_to_write(settings)
    turns: list[Turn] = []
    with invocation.bar() as bar:
        rng = random.SystemRandom()
        world = World(clock=now, sleep=time.sleep, rng=rng, check=lambda: None, on_progress=bar)
        connecting = Connecting(sleep=time.sleep, monotonic=time.monotonic, rng=rng)
        for turn in deliver_all(engine, settings, invocation.orgs, connecting, world, drain=drain):
            turns.append(turn)
            if not invocation.as_json:
                _show(turn, tell)
            if turn.error is not None:
                remedy = f"; {turn.remedy}" if turn.remedy else ""
                complain(f"error: {visible(f'{turn.org} {turn.stream}: {turn.error}{remedy}')}")
    if invocation.as_json:
        print_json({"schema": "accesssync.forward/1", "streams": [_document(turn) for turn in turns]})
    elif not turns:
        tell("nothing was synced yet, so there is nothing to deliver; run: accesssync sync")
    return outcome_code(turns)


def _nothing_on(invocation: Invocation) -> int:
    if invocation.as_json:
        print_json({"schema": "accesssync.forward/1", "streams": []})
    else:
        say("no stream is on; switch one on, for example with ACCESSSYNC_FORWARD__ALERTS=true")
    return 0


def outcome_code(turns: "list[Turn]") -> int:
    """What the command ends with: the gravest thing that keeps entries from where they belong, 0 for none."""
    codes = [_code(turn) for turn in turns]
    return next((code for code in (4, 6, 7, 5, 8) if code in codes), 0)


def _code(turn: "Turn") -> int:
    if turn.state == "not_allowed":
        return 4
    if turn.state == "stopped":
        return 6 if turn.status in (401, 403) else 7
    if turn.state == "later":
        return 7
    if turn.state == "locked":
        return 8
    return 5 if turn.dead or turn.lost or turn.dropped else 0


def _document(turn: "Turn") -> Document:
    return {
        "org": turn.org,
        "stream": turn.stream,
        "destination": turn.route,
        "state": turn.state,
        "delivered": turn.delivered,
        "dead": turn.dead,
        "lost": turn.lost,
        "dropped": turn.dropped,
        "batches": turn.batches,
        "waiting": turn.waiting,
        "oldest_at": _time(turn.oldest),
        "error": turn.error,
        "remedy": turn.remedy,
    }


def _show(turn: "Turn", tell: Callable[[str], None]) -> None:
    losses = [
        f"{turn.dead:,} put aside as dead letters" if turn.dead else "",
        f"{turn.lost:,} LOST, the dead-letter file is full" if turn.lost else "",
        f"{turn.dropped:,} DROPPED, there was no room or they waited too long" if turn.dropped else "",
        f"{turn.waiting:,} waiting" if turn.waiting else "",
    ]
    told = ", ".join(["", *(one for one in losses if one)])
    tell(f"{visible(turn.org)} {turn.stream} to {turn.route}: {turn.delivered:,} delivered{told}")


@click.command(
    epilog="""\b
Examples:
  accesssync forward status
  accesssync forward status --json"""
)
@common
def status(invocation: Invocation) -> None:
    """How much waits to be published, since when, and what became of the rest."""
    from accesssync.jobs.forward.run import standings
    from accesssync.jobs.opening import open_to_read

    settings, moment = invocation.settings, now()
    found = [_standing(one, moment) for one in standings(open_to_read(settings), settings, invocation.orgs, moment)]
    if invocation.as_json:
        print_json({"schema": "accesssync.forward_status/1", "streams": found})
        return
    print_table(_COLUMNS, found, one="stream", many="streams")
    for one in found:
        if one["error"]:
            say(f"{visible(one['org'])} {one['stream']} to {one['destination']}: {visible(one['error'])}")
    if not settings.forward_streams and not settings.forward_metrics:
        say("no stream is on; switch one on, for example with ACCESSSYNC_FORWARD__ALERTS=true")


def _standing(one: "Standing", moment: "datetime") -> Document:
    return {
        "org": one.org,
        "stream": one.stream,
        "destination": one.route,
        "state": one.state,
        "waiting": one.waiting,
        "oldest_at": _time(one.oldest),
        "oldest_age_seconds": round(max(0.0, (moment - one.oldest).total_seconds()), 3) if one.oldest else None,
        "delivered": one.delivered,
        "dead": one.dead,
        "lost": one.lost,
        "dropped": one.dropped,
        "delivered_at": _time(one.delivered_at),
        "tried_at": _time(one.tried_at),
        "next_at": _time(one.not_before),
        "error": one.error,
    }


_COLUMNS = (
    Column("ORG", lambda one: one["org"], "end", telling=True),
    Column("STREAM", lambda one: one["stream"]),
    Column("TO", lambda one: one["destination"], telling=True),
    Column("STATE", lambda one: one["state"]),
    Column("WAITING", lambda one: f"{one['waiting']:,}", "number"),
    Column("OLDEST", lambda one: age(one["oldest_age_seconds"]) if one["oldest_at"] else "-"),
    Column("DELIVERED", lambda one: f"{one['delivered']:,}", "number"),
    Column("DEAD", lambda one: f"{one['dead']:,}" if one["dead"] else "-", "number", sparse=True),
    Column("LOST", lambda one: f"{one['lost']:,}" if one["lost"] else "-", "number", sparse=True),
    Column("DROPPED", lambda one: f"{one['dropped']:,}" if one["dropped"] else "-", "number", sparse=True),
)


def _time(at: "datetime | None") -> str | None:
    from accesssync.jobs.inventory import time_or_none

    return time_or_none(at)
