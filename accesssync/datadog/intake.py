"""Where logs, events and metrics are handed over, with the API key alone: once each, and what came of it as a value.

Records are JSON already. They go through the official client's endpoints, which know the hosts, as bytes in their
final form: a thousand logs as the client's own models would take longer to build than to deliver.
"""

import gzip
import io
from collections.abc import Callable, Collection, Sequence
from random import Random
from time import time
from typing import Any, Final
from urllib.parse import urlsplit

from pydantic import SecretStr

from accesssync.datadog.connect import Connected, connect
from accesssync.datadog.endpoints import Endpoints
from accesssync.datadog.failure import Failure
from accesssync.datadog.limits import Limits
from accesssync.datadog.permit import allowing
from accesssync.datadog.retry import whole_number
from accesssync.datadog.sites import is_datadog_host
from accesssync.datadog.transport import Call
from accesssync.errors import RefusedError
from accesssync.model.delivery import Delivered, Later, Outcome, Refused, Stopped
from accesssync.model.operation import Operation

_LOGS_TAKEN: Final = frozenset({202})
_EVENTS_TAKEN: Final = frozenset({200, 201, 202})
_PASSING: Final = frozenset({408, 425, 429, 499})
"""Of the answers that say no to a request, those that may say yes to the same one later."""
_FOR_GOOD: Final = frozenset({400, 413, 415, 422})
"""Those that say that something is wrong with the request itself."""

_LEVEL: Final = 1
"""Of compression: higher ones take many times as long to save little."""

Send = Callable[[Any], object]


class Taker:
    """One intake of one organization: takes records by the batch. Safe to use from several threads."""

    def __init__(
        self, connected: Connected, operation: Operation, accepted: frozenset[int], send: Send, form: "Form"
    ) -> None:
        self._transport = connected.transport
        self._operation = operation
        self._accepted = accepted
        self._send = send
        self._form = form

    def send(self, records: Sequence[bytes]) -> Outcome:
        """Hand over records, each a JSON document, once and in this order. Whatever comes of it is answered."""
        for body in self._form(records):
            outcome = self._once(body)
            if not isinstance(outcome, Delivered):
                return outcome
        return Delivered()

    def _once(self, body: bytes) -> Outcome:
        # A file is what the client sends as it is; each attempt needs a new one, since it is closed after reading.
        call = Call(
            operation=self._operation,
            resource=self._operation,
            permission=None,
            send=lambda: self._send(io.BytesIO(body)),
        )
        try:
            answer = self._transport.once(call, self._accepted)
        except RefusedError as error:
            return Stopped(error.message, error.remedy)
        return Delivered() if isinstance(answer, bytes) else judged(answer)


def judged(failure: Failure) -> Outcome:
    """What a failure means for the records that it was about."""
    if failure.kind == "network":
        if failure.lasting:
            return Stopped(failure.message, "check the address, and the certificates that this machine trusts")
        return Later(failure.message)
    status, reason = failure.status, failure.message
    if status in _FOR_GOOD:
        return Refused(reason, status)
    if status in _PASSING or status >= 500 or 200 <= status < 300:
        # Success that is not as an intake tells it comes from somebody on the way.
        wait = whole_number(failure.reset) if status == 429 else None
        return Later(reason, None if wait is None else float(wait), status)
    if status in (401, 403):
        return Stopped(reason, "check the API key and its site: keys belong to one organization on one site", status)
    return Stopped(reason, "check the site and the URL: nothing there takes this", status)


Form = Callable[[Sequence[bytes]], list[bytes]]
"""From records to the bodies of requests."""


def _all_in_one(before: bytes, after: bytes) -> Form:
    def form(records: Sequence[bytes]) -> list[bytes]:
        if not records:
            return []
        return [gzip.compress(before + b",".join(records) + after, _LEVEL, mtime=0)]

    return form


class Intake:
    """The intakes for one organization that is published to. Nothing is sent before something is handed over."""

    def __init__(self, plain: Connected, logs: Connected) -> None:
        self._plain, self._logs = plain, logs
        submit = Endpoints(logs.client).logs.submit_log
        self.logs = Taker(
            logs,
            Operation.SEND_LOG,
            _LOGS_TAKEN,
            lambda body: submit(body, content_encoding="gzip"),  # type: ignore[arg-type]
            _all_in_one(b"[", b"]"),
        )
        others = Endpoints(plain.client)
        self.events = Taker(plain, Operation.SEND_EVENT, _EVENTS_TAKEN, others.events.create_event, list)
        series = others.metrics.submit_metrics
        self.series = Taker(
            plain,
            Operation.SEND_METRIC,
            _LOGS_TAKEN,
            lambda body: series(body, content_encoding="gzip"),  # type: ignore[arg-type]
            _all_in_one(b'{"series":[', b"]}"),
        )

    @property
    def requests(self) -> int:
        """How many requests were sent."""
        return sum(each.budget.requests for each in {id(one): one for one in (self._plain, self._logs)}.values())

    def close(self) -> None:
        """Close the connections. The intakes must not be used afterwards."""
        self._plain.client.close()
        self._logs.client.close()


def logs_url(api_url: str | None) -> str | None:
    """The base URL for logs: the site's own log intake (None) unless `api_url` replaces every host."""
    if api_url is None or is_datadog_host(urlsplit(api_url).hostname or ""):
        return None
    return api_url


def open_intake(
    *,
    org: str,
    site: str,
    api_key: SecretStr,
    allowed: Collection[Operation],
    setting: str,
    api_url: str | None = None,
    allow_other_host: bool = False,
    limits: Limits | None = None,
    sleep: Callable[[float], None],
    clock: Callable[[], float],
    now: Callable[[], float] = time,
    rng: Random,
    on_answer: Callable[[int], None] = lambda _status: None,
) -> Intake:
    """Prepare to publish for one organization with an API key; nothing is sent yet.

    `setting` is where `allowed` comes from, for people. Raises ConfigurationError for a host that the rules forbid and
    for a key that cannot be sent.
    """

    def to(url: str | None) -> Connected:
        return connect(
            org=org,
            site=site,
            api_key=api_key,
            app_key=None,
            api_url=url,
            allow_other_host=allow_other_host,
            concurrency=2,
            limits=limits or Limits(),
            permit=allowing(allowed, setting),
            sleep=sleep,
            clock=clock,
            now=now,
            rng=rng,
            on_event=lambda _event: None,
            on_answer=on_answer,
            check_bodies=False,
        )

    plain = to(api_url)
    elsewhere = logs_url(api_url)
    return Intake(plain, plain if elsewhere == api_url else to(elsewhere))
