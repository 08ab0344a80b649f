"""From figures to series: gauges with tags of a few known values each, for the latest moment and never an older one.

A figure that nobody knows is not sent: a gap in a graph says "unknown", and zero would be a lie. What is known to be
none is sent as zero, so that a line comes down when the last finding of a kind is resolved.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import product
from typing import Any

from msgspec import Struct, json

from accesssync.model.coverage import Resource
from accesssync.model.credential import CredentialType

PREFIX = "accesssync."

KINDS = ("human", "nhi", "review", "unknown")
STATUSES = ("active", "pending", "disabled", "other", "unknown")
SEVERITIES = ("critical", "high", "medium", "low", "info")
FINDING_AGES = {"under_7d": 7, "7_30d": 30, "30_90d": 90, "over_90d": None}
"""Days since a finding was opened, or opened again: each bucket ends below its number."""
CREDENTIAL_AGES = {"under_30d": 30, "30_90d": 90, "90_180d": 180, "180_365d": 365, "over_365d": None}
"""Days since a credential was made."""
UNKNOWN_AGE = "unknown"
"""The age of a credential of which Datadog does not say when it was made."""

PAYLOAD_BYTES = 400_000
"""Of one request, before compression. The intake takes 512,000 bytes compressed and 5 MiB uncompressed."""

GAUGE = 3
"""The number by which the intake knows a gauge."""

Pair = tuple[str, str]


class StreamFigures(Struct, frozen=True, kw_only=True):
    """What one stream has come to: entries that wait, and those sent, given up and refused for good so far."""

    backlog: int
    delivered: int
    dropped: int
    dead: int


class OrgFigures(Struct, frozen=True, kw_only=True):
    """What is known of one organization. None stands for what nobody knows, and a missing pair for none.

    `identities` is by kind and status, `privileged` by kind, `findings` by severity and age, `credentials` by type and
    age, holding the types that could be read. `proven` says of each resource that is read whether the last look
    proved it complete. Ages and durations are in seconds; `requests` and `rate_limited` are of the last run.
    """

    org: str
    identities: Mapping[Pair, int] | None = None
    privileged: Mapping[str, int] | None = None
    findings: Mapping[Pair, int] | None = None
    credentials: Mapping[str, Mapping[str, int]] = {}
    proven: Mapping[Resource, bool] = {}
    sync_age: float | None = None
    sync_duration: float | None = None
    requests: int | None = None
    rate_limited: int | None = None
    streams: Mapping[str, StreamFigures] = {}


class Series(Struct, frozen=True, kw_only=True):
    """One gauge with its tags and its one value."""

    metric: str
    value: float
    tags: tuple[str, ...]
    unit: str | None = None


def series(figures: Iterable[OrgFigures], *, env: str | None = None) -> Iterator[Series]:
    """The gauges of some organizations. Every tag has a few known values: no id, no address, nobody's name."""
    for one in figures:
        common = (f"org:{one.org}", *((f"env:{env}",) if env else ()))
        for found in _of(one):
            yield Series(
                metric=PREFIX + found.metric, value=found.value, tags=(*common, *found.tags), unit=found.unit
            )  # fmt: skip


def _of(one: OrgFigures) -> Iterator[Series]:
    yield from _of_identities(one)
    if one.findings is not None:
        for pair in product(SEVERITIES, FINDING_AGES):
            yield _gauge("findings.open", one.findings.get(pair, 0), severity=pair[0], age=pair[1])
    for each in CredentialType:
        counts = one.credentials.get(each.value)
        if counts is not None:
            for age in (*CREDENTIAL_AGES, UNKNOWN_AGE):
                yield _gauge("credentials", counts.get(age, 0), type=each.value, age=age)
    for resource, proven in sorted(one.proven.items()):
        yield _gauge("coverage.proven", int(proven), resource=resource.value)
    yield from _of_runs(one)
    for name, stream in sorted(one.streams.items()):
        for figure in ("backlog", "delivered", "dropped", "dead"):
            yield _gauge(f"forward.{figure}", getattr(stream, figure), stream=name)


def _of_identities(one: OrgFigures) -> Iterator[Series]:
    if one.identities is not None:
        for pair in product(KINDS, STATUSES):
            yield _gauge("identities", one.identities.get(pair, 0), kind=pair[0], status=pair[1])
    if one.privileged is not None:
        for kind in KINDS:
            yield _gauge("privileged", one.privileged.get(kind, 0), kind=kind)


def _of_runs(one: OrgFigures) -> Iterator[Series]:
    told: tuple[tuple[str, float | None, str | None], ...] = (
        ("sync.age_seconds", one.sync_age, "second"),
        ("sync.duration_seconds", one.sync_duration, "second"),
        ("requests", one.requests, "request"),
        ("rate_limited", one.rate_limited, "request"),
    )
    for name, value, unit in told:
        if value is not None:
            yield Series(metric=name, value=float(value), tags=(), unit=unit)


def _gauge(metric: str, value: float, **tags: str) -> Series:
    return Series(metric=metric, value=float(value), tags=tuple(f"{name}:{text}" for name, text in tags.items()))


def payloads(found: Iterable[Series], at: datetime, *, most_bytes: int = PAYLOAD_BYTES) -> Iterator[Sequence[bytes]]:
    """The series of one moment as the intake takes them, in pieces that each stay below its limit.

    A piece is the records of one request, each a series in JSON.
    """
    waiting: list[bytes] = []
    size = 0
    for one in found:
        encoded = json.encode(_document(one, at))
        if waiting and size + len(encoded) + 1 > most_bytes:
            yield waiting
            waiting, size = [], 0
        waiting.append(encoded)
        size += len(encoded) + 1
    if waiting:
        yield waiting


def _document(one: Series, at: datetime) -> dict[str, Any]:
    point = {"timestamp": int(at.timestamp()), "value": one.value}
    found: dict[str, Any] = {"metric": one.metric, "type": GAUGE, "points": [point], "tags": list(one.tags)}
    return found if one.unit is None else {**found, "unit": one.unit}
