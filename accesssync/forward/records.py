"""The form that entries have in Datadog: logs and events. NDJSON has that of the logs."""

from datetime import UTC, datetime, timedelta
from typing import Any

from msgspec import Struct, json

from accesssync.forward.entry import Entry
from accesssync.forward.fit import fitted, writable
from accesssync.forward.telling import moment_text

OLDEST = timedelta(hours=18) - timedelta(minutes=15)
"""Datadog takes no logs from before 18 hours ago; a quarter of an hour is for the way there."""

NEWEST = timedelta(minutes=5)
"""A clock that runs ahead must not send logs from the future."""

TITLE, TEXT = 100, 4_000
"""Characters of an event's title and text."""

_ALERT_TYPES = {"critical": "error", "high": "error", "medium": "warning", "low": "info", "info": "info"}


class Sender(Struct, frozen=True):
    """Who publishes: as which service, on which host, in which environment."""

    service: str
    host: str
    env: str


def log_of(entry: Entry, at: datetime, sender: Sender) -> bytes:
    """An entry as one log of Datadog's intake. `at` is when it is delivered."""
    return json.encode(
        {
            "ddsource": "accesssync",
            "ddtags": ",".join(tags(entry, sender)),
            "hostname": sender.host,
            "service": sender.service,
            "timestamp": round(_date(entry, at).timestamp() * 1000),
            "observed_at": moment_text(entry.observed_at),
            "dedup_id": entry.dedup_id,
            "org": entry.org,
            **entry.body,
        }
    )


def event_of(entry: Entry, at: datetime, sender: Sender) -> bytes:
    """An entry as one event of Datadog's events API, version 1."""
    body = entry.body
    lines = [str(body.get("message", "")), ""]
    lines += [f"[In Datadog]({body['link']})"] if body.get("link") else []
    lines += [f"`{body['command']}`"] if body.get("command") else []
    lines += [f"observed at {moment_text(entry.observed_at)}, {entry.dedup_id}"]
    event: dict[str, Any] = {
        "title": _cut(str(body.get("title") or body.get("message", "")), TITLE),
        "text": _cut("%%% \n" + "\n\n".join(line for line in lines if line) + "\n %%%", TEXT),
        "date_happened": round(_date(entry, at).timestamp()),
        "alert_type": _ALERT_TYPES[entry.severity],
        "priority": "normal",
        "aggregation_key": _cut(f"accesssync {body.get('about', entry.dedup_id)}", TITLE),
        "host": sender.host,
        "tags": [*tags(entry, sender), "source:accesssync", f"dedup_id:{entry.dedup_id}", f"evt:{_name(body)}"],
    }
    return fitted(event)


def tags(entry: Entry, sender: Sender) -> list[str]:
    """The tags of everything published: few, and none of them grows without end."""
    return [f"org:{entry.org}", f"env:{sender.env}", f"service:{sender.service}", f"stream:{entry.stream.value}"]


def _name(body: Any) -> str:
    return str(body.get("evt", {}).get("name", "none"))


def _date(entry: Entry, at: datetime) -> datetime:
    """When it was observed; when it is delivered, where that is too long ago for the intake."""
    observed = entry.observed_at.astimezone(UTC)
    return observed if at - OLDEST <= observed <= at + NEWEST else at


def _cut(text: str, most: int) -> str:
    text = writable(text)
    return text if len(text) <= most else text[: most - 1] + "\u2026"
