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
from accesssync.reports.page.layout import NOT_SHOWN, Layout, layout_of, order
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

_SCRIPTS = ("unpack.js", "cells.js", "grid.js", "filters.js", "panel.js", "page.js")


class _Prepared(Struct, frozen=True):
    table: Table
    layout: Layout
    shown: Shown


def write(datasets: Sequence[Dataset], block: Block, file: BinaryIO) -> int:
    """Write the page of one organization, and return how many rows it carries.

    Datasets are known by their names; those that are missing are left out with a note. Every figure is counted from
    the rows of these datasets, at the end of the run of the block.
    """
    tables = {
        one.name: Table(one, most=MOST_ROWS)
        for one in datasets
        if one.name not in NOT_SHOWN or one.name in COUNTED_ONLY
    }
    known = set(tables["identities"].of("identity_id")) - {None} if "identities" in tables else set()
    prepared = [_prepare(tables[name], known) for name in order(list(tables))]
    script = script_of(_SCRIPTS)
    styles = (style_of(STYLES), _feet(block))
    page = (
        templates()
        .get_template("page.html")
        .render(
            **_overview(tables, block, known),
            **_details(tables, block),
            policy=policy([script], styles),
            styles=as_they_are(styles),
            shown=[one.shown for one in prepared],
            linked={one.shown.name for one in prepared},
            not_shown=[
                (one.name, NOT_SHOWN[one.name])
                for one in datasets
                if one.name in NOT_SHOWN and one.name not in COUNTED_ONLY
            ],
            missing=[name.replace("_", " ") for name in EXPECTED if name not in tables],
        )
    )
    file.write(page.encode())
    for one in prepared:
        file.write(f'<script type="application/gzip;base64" id="rows-{quote(one.shown.name)}">'.encode())
        for piece in packed(one.table, one.layout):
            file.write(piece.encode())
        file.write(b"</script>\n")
    file.write(f"<script>{script}</script>\n</body>\n</html>\n".encode())
    return sum(one.table.kept for one in prepared)


def _prepare(table: Table, known: Set[Cell]) -> _Prepared:
    layout = layout_of(table.dataset.name, list(table.columns))
    in_order(table, layout)
    return _Prepared(table, layout, shown(table, layout, known))


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
    }


def _details(tables: Mapping[str, Table], block: Block) -> dict[str, object]:
    return {
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
