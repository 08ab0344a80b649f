"""Blocks and datasets, made by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from accesssync.evidence.block import Block, Check, Listing, Total
from accesssync.reports.dataset import Column, Dataset, Kind, Row

AT = datetime(2026, 11, 20, 12, tzinfo=UTC)


def block(**facts: Any) -> Block:
    """Where a report comes from: three people, all of them proven, unless told otherwise."""
    usual: dict[str, Any] = {
        "report_id": "R-20261120-run-412",
        "report_name": "Access report",
        "schema_version": "1",
        "source_system": "Datadog",
        "site": "datadoghq.eu",
        "org": "acme",
        "org_id": "0b6c1f5e",
        "org_name": "Acme Inc.",
        "environment": "production",
        "run_id": 412,
        "run_started_at": AT,
        "run_finished_at": AT,
        "as_of": AT,
        "complete": True,
        "listings": (listing(),),
        "reconciliation": (Check(id="users", means="users received, and users that Datadog counts", left=3, right=3),),
        "credentials_used": ("application key ..a1b2 of reader@acme.example",),
        "filters_applied": (),
        "limitations": ("mfa_enabled is not known of 1 user",),
        "generated_at": AT,
        "generated_by": "ada",
        "host": "audit-1",
        "tool_version": "0.9",
        "config_hash": "c" * 64,
        "ruleset_hash": "d" * 64,
        "totals": (Total(means="active users", count=3, place="Organization Settings > Users, filter Active"),),
    }
    return Block(**{**usual, **facts})


def listing(**facts: Any) -> Listing:
    """How the users were read."""
    usual: dict[str, Any] = {
        "resource": "users", "method": "GET", "path": "/api/v2/users", "parameters": {"page[size]": "1000"},
        "state": "complete", "received": 3, "expected": 3, "stored": 3, "passes": 1, "started_at": AT,
        "finished_at": AT,
    }  # fmt: skip
    return Listing(**{**usual, **facts})


def column(name: str, kind: Kind = "text", *, personal: bool = False) -> Column:
    """A column that says what it means."""
    return Column(name=name, kind=kind, means=f"What the {name} is.", personal=personal)


def dataset(columns: Sequence[Column], rows: Sequence[Row], name: str = "identities") -> Dataset:
    """A table of these rows."""
    return Dataset(
        name=name, title=name.capitalize(), row_is="identity", columns=tuple(columns), read=lambda: iter(rows)
    )
