"""Write the page: one file that needs no network, runs no script but its own, and says everything without any."""

from collections.abc import Mapping, Sequence, Set
from typing import BinaryIO
from urllib.parse import quote

from msgspec import Struct

from accesssync.evidence.block import Block, recipe
from accesssync.findings.separation import controls
from accesssync.reports.columns import Table
from accesssync.reports.dataset import Cell, Dataset
from accesssync.reports.figures.findings import fix_first
from accesssync.reports.figures.logins import last_logins
from accesssync.reports.figures.population import Population
from accesssync.reports.figures.tiles import tiles
from accesssync.reports.page.document import STYLES, as_they_are, for_css, policy, script_of, style_of, templates
from accesssync.reports.page.draw import drawn
from accesssync.reports.page.layout import NOT_SHOWN, layout_of, order
from accesssync.reports.page.opening import about, badges, not_seen
from accesssync.reports.page.pack import in_order, packed
from accesssync.reports.page.places import application
from accesssync.reports.page.remedy import by_control, remedies
from accesssync.reports.page.rows import Shown, shown
from accesssync.reports.page.told import clean, told
from accesssync.reports.page.words import WORDS

MOST_ROWS = 400_000
"""Rows of one table that the page carries; what is beyond is in the CSV file only, and the page says so."""

EXPECTED = ("identities", "findings", "keys_tokens", "roles", "role_permissions", "grants", "changes", "trend")
"""Datasets without which something on the page is missing."""

COUNTED_ONLY = ("trend", "previous")
"""Datasets that are read for figures and are no table."""

COUNTED = (*COUNTED_ONLY, "identities", "findings", "keys_tokens", "roles", "role_permissions", "dormant", "external")
"""Datasets that figures are counted from. All others are read, packed and forgotten one after the other."""

_SCRIPTS = ("unpack.js", "cells.js", "grid.js", "filters.js", "panel.js", "page.js")


class _Prepared(Struct, frozen=True):
    shown: Shown
    packed: tuple[str, ...]


def write(datasets: Sequence[Dataset], block: Block, file: BinaryIO) -> int:
    """Write the page of one organization, and return how many rows it carries.

    Datasets are known by their names; those that are missing are left out with a note. Every figure is counted from
    the rows of these datasets, all of them, at the end of the run of the block.
    """
    named = {one.name: one for one in datasets}
    counted = {name: Table(one) for name, one in named.items() if name in COUNTED}
    known = set(counted["identities"].of("identity_id")) - {None} if "identities" in counted else set()
    overview = _overview(counted, block, known)
    prepared = [
        _prepare(counted.pop(name) if name in counted else Table(named[name], most=MOST_ROWS), known)
        for name in order(list(named))
    ]
    script = script_of(_SCRIPTS)
    styles = (style_of(STYLES), _feet(block))
    page = (
        templates()
        .get_template("page.html")
        .render(
            **overview,
            policy=policy([script], styles),
            styles=as_they_are(styles),
            shown=[one.shown for one in prepared],
            linked={one.shown.name for one in prepared},
            not_shown=[(one, why) for one, why in NOT_SHOWN.items() if one in named and one not in COUNTED_ONLY],
            missing=[name.replace("_", " ") for name in EXPECTED if name not in named],
        )
    )
    file.write(page.encode())
    for one in prepared:
        file.write(f'<script type="application/gzip;base64" id="rows-{quote(one.shown.name)}">'.encode())
        for piece in one.packed:
            file.write(piece.encode())
        file.write(b"</script>\n")
    file.write(f"<script>{script}</script>\n</body>\n</html>\n".encode())
    return sum(one.shown.kept for one in prepared)


def _prepare(table: Table, known: Set[Cell]) -> _Prepared:
    layout = layout_of(table.dataset.name, list(table.columns))
    in_order(table, layout)
    table.keep(MOST_ROWS)
    return _Prepared(shown(table, layout, known), tuple(packed(table, layout)))


def _overview(tables: Mapping[str, Table], block: Block, known: Set[Cell]) -> dict[str, object]:
    population = Population(tables.get("identities"))
    at = block.run_finished_at
    figures, without = drawn(tables, population, at)
    kinds = fix_first(tables.get("findings"), at)
    return {
        "block": block,
        "org": clean(block.org_name or block.org, 80),
        "application": application(block.site),
        "badges": badges(block),
        "unseen": list(not_seen(block, population, last_logins(tables.get("identities"), at))),
        "tiles": tiles(tables, population),
        "has_findings": "findings" in tables,
        "kinds": remedies(kinds, block.site, known),
        "figures": figures,
        "without": without,
        "about": about(block),
        "recipe": recipe(block),
        "frameworks": list(controls().frameworks.values()),
        "controls": by_control(tables.get("findings")),
        "words": WORDS,
    }


def _feet(block: Block) -> str:
    """What stands at the foot, and where something is missing at the head, of every printed page."""
    foot = f"{clean(block.org_name or block.org, 60)}   as of {told(block.as_of)} UTC   run-{block.run_id}"
    head = "INCOMPLETE: not every listing of this run was proven; numbers can be too low" if not block.complete else ""
    return f'@page {{ @bottom-left {{ content: "{for_css(foot)}" }} @top-center {{ content: "{for_css(head)}" }} }}'
