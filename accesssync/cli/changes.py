"""`accesssync changes` and `accesssync timeline`."""

from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from accesssync.cli.lines import check_lines
from accesssync.cli.lists import format_option, limit_option
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import print_csv, print_json, print_json_list, say, window
from accesssync.cli.table import Column, print_table, wrap
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.model.change import Change

COLUMNS = (
    "id",
    "org",
    "run_id",
    "observed_after",
    "observed_before",
    "kind",
    "cause",
    "subject_id",
    "subject",
    "fields",
    "actor",
    "explanation",
)

_PHRASES = {
    "grant.added": ("GAINED", "role"),
    "grant.removed": ("LOST", "role"),
    "role_permission.added": ("now carries", "permission"),
    "role_permission.removed": ("no longer carries", "permission"),
}
"""What is said of a kind of change, and the field that says what it was about."""


def change_line(change: "Change", *, timed: bool = True) -> str:
    """One change as a sentence, with its window unless it is not `timed`; strangers' text made visible."""
    from accesssync.jobs.changes import document

    shown = document(change)
    when = f"{window(shown['observed_after'], shown['observed_before'])} " if timed else ""
    return f"{when}{visible(change.subject)} {what_happened(shown)}{_told(shown)}"


def _told(change: dict[str, Any]) -> str:
    """By whom and why, where that is known."""
    parts = [f"by {visible(change['actor'])}"] if change.get("actor") else []
    parts += [visible(change["explanation"])] if change.get("explanation") else []
    return "   " + ", ".join(parts) if parts else ""


def what_happened(change: dict[str, Any]) -> str:
    """The verb and the object of a change, strangers' text made visible."""
    kind, fields = change["kind"], change.get("fields", {})
    verb = kind.rpartition(".")[2]
    if kind in _PHRASES:
        phrase, field = _PHRASES[kind]
        return f"{phrase} {visible(fields[field][verb == 'added'])}"
    if kind == "activity.login":
        return "logged in"
    if verb == "added":
        return f"APPEARED{_as_what(fields)}"
    return "VANISHED" if verb == "removed" else _differences(dict(fields))


def _as_what(fields: dict[str, Any]) -> str:
    return " as a service account" if list(fields.get("service_account", ())) == [None, True] else ""


def _differences(fields: dict[str, Any]) -> str:
    """Every fact that differs. Being switched off or on is said in a word, not by two fields that mean the same."""
    parts = []
    switched = fields.pop("disabled", None)
    if switched is not None and switched[1] is not None:
        parts.append("was DISABLED" if switched[1] else "was ENABLED")
        if "status" in fields and "Disabled" in fields["status"]:
            del fields["status"]
    parts += [f"{name}: {_value(old)} -> {_value(new)}" for name, (old, new) in fields.items()]
    return "; ".join(parts)


def _value(value: object) -> str:
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, list):
        return ", ".join(map(visible, value)) or "none"
    return visible(value)


TABLE = (
    Column("WHEN (UTC)", lambda one: window(one["observed_after"], one["observed_before"]), least=23),
    Column("WHO OR WHAT", lambda one: one["subject"], "middle", least=26),
    Column("CHANGE", what_happened, "wrap", least=24),
    Column("EXPLAINED", lambda one: _told(one).strip(), "wrap", least=14, sparse=True),
    Column("CAUSE", lambda one: "" if one["cause"] == "org" else one["cause"], sparse=True),
    Column("ORG", lambda one: one["org"], least=6, telling=True),
)


