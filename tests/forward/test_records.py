"""What is sent to Datadog: logs and events with their standard attributes, within their limits."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from accesssync.forward.entry import Entry, Stream
from accesssync.forward.records import Sender, event_of, log_of

AT = datetime(2026, 11, 21, 12, tzinfo=UTC)
SENDER = Sender("accesssync", "worker-1", "prod")


def entry(**more: Any) -> Entry:
    usual: dict[str, Any] = {
        "stream": Stream.ALERTS, "org": "acme", "dedup_id": "F-1.opened.0", "observed_at": AT, "severity": "critical",
        "body": {"message": "m", "status": "critical", "evt": {"name": "finding.opened"}, "title": "T" * 300,
                 "link": "https://app.datadoghq.eu/x", "command": "accesssync findings show F-1", "about": "F-1"},
    }  # fmt: skip
    return Entry(**{**usual, **more})


def test_a_log_says_who_sends_it_and_when_it_was_seen() -> None:
    told = json.loads(log_of(entry(), AT + timedelta(hours=1), SENDER))
    assert (told["ddsource"], told["service"], told["hostname"]) == ("accesssync", "accesssync", "worker-1")
    assert told["ddtags"] == "org:acme,env:prod,service:accesssync,stream:alerts"
    assert (told["dedup_id"], told["observed_at"]) == ("F-1.opened.0", "2026-11-21T12:00:00.000Z")
    assert told["timestamp"] == AT.timestamp() * 1000
    assert (told["message"], told["status"]) == ("m", "critical")


@pytest.mark.parametrize(
    ("late", "own_time"),
    [(timedelta(0), True), (timedelta(hours=17), True), (timedelta(hours=18), False), (timedelta(days=9), False),
     (timedelta(hours=-1), False)],
)  # fmt: skip
def test_what_is_older_than_the_intake_takes_goes_with_the_time_of_delivery(late: timedelta, own_time: bool) -> None:
    now = AT + late
    told = json.loads(log_of(entry(), now, SENDER))
    assert told["timestamp"] == (AT if own_time else now).timestamp() * 1000
    assert told["observed_at"] == "2026-11-21T12:00:00.000Z"
    event = json.loads(event_of(entry(stream=Stream.EVENTS), now, SENDER))
    assert event["date_happened"] == int((AT if own_time else now).timestamp())


def test_an_event_keeps_the_limits_of_its_endpoint() -> None:
    body = {**entry().body, "message": "x" * 10_000 + "\udc80", "about": "y" * 500}
    told = json.loads(event_of(entry(stream=Stream.EVENTS, body=body), AT, SENDER))
    assert len(told["title"]) <= 100
    assert len(told["text"]) <= 4000
    assert len(told["aggregation_key"]) <= 100
    assert told["alert_type"] == "error"
    assert "org:acme" in told["tags"]
    assert "dedup_id:F-1.opened.0" in told["tags"]
