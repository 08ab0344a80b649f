"""`accesssync changes` and `accesssync timeline`."""

from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

import click

from accesssync.cli.lists import format_option, limit_option
from accesssync.cli.options import Invocation, common
from accesssync.cli.output import print_csv, print_json, print_json_list, say, window
from accesssync.cli.table import Column, print_table, wrap
from accesssync.cli.visible import visible

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
    return f"{when}{visible(change.subject)} {what_happened(shown)}"


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
    Column("CAUSE", lambda one: "" if one["cause"] == "org" else one["cause"], sparse=True),
    Column("ORG", lambda one: one["org"], least=6, telling=True),
)


@click.command(
    epilog="""\b
Examples:
  accesssync changes --since 7d
  accesssync changes --since run-411 --json
  accesssync changes --since 2026-06-01 --until 2026-06-30 --format csv
  accesssync changes --baseline            # what the first run found, too"""
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
        for number, line in enumerate(wrap(what_happened(event), max(20, get_terminal_size().columns - 25 - len(org)))):
            say(f"{'' if number else when:<23}  {org}{line}")
