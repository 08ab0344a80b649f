"""How soon somebody should act."""

from typing import Literal

Severity = Literal["critical", "high", "medium", "low", "info"]

SEVERITIES: tuple[Severity, ...] = ("critical", "high", "medium", "low", "info")
"""The most pressing first."""

RANK: dict[str, int] = {name: number for number, name in enumerate(SEVERITIES)}


def at_least(one: str, threshold: str) -> bool:
    """Whether a severity is as pressing as the threshold or more."""
    return RANK[one] <= RANK[threshold]
