"""Read, prove and take away the audit log."""

import json
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from msgspec.structs import replace

from accesssync.audit.entry import Entry, Kind, Sealed
from accesssync.audit.lines import BadLineError, line_of, read_lines
from accesssync.audit.verify import Anchor, Fault, Verdict, verify
from accesssync.errors import UsageError, VerificationError
from accesssync.jobs.inventory import Document
from accesssync.jobs.private_file import private_file
from accesssync.model.when import AtRun, AtTime, When
from accesssync.store import audit as log
from accesssync.store.engine import Database


def verify_log(database: Database, exports: Sequence[Path] = ()) -> Verdict:
    """Look at the whole log, and at what runs, exports and the given files of exports know of it."""
    # In this order: what is appended in between is then in the log, and nobody expects it yet.
    anchors = [*log.read_anchors(database), *(one for path in exports for one in _anchors(path))]
    untold = log.runs_without_entry(database)
    verdict = verify(log.read_log(database), anchors)
    if verdict.fault is None and untold:
        problem = f"run-{untold[0]} ended, and no entry tells of it: the end is cut off, and what noted it is too"
        return replace(verdict, fault=Fault(seq=verdict.head.seq + 1, problem=problem))
    return verdict


def verify_file(path: Path) -> Verdict:
    """Look at an export by itself, without the database that it came from."""
    return verify(_read(path), ())


def refuse_broken(verdict: Verdict, what: str) -> None:
    """Raise VerificationError where something is wrong, naming the first bad entry."""
    if verdict.fault is not None:
        raise VerificationError(
            f"{what} is not as it was written, from entry {verdict.fault.seq} on: {verdict.fault.problem}",
            remedy="keep the database as it is, and compare with a backup or an export made before",
        )


def verdict_document(verdict: Verdict) -> Document:
    """The verdict for scripts."""
    fault = verdict.fault
    return {
        "verified": fault is None,
        "entries": verdict.entries,
        "last_seq": verdict.head.seq,
        "last_hash": verdict.head.hash,
        "anchors": verdict.anchors,
        "erased": verdict.erased,
        "first_bad": None if fault is None else {"seq": fault.seq, "problem": fault.problem},
    }


def export_log(database: Database, path: Path, *, by: str, now: datetime) -> Document:
    """Write the whole log into a private file, one entry a line, and record that in the log.

    The record is made first and is the last line of the file: no export without a record.
    """
    with private_file(path) as file:
        head = log.record_export(database, Entry(kind=Kind.AUDIT_EXPORTED, at=now, actor=by))
        count = 0
        for one in log.read_log(database):
            if one.seq > head.seq:
                break
            file.write(line_of(one) + "\n")
            count += 1
    return {"file": str(path), "entries": count, "last_seq": head.seq, "last_hash": head.hash}


def choose(
    database: Database,
    *,
    orgs: Sequence[str] = (),
    kind: str | None = None,
    subject_id: str | None = None,
    since: When | None = None,
    until: When | None = None,
    newest: int | None = None,
) -> log.Selection:
    """Which entries to list. A run stands for the place of its own entry, which counts to what was until then."""
    return log.Selection(
        orgs=tuple(orgs),
        kind=kind,
        subject_id=subject_id,
        since=since.time if isinstance(since, AtTime) else None,
        until=until.time if isinstance(until, AtTime) else None,
        after_seq=_place(database, since) if isinstance(since, AtRun) else None,
        upto_seq=_place(database, until) if isinstance(until, AtRun) else None,
        newest=newest,
    )


def _place(database: Database, run: AtRun) -> int:
    seq = log.entry_of_run(database, run.run_id)
    if seq is None:
        raise UsageError(f"run-{run.run_id} has no entry in the audit log", remedy="accesssync audit list --kind run")
    return seq


def list_log(database: Database, chosen: log.Selection) -> Iterator[Document]:
    """Entries with what is still known of the people in them, oldest first."""
    for one in log.read_log(database, chosen):
        yield _document(one)


def _document(one: Sealed) -> Document:
    body = json.loads(one.body)
    texts = {name: text["value"] for name, text in json.loads(one.personal).items()}
    return {
        "seq": one.seq,
        "at": body["at"],
        "kind": one.kind,
        "org": one.org,
        "actor": texts.pop("actor", None),
        "subject_id": one.subject_id,
        "facts": body["facts"],
        "personal": {name: texts.get(name) for name in body["personal"] if name != "actor"},
        "hash": one.hash,
    }


def _anchors(path: Path) -> Iterator[Anchor]:
    for one in _read(path):
        yield Anchor(seq=one.seq, hash=one.hash, source=f"the export {path.name}")


def _read(path: Path) -> Iterator[Sealed]:
    try:
        with path.open(encoding="utf-8") as file:
            yield from read_lines(file)
    except BadLineError as error:
        raise UsageError(f"{path}, {error}", remedy="give a file made by: accesssync audit export") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is no text", remedy="give a file made by: accesssync audit export") from None
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror or 'input/output error'}") from error
