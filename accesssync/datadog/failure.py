"""What can go wrong with one request, as a value: judged by the retry policy, then turned into our own error."""

import ssl
from collections.abc import Mapping
from http.client import HTTPException, IncompleteRead
from typing import Literal

import msgspec
import urllib3.exceptions as u3
from msgspec import Struct

from accesssync.datadog.scrub import Scrub
from accesssync.errors import (
    AccessSyncError,
    AuthenticationError,
    DeniedError,
    NotFoundError,
    RateLimitedError,
    ResponseError,
    TransportError,
)

_REQUEST_ID_HEADERS = ("x-request-id", "x-datadog-request-id", "dd-request-id")


class Failure(Struct, frozen=True, kw_only=True):
    """One request that did not bring what it was sent for.

    `kind` tells no answer (`network`) from an answer with an unwanted status (`status`) and from an answer
    whose content is unusable (`body`). `lasting` ones would fail the same way again. `unsent` ones never reached
    anybody, for certain. `reset` is the header that says when the rate limit starts anew, as sent.
    """

    kind: Literal["network", "status", "body"]
    message: str
    status: int = 0
    lasting: bool = False
    unsent: bool = False
    reset: str | None = None


def from_status(status: int, headers: Mapping[str, str], body: bytes, scrub: Scrub) -> Failure:
    """Describe an answer whose status is not the one asked for."""
    if 300 <= status < 400:
        return Failure(
            kind="status", status=status, lasting=True, message=f"HTTP {status}: a redirect, which is never followed"
        )
    text = f"HTTP {status}"
    detail = scrub.message(reason(body))
    if detail:
        text += f': "{detail}"'
    request_id = next((found for name in _REQUEST_ID_HEADERS if (found := scrub.request_id(headers.get(name)))), None)
    if request_id:
        text += f" (request {request_id})"
    # A proxy or a web server on the way says 404 with a web page. That is no statement about a record.
    page = status == 404 and "html" in headers.get("content-type", "").lower()
    return Failure(
        kind="body" if page else "status",
        status=status,
        lasting=page,
        message=text + (", as a web page and not from the API" if page else ""),
        reset=headers.get("x-ratelimit-reset"),
    )


def reason(body: bytes) -> str:
    """What an error body says, in whichever of its known shapes; empty where it says nothing readable."""
    try:
        parsed = msgspec.json.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    if not isinstance(parsed, dict):
        return ""
    errors = parsed.get("errors", parsed.get("error"))
    first = errors[0] if isinstance(errors, list) and errors else errors
    if isinstance(first, dict):
        named = (first.get(name) for name in ("detail", "message", "title", "code"))
        first = next((text for text in named if isinstance(text, str) and text), "")
    return first if isinstance(first, str) else ""


def from_exception(error: Exception) -> Failure:
    """Describe an exception without quoting it: its text may hold addresses, headers and keys."""
    certificate = _certificate_problem(error)
    if certificate is not None:
        message = f"the server's TLS certificate is not accepted ({certificate})"
        return Failure(kind="network", lasting=True, unsent=True, message=message)
    described = next((text for kinds, text in _DESCRIPTIONS if isinstance(error, kinds)), None)
    return Failure(
        kind="network",
        # Raised while connecting, and at no other time.
        unsent=isinstance(error, u3.NewConnectionError | u3.ConnectTimeoutError),
        message=described or f"the request failed ({type(error).__name__})",
    )


_DESCRIPTIONS: tuple[tuple[type[Exception] | tuple[type[Exception], ...], str], ...] = (
    (u3.NameResolutionError, "the host name cannot be resolved"),
    # Before the one for timeouts, of which urllib3 makes it a kind.
    (u3.NewConnectionError, "the connection was refused or the network is unreachable"),
    (u3.ConnectTimeoutError, "the connection was not established in time"),
    ((u3.TimeoutError, TimeoutError), "no answer came in time"),
    (u3.SSLError, "the TLS connection failed"),
    (ssl.SSLError, "the TLS connection failed"),
    (u3.DecodeError, "the answer cannot be decompressed"),
    ((u3.IncompleteRead, IncompleteRead), "the answer broke off"),
    ((u3.ProtocolError, HTTPException, ConnectionError), "the connection broke off"),
)


def _certificate_problem(error: BaseException | None) -> str | None:
    # urllib3 wraps the one exception that knows the reason, as an argument or as a cause.
    for _ in range(5):
        if isinstance(error, ssl.SSLCertVerificationError):
            return str(getattr(error, "verify_message", ""))[:100] or "verification failed"
        if error is None:
            return None
        inner = next((arg for arg in error.args if isinstance(arg, BaseException)), None)
        error = inner or error.__cause__ or error.__context__
    return None


def to_error(failure: Failure, *, org: str, resource: str, permission: str | None, where: str) -> AccessSyncError:
    """The error to raise. A 403 names `permission`; where there is none to name, the keys themselves are refused."""
    message = f"{where} gave no usable answer: {failure.message}"
    if failure.kind == "network":
        remedy = "check the network and the site, then run again"
        return TransportError(message, org=org, resource=resource, remedy=remedy)
    if failure.status == 401 or (failure.status == 403 and permission is None):
        return AuthenticationError(
            f"{where} does not accept the keys: {failure.message}",
            org=org,
            resource=resource,
            remedy="check the site and both keys: keys belong to one organization on one site",
        )
    if failure.status == 403 and permission is not None:
        denied = f"{where} denies reading: {failure.message}"
        return DeniedError(denied, permission=permission, org=org, resource=resource)
    if failure.status == 404 and failure.kind == "status":
        return NotFoundError(f"{where} does not know it: {failure.message}", status=404, org=org, resource=resource)
    if failure.status == 429:
        return RateLimitedError(
            f"the rate limit of {where} stayed exhausted: {failure.message}",
            org=org,
            resource=resource,
            remedy="run again later, or less often",
        )
    return ResponseError(message, status=failure.status, org=org, resource=resource, remedy="run again later")
