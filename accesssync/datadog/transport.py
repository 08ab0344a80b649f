"""One call: bounded attempts, each judged and translated. Nothing of the HTTP library or the client escapes."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from http.client import HTTPException
from itertools import count
from random import Random
from threading import Lock
from typing import Literal, TypeVar, cast

from datadog_api_client.exceptions import OpenApiException
from msgspec import Struct
from urllib3.exceptions import HTTPError

from accesssync.datadog.budget import Budget
from accesssync.datadog.exchange import Answer, Deadline, Sending, current_deadline, current_sending
from accesssync.datadog.failure import Failure, from_exception, from_status, to_error
from accesssync.datadog.limits import Limits
from accesssync.datadog.retry import decide
from accesssync.datadog.scrub import Scrub
from accesssync.datadog.skew import server_skew
from accesssync.errors import DeadlineError, ResponseError

T = TypeVar("T")

_PIECE = 256 * 1024
_ERROR_BODY = 64 * 1024
# Everything the client, urllib3, ssl, sockets and http.client are known to raise. Their common ancestor would
# also swallow our own mistakes.
_FOREIGN = (HTTPError, OpenApiException, HTTPException, OSError, ValueError, EOFError)


class Event(Struct, frozen=True, kw_only=True):
    """A wait worth a log line: before repeating a failed request, or to leave others their share of the limit."""

    kind: Literal["retry", "share"]
    org: str
    resource: str
    operation: str
    attempt: int
    wait: float
    reason: str
    limited: bool = False
    """Whether a rate limit is what is waited for."""


class Call(Struct, frozen=True, kw_only=True):
    """What is asked for. `operation` names the endpoint; `permission` what it needs, None for nothing special.

    `within` is how long a read may take in all, waits included; None for as long as the limits allow.
    """

    operation: str
    resource: str
    permission: str | None
    send: Callable[[], object]
    within: float | None = None


class Rejection(Struct, frozen=True):
    """Nothing was done, for certain. `status` is the answer's, None where there was none."""

    status: int | None
    message: str


class Doubt(Struct, frozen=True):
    """It may have been done or not."""

    message: str


_READ = frozenset({200})
_DONE = frozenset({200, 201, 204})
# Of the answers that usually mean that nothing was done, those that come from somebody on the way who waited in vain.
_WAITED_IN_VAIN = frozenset({408, 499})


