"""What the worker tells Prometheus: numbers and the names of organizations, nobody's name and nothing secret."""

from collections.abc import Callable, Iterable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

DURATIONS = (0.1, 0.5, 1, 2, 5, 10, 30, 60, 120, 300, 600, 1800, 3600)
"""Bounds in seconds: from a small organization to the longest that a run may take."""


class Sample:
    """One figure read from the store at the moment somebody asks."""

    __slots__ = ("help", "labels", "name", "values")

    def __init__(self, name: str, text: str, labels: tuple[str, ...]) -> None:
        self.name = name
        self.help = text
        self.labels = labels
        self.values: list[tuple[tuple[str, ...], float]] = []


class Metrics:
    """Counted since the process began, and beside it what `stored` reads from the store whenever it is asked."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self.turns = self._counter("turns", "Turns of jobs that ended.", "job", "org", "outcome")
        self.durations = Histogram(
            "accesssync_turn_duration_seconds",
            "How long turns of jobs took.",
            ["job"],
            registry=self.registry,
            buckets=DURATIONS,
        )
        self.requests = self._counter("requests", "Answers of Datadog by HTTP status, 0 for none.", "org", "status")
        self.waits = self._counter("rate_limit_waits", "Waits because of a rate limit.", "org")
        self.waited = self._counter("rate_limit_waited_seconds", "Seconds waited because of a rate limit.", "org")
        self.seen = self._counter("watch_seen", "What the watch saw for the first time.", "org")
        way = "org", "stream", "destination"
        self._delivered = self._counter("forward_delivered", "Entries delivered.", *way)
        self._missed = self._counter("forward_missed", "Entries that will never arrive, by why.", *way, "why")
        self.running = self._gauge("turns_running", "Turns under way in this process.")
        self.stuck = self._gauge("turns_stuck", "Turns that went on after their deadline and were told to stop.")
        self.up_since = self._gauge("start_time_seconds", "When this worker began, in seconds since 1970.")
        self.leading = self._gauge("leading", "Whether this process hands out the work.")

    def published(self, org: str, stream: str, route: str, delivered: int, dead: int, lost: int, dropped: int) -> None:
        """Count what came of one turn of delivering."""
        self._delivered.labels(org, stream, route).inc(delivered)
        for why, count in (("dead", dead), ("lost", lost), ("dropped", dropped)):
            if count:
                self._missed.labels(org, stream, route, why).inc(count)

    def read_from(self, stored: Callable[[], Iterable[Sample]]) -> None:
        """Ask `stored` too from now on."""
        self.registry.register(_Stored(stored))

    def text(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self.registry)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(f"accesssync_{name}", text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str) -> Gauge:
        return Gauge(f"accesssync_{name}", text, registry=self.registry)


class _Stored(Collector):
    def __init__(self, stored: Callable[[], Iterable[Sample]]) -> None:
        self._stored = stored

    def describe(self) -> Iterable[GaugeMetricFamily]:
        """Nothing: the store is not asked before anybody wants to know."""
        return []

    def collect(self) -> Iterable[GaugeMetricFamily]:
        for sample in self._stored():
            family = GaugeMetricFamily(f"accesssync_{sample.name}", sample.help, labels=sample.labels)
            for labels, value in sample.values:
                family.add_metric(list(labels), value)
            yield family
