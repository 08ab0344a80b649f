"""The first rows of a table as they stand in the page itself: for those without scripts, and for paper."""

from collections.abc import Set
from urllib.parse import quote

from msgspec import Struct

from accesssync.reports.columns import Held, Table
from accesssync.reports.dataset import Cell
from accesssync.reports.page.layout import Layout, Link
from accesssync.reports.page.told import clean, told

FIRST = 25
"""Rows of each table that are there without scripts and on paper."""

_CHIPS = frozenset({"severity", "status"})
_TIERS = frozenset({"tier", "privilege_tier", "effective_tier"})
_HEADINGS = {
    "mfa_enabled": "2nd factor",
    "last_login_at": "Last login",
    "last_used_at": "Last used",
    "privilege_tier": "Tier",
    "effective_tier": "Tier",
    "age_days": "Age (days)",
    "days_inactive": "Inactive (days)",
    "oldest_key_days": "Oldest key (days)",
    "active_user_count": "Active holders",
    "nhi_count": "Machines",
    "permission_count": "Permissions",
    "tier0_count": "T0",
    "tier1_count": "T1",
    "sod_rules": "Duties not separated",
}
_KINDS = {"count": "number", "number": "number", "id": "mono", "moment": "when", "day": "when", "list": "long"}
_LONG = ("email", "name", "subject", "title", "reason", "target")
"""Columns whose words may be broken anywhere, so that the others keep theirs."""
_CAPITALS = {"id": "id", "nhi": "NHI", "api": "API", "sod": "SoD", "mfa": "MFA", "oauth": "OAuth", "saml": "SAML"}
_NOTHING = {
    "attestations": "No access review has been recorded yet.",
    "findings": "No finding was ever raised.",
    "changes": "Nothing changed after the first run.",
    "provisioning_log": "accesssync has written nothing to this organization.",
}


class Heading(Struct, frozen=True):
    """A column as it is headed."""

    name: str
    heading: str
    number: bool


class Told(Struct, frozen=True):
    """A cell as it is shown. `link`: the id of an identity, for an address."""

    words: str
    look: str
    link: str | None = None


class Shown(Struct, frozen=True, kw_only=True):
    """A table as the page shows it before any script runs."""

    name: str
    title: str
    short: str
    """The title without what explains it."""
    row_is: str
    length: int
    kept: int
    columns: tuple[Heading, ...]
    rows: tuple[tuple[Told, ...], ...]
    nothing: str


def heading_of(name: str) -> str:
    """The name of a column for people: `last_login_at` is "Last login"."""
    if name in _HEADINGS:
        return _HEADINGS[name]
    words = [_CAPITALS.get(one, one) for one in name.removesuffix("_at").split("_")]
    joined = " ".join(words)
    return joined[:1].upper() + joined[1:]


def shown(table: Table, layout: Layout, known: Set[Cell]) -> Shown:
    """The first rows of a table. `known` are the ids of identities that have a panel."""
    columns = [table.columns[name] for name in layout.columns]
    return Shown(
        name=table.dataset.name,
        title=clean(table.dataset.title, 80),
        short=clean(table.dataset.title.partition(":")[0], 40),
        row_is=clean(table.dataset.row_is, 120),
        length=table.length,
        kept=table.kept,
        columns=tuple(
            Heading(one.column.name, heading_of(one.column.name), one.column.kind in {"count", "number"})
            for one in columns
        ),
        rows=tuple(
            tuple(_told(table, one, row, layout, known) for one in columns) for row in range(min(FIRST, table.kept))
        ),
        nothing=_NOTHING.get(table.dataset.name, "There are no rows."),
    )


def _told(table: Table, held: Held, row: int, layout: Layout, known: Set[Cell]) -> Told:
    cell = held[row]
    name = held.column.name
    link = next(
        (_link(table, one, row) for one in layout.links if one.words == name and _leads(table, one, row, known)), None
    )
    return Told(told(cell), _look(name, held.column.kind, cell), link)


def _leads(table: Table, link: Link, row: int, known: Set[Cell]) -> bool:
    return table.columns[link.words][row] is not None and table.columns[link.id][row] in known


def _link(table: Table, link: Link, row: int) -> str:
    return quote(clean(table.columns[link.id][row]), safe="")


def look_of(name: str, kind: str) -> str:
    """How the cells of a column look: `chip`, `tier`, `number`, `mono`, `when`, `long` or nothing special."""
    if name in _CHIPS:
        return "chip"
    if name in _TIERS:
        return "tier"
    if kind in _KINDS:
        return _KINDS[kind]
    return "long" if name.endswith(_LONG) else ""


def _look(name: str, kind: str, cell: Cell) -> str:
    look = look_of(name, kind)
    if cell is None:
        return "unknown number" if look == "number" else "unknown"
    words = str(cell).casefold()
    if look == "chip":
        return f"chip chip-{words}" if words.isascii() and words.isalpha() else "chip"
    if look == "tier":
        return f"chip tier-{words[:2]}" if words.isascii() and words[:2].isalnum() else "chip"
    return look
