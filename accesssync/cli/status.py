"""`accesssync status`."""

import re

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, age, print_json, print_json_failed, say
from accesssync.errors import ThresholdError, UsageError
from accesssync.model.visible import visible

OVERDUE_SECONDS = 300
"""After this nobody is on its way any more."""

LOUDEST = 10
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@click.command(
    epilog="""\b
Examples:
  accesssync status
  accesssync status --max-age 3h     # exit code 11 when anything is older, for monitoring"""
)
@click.option("--max-age", metavar="AGE", help="Exit with 11 if an organization was not proven for so long: 3h, 90m.")
@common
def status(invocation: Invocation, max_age: str | None) -> None:
    """How fresh and how complete the stored inventory of each organization is."""
    from accesssync.jobs import status as job
    from accesssync.jobs.forward.run import standings
    from accesssync.jobs.opening import open_to_read

    most = _seconds(max_age) if max_age else None
    settings = invocation.settings
    configured = {org.name: org.site for org in settings.organizations() if not org.missing()}
    engine, moment = open_to_read(settings), now()
    ways = standings(engine, settings, [], moment)
    found = job.status(engine, invocation.orgs, moment, configured, ways)
    for one in found:
        one["stale"] = _stale(one, most)
    document = {"schema": "accesssync.status/1", "organizations": found}
    late = [one["org"] for one in found if one["stale"]]
    error = None
    if late:
        error = ThresholdError(f"not proven within {max_age}: {', '.join(late)}", remedy="run: accesssync sync")
    if invocation.as_json and error is not None:
        print_json_failed(document, error)
    if invocation.as_json:
        print_json(document)
    else:
        for one in found:
            _show(one)
    if error is not None:
        raise error


def _seconds(text: str) -> int:
    match = re.fullmatch(r"(\d{1,6})([smhd])", text.strip())
    if match is None:
        raise UsageError(f"--max-age does not understand {text!r}", remedy="for example 3h, 90m or 2d")
    return int(match[1]) * _UNITS[match[2]]


def _stale(one: Document, most: int | None) -> bool:
    return most is not None and (one["proven_age_seconds"] is None or one["proven_age_seconds"] > most)


def _show(one: Document) -> None:
    last = one["last_run"]
    failed = last and last["status"] not in {"succeeded", "running"}
    fresh = f"proven {age(one['proven_age_seconds'])} ago" if one["proven_at"] else "NEVER PROVEN"
    word = "STALE, " if one["stale"] else ""
    tried = f"  last try {last['status'].upper()}" if failed else ""
    say(f"{visible(one['org'])} ({one['site']})  {word}{fresh}  {_ratio(one)}{tried}{_next(one)}")
    for resource, coverage in one["coverage"].items():
        if coverage["state"] not in {"complete", "skipped"}:
            seen = f"{coverage['received']:,}"
            of = f" of {coverage['expected']:,}" if coverage["expected"] is not None else ""
            tries = f"{coverage['passes']} passes" if coverage["passes"] != 1 else "1 pass"
            say(f"  {resource} {coverage['state']}: {seen}{of} in {tries}, {visible(coverage['reason'])}")
        elif coverage["reason"]:
            say(f"  {resource} {coverage['state']}: {visible(coverage['reason'])}")
    if failed and last["error"]:
        say(f"  {visible(last['error'])}")
    for sighting in one["sightings"][:LOUDEST]:
        say(f"  ! the watch saw {visible(sighting['text'])}; the next sync tells more")
    counts = one["counts"]
    if counts:
        say(
            f"  {counts['users']:,} identities ({counts['service_accounts']:,} service accounts), "
            f"{counts['roles']:,} roles, {counts['grants']:,} grants as of {one['published_run']}"
        )
    pressing = ", ".join(f"{name} {number:,}" for name, number in one["findings"].items() if number)
    if counts:
        say(f"  findings open: {pressing or 'none'}")
    quarter = one["quarter"]
    gap = f", longest gap {age(quarter['longest_gap_seconds'])}" if quarter["longest_gap_seconds"] is not None else ""
    say(f"  quarter: {quarter['proven']:,} of {quarter['runs']:,} runs proven{gap}{_outbox(one['outbox'])}")
    for stopped in one["outbox"]["stopped"]:
        say(f"  ! not published: {visible(stopped)}")


def _outbox(found: Document) -> str:
    """What waits to be published, and what never will be."""
    missed = found["dead"] + found["lost"] + found["dropped"]
    since = f" for {age(found['oldest_age_seconds'])}" if found["oldest_age_seconds"] is not None else ""
    return f" | outbox {found['waiting']:,}{since}" + (f" ({missed:,} never arrived)" if missed else "")


def _ratio(one: Document) -> str:
    if one["resources"]:
        return f"{one['proven_resources']}/{one['resources']} resources"
    return "nothing was read yet" if one["last_run"] else "never synced"


def _next(one: Document) -> str:
    """When the worker is at it again; nothing where no worker ever was."""
    found = next((job for job in one["jobs"] if job["job"] == "sync"), None)
    if found is None:
        return ""
    if found["under_way"]:
        return "  being synced"
    tries = f" (failed {found['failures']} times)" if found["failures"] > 1 else ""
    if found["next_seconds"] < -OVERDUE_SECONDS:
        return f"  OVERDUE by {age(-found['next_seconds'])}: is a worker running?{tries}"
    if found["next_seconds"] <= 0:
        return f"  due now{tries}"
    return f"  next in {age(found['next_seconds'])}{tries}"
