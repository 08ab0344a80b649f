"""Tell why changes were made: one of them, or many from a file."""

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from accesssync.errors import UsageError
from accesssync.jobs.inventory import Document, chosen_orgs
from accesssync.parse.problems import Problems
from accesssync.parse.rows import Columns, csv_rows
from accesssync.store.engine import Database
from accesssync.store.explanations import Explanation, explain_changes, find_changes

COLUMNS = Columns(required=("id", "ticket", "reason"), spellings={"id": ("change", "change_id")})

MOST = 100_000
"""Explanations of one file."""


def explanation(change_id: str, ticket: str, reason: str) -> Explanation:
    """One explanation, as somebody typed it."""
    return Explanation(change_id=change_id.strip(), ticket=ticket, reason=reason)


def read_explanations(path: Path) -> list[Explanation]:
    """The explanations of a CSV file; InputError with every fault by its line."""
    problems = Problems()
    found: dict[str, Explanation] = {}
    try:
        with path.open("rb") as content:
            for fields in csv_rows(content, path.name, COLUMNS, problems):
                one = Explanation(
                    change_id=fields.text("id", 40), ticket=fields.text("ticket", 200), reason=fields.text("reason")
                )
                if one.change_id in found:
                    fields.fault("id", "is there twice")
                found[one.change_id] = one
                if len(found) > MOST:
                    fields.fault(None, f"more than {MOST:,} explanations in one file")
                    break
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error
    problems.raise_any()
    return list(found.values())


def explain(
    engine: Database, names: Sequence[str], told: Sequence[Explanation], *, by: str, now: datetime
) -> list[Document]:
    """Store explanations, all or none of them; UsageError for a change that nothing recorded."""
    by_id = {one.change_id: one for one in told}
    found = {
        org: list(find_changes(engine, org.name, org.id, list(by_id))) for org in chosen_orgs(engine, names)
    }  # fmt: skip
    unknown = by_id.keys() - {one.id for known in found.values() for one in known}
    if unknown:
        first = min(unknown)
        more = f" (and {len(unknown) - 1} more)" if len(unknown) > 1 else ""
        raise UsageError(
            f"no change is called {first[:40]!r}{more}",
            remedy="accesssync changes --json has their ids; what the first run found needs no explanation",
        )
    for org, known in found.items():
        explain_changes(engine, org.name, org.id, [by_id[one.id] for one in known], at=now, by=by)
    return [
        {
            "org": org.name,
            "id": one.id,
            "kind": one.kind,
            "subject_id": one.subject_id,
            "subject": one.subject,
            "explanation": by_id[one.id].text,
            "by": by,
        }
        for org, known in found.items()
        for one in known
    ]
