"""`accesssync audit`: the log of what was done, and the proof that nobody changed it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from accesssync.cli.lists import format_option, limit_option, print_documents
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, print_json, print_json_failed, say
from accesssync.cli.table import Column
from accesssync.errors import VerificationError
from accesssync.model.visible import visible

if TYPE_CHECKING:
    from accesssync.audit.verify import Verdict


def _when(one: Document) -> str:
    return f"{one['at'][:10]} {one['at'][11:16]}"


def _about(one: Document) -> str:
    """What an entry tells, in the order in which people look for it."""
    facts, texts = dict(one["facts"]), dict(one["personal"])
    told = [str(facts.pop("operation"))] if facts.get("operation") else []
    told += [f"run-{facts.pop('run_id')} {facts.pop('status', '')}".strip()] if facts.get("run_id") else []
    told += [str(texts.pop("subject"))] if texts.get("subject") else []
    told += [f"{name.replace('_', ' ')} {text}" for name, text in texts.items() if text is not None]
    told += [
        f"{name.replace('_', ' ')} {value}"
        for name, value in facts.items()
        if isinstance(value, str | int) and not isinstance(value, bool) and name != "program_version"
    ]
    return ", ".join(told)


ENTRIES = (
    Column("SEQ", lambda one: one["seq"], "number"),
    Column("WHEN (UTC)", _when, least=16),
    Column("WHAT", lambda one: one["kind"], least=16),
    Column("BY", lambda one: one["actor"] or "erased", "middle", least=8),
    Column("ABOUT", _about, least=16),
)
FIELDS = ("seq", "at", "kind", "org", "actor", "subject_id", "facts", "personal", "hash")


@click.group()
def audit() -> None:
    """What was done by whom, in a log that shows when somebody changes it."""


@audit.command(
    "list",
    epilog="""\b
Examples:
  accesssync audit list
  accesssync audit list --kind write --since 7d
  accesssync audit list --subject 3b7c0d7e-0000-11ef-8000-000000000007 --json""",
)
@click.option("--kind", metavar="KIND", help="Only this kind, such as run.published, or a group of them: write.")
@click.option("--subject", metavar="ID", help="Only what was done to this Datadog id.")
@click.option("--since", metavar="WHEN", help="Only from then on.")
@click.option("--until", metavar="WHEN", help="Only up to then.")
@limit_option
@format_option
@common
def list_entries(
    invocation: Invocation,
    kind: str | None,
    subject: str | None,
    since: str | None,
    until: str | None,
    limit: int,
    form: str,
) -> None:
    """The newest entries, oldest first; with --json or CSV all of them. --org also shows what concerns all."""
    from accesssync.jobs import audit as job
    from accesssync.jobs.opening import open_to_read

    database = open_to_read(invocation.settings)
    whole = invocation.as_json or form == "csv" or not limit
    chosen = job.choose(
        database,
        orgs=invocation.orgs,
        kind=kind,
        subject_id=subject,
        since=invocation.when(since, "--since", "start"),
        until=invocation.when(until, "--until", "end"),
        newest=None if whole else limit,
    )
    found = job.list_log(database, chosen)
    print_documents(
        invocation, ("entry", "entries"), FIELDS, found, form=form, table=ENTRIES, limit=limit, name="audit"
    )


@audit.command(
    epilog="""\b
Examples:
  accesssync audit verify
  accesssync audit verify --against /mnt/elsewhere/audit-2026-06-30.ndjson
  accesssync audit verify --file audit-2026-06-30.ndjson   # the export alone, without a database"""
)
@click.option(
    "--against", type=click.Path(path_type=Path, dir_okay=False), multiple=True, metavar="FILE",
    help="An export kept elsewhere, which the log has to agree with; repeatable.",
)  # fmt: skip
@click.option(
    "--file", "alone", type=click.Path(path_type=Path, dir_okay=False), metavar="FILE",
    help="Look at this export instead of the database.",
)  # fmt: skip
@common
def verify(invocation: Invocation, against: tuple[Path, ...], alone: Path | None) -> None:
    """Whether every entry is as it was written, in its place, and none is missing. Exit code 12 where not."""
    from accesssync.jobs import audit as job
    from accesssync.jobs.opening import open_to_read

    if alone is not None:
        if against:
            raise click.UsageError("give either --file or --against")
        what, verdict = str(alone), job.verify_file(alone)
    else:
        what, verdict = "the audit log", job.verify_log(open_to_read(invocation.settings), against)
    document = {"schema": "accesssync.audit_verification/1", **job.verdict_document(verdict)}
    try:
        job.refuse_broken(verdict, what)
    except VerificationError as error:
        if invocation.as_json:
            print_json_failed(document, error)
        raise
    if invocation.as_json:
        print_json(document)
    else:
        _say_sound(visible(what), verdict, alone=alone is not None)


def _say_sound(what: str, verdict: "Verdict", *, alone: bool) -> None:
    count = "1 entry" if verdict.entries == 1 else f"{verdict.entries:,} entries"
    erased = f"; {verdict.erased:,} personal texts were erased" if verdict.erased else ""
    say(f"{what} is as it was written: {count}, none edited, moved or missing{erased}")
    if alone:
        say("whether more was written afterwards only the database can tell: accesssync audit verify --against FILE")
    else:
        say(f"what runs and exports noted of it agrees, for {verdict.anchors:,} of the entries")
    if verdict.entries:
        say(f"last: entry {verdict.head.seq}, {verdict.head.hash}")


@audit.command(
    epilog="""\b
Example:
  accesssync audit export /mnt/elsewhere/audit-2026-06-30.ndjson"""
)
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--by", metavar="WHO", help="Who exports, where it is not ACCESSSYNC_OPERATOR or the login name.")
@common
def export(invocation: Invocation, path: Path, by: str | None) -> None:
    """Write the log into a new private file, an entry a line. Keep it where this machine's users cannot change it."""
    from accesssync.jobs import audit as job
    from accesssync.jobs.opening import open_to_write

    operator = invocation.operator(by)
    done = job.export_log(open_to_write(invocation.settings), path, by=operator, now=now())
    if invocation.as_json:
        print_json({"schema": "accesssync.audit_export/1", **done})
        return
    say(f"{visible(done['file'])}: entries 1 to {done['last_seq']:,}, the last with hash {done['last_hash']}")
    say(f"later: accesssync audit verify --against {visible(done['file'])}")
