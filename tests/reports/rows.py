"""Rows of datasets by the names of their columns."""

from typing import Any

from accesssync.reports.dataset import Dataset


def records(dataset: Dataset) -> list[dict[str, Any]]:
    """Every row as a map; a row of another width than the columns fails."""
    names = [column.name for column in dataset.columns]
    assert len(set(names)) == len(names), dataset.name
    return [dict(zip(names, row, strict=True)) for row in dataset.read()]
