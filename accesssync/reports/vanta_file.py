"""The accounts in the layout that Vanta imports for access reviews: one line each, with who answers for it."""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import Any, BinaryIO, Final

from accesssync.model.visible import spreadsheet_safe, visible
from accesssync.reports.dataset import Dataset
from accesssync.reports.inventory_events import rows_of

COLUMNS: Final = ("Account name", "Account owner", "Role", "Status", "Date created", "Date deactivated")
NOT_A_PERSON, NO_OWNER, EXTERNAL = "Not a person", "No owner", "External user"

_MACHINES: Final = frozenset({"service_account", "nhi"})


def write_vanta(datasets: Sequence[Dataset], file: BinaryIO) -> int:
    """Write the accounts and give their number; a header alone where the identities are not among the datasets.

    When an account was deactivated is not kept, so that column stays empty.
    """
    text = io.TextIOWrapper(file, encoding="utf-8", errors="backslashreplace", newline="")
    count = 0
    try:
        writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
        writer.writerow(COLUMNS)
        identities = next((one for one in datasets if one.name == "identities"), None)
        for one in rows_of(identities) if identities else ():
            writer.writerow([spreadsheet_safe(visible(cell)) for cell in _line(one)])
            count += 1
        return count
    finally:
        text.detach()


def _line(one: Mapping[str, Any]) -> tuple[str, ...]:
    status = {"Disabled": "Deactivated", "Active": "Active", "Pending": "Active"}.get(one["status"] or "", "")
    made = one["created_at"]
    return (
        one["email"] or one["name"] or one["identity_id"],
        _owner(one),
        ", ".join(role.replace(",", "\\x2c") for role in one["roles"] or ()),
        "Deactivated" if one["disabled"] else status,
        "" if made is None else f"{made:%Y-%m-%d}",
        "",
    )


def _owner(one: Mapping[str, Any]) -> str:
    """Who answers for an account: whose it is; for machines, who was declared."""
    if one["type"] in _MACHINES:
        return one.get("owner") or NOT_A_PERSON
    if one.get("is_external"):
        return EXTERNAL
    return one["email"] or NO_OWNER
