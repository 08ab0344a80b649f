"""Store what people decide about identities: one at a time, or a whole file or nothing of it."""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import IO

from msgspec import Struct

from accesssync.errors import UsageError
from accesssync.jobs.inventory import Document, View, rulings_at
from accesssync.jobs.machines import LISTED
from accesssync.jobs.verdict import Rulings, decision_document, evidence_about
from accesssync.nhi.decisions import DecisionRule, label_and_kind
from accesssync.nhi.verdict import Decision
from accesssync.parse.fields import Fields
from accesssync.parse.glob import Glob
from accesssync.parse.problems import Problems
from accesssync.parse.rows import Columns, csv_rows
from accesssync.store import decisions, inventory
from accesssync.store.engine import Database
from accesssync.store.inventory import IdentityAt

MOST = 10_000
"""Decisions of one file: they are stored in one transaction."""

COLUMNS = Columns(
    required=("id", "label", "reason"),
    optional=("org", "kind", "owner", "purpose", "review_by", "by"),
    spellings={"id": ("who", "identity", "identity_id"), "kind": ("nhi_kind",)},
    # What the list has besides, so that its CSV can be filled in and given back.
    ignored=LISTED,
)


Match = tuple[View, IdentityAt]


class Wish(Struct, frozen=True, kw_only=True):
    """A decision that somebody wants to make about whoever has `who` as id, e-mail or handle."""

    who: str
    decision: Decision
    by: str
    reason: str
    owner: str | None = None
    purpose: str | None = None
    review_by: date | None = None
    org: str | None = None
    line: int = 0


def decide(database: Database, chosen: Sequence[View], wish: Wish, actor: str, now: datetime) -> Document:
    """Store one decision. UsageError where nobody is meant, or several are: a decision is about one Datadog id."""
    found = [
        (view, one)
        for view in chosen
        for one in inventory.find_identities(database, view.moment, wish.who, classified=True)
    ]
    return _store(database, [(wish, *_only(wish, found))], actor, now)[0]


def decide_all(
    database: Database,
    chosen: Sequence[View],
    wishes: Iterable[Wish],
    actor: str,
    now: datetime,
    file: str,
    problems: Problems,
) -> list[Document]:
    """Store every decision of a file, or raise InputError with all that is wrong and store nothing."""
    meant: dict[tuple[int, str], tuple[Wish, View, IdentityAt]] = {}
    given = list(wishes)
    called = _called(database, chosen, given)
    for wish in given:
        try:
            view, one = _only(wish, called.get(wish.who.lower(), []))
        except UsageError as error:
            problems.add(file, wish.line, error.message)
            continue
        before = meant.setdefault((view.org.id, one.identity.id), (wish, view, one))
        if before[0] is not wish:
            problems.add(file, wish.line, f"line {before[0].line} decides about {one.identity.subject} already")
        if len(meant) > MOST:
            problems.add(file, wish.line, f"more than {MOST:,} decisions; give them in several files")
            break
    problems.raise_any()
    return _store(database, list(meant.values()), actor, now)


def read_wishes(content: IO[bytes], file: str, by: str, problems: Problems) -> list[Wish]:
    """The decisions of a CSV file; what is wrong is noted by line. `by` decides where the file names nobody."""
    found = []
    for row in csv_rows(content, file, COLUMNS, problems):
        wish = _wish(row, by)
        if row.sound:
            found.append(wish)
        if len(found) > MOST or problems.full:
            break
    return found


def _wish(row: Fields, by: str) -> Wish:
    label, kind = label_and_kind(row)
    return Wish(
        who=row.text("id"),
        decision=Decision(label, kind if label == "nhi" else None),
        by=row.optional_text("by") or by,
        reason=row.text("reason"),
        owner=row.optional_text("owner"),
        purpose=row.optional_text("purpose"),
        review_by=row.optional_day("review_by"),
        org=row.optional_text("org"),
        line=row.line,
    )


def entered(database: Database, chosen: Sequence[View]) -> list[DecisionRule]:
    """What was entered by command and counts now, as a file says it, by organization and identity."""
    found = []
    for view in chosen:
        for identity_id, record in sorted(decisions.latest_decisions(database, view.org.id).items()):
            found.append(
                DecisionRule(
                    match=(Glob(identity_id),),
                    label=record.decision.label,
                    kind=record.kind,
                    by=record.decided_by,
                    reason=record.reason,
                    owner=record.owner,
                    purpose=record.purpose,
                    review_by=record.review_by,
                    orgs=(Glob(view.org.name),),
                )
            )
    return found


def opened_file(path: Path) -> IO[bytes]:
    """A file that is read once, as a stream of bytes; UsageError where that is not possible."""
    try:
        return path.open("rb")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error


def _called(database: Database, chosen: Sequence[View], wishes: Sequence[Wish]) -> dict[str, list[Match]]:
    """Whoever is meant by some wish, by the small letters of what the wish calls them; read in one go."""
    asked = {wish.who.lower(): wish.who for wish in wishes}
    found: dict[str, list[Match]] = {}
    for view in chosen:
        for one in inventory.list_identities(database, view.moment, classified=True):
            for text in inventory.names_of(one.identity):
                if text.lower() in asked and (view, one) not in found.setdefault(text.lower(), []):
                    found[text.lower()].append((view, one))
    return found


def _only(wish: Wish, found: Sequence[Match]) -> Match:
    """The one who is meant."""
    matches = [(view, one) for view, one in found if wish.org is None or view.org.name == wish.org.casefold()]
    if not matches:
        where = f" in {wish.org}" if wish.org else ""
        raise UsageError(
            f"nobody has {wish.who!r} as id, e-mail or handle{where}", remedy="accesssync identities lists everybody"
        )
    if len(matches) > 1:
        ids = ", ".join(f"{one.identity.id} ({view.org.name})" for view, one in matches[:5])
        raise UsageError(f"{len(matches)} identities answer to {wish.who!r}: {ids}", remedy="give the id and --org")
    return matches[0]


def _store(
    database: Database, made: Sequence[tuple[Wish, View, IdentityAt]], actor: str, now: datetime
) -> list[Document]:
    records = [(view, one, _record(wish, one, now)) for wish, view, one in made]
    decisions.add_decisions(database, [(view.org.id, record) for view, _, record in records], actor)
    known = {view.org.id: rulings_at(database, view) for view, _, _ in records}
    return [_document(view, one, record, known[view.org.id], now) for view, one, record in records]


def _record(wish: Wish, one: IdentityAt, now: datetime) -> decisions.DecisionRecord:
    found = evidence_about(one)
    return decisions.DecisionRecord(
        identity_id=one.identity.id,
        decided_at=now,
        decided_by=wish.by,
        label=wish.decision.label,
        kind=wish.decision.kind,
        owner=wish.owner,
        purpose=wish.purpose,
        reason=wish.reason,
        review_by=wish.review_by,
        computed=found.computed,
        score=found.score,
        signals=found.signals,
        ruleset=found.ruleset,
    )


def _document(view: View, one: IdentityAt, record: decisions.DecisionRecord, known: Rulings, now: datetime) -> Document:
    found = evidence_about(one)
    counts = known.of(one.identity, found).record
    subject = {"org": view.org.name, "id": one.identity.id, "subject": one.identity.subject}
    # A file of the governance directory wins: whoever decides by command should hear of it now.
    overruled = counts is not None and counts.declared
    return {**subject, **decision_document(record, found, now), "overruled_by_file": overruled}
