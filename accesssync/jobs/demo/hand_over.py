"""The act in which a report is made, altered, and told to be altered."""

from pathlib import Path
from uuid import UUID

from accesssync.jobs.demo.stage import Act, Stage
from accesssync.jobs.evidence import verify_bundle
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.report.formats import chosen_formats
from accesssync.jobs.report.make import Order, make_report
from accesssync.store.engine import sqlite_path

FORMATS = "html,csv,json"
"""Without what takes a browser, or long."""


def hand_over(stage: Stage) -> Act:
    """A report of what is stored now, beside the database; a byte of it is changed and changed back."""
    path = sqlite_path(stage.engine.url)
    out = (path.parent if path is not None else Path()) / "report"
    order = Order(
        out=out,
        formats=chosen_formats(FORMATS),
        by="demo",
        now=stage.now,
        token=UUID(int=stage.rng.getrandbits(128), version=4),
    )
    made = make_report(stage.engine, Rulebook(), order, lambda _what, _done, _of: None)
    rows = {name: file.rows for name, file in made.files.items()}
    truth = stage.organization
    there = {"identities.csv": len(truth.users), "grants.csv": sum(len(one.role_ids) for one in truth.users.values())}
    verified = verify_bundle(out)
    changed = _with_a_byte_changed(out / "grants.csv", out)
    whole = all(rows.get(name) == count for name, count in there.items())
    return Act(
        name="report",
        kept=whole and verified.sound and changed == ("grants.csv",),
        said=(
            f"open {_as_seen_from_here(out / 'index.html')}",
            f"verified: {verified.files} files; one byte of {changed[0] if changed else 'one'} changed: named",
        ),
        figures={"files": verified.files, "rows": sum(count or 0 for count in rows.values()), "tampered": len(changed)},
    )


def _as_seen_from_here(path: Path) -> Path:
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _with_a_byte_changed(path: Path, out: Path) -> tuple[str, ...]:
    """What verifying says was changed, when a byte of a file was."""
    content = path.read_bytes()
    try:
        path.write_bytes(content[:-3] + bytes([content[-3] ^ 1]) + content[-2:])
        return verify_bundle(out).changed
    finally:
        path.write_bytes(content)
