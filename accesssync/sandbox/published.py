"""What was sent to an invented organization and what was installed in it: logs, events, metrics and configuration."""

import json
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from accesssync.sandbox.unpacking import unpack

Object = dict[str, Any]

LOG_BYTES = 1_000_000
"""A larger log is cut to this size."""
_LOG_AGE = timedelta(hours=18)
_KEPT_BYTES = 64 << 20
_KEPT = 100_000
_DEFAULT_RULES = 130
_LETTERS = "abcdefghijkmnopqrstuvwxyz23456789"


@dataclass(frozen=True, slots=True)
class _Batch:
    """One request with logs, as it came over the wire."""

    at: datetime
    encoding: str
    tags: str
    body: bytes
    large: bool


@dataclass(slots=True)
class Received:
    """How many of one kind arrived, over the whole life of the server."""

    requests: int = 0
    entries: int = 0
    bytes: int = 0
    dropped: int = 0
    truncated: int = 0


def parsed(body: bytes) -> list[Any]:
    """The logs of a request: a list of them, or a single one."""
    found = json.loads(body)
    return found if isinstance(found, list) else [found]


def stated_time(entry: Mapping[str, Any]) -> datetime | None:
    """What a log says about its time, where it says it in one of the usual ways."""
    found = entry.get("timestamp", entry.get("date"))
    try:
        if isinstance(found, str):
            read = datetime.fromisoformat(found)
            return read if read.tzinfo else read.replace(tzinfo=UTC)
        if isinstance(found, int | float) and not isinstance(found, bool):
            return datetime.fromtimestamp(found / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        pass
    return None


class Published:
    """What arrived and what is installed. Memory is bounded: the oldest of what arrived makes room for the newest."""

    def __init__(self) -> None:
        self.received = {kind: Received() for kind in ("logs", "events", "series")}
        self._batches: deque[_Batch] = deque()
        self._kept_bytes = 0
        self.events: deque[Object] = deque(maxlen=_KEPT)
        self.points: deque[Object] = deque(maxlen=_KEPT)
        self.dashboards: dict[str, Object] = {}
        self.pipelines: dict[str, Object] = {}
        self.monitors: dict[int, Object] = {}
        self.rules: dict[str, Object] = {}
        self._rng = Random(1)  # noqa: S311  ids of invented records
        self._next = 100_000_000
        for number in range(_DEFAULT_RULES):
            rule = _default_rule(self.new_id("-"), number)
            self.rules[rule["id"]] = rule

    def new_number(self) -> int:
        """A number that nothing has."""
        self._next += self._rng.randint(1, 500)
        return self._next

    def new_id(self, joint: str) -> str:
        """Nine random letters in three groups, as dashboards and rules have them; one word where `joint` is empty."""
        groups = ("".join(self._rng.choices(_LETTERS, k=3)) for _ in range(3))
        return joint.join(groups) if joint else "".join(self._rng.choices(_LETTERS + _LETTERS.upper(), k=22))

    def take_logs(self, at: datetime, encoding: str, tags: str, body: bytes, entries: list[Any], unpacked: int) -> None:
        """Keep a request's logs as they came. Those that say that they are too old are counted and never shown."""
        count = self.received["logs"]
        count.requests += 1
        count.bytes += unpacked
        old = sum(_too_old(each, at) for each in entries)
        count.dropped += old
        count.entries += len(entries) - old
        if unpacked > LOG_BYTES:
            count.truncated += sum(_size(each) > LOG_BYTES for each in entries)
        self._batches.append(_Batch(at, encoding, tags, body, unpacked > LOG_BYTES))
        self._kept_bytes += len(body)
        while self._kept_bytes > _KEPT_BYTES and len(self._batches) > 1:
            self._kept_bytes -= len(self._batches.popleft().body)

    def logs(self) -> Iterator[Object]:
        """The logs that were taken and are still kept, in the order in which they came; one too large is cut."""
        for batch in list(self._batches):
            for entry in parsed(unpack(batch.body, batch.encoding, 1 << 30)):
                if _too_old(entry, batch.at):
                    continue
                shown = _cut(entry) if batch.large and _size(entry) > LOG_BYTES else entry
                yield {**shown, "ddtags": ",".join(filter(None, (shown.get("ddtags"), batch.tags)))}

    def forget(self) -> None:
        """Empty what arrived, counts too; what is installed stays."""
        self.received = {kind: Received() for kind in self.received}
        self._batches.clear()
        self._kept_bytes = 0
        self.events.clear()
        self.points.clear()

    def installed(self) -> dict[str, list[Object]]:
        """Everything that is installed, the rules that Datadog itself provides left out."""
        return {
            "dashboards": list(self.dashboards.values()),
            "pipelines": list(self.pipelines.values()),
            "monitors": list(self.monitors.values()),
            "rules": [each for each in self.rules.values() if not each["isDefault"]],
        }


def _too_old(entry: Mapping[str, Any], at: datetime) -> bool:
    told = stated_time(entry)
    return told is not None and told < at - _LOG_AGE


def _size(entry: object) -> int:
    return len(json.dumps(entry, separators=(",", ":")))


def _cut(entry: Mapping[str, Any]) -> Object:
    """What is left of a log that is too large: the beginning of its message, and nothing that was in it."""
    kept = {name: entry[name] for name in ("ddsource", "ddtags", "hostname", "service") if name in entry}
    text = entry.get("message")
    whole = text if isinstance(text, str) and len(text) > LOG_BYTES // 2 else json.dumps(entry)
    return {**kept, "message": whole[:LOG_BYTES], "truncated": True}


def _default_rule(rule_id: str, number: int) -> Object:
    return {
        "id": rule_id,
        "name": f"Datadog rule {number:03d}",
        "createdAt": 1_600_000_000_000 + number,
        "creationAuthorId": 0,
        "isDefault": True,
        "isDeleted": False,
        "isEnabled": number % 3 != 0,
        "hasExtendedTitle": True,
        "type": "log_detection",
        "message": "Comes with Datadog.",
        "version": 1,
        "tags": ["source:cloudtrail"],
        "filters": [],
        "queries": [
            {
                "name": "",
                "query": f"source:cloudtrail @number:{number}",
                "aggregation": "count",
                "groupByFields": [],
                "distinctFields": [],
            }
        ],
        "cases": [{"name": "", "status": "low", "notifications": [], "condition": "a > 0"}],
        "options": {
            "detectionMethod": "threshold",
            "evaluationWindow": 900,
            "keepAlive": 3600,
            "maxSignalDuration": 86400,
        },
    }
