"""Identities as User Inventory Info (class 5003) of the Open Cybersecurity Schema Framework 1.8.0, activity Collect."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from accesssync.evidence.block import Block
from accesssync.findings.ocsf import VERSION
from accesssync.model.when import as_text
from accesssync.reports.dataset import Dataset

CATEGORY, CLASS, COLLECT = 5, 5003, 2

_TYPES: Final[Mapping[str, tuple[int, str]]] = {
    "human": (1, "User"),
    "service_account": (4, "Service"),
    "nhi": (4, "Service"),
}
_ADMIN: Final = (2, "Admin")
_NOT_SAID: Final = (0, "Unknown")

_NAMED: Final = (("name", "handle"), ("full_name", "name"), ("email_addr", "email"), ("has_mfa", "mfa_enabled"))

_BESIDE: Final = (
    "status", "disabled", "verified", "title", "created_at", "last_login_at", "last_login_state", "is_external",
    "privilege_tier", "owner", "open_findings",
)  # fmt: skip
"""What the schema has no place for; it goes under `unmapped`, by its name in our own files."""


def inventory_events(datasets: Sequence[Dataset], block: Block) -> Iterator[dict[str, Any]]:
    """An event for each identity of the datasets. Times are milliseconds since 1970, as the schema wants."""
    tables = {one.name: one for one in datasets}
    if "identities" not in tables:
        return
    keys = _credentials(tables.get("keys_tokens"))
    for one in rows_of(tables["identities"]):
        yield _event(one, keys.get(one["identity_id"], ()), block)


def rows_of(dataset: Dataset) -> Iterator[dict[str, Any]]:
    """The rows of a dataset by the names of its columns."""
    names = [column.name for column in dataset.columns]
    return (dict(zip(names, row, strict=True)) for row in dataset.read())


def milliseconds(moment: datetime) -> int:
    """A time as the schema wants it."""
    return round(moment.timestamp() * 1000)


def _credentials(dataset: Dataset | None) -> Mapping[str, list[dict[str, Any]]]:
    found: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for one in rows_of(dataset) if dataset else ():
        if one["owner_id"] is None:
            continue
        told: dict[str, Any] = {"uid": one["credential_id"], "type": one["kind"]}
        if one.get("last_used_at") is not None:
            told["last_used_time"] = milliseconds(one["last_used_at"])
        found[one["owner_id"]].append(told)
    return found


def _event(one: Mapping[str, Any], keys: Sequence[Mapping[str, Any]], block: Block) -> dict[str, Any]:
    found: dict[str, Any] = {
        "activity_id": COLLECT,
        "activity_name": "Collect",
        "category_uid": CATEGORY,
        "category_name": "Discovery",
        "class_uid": CLASS,
        "class_name": "User Inventory Info",
        "type_uid": CLASS * 100 + COLLECT,
        "type_name": "User Inventory Info: Collect",
        "time": milliseconds(block.as_of),
        "severity_id": 1,
        "severity": "Informational",
        "metadata": {
            "version": VERSION,
            "product": {"name": "accesssync", "vendor_name": "accesssync", "version": block.tool_version},
            "uid": f"{block.org}/run-{block.run_id}/{one['identity_id']}",
            "log_name": block.org,
        },
        "user": _user(one, keys, block),
        "unmapped": {name: _plain(one[name]) for name in _BESIDE if one.get(name) is not None},
    }
    if block.org_id:
        found["metadata"]["tenant_uid"] = block.org_id
    return found


def _user(one: Mapping[str, Any], keys: Sequence[Mapping[str, Any]], block: Block) -> dict[str, Any]:
    type_id, type_ = _TYPES.get(one["type"], _NOT_SAID)
    if type_id == 1 and one.get("privilege_tier") == "T0":
        type_id, type_ = _ADMIN
    org = {"name": block.org_name or block.org, **({"uid": block.org_id} if block.org_id else {})}
    told: dict[str, Any] = {"uid": one["identity_id"], "type_id": type_id, "type": type_, "org": org}
    for name, column in (
        ("name", "handle"),
        ("full_name", "name"),
        ("email_addr", "email"),
        ("has_mfa", "mfa_enabled"),
    ):
        if one.get(column) is not None:
            told[name] = one[column]
    if one["roles"]:
        told["groups"] = [{"name": role, "type": "Datadog role"} for role in one["roles"]]
    if keys:
        told["programmatic_credentials"] = list(keys)
    return told


def _plain(value: object) -> object:
    return as_text(value) if isinstance(value, datetime) else value
