"""`accesssync nhi`: score a file, list and show who is not a person. Deciding is in accesssync.cli.decide."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from textwrap import fill

import click

from accesssync.cli.decide import KINDS, decide, export_decisions
from accesssync.cli.lists import (
    as_of_option,
    format_option,
    limit_option,
    opened,
    print_documents,
)
from accesssync.cli.options import Invocation, common, now
from accesssync.cli.output import Document, day, print_csv, print_json, print_json_list, say
from accesssync.cli.table import SHOWN, Column, print_table
from accesssync.model.visible import visible


def _strongest(one: Document) -> str:
    # Limits (C1, C2) explain the sum, not the identity: they come last.
    signals = sorted(one["signals"], key=lambda signal: (signal["id"][0] == "C", -abs(signal["points"])))
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


def _standing(one: Document) -> str:
    """What is to be done about it: nothing, decide, or look at a decision again."""
    told = one["classification"]
    if told["decision"]:
        return "DECISION TO REVIEW" if told["decision"]["review"] else f"decided {told['label']}"
    if told["label"] == "review":
        return "to decide"
    return {"declared": "declared", "inferred": "inferred"}[told["basis"]]


def _why(one: Document) -> str:
    told = one["classification"]
    if told["decision"] and told["decision"]["review"]:
        return "; ".join(told["decision"]["review"])
    # Limits (C1, C2) explain the sum, not the identity.
    signals = [signal for signal in told["signals"] if signal["points"] > 0 and signal["id"][0] != "C"]
    if told["basis"] == "declared" or not signals:
        return "a service account" if told["basis"] == "declared" else _strongest(told)
    # The words that were found say more in little room than what they mean; nhi show tells both.
    best = sorted(signals, key=lambda signal: -signal["points"])
    return ", ".join(dict.fromkeys(_brief(signal) for signal in best))


def _brief(signal: Document) -> str:
    text: str = signal["text"]
    return text.partition("':")[0] + "'" if text.startswith("'") and "':" in text else text


def _holds(one: Document) -> str:
    """What harm it could do: privileged, keys without bounds, more than its vendor needs."""
    keys, unscoped = one["credentials_held"], one["unscoped_held"]
    told = ["ADMIN"] if one["privileged"] else []
    told += ["too broad"] if one["excesses"] else []
    if unscoped:
        told.append(f"{unscoped}/{keys} unscoped")
    elif keys:
        told.append(f"{keys} key{'s' if keys > 1 else ''}")
    return ", ".join(told)


def _address(one: Document) -> str:
    return str(one["email"] or one["name"] or one["id"])


FOUND = (
    Column("WHO", _address, "middle", least=22),
    Column("STATE", _standing, least=9),
    Column("SCORE", lambda one: one["classification"]["score"], "number", optional=True),
    Column("KIND", lambda one: one["classification"]["kind"] or "", least=10, optional=True),
    Column("HOLDS", _holds, least=26),
    Column("OWNER", lambda one: one["owner"] or "", "middle", least=10, sparse=True),
    Column("WHY", _why, least=14),
)


@click.group()
def nhi() -> None:
    """Who is not a person, and why."""


nhi.add_command(decide)
nhi.add_command(export_decisions)


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


@nhi.command(
    "list",
    epilog="""\b
Without --label: machines, whoever may be one, and decisions that should be looked at again, which come first.

\b
Examples:
  accesssync nhi list
  accesssync nhi list --label review
  accesssync nhi list --kind ci --as-of 2026-06-30 --format csv""",
)
@click.option("--kind", type=click.Choice(KINDS), help="Only of this kind.")
@click.option("--label", type=click.Choice(LABELS), help="Only with this label.")
@as_of_option
@limit_option
@format_option
@common
def list_(
    invocation: Invocation, kind: str | None, label: str | None, as_of: str | None, limit: int, form: str
) -> None:
    """User records that are, or may be, no people: what to do about each, and why."""
    from accesssync.jobs import machines as job

    engine, views = opened(invocation, as_of)
    states: Counter[str] = Counter()
    orphans: Counter[str] = Counter()

    def found() -> Iterator[Document]:
        for view in views:
            for one in job.list_machines(engine, view, label, kind):
                states[_standing(one)] += 1
                orphans.update(["without an owner"] if one["owner"] is None else [])
                yield _row(one) if form == "csv" and not invocation.as_json else one

    noun = ("identity", "identities")
    print_documents(invocation, noun, job.LISTED, found(), form=form, table=FOUND, limit=limit, name="nhi")
    if form == "table" and not invocation.as_json:
        counted = [f"{count:,} {state}" for state, count in (*states.items(), *orphans.items())]
        say(", ".join(counted) if counted else "nobody is, or may be, a machine")
        types = sum((job.declared_credentials(engine, view) for view in views), Counter[str]())
        acting = ", ".join(f"{count:,} {kind.replace('_', ' ')}s" for kind, count in sorted(types.items()))
        if acting:
            say(fill(f"besides them act {acting}: accesssync credentials", 79, subsequent_indent="  "))
        say("next: accesssync nhi show WHO tells every reason, accesssync nhi decide WHO settles it")


def _row(one: Document) -> Document:
    told = one["classification"]
    flat = {name: told[name] for name in ("label", "score", "basis")}
    return {**one, **flat, "nhi_kind": told["kind"], "state": _standing(one), "reasons": _reasons(told)}


@nhi.command(
    epilog="""\b
