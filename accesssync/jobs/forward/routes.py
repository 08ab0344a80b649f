"""The ways that the settings open: which streams of an organization go to which destinations, and which may not."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO

from msgspec import Struct

from accesssync.errors import ConfigurationError
from accesssync.forward.chat import MESSAGE_LIMITS, message_of, together
from accesssync.forward.destination import LOG_INTAKE, ONE_BY_ONE, Destination, Route
from accesssync.forward.entry import Stream
from accesssync.forward.records import Sender, event_of, log_of
from accesssync.jobs.forward.destinations import names_of
from accesssync.model.operation import Operation
from accesssync.settings import OrgSettings, Publishing, Settings

OPERATIONS = {Stream.ALERTS: Operation.SEND_LOG, Stream.AUDIT: Operation.SEND_LOG, Stream.EVENTS: Operation.SEND_EVENT}
"""What sending a stream to Datadog is."""


class Closed(Struct, frozen=True):
    """A way that is not open: what is missing, and what to do. `needs` is the operation that is not allowed."""

    stream: Stream
    route: str
    reason: str
    remedy: str
    needs: Operation | None = None


class Opening(Struct, frozen=True, kw_only=True):
    """What a way of one organization is opened with. `intake` opens the connection to Datadog when it is first used."""

    settings: Settings
    org: OrgSettings
    publishing: Publishing
    sender: Sender
    intake: Callable[[], Any]
    output: BinaryIO
    """Where the destination file writes, where it is standard output."""
    seconds: Callable[[], float]
    """The time since 1970, for signatures."""


def open_routes(opening: Opening) -> Iterator[Route | Closed]:
    """Every way of an organization that the settings ask for, in a fixed order: open, or closed with the reason."""
    for stream in Stream:
        for name in names_of(opening.settings, stream):
            yield OPENERS[name](opening, stream)


def _datadog(opening: Opening, stream: Stream) -> Route | Closed:
    publishing, operation = opening.publishing, OPERATIONS[stream]
    if operation not in publishing.allowed:
        return not_allowed(opening, stream, "datadog", operation)
    if publishing.api_key is None:
        missing = f"{publishing.prefix}API_KEY"
        return Closed(stream, "datadog", f"{missing} is not set, and nothing is published without it", f"set {missing}")
    try:
        intake = opening.intake()
    except ConfigurationError as error:
        return Closed(stream, "datadog", error.message, error.remedy or "see the settings of forwarding")
    events = stream is Stream.EVENTS
    destination: Destination = intake.events if events else intake.logs
    return Route(
        name="datadog",
        stream=stream,
        org=opening.org.name,
        limits=ONE_BY_ONE if events else LOG_INTAKE,
        prepare=partial(event_of if events else log_of, sender=opening.sender),
        destination=destination,
    )


def not_allowed(opening: Opening, stream: Stream, route: str, operation: Operation) -> Closed:
    """A way whose operation the organization does not allow."""
    return Closed(
        stream,
        route,
        f"{operation} is not allowed, so what waits in {stream.value} is kept and not sent",
        f"to allow it, add {operation} to {opening.publishing.setting}",
        operation,
    )


def _file(opening: Opening, stream: Stream) -> Route | Closed:
    from accesssync.jobs.forward.ndjson import FILE_LIMITS, NdjsonFile, NdjsonStream

    target = opening.settings.forward_file
    if target is None:
        return Closed(stream, "file", "ACCESSSYNC_FORWARD__FILE is not set", "set ACCESSSYNC_FORWARD__FILE")
    return Route(
        name="file",
        stream=stream,
        org=opening.org.name,
        limits=FILE_LIMITS,
        prepare=partial(log_of, sender=opening.sender),
        destination=NdjsonStream(opening.output) if target == "-" else NdjsonFile(Path(target)),
    )


def _webhook(opening: Opening, stream: Stream) -> Route | Closed:
    from accesssync.jobs.forward.webhook import POST_LIMITS, Webhook, in_one

    settings, url = opening.settings, opening.settings.forward_webhook_url
    if Operation.SEND_WEBHOOK not in opening.publishing.allowed:
        return not_allowed(opening, stream, "webhook", Operation.SEND_WEBHOOK)
    if url is None:
        missing = "ACCESSSYNC_FORWARD__WEBHOOK_URL"
        return Closed(stream, "webhook", f"{missing} is not set", f"set {missing}")
    slack = settings.forward_webhook_format == "slack"
    return Route(
        name="webhook",
        stream=stream,
        org=opening.org.name,
        limits=MESSAGE_LIMITS if slack else POST_LIMITS,
        prepare=message_of if slack else partial(log_of, sender=opening.sender),
        destination=Webhook(
            url, form=together if slack else in_one, key=settings.forward_webhook_key, clock=opening.seconds
        ),
    )


OPENERS: dict[str, Callable[[Opening, Stream], Route | Closed]] = {
    "datadog": _datadog,
    "file": _file,
    "webhook": _webhook,
}
"""How a way to each destination is opened."""
