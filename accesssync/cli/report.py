"""`accesssync report`."""

from pathlib import Path
from secrets import token_hex
from shlex import quote
from uuid import uuid4

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, complain, print_json, print_json_failed, say
from accesssync.errors import UsageError
from accesssync.model.visible import visible

DIRECTORY = Path("accesssync-report")
"""Where a report goes unless told otherwise."""


@click.command(
    epilog="""\b
Examples:
  accesssync report                                   # into ./accesssync-report
  accesssync report --as-of 2026-06-30 --out q2
  accesssync report --from 2026-04-01 --to 2026-06-30 # and what came and went
  accesssync report --compare 2026-03-31 2026-06-30
  accesssync report --sample 25 --seed audit-2026-q2
  accesssync report --profile owner --out for-role-owners
  accesssync report --profile auditor --pseudonymize
  accesssync report --format csv --org emea --json"""
)
@click.option(
    "--out", type=click.Path(path_type=Path), default=DIRECTORY, show_default=True,
    help="Directory to write; only a report of ours is replaced.",
)  # fmt: skip
@click.option("--format", "formats", metavar="NAME,...", help="Which files to write; default: all the usual ones.")
@click.option("--as-of", metavar="WHEN", help="As it was then: a date (its end), a time, run-412, or 7d ago.")
@click.option("--from", "start", metavar="WHEN", help="Also what happened since then: a date (its start) or the like.")
@click.option("--to", "end", metavar="WHEN", help="Up to then (a date: its end); the rest is as it was then.")
@click.option(
    "--compare", nargs=2, metavar="WHEN WHEN", help="Who gained and lost what between two dates, the earlier first."
)
@click.option(
    "--sample", type=click.IntRange(1, 10_000), metavar="N",
    help="So many identities, grants and changes for an auditor, with columns to fill in.",
)  # fmt: skip
@click.option("--seed", metavar="TEXT", help="Draws the same sample again; default: a new one, which is printed.")
@click.option(
    "--allow-incomplete", is_flag=True, help="Take the newest run, proven complete or not; every file says so."
)
@click.option("--all-permissions", is_flag=True, help="Every permission of everybody, not only what makes privileged.")
@click.option(
    "--profile", default="full", show_default=True, metavar="NAME",
    help="For whom it is: full, auditor (no scores) or owner (roles and who holds them).",
)  # fmt: skip
@click.option(
    "--pseudonymize", is_flag=True, help="Names and addresses become pseudonyms that stay the same between reports."
)
@click.option("--by", metavar="WHO", help="Who makes it, for the audit log; default: the operator.")
@common
def report(
    invocation: Invocation,
    out: Path,
    formats: str | None,
    as_of: str | None,
    start: str | None,
    end: str | None,
    compare: tuple[str, str] | None,
    sample: int | None,
    seed: str | None,
    allow_incomplete: bool,
    all_permissions: bool,
    profile: str,
    pseudonymize: bool,
    by: str | None,
) -> None:
    """The report set for a governance review, from the newest run that is proven complete."""
    from msgspec.structs import replace

    from accesssync.jobs.findings.rulebook import rulebook_of
    from accesssync.jobs.governance.directory import load_governance
    from accesssync.jobs.opening import open_to_read
    from accesssync.jobs.report import make
    from accesssync.jobs.report.backing import backing_of
    from accesssync.jobs.report.beyond import usual
    from accesssync.jobs.report.formats import chosen_formats
    from accesssync.jobs.report.readership import Readership, profile_of

    settings, moment = invocation.settings, now()
    later = _later(as_of, end, start, compare)
    if seed is not None and sample is None:
        raise UsageError("--seed is for a sample", remedy="add --sample 25")
    if seed is not None and not (seed.isprintable() and 0 < len(seed) <= 100):
        raise UsageError("--seed is a text of 1 to 100 printable characters")
    order = make.Order(
        out=out,
        formats=chosen_formats(formats, settings.report_browser),
        names=invocation.orgs,
        when=invocation.when(later[1], later[0], "end"),
        allow_incomplete=allow_incomplete,
        all_permissions=all_permissions,
        by=invocation.operator(by),
        now=moment,
        token=uuid4(),
        backing=backing_of(settings),
        readers=Readership(profile=profile_of(profile.lower()), pseudonymize=pseudonymize),
        asked=replace(
            usual(settings, moment),
            start=invocation.when(start, "--from", "start"),
            end=invocation.when(end, "--to", "end"),
            earlier=invocation.when(compare[0], "--compare", "end") if compare else None,
            sample=sample,
            seed=token_hex(8) if seed is None else seed,
        ),
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


def _later(
    as_of: str | None, end: str | None, start: str | None, compare: tuple[str, str] | None
) -> tuple[str, str | None]:
    """The option that says as of when everything is, and what it says; UsageError where several would."""
    if compare and (start or end):
        raise UsageError(
            "--compare is about two dates, --from and --to about what was between them",
            remedy="make two reports, with --out for each",
        )
    given = {"--as-of": as_of, "--to": end, "--compare": compare[1] if compare else None}
    said = [(option, text) for option, text in given.items() if text is not None]
    if len(said) > 1:
        raise UsageError(
            f"{said[0][0]} and {said[1][0]} both say as of when the report is", remedy=f"leave out {said[0][0]}"
        )
    return said[0] if said else ("--as-of", None)


def _show(document: Document) -> None:
    for one in document["runs"]:
        proven = "proven complete" if one["complete"] else "NOT PROVEN COMPLETE"
        say(f"{visible(one['org'])}  {one['run_id']} as of {one['as_of'][:19]}Z  {proven}")
    tables = _tables(document)
    width = max((len(title) for title in tables), default=0)
    for title, count in tables.items():
        say(f"  {title:<{width}} {count:>10,}")
    if document["sample"]:
        size, seed = document["sample"]["size"], visible(quote(document["sample"]["seed"]))
        say(f"sample: {size} of each table; again with --sample {size} --seed {seed}")
    size = sum(one["bytes"] for one in document["files"])
    say(f"{len(document['files'])} files, {size / 1e6:,.1f} MB in {visible(document['directory'])}")
    if any(one["name"] == "index.html" for one in document["files"]):
        say(f"open {visible(quote(str(Path(document['directory']) / 'index.html')))}")
    signed = document["signed_by"]
    say(f"signed by {signed}" if signed else "not signed: ACCESSSYNC_SIGNING_KEY_FILE is not set")
    say(f"manifest {document['manifest_sha256']}, noted in the audit log")
    say(f"next: accesssync evidence verify {visible(quote(document['directory']))}")


def _tables(document: Document) -> dict[str, int]:
    """The rows of each table, of all organizations together: it is the same table in every format."""
    found: dict[tuple[str, str], int] = {}
    for one in document["files"]:
        folder, _, name = one["name"].rpartition("/")
        title, _, ending = name.partition(".")
        if ending in ("csv", "json", "ndjson") and one["rows"] is not None:
            found[title, folder] = one["rows"]
    tables: dict[str, int] = {}
    for (title, _), count in found.items():
        shown = title.replace("_", " ")
        tables[shown] = tables.get(shown, 0) + count
    return tables