class Transport:
    """Carries calls for one organization. Safe to use from several threads.

    `where` is how people call the other side. `sleep` may raise to stop the work. `clock` is monotonic, `now`
    tells seconds since 1970. `on_answer` hears the status of every answer, 0 where none came.
    """

    def __init__(
        self,
        *,
        org: str,
        where: str,
        limits: Limits,
        scrub: Scrub,
        budget: Budget,
        sleep: Callable[[float], None],
        clock: Callable[[], float],
        now: Callable[[], float],
        rng: Random,
        on_event: Callable[[Event], None],
        on_answer: Callable[[int], None] = lambda _status: None,
    ) -> None:
        self._org = org
        self._where = where
        self._limits = limits
        self._scrub = scrub
        self._budget = budget
        self._sleep = sleep
        self._clock = clock
        self._now = now
        self._rng = rng
        self._on_event = on_event
        self._on_answer = on_answer
        self._run = Deadline(clock, limits.run)
        self._skew: float | None = None
        self._limited = 0
        self._counting = Lock()

    @property
    def limited(self) -> int:
        """Answers so far with status 429."""
        return self._limited

    @property
    def server_time_skew(self) -> float | None:
        """Seconds by which our clock is ahead of the server's by its newest answer; None where none told."""
        return self._skew

    def read(self, call: Call, decode: Callable[[bytes], T]) -> T:
        """Carry out a call that changes nothing, repeating it while that makes sense.

        An answer that `decode` refuses with ResponseError counts as a failed attempt. Raises
        AuthenticationError, DeniedError or an UpstreamError, never anything foreign.
        """
        own = self._run if call.within is None else Deadline(self._clock, min(call.within, self._run.left()))
        for attempt in count(1):
            self._leave_share(call, attempt, own)
            outcome = self._attempt(call, until=own)
            if not isinstance(outcome, Failure):
                try:
                    return decode(outcome)
                except ResponseError as error:
                    outcome = Failure(kind="body", status=200, message=error.message)
            # Outside the except clause, so that no foreign exception hangs on to the one that is raised.
            wait = decide(attempt, outcome, self._rng, self._limits)
            if wait is None or (outcome.status == 429 and wait >= own.left()):
                raise to_error(
                    outcome, org=self._org, resource=call.resource, permission=call.permission, where=self._where
                )
            self._pause("retry", call, attempt, wait, outcome.message, own, limited=outcome.status == 429)
        raise AssertionError("unreachable")

    def _leave_share(self, call: Call, attempt: int, until: Deadline) -> None:
        # Not for ever: if the limit is exhausted again each time, the server may say so itself.
        for _ in range(5):
            wait = self._budget.wait_for_share(call.operation)
            if wait <= 0:
                return
            reason = "the rest of the rate limit is left to others"
            self._pause("share", call, attempt, wait, reason, until, limited=True)

    def _pause(
        self,
        kind: Literal["retry", "share"],
        call: Call,
        attempt: int,
        wait: float,
        reason: str,
        until: Deadline,
        *,
        limited: bool,
    ) -> None:
        if wait >= until.left():
            raise self._too_late(call, reason)
        self._on_event(
            Event(
                kind=kind,
                org=self._org,
                resource=call.resource,
                operation=call.operation,
                attempt=attempt,
                wait=wait,
                reason=reason,
                limited=limited,
            )
        )
        self._sleep(wait)

    def _too_late(self, call: Call, reason: str) -> DeadlineError:
        aside = self._limits.run if call.within is None else call.within
        return DeadlineError(
            f"the {aside:g} s set aside for reading are over; last: {reason}",
            org=self._org,
            resource=call.resource,
            remedy="allow more time, or run again when Datadog answers faster",
        )

    def write(self, call: Call) -> bytes | Rejection | Doubt:
        """Carry out a call that changes something: at most once, unless it is certain that it was not carried out.

        Gives the answer's body; Rejection where it is certain that nothing was done; Doubt where it is not. Raises
        RefusedError, before anything is sent, where the connection does not permit the request.
        """
        for attempt in count(1):
            try:
                self._leave_share(call, attempt, self._run)
                sending = Sending()
                token = current_sending.set(sending)
                try:
                    outcome = self._attempt(call, accepted=_DONE)
                finally:
                    current_sending.reset(token)
                if not isinstance(outcome, Failure):
                    return outcome
                verdict = _judge(outcome, begun=sending.started)
                if isinstance(verdict, Doubt) or not sending.started:
                    return verdict
                wait = decide(attempt, outcome, self._rng, self._limits)
                if wait is None or wait >= self._run.left():
                    return verdict
                self._pause("retry", call, attempt, wait, outcome.message, self._run, limited=outcome.status == 429)
            except DeadlineError as error:
                # Raised before sending only: what was sent ends with its own answer.
                return Rejection(None, error.message)
        raise AssertionError("unreachable")

    def once(self, call: Call, accepted: frozenset[int]) -> bytes | Failure:
        """Carry out a call a single time and say what came of it; when to repeat it is the caller's business.

        Raises RefusedError, before anything is sent, where the connection does not permit the request.
        """
        try:
            return self._attempt(call, accepted=accepted)
        except DeadlineError as error:
            return Failure(kind="network", unsent=True, message=error.message)

    def _attempt(self, call: Call, accepted: frozenset[int] = _READ, until: Deadline | None = None) -> bytes | Failure:
        left = (until or self._run).left()
        if left <= 0:
            raise self._too_late(call, "no request was sent any more")
        token = current_deadline.set(Deadline(self._clock, min(left, self._limits.attempt)))
        response: Answer | None = None
        try:
            with self._budget.request(call.operation):
                response = cast(Answer, call.send())
                self._budget.learn(call.operation, response.headers)
                self._on_answer(response.status)
                if response.status == 429:
                    with self._counting:
                        self._limited += 1
                skew = server_skew(response.headers, self._now())
                self._skew = self._skew if skew is None else skew
                return self._answer(response, accepted)
        except _FOREIGN as error:
            if response is None:
                self._on_answer(0)
            return from_exception(error)
        finally:
            current_deadline.reset(token)
            _discard(response)

    def _answer(self, response: Answer, accepted: frozenset[int]) -> bytes | Failure:
        if response.status not in accepted:
            body = b""
            # The status is what counts: a broken error body must not hide it.
            with suppress(*_FOREIGN):
                body = _read(response, _ERROR_BODY) or b""
            return from_status(response.status, response.headers, body, self._scrub)
        if response.status == 204:
            return b""
        if not _is_json(response.headers):
            return Failure(kind="body", status=200, message="the answer is not JSON by its content type")
        body_or_none = _read(response, self._limits.body_bytes)
        if body_or_none is None:
            size = f"{self._limits.body_bytes:,}"
            return Failure(kind="body", status=200, lasting=True, message=f"the answer is larger than {size} bytes")
        return body_or_none


def _judge(failure: Failure, *, begun: bool) -> Rejection | Doubt:
    """What a failure says about whether a write was carried out."""
    refused = failure.kind != "network" and 400 <= failure.status < 500 and failure.status not in _WAITED_IN_VAIN
    if refused or failure.unsent or not begun:
        return Rejection(failure.status or None, failure.message)
    return Doubt(failure.message)


def _read(response: Answer, limit: int) -> bytes | None:
    """The whole body, decompressed; None if it is longer than `limit`."""
    pieces: list[bytes] = []
    size = 0
    while piece := response.read(min(_PIECE, limit + 1 - size)):
        size += len(piece)
        if size > limit:
            return None
        pieces.append(piece)
    return b"".join(pieces)


def _is_json(headers: Mapping[str, str]) -> bool:
    # An answer without a content type is judged by its content alone.
    kind = headers.get("content-type", "").partition(";")[0].strip().lower()
    return not kind or kind == "application/json" or kind.endswith("+json")


def _discard(response: Answer | None) -> None:
    # A connection whose body was read to its end is kept. The rest of any other is not worth waiting for.
    if response is not None:
        with suppress(*_FOREIGN):
            response.close()
