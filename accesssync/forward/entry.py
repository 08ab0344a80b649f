"""One thing to be published: what the outbox holds and every destination takes."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any

from msgspec import Struct

from accesssync.findings.severity import Severity


class Stream(StrEnum):
    """What is switched on by itself and delivered in its own order."""

    ALERTS = "alerts"
    AUDIT = "audit"
    EVENTS = "events"


class Entry(Struct, frozen=True, kw_only=True):
    """One log or event.

    `dedup_id` is the same for the same occurrence whenever it is made or sent again. `body` is what is told, as JSON
    values, without any secret; a destination adds what it needs around it. Of what finds no room, the least severe
    goes first.
    """

    stream: Stream
    org: str
    dedup_id: str
    observed_at: datetime
    body: Mapping[str, Any]
    severity: Severity = "info"
