"""What accesssync installs in Datadog, and the marks by which it knows its own. What carries none belongs to others."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from msgspec import Struct

MANAGED_BY: Final = "managed-by:accesssync"
"""In everything that accesssync installs."""

Body = Mapping[str, Any]


class Kind(StrEnum):
    """A kind of object, by the word that people know it by."""

    DASHBOARD = "dashboard"
    PIPELINE = "log pipeline"
    MONITOR = "monitor"
    DETECTION_RULE = "detection rule"


class Found(Struct, frozen=True):
    """An object in Datadog that carries a mark of ours, as it is now."""

    id: str
    body: Body


class Failed(Struct, frozen=True):
    """Datadog did not do it. `refused`: it will not do it either when asked again; `unsure`: it may have done it."""

    reason: str
    refused: bool = False
    unsure: bool = False
