"""`accesssync forward digest`: what happened lately and what to fix first, in one message."""

from typing import TYPE_CHECKING

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import complain, print_json, say
from accesssync.errors import ConfigurationError, UsageError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.forward.digest import Digest
    from accesssync.store.engine import Database


@click.command(
    epilog="""\b
It is read from what is stored; nothing is asked of Datadog. --send keeps it for wherever the alerts go
(ACCESSSYNC_FORWARD__ALERTS has to be on), and the next forward run delivers it. The worker does both by
ACCESSSYNC_SCHEDULE__DIGEST.

\b
Examples:
  accesssync forward digest
  accesssync forward digest --since 30d --format markdown > digest.md
  accesssync forward digest --send && accesssync forward run"""
)
@click.option("--since", default="7d", show_default=True, metavar="WHEN", help="From this time, date or age on.")
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "slack"]),
    default="text",
    show_default=True,
    help="How it is written.",
)
@click.option("--send", is_flag=True, help="Keep it to be delivered with the alerts.")
@common
def digest(invocation: Invocation, since: str, form: str, send: bool) -> None:
    """What changed, what to fix first, who came and went, and what could not be seen."""
    from accesssync.forward.digest import document
    from accesssync.forward.people import EVERYTHING
    from accesssync.jobs.forward.digest import digests
    from accesssync.jobs.opening import open_to_read, open_to_write
    from accesssync.model.when import AtTime

    start, moment = invocation.when(since, "--since", "start"), now()
    if not isinstance(start, AtTime) or start.time >= moment:
        raise UsageError("--since takes a time, a date or an age that is over", remedy="for example --since 7d")
    engine = (open_to_write if send else open_to_read)(invocation.settings)
    if send:
        _send(invocation, engine, start)
    found = list(digests(engine, invocation.orgs, start.time, moment))
    if not found:
        raise UsageError("no run was published yet", remedy="run: accesssync sync")
    if invocation.as_json:
        told = [document(one, EVERYTHING) for one in found]
        print_json({"schema": "accesssync.digest/1", "digests": told})
        return
    for number, one in enumerate(found):
        say(("\n" if number else "") + _written(one, form))


def _written(one: "Digest", form: str) -> str:
    from accesssync.forward.digest import entry_of, lines, markdown
    from accesssync.forward.people import EVERYTHING
    from accesssync.forward.telling import About

    if form == "markdown":
        return markdown(one, EVERYTHING).rstrip("\n")
    if form == "text":
        return "\n".join(lines(one, EVERYTHING))
    from accesssync.forward.chat import message_of, together

    about = About(org=one.org, site="datadoghq.com", personal=EVERYTHING)
    return together([message_of(entry_of(one, about), one.until)]).decode()


def _send(invocation: Invocation, engine: "Database", since: object) -> None:
    from accesssync.jobs.forward.digest import keep_digest
    from accesssync.jobs.forward.tell import tellings
    from accesssync.jobs.inventory import chosen_orgs
    from accesssync.model.when import AtTime

    assert isinstance(since, AtTime)  # noqa: S101 - was looked at before
    telling = tellings(invocation.settings)
    for org in chosen_orgs(engine, invocation.orgs):
        if org.published_run_id is None:
            continue
        if not keep_digest(engine, org, telling(org.name), since.time, now()):
            raise ConfigurationError(
                "the alerts are off, and a digest goes where they go",
                org=org.name,
                remedy="set ACCESSSYNC_FORWARD__ALERTS=true",
            )
        complain(f"{visible(org.name)}: kept; accesssync forward run delivers it")
