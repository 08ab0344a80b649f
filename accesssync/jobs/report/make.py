"""Make a report: choose the runs, read them, write every format, and note it in the audit log before it is seen."""

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from uuid import UUID

from msgspec import Struct, json

from accesssync.audit.entry import Entry, Kind
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.inventory import Document, View
from accesssync.jobs.report.about import Maker, block_of
from accesssync.jobs.report.bundle import MANIFEST, Bundle, Folder, Written, bundle
from accesssync.jobs.report.choose import chosen_runs
from accesssync.jobs.report.formats import Format
from accesssync.jobs.report.material import ended, material_at
from accesssync.model.when import When, as_text
from accesssync.reports.datasets.catalogue import datasets_of, filters_of, limitations_of
from accesssync.store import audit
from accesssync.store.engine import Database

Progress = Callable[[str, int, int | None], None]


class Order(Struct, frozen=True, kw_only=True):
    """What report is wanted, by whom and where. `token` is random: it becomes the report's id."""

    out: Path
    formats: tuple[Format, ...]
    names: Sequence[str] = ()
    when: When | None = None
    allow_incomplete: bool = False
    all_permissions: bool = False
    by: str
    now: datetime
    token: UUID
    config_hash: str = ""


class Made(Struct, frozen=True, kw_only=True):
    """A report that was written."""

    out: Path
    report_id: str
    manifest_sha256: str
    files: Mapping[str, Written]
    runs: tuple[View, ...]
    warnings: tuple[str, ...]


def make_report(engine: Database, rulebook: Rulebook, order: Order, progress: Progress) -> Made:
    """Write the bundle of the chosen organizations. What is promised and refused: `bundle` and `chosen_runs`."""
    warnings: list[str] = []
    chosen = chosen_runs(engine, order.names, order.when, warnings.append, allow_incomplete=order.allow_incomplete)
    maker = Maker(
        by=order.by, host=platform.node(), now=order.now, report_id=str(order.token), config_hash=order.config_hash
    )
    with bundle(order.out) as folder:
        for view in chosen:
            inner = folder if len(chosen) == 1 else folder.folder(view.org.name)
            _write(engine, view, rulebook, order, maker, inner, warnings.append, progress)
        files = folder.files()
        manifest = _manifest(folder, files, maker, chosen)
        _note(engine, order, maker, chosen, manifest, len(files))
    return Made(
        out=folder.out,
        report_id=maker.report_id,
        manifest_sha256=manifest,
        files=files,
        runs=tuple(chosen),
        warnings=tuple(warnings),
    )


def _write(
    engine: Database,
    view: View,
    rulebook: Rulebook,
    order: Order,
    maker: Maker,
    folder: Folder,
    warn: Callable[[str], None],
    progress: Progress,
) -> None:
    what, of = view.org.name, len(order.formats) + 1
    progress(what, 0, of)
    material = material_at(engine, view, rulebook, all_permissions=order.all_permissions)
    block = block_of(engine, view, maker, filters=filters_of(material), limitations=limitations_of(material))
    datasets = datasets_of(material)
    for number, one in enumerate(order.formats, start=1):
        progress(what, number, of)
        one.write(datasets, block, folder, lambda text: warn(f"{view.org.name}: {text}"))
    progress(what, of, of)


def _manifest(folder: Bundle, files: Mapping[str, Written], maker: Maker, chosen: Sequence[View]) -> str:
    document = {
        "schema": "accesssync.manifest/1",
        "report_id": maker.report_id,
        "generated_at": maker.now,
        "runs": [_run(view) for view in chosen],
        "files": [
            {"name": name, "sha256": one.sha256, "bytes": one.bytes, "rows": one.rows} for name, one in files.items()
        ],
    }
    content = json.format(json.encode(document), indent=1) + b"\n"
    with folder.file(MANIFEST) as file:
        file.write(content)
    return sha256(content).hexdigest()


def _note(engine: Database, order: Order, maker: Maker, chosen: Sequence[View], manifest: str, files: int) -> None:
    facts = {
        "report": maker.report_id,
        "manifest": manifest,
        "files": files,
        "formats": [one.name for one in order.formats],
        "runs": {view.org.name: view.run.id for view in chosen},
        "complete": all(view.proven for view in chosen),
    }
    org = chosen[0].org.name if len(chosen) == 1 else None
    audit.record(engine, Entry(kind=Kind.REPORT_EXPORTED, at=order.now, actor=order.by, org=org, facts=facts))


def _run(view: View) -> Document:
    return {
        "org": view.org.name,
        "run_id": f"run-{view.run.id}",
        "as_of": as_text(ended(view)),
        "complete": view.proven,
    }


def document(made: Made) -> Document:
    """A report that was made, for scripts."""
    return {
        "schema": "accesssync.report/1",
        "directory": str(made.out),
        "report_id": made.report_id,
        "manifest_sha256": made.manifest_sha256,
        "runs": [_run(view) for view in made.runs],
        "files": [
            {"name": name, "sha256": one.sha256, "bytes": one.bytes, "rows": one.rows}
            for name, one in made.files.items()
        ],
        "warnings": list(made.warnings),
    }
