"""`accesssync nhi score`."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click

from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, print_csv, print_json_list, say
from accesssync.cli.table import SHOWN, Column, print_table
from accesssync.cli.visible import visible


def _strongest(one: Document) -> str:
    signals = sorted(one["signals"], key=lambda signal: -abs(signal["points"]))
    return "; ".join(f"{signal['points']:+d} {signal['text']}" for signal in signals)


SCORED = (
    Column("ROW", lambda one: one["row"], "number"),
    Column("WHO", lambda one: one["who"], "middle", least=20),
    Column("LABEL", lambda one: one["label"], least=6),
    Column("SCORE", lambda one: one["score"], "number"),
    Column("KIND", lambda one: one["kind"] or "", least=8, sparse=True),
    Column("WHY", _strongest, least=24),
)
LABELS = ("nhi", "review", "human", "unknown")


@click.group()
def nhi() -> None:
    """Who is not a person, and why."""


@nhi.command(
    epilog="""\b
The file has a header with one or more of email, name, handle; any cell may be empty. Also understood: title,
status, service_account, mfa_enabled, created_at, last_login_time. Neither keys nor a database are needed.

\b
Examples:
  accesssync nhi score --input people.csv
  accesssync nhi score --input people.csv --org-domain example.com --json"""
)
@click.option(
    "--input",
    "source",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file; separated by commas, semicolons, tabs or bars.",
)
@click.option(
    "--org-domain", "domains", multiple=True, metavar="DOMAIN", help="A domain of the organization; repeatable."
)
@click.option(
    "--lexicon", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Changes to the lexicon, as TOML."
)
@click.option("--limit", type=click.IntRange(0), default=SHOWN, help="Rows of the table; 0 for all.")
@click.option("--format", "form", type=click.Choice(["table", "csv"]), default="table")
@common
def score(
    invocation: Invocation, source: Path, domains: tuple[str, ...], lexicon: Path | None, limit: int, form: str
) -> None:
    """Label the identities of a CSV file: human, nhi, review or unknown, with every reason."""
    from accesssync.jobs import nhi as job

    used = job.scoring(now(), domains, lexicon)
    scored = job.score(source, used)
    first = next(scored, None)  # a broken file ends here, before anything is printed
    counts: Counter[str] = Counter()

    def rows() -> Iterator[Document]:
        one = first
        while one is not None:
            found, subject = one
            counts[found["label"]] += 1
            # A name may be a megabyte long; the start says whose it is.
            yield {**found, "who": (subject.name or subject.email or subject.handle or "-")[:200]}
            one = next(scored, None)

    if invocation.as_json:
        print_json_list("accesssync.nhi_score/1", "results", (_contract(one) for one in rows()))
    elif form == "csv":
        columns = ("row", "who", "label", "score", "kind", "basis", "reasons")
        print_csv(columns, ({**one, "reasons": _reasons(one)} for one in rows()))
    else:
        print_table(SCORED, rows(), limit=limit, one="row", many="rows")
        say(", ".join(f"{label} {counts[label]:,}" for label in LABELS) + f"; ruleset {used.lexicon.version}")


def _contract(one: Document) -> Document:
    del one["who"]
    return one


def _reasons(found: Document) -> list[str]:
    return [f"{one['id']} {one['points']:+d} {one['field']}: {visible(one['text'])}" for one in found["signals"]]
