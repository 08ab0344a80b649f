"""`accesssync report`."""

from pathlib import Path
from shlex import quote
from uuid import uuid4

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, complain, print_json, print_json_failed, say
from accesssync.model.visible import visible

DIRECTORY = Path("accesssync-report")
"""Where a report goes unless told otherwise."""


@click.command(
    epilog="""\b
Examples:
  accesssync report                                   # into ./accesssync-report
  accesssync report --as-of 2026-06-30 --out q2
  accesssync report --format csv --org emea --json"""
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=DIRECTORY, show_default=True,
    help="Directory to write; only a report of ours is replaced.",
)  # fmt: skip
@click.option("--format", "formats", metavar="NAME,...", help="Which files to write; default: all the usual ones.")
@click.option("--as-of", metavar="WHEN", help="As it was then: a date (its end), a time, run-412, or 7d ago.")
@click.option(
    "--allow-incomplete", is_flag=True, help="Take the newest run, proven complete or not; every file says so."
)
@click.option("--all-permissions", is_flag=True, help="Every permission of everybody, not only what makes privileged.")
@click.option("--by", metavar="WHO", help="Who makes it, for the audit log; default: the operator.")
@common
def report(
    invocation: Invocation,
    out: Path,
    formats: str | None,
    as_of: str | None,
    allow_incomplete: bool,
    all_permissions: bool,
    by: str | None,
) -> None:
    """The report set for a governance review, from the newest run that is proven complete."""
    from accesssync.jobs.evidence import signing_key
    from accesssync.jobs.findings.rulebook import rulebook_of
    from accesssync.jobs.governance.directory import load_governance
    from accesssync.jobs.opening import open_to_read
    from accesssync.jobs.report import make
    from accesssync.jobs.report.formats import chosen_formats

    settings, moment = invocation.settings, now()
    order = make.Order(
        out=out,
        formats=chosen_formats(formats, settings.report_browser),
        names=invocation.orgs,
        when=invocation.when(as_of, "--as-of", "end"),
        allow_incomplete=allow_incomplete,
        all_permissions=all_permissions,
        by=invocation.operator(by),
        now=moment,
        token=uuid4(),
        config_hash=settings.configuration_hash(),
        key=signing_key(settings),
    )
    rulebook = rulebook_of(settings, load_governance(settings.governance_dir, moment.date()))
    with invocation.bar() as progress:
        made = make.make_report(open_to_read(settings), rulebook, order, progress)
    document = make.document(made)
    for text in made.warnings:
        complain(f"note: {visible(text)}")
    error = made.choice.error
    if invocation.as_json and error is not None:
        print_json_failed(document, error)
    if invocation.as_json:
        print_json(document)
    else:
        _show(document)
    if error is not None:
        raise error


def _show(document: Document) -> None:
    for one in document["runs"]:
        proven = "proven complete" if one["complete"] else "NOT PROVEN COMPLETE"
        say(f"{visible(one['org'])}  {one['run_id']} as of {one['as_of'][:19]}Z  {proven}")
    rows = {one["name"]: one["rows"] for one in document["files"] if one["rows"] is not None}
    tables: dict[str, int] = {}
    for name, count in rows.items():
        title = name.rpartition("/")[2].partition(".")[0].replace("_", " ")
        tables[title] = max(count, tables.get(title, 0))
    width = max((len(title) for title in tables), default=0)
    for title, count in tables.items():
        say(f"  {title:<{width}} {count:>10,}")
    size = sum(one["bytes"] for one in document["files"])
    say(f"{len(document['files'])} files, {size / 1e6:,.1f} MB in {visible(document['directory'])}")
    signed = document["signed_by"]
    say(f"signed by {signed}" if signed else "not signed: ACCESSSYNC_SIGNING_KEY_FILE is not set")
    say(f"manifest {document['manifest_sha256']}, noted in the audit log")
    say(f"next: accesssync evidence verify {visible(quote(document['directory']))}")
