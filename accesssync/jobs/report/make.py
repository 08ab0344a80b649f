"""Make a report: choose the runs, read them, write every format, and note it in the audit log before it is seen."""

import platform
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import UUID

from msgspec import Struct

from accesssync.audit.entry import Entry, Kind
from accesssync.evidence.block import Block
from accesssync.evidence.close import Closing, close
from accesssync.evidence.manifest import File
from accesssync.jobs.findings.rulebook import Rulebook
from accesssync.jobs.inventory import Document, View
from accesssync.jobs.report.about import Maker, block_of, last_manifest
from accesssync.jobs.report.backing import Backing
from accesssync.jobs.report.beyond import Asked, beyond, drawn, earlier_view, refuse_backwards
from accesssync.jobs.report.bundle import Bundle, Folder, Written, bundle
from accesssync.jobs.report.choose import Choice, chosen_runs
from accesssync.jobs.report.formats import PAGE, Format
from accesssync.jobs.report.material import ended, material_at
from accesssync.jobs.report.readership import Readership, pseudonyms_for, shown_to
from accesssync.model.when import When, as_text
from accesssync.reports.datasets.catalogue import datasets_of, filters_of, limitations_of
from accesssync.reports.disguise import disguise_block
from accesssync.reports.material import Material
from accesssync.reports.pseudonyms import Pseudonyms
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
    backing: Backing = Backing()
    readers: Readership = Readership()
    asked: Asked = Asked()
    """What is wanted beyond the state of one day."""


class Made(Struct, frozen=True, kw_only=True):
    """A report that was written."""

    out: Path
    report_id: str
    manifest_sha256: str
    files: Mapping[str, Written]
    choice: Choice
    signed_by: str | None
    """The fingerprint of the key that signed it."""
    asked: Asked
    warnings: tuple[str, ...]


def make_report(engine: Database, rulebook: Rulebook, order: Order, progress: Progress) -> Made:
    """Write the bundle of the chosen organizations. What is promised and refused: `bundle` and `chosen_runs`."""
    warnings: list[str] = []
    refuse_backwards(order.asked, order.when)
    choice = chosen_runs(engine, order.names, order.when, warnings.append, allow_incomplete=order.allow_incomplete)
    chosen = choice.views
    maker = Maker(
        by=order.by,
        host=platform.node(),
        now=order.now,
        report_id=str(order.token),
        backing=order.backing,
        previous_manifest=last_manifest(engine),
    )
    with bundle(order.out) as folder:
        blocks = []
        for view in chosen:
            inner = folder if len(chosen) == 1 else folder.folder(view.org.name)
            earlier = earlier_view(
                engine,
                view,
                order.asked,
                warnings.append,
                alone=len(chosen) == 1,
                allow_incomplete=order.allow_incomplete,
            )
            blocks.append(_write(engine, view, earlier, rulebook, order, maker, inner, warnings.append, progress))
        if len(chosen) > 1 and any(one.name == "html" for one in order.formats):
            _front(folder, blocks, choice)
        closing = _close(folder, blocks, order)
        files = folder.files()
        _note(engine, order, maker, chosen, closing, len(files))
    return Made(
        out=folder.out,
        report_id=maker.report_id,
        manifest_sha256=closing.manifest_hash,
        files=files,
        choice=choice,
        signed_by=closing.fingerprint,
        asked=order.asked,
        warnings=tuple(warnings),
    )


def _write(
    engine: Database,
    view: View,
    earlier: View | None,
    rulebook: Rulebook,
    order: Order,
    maker: Maker,
    folder: Folder,
    warn: Callable[[str], None],
    progress: Progress,
) -> Block:
    what, of = view.org.name, len(order.formats) + 1
    progress(what, 0, of)
    material = material_at(engine, view, rulebook, all_permissions=order.all_permissions)
    further = beyond(engine, view, material, order.asked, order.now, earlier)
    names = _pseudonyms(engine, view, material, order)
    shown = shown_to(order.readers, (*datasets_of(further.material), *further.datasets), names)
    sample, how = drawn(view.org.name, shown.datasets, order.asked)
    datasets = (*shown.datasets, *sample)
    filters = (*shown.left_out, *filters_of(further.material))
    limitations = (*further.limitations, *how, *limitations_of(material))
    block = block_of(engine, view, maker, material, filters=filters, limitations=limitations)
    block = disguise_block(block, names) if names else block
    for number, one in enumerate(order.formats, start=1):
        progress(what, number, of)
        one.write(datasets, block, folder, lambda text: warn(f"{view.org.name}: {text}"))
    progress(what, of, of)
    return block


def _pseudonyms(engine: Database, view: View, material: Material, order: Order) -> Pseudonyms | None:
    if not order.readers.pseudonymize:
        return None
    secret = order.backing.pseudonym_key
    return pseudonyms_for(engine, view, material, secret.get_secret_value() if secret else None, order.now)


def _front(folder: Bundle, blocks: Sequence[Block], choice: Choice) -> None:
    from accesssync.reports.page.front import write_front

    with folder.file(PAGE) as file:
        write_front(blocks, [one.line() for one in choice.left_out], file)


def _close(folder: Bundle, blocks: Sequence[Block], order: Order) -> Closing:
    written = folder.files()
    files = [File(path=name, sha256=one.sha256, size=one.bytes, rows=one.rows) for name, one in written.items()]
    closing = close(files, blocks, order.backing.key)
    for name, content in closing.files.items():
        with folder.file(name) as file:
            file.write(content)
    return closing


def _note(engine: Database, order: Order, maker: Maker, chosen: Sequence[View], closing: Closing, files: int) -> None:
    facts = {
        "report": maker.report_id,
        "manifest": closing.manifest_hash,
        "signed_by": closing.fingerprint,
        "files": files,
        "formats": [one.name for one in order.formats],
        "runs": {view.org.name: view.run.id for view in chosen},
        "complete": all(view.proven for view in chosen),
        "profile": order.readers.profile.name,
        "pseudonymized": order.readers.pseudonymize,
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
    asked = made.asked
    return {
        "schema": "accesssync.report/1",
        "directory": str(made.out),
        "report_id": made.report_id,
        "manifest_sha256": made.manifest_sha256,
        "signed_by": made.signed_by,
        "runs": [_run(view) for view in made.choice.views],
        "files": [
            {"name": name, "sha256": one.sha256, "bytes": one.bytes, "rows": one.rows}
            for name, one in made.files.items()
        ],
        "sample": {"size": asked.sample, "seed": asked.seed} if asked.sample is not None else None,
        "warnings": list(made.warnings),
    }