@click.group(
    invoke_without_command=True,
    epilog="""\b
Examples:
  accesssync changes --since 7d
  accesssync changes --since run-411 --json
  accesssync changes --since 2026-06-01 --until 2026-06-30 --format csv
  accesssync changes --baseline            # what the first run found, too
  accesssync changes explain c-93ab01d2e4f56789 --ticket T-17 --reason "on call" """,
)
@click.option("--since", metavar="WHEN", help="After this run, time, date or age (a run is itself excluded).")
@click.option("--until", metavar="WHEN", help="Up to and including this run, time, date or age.")
@click.option("--baseline", is_flag=True, help="Also what the first run found.")
@click.option("--subject", metavar="ID|NAME", help="Only changes of this identity or role.")
@click.option("--kind", metavar="KIND", help="Only this kind, such as grant.added, or grant for all of them.")
@limit_option
@format_option
@common
def changes(
    invocation: Invocation,
    since: str | None,
    until: str | None,
    baseline: bool,
    subject: str | None,
    kind: str | None,
    limit: int,
    form: str,
) -> None:
    """What changed in the organizations, each change with the window in which it happened."""
    if click.get_current_context().invoked_subcommand is not None:
        return
    from accesssync.jobs import changes as job
    from accesssync.jobs.opening import open_to_read

    start = invocation.when(since, "--since", "start")
    end = invocation.when(until, "--until", "end")
    engine = open_to_read(invocation.settings)
    found = (
        job.document(one)
        for one in job.changes(engine, invocation.orgs, since=start, until=end, baseline=baseline)
        if (subject is None or subject in (one.subject_id, one.subject))
        and (kind is None or one.kind == kind or one.kind.startswith(kind + "."))
    )
    if invocation.as_json:
        print_json_list("accesssync.changes/1", "changes", found)
    elif form == "csv":
        print_csv(COLUMNS, found)
    else:
        print_table(TABLE, found, limit=limit, one="change", many="changes")


@changes.command(
    epilog="""\b
A privileged change that nobody explains is a finding. A later explanation takes the place of an earlier one; all are
kept. The file is CSV with the columns id, ticket and reason.

\b
Examples:
  accesssync changes explain c-93ab01d2e4f56789 --ticket T-17 --reason "Ada takes over the on-call rota"
  accesssync changes explain --from explained.csv"""
)
@click.argument("change", metavar="ID", required=False)
@click.option("--ticket", metavar="TEXT", help="The ticket that the change belongs to.")
@click.option("--reason", metavar="TEXT", help="Why it was made.")
@click.option(
    "--from",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Many explanations, from a CSV file.",
)
@click.option("--by", metavar="WHO", help="Who explains it; else ACCESSSYNC_OPERATOR or the login name.")
@common
def explain(
    invocation: Invocation,
    change: str | None,
    ticket: str | None,
    reason: str | None,
    source: Path | None,
    by: str | None,
) -> None:
    """Say why a change was made."""
    from accesssync.jobs import explain as job
    from accesssync.jobs.opening import open_to_write

    if source is not None:
        if change or ticket or reason:
            raise click.UsageError("give either --from FILE, or ID with --ticket and --reason")
        told = job.read_explanations(source)
    elif change and ticket and reason:
        check_lines({"--ticket": ticket, "--reason": reason, "--by": by})
        told = [job.explanation(change, ticket, reason)]
    else:
        raise click.UsageError("give ID with --ticket and --reason, or --from FILE")
    engine = open_to_write(invocation.settings)
    done = job.explain(engine, invocation.orgs, told, by=invocation.operator(by), now=now())
    if invocation.as_json:
        print_json({"schema": "accesssync.explanations/1", "explanations": done})
        return
    for one in done[:20]:
        say(f"{visible(one['subject'])} {one['kind']}: {visible(one['explanation'])}")
    if len(done) > 20:
        say(f"and {len(done) - 20:,} more")
    say("accesssync findings evaluate closes what this explains, or the next sync does")


@click.command(
    epilog="""\b
Examples:
  accesssync timeline ada@example.com
  accesssync timeline 688172d2-d1d9-11ec-ad3d-da7ad0900002 --format csv"""
)
@click.argument("who", metavar="ID|EMAIL")
@format_option
@common
def timeline(invocation: Invocation, who: str, form: str) -> None:
    """Everything that was seen of one identity, oldest first: facts, roles and logins."""
    from accesssync.jobs import changes as job
    from accesssync.jobs.opening import open_to_read

    events = job.timeline(open_to_read(invocation.settings), invocation.orgs, who)
    if invocation.as_json:
        print_json({"schema": "accesssync.timeline/1", "events": events})
        return
    if form == "csv":
        print_csv(("at", "recorded_on", *COLUMNS), events)
        return
    several = len({event["org"] for event in events}) > 1
    for event in events:
        if event["kind"] == "activity.login":
            when = event["at"][:16].replace("T", " ")
        else:
            when = window(event["observed_after"], event["observed_before"])
        org = f"{visible(event['org'])}  " if several else ""
        text = what_happened(event) + _told(event)
        for number, line in enumerate(wrap(text, max(20, get_terminal_size().columns - 25 - len(org)))):
            say(f"{'' if number else when:<23}  {org}{line}")