Examples:
  accesssync nhi show ci-deploy@example.com
  accesssync nhi show ci-deploy@example.com --as-of run-377 --json"""
)
@click.argument("who", metavar="ID|EMAIL")
@as_of_option
@common
def show(invocation: Invocation, who: str, as_of: str | None) -> None:
    """Why somebody is taken for a machine or a person: every signal, its keys, what was decided."""
    from accesssync.errors import UsageError
    from accesssync.jobs import machines as job

    engine, views = opened(invocation, as_of)
    found = [one for view in views for one in job.show_machine(engine, view, who)]
    if not found:
        raise UsageError(f"nobody has {who!r} as id, e-mail or handle", remedy="accesssync identities lists everybody")
    if invocation.as_json:
        print_json({"schema": "accesssync.nhi/1", "nhi": found})
        return
    for one in found:
        _show(one)


def _show(one: Document) -> None:
    told = one["classification"]
    kind = f", {told['kind']}" if told["kind"] else ""
    say(f"{visible(one['name'] or one['email'] or one['id'])}  ({visible(one['org'])})")
    for label, value in (
        ("id", one["id"]),
        ("e-mail", one["email"]),
        ("status", one["status"]),
        ("last login", day(one["last_login_at"]) if one["last_login_at"] else one["last_login_state"]),
        ("owner", one["owner"]),
        ("purpose", one["purpose"]),
        ("vendor", one["vendor"]),
        ("PRIVILEGED", ", ".join(one["privileged"])),
    ):
        if value:
            say(f"  {label:<11} {visible(value)}")
    say(f"  {told['label'].upper()}{kind}  ({_standing(one)})")
    if told["kind_reason"]:
        say(f"  kind because: {visible(told['kind_reason'])}")
    score = "not computed yet" if told["score"] is None else f"{told['score']} points, which says {told['computed']}"
    say(f"  the evidence: {score}; ruleset {told['ruleset'] or '-'}")
    for signal in told["signals"]:
        say(f"    {signal['points']:+4d}  {signal['id']:<4} {signal['field']:<10} {visible(signal['text'])}")
    _show_decisions(one)
    if one["broader_than_needed"]:
        say(f"  BROADER THAN NEEDED: {visible(one['broader_than_needed'])}{_checked(one)}")
    _show_keys(one)
    for suggestion in one["owner_suggestions"]:
        say(f"  owner? {visible(suggestion['owner'])}: {visible(suggestion['reason'])} (a suggestion, not stored)")
    if not told["decision"] and told["label"] in ("nhi", "review"):
        say(f"  next: accesssync nhi decide {visible(one['id'])} --human|--nhi KIND --owner ... --reason ...")
    say()


def _show_decisions(one: Document) -> None:
    current = one["classification"]["decision"]
    for reason in current["review"] if current else []:
        say(f"  DECISION TO REVIEW: {visible(reason)}")
    for decided in one["decisions"]:
        kind = f" ({decided['kind']})" if decided["kind"] else ""
        say(
            f"  {day(decided['decided_at'])} {visible(decided['decided_by'])} decided {decided['label']}{kind}: "
            f"{visible(decided['reason'])}; the score was {decided['score']}, {decided['computed']}"
        )


def _show_keys(one: Document) -> None:
    for key in one["credentials"]:
        used = day(key["last_used_at"]) if key["last_used_at"] else key["last_used_state"]
        vendor = f"  {visible(key['vendor'])}" if key["vendor"] else ""
        say(f"  {visible(key['type'])} {visible(key['name'] or key['id'])}  last used {used}{vendor}")
        if key["broader_than_needed"]:
            say(f"    broader than needed: {visible(key['broader_than_needed'])}{_checked(key)}")


def _checked(one: Document) -> str:
    return "" if one["excess_verified"] else " (not checked against the vendor's documentation)"
