"""Every way a run of accesssync may end badly, and the exit code each one has.

An error is one line for a person: what happened, to which organization and resource, and what
to do about it. Nothing here ever carries a response body, a header or a key.
"""

from collections.abc import Sequence
from typing import ClassVar


class AccessSyncError(Exception):
    """A failure that accesssync foresaw.

    `message` says what happened, `org` and `resource` to what, `remedy` what to do next.
    `exit_code` belongs to the class and is part of the command line's contract.
    """

    exit_code: ClassVar[int] = 1
    code: ClassVar[str] = "bug"

    def __init__(
        self,
        message: str,
        *,
        org: str | None = None,
        resource: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.org = org
        self.resource = resource
        self.remedy = remedy

    def line(self) -> str:
        """The whole error as one line of text."""
        where = " ".join(part for part in (self.org, self.resource) if part)
        text = f"{where}: {self.message}" if where else self.message
        return f"{text}; {self.remedy}" if self.remedy else text


class UsageError(AccessSyncError):
    """A command was called in a way that cannot be carried out."""

    exit_code = 2
    code = "usage"


class ConfigurationError(AccessSyncError):
    """A setting is missing, malformed or contradicts another."""

    exit_code = 2
    code = "configuration"


class InputError(AccessSyncError):
    """Files that people wrote cannot be used. `problems`: everything that is wrong, each as `file:line: message`."""

    exit_code = 2
    code = "input"

    def __init__(self, problems: Sequence[str], *, remedy: str | None = None) -> None:
        more = len(problems) - 1
        rest = f" (and {more} more problem{'s' if more > 1 else ''})" if more else ""
        super().__init__(f"{problems[0]}{rest}", remedy=remedy)
        self.problems = tuple(problems)


class RefusedError(AccessSyncError):
    """A guard or a policy said no; nothing was changed."""

    exit_code = 4
    code = "refused"


class PartialError(AccessSyncError):
    """Part of the work was done, part was not."""

    exit_code = 5
    code = "partial"


class AuthenticationError(AccessSyncError):
    """Datadog does not accept the keys."""

    exit_code = 6
    code = "authentication"


class DeniedError(AccessSyncError):
    """The keys are valid but lack the permission (or scope) that this call needs."""

    exit_code = 6
    code = "denied"

    def __init__(self, message: str, *, permission: str, org: str | None = None, resource: str | None = None) -> None:
        super().__init__(
            message,
            org=org,
            resource=resource,
            remedy=f"give the key's owner, and the key if it is scoped, the permission {permission}",
        )
        self.permission = permission


class UpstreamError(AccessSyncError):
    """Datadog could not be reached or gave an answer that cannot be used."""

    exit_code = 7
    code = "upstream"


class TransportError(UpstreamError):
    """No answer came: the connection failed, broke off, or ran out of time."""

    code = "transport"


class ResponseError(UpstreamError):
    """An answer came that is not what the endpoint promises: wrong status, shape or size."""

    code = "response"

    def __init__(
        self,
        message: str,
        *,
        status: int,
        org: str | None = None,
        resource: str | None = None,
        remedy: str | None = None,
    ) -> None:
        super().__init__(message, org=org, resource=resource, remedy=remedy)
        self.status = status


class NotFoundError(ResponseError):
    """Datadog answered 404."""

    code = "not_found"


class RateLimitedError(UpstreamError):
    """The rate limit stayed exhausted for longer than the run may wait."""

    code = "rate_limited"


class DeferredError(AccessSyncError):
    """The rate limit asks for a wait that is better spent on something else; `seconds` is how long.

    No UpstreamError, which would end one listing: this ends the whole attempt.
    """

    exit_code = 7
    code = "deferred"

    def __init__(self, seconds: float, *, org: str | None = None) -> None:
        super().__init__(
            f"the rate limit asks to wait {seconds:.0f} s", org=org, remedy="it is tried again when that is over"
        )
        self.seconds = seconds


class DeadlineError(UpstreamError):
    """The time set aside for this work is over."""

    code = "deadline"


class IncompleteError(UpstreamError):
    """A listing could not be proven complete."""

    code = "incomplete"


class LockedError(AccessSyncError):
    """Another process is working on this organization, or has taken it over from this one."""

    exit_code = 8
    code = "locked"


class StoreError(AccessSyncError):
    """The local database cannot be used."""

    exit_code = 9
    code = "store"


class UnknownOutcomeError(AccessSyncError):
    """Nobody knows whether a write was done, and reading back did not tell either."""

    exit_code = 10
    code = "unknown_outcome"


class ThresholdError(AccessSyncError):
    """A threshold that the caller set (`--fail-on`, `--max-age`) is met."""

    exit_code = 11
    code = "threshold"


class VerificationError(AccessSyncError):
    """Evidence does not match what it claims."""

    exit_code = 12
    code = "verification"
