"""What somebody wants an organization to be like: the content of an access file, read and checked."""

from datetime import UTC, date, datetime, time
from enum import StrEnum

from msgspec import Struct


class Mode(StrEnum):
    """How far a file reaches. Either way, people whom it does not name are left alone."""

    ADDITIVE = "additive"
    """Takes away only what `absent` and `expires` name."""
    AUTHORITATIVE = "authoritative"
    """Also takes from the people it names whatever roles it does not give them."""


class Wanted(Struct, frozen=True, kw_only=True):
    """Somebody who is to have access. `role_ids` are roles of the organization, `where` is the file and line.

    `name` and `title` of None leave what is there. `owner` answers for a service account; Datadog does not know it.
    """

    email: str
    name: str | None = None
    title: str | None = None
    role_ids: tuple[str, ...] = ()
    expires: date | None = None
    service_account: bool = False
    owner: str | None = None
    where: str = ""

    def expired(self, now: datetime) -> bool:
        """Whether the last UTC day of access is over."""
        return self.expires is not None and now > datetime.combine(self.expires, time.max, UTC)

    @property
    def subject(self) -> str:
        """What people call them."""
        return self.name if self.service_account and self.name else self.email


class Unwanted(Struct, frozen=True, kw_only=True):
    """Somebody who is not to have access any more."""

    email: str
    where: str = ""


class Desired(Struct, frozen=True, kw_only=True):
    """A whole access file. `source` is its name and `digest` the SHA-256 of its bytes."""

    org: str
    mode: Mode
    invite: bool = True
    users: tuple[Wanted, ...] = ()
    service_accounts: tuple[Wanted, ...] = ()
    absent: tuple[Unwanted, ...] = ()
    source: str = ""
    digest: str = ""


def fold(address: str) -> str:
    """What makes two addresses the same: the letters of ASCII without their case, and nothing else.

    Other foldings have merged accounts that were not the same: there are letters outside ASCII whose capital or small
    form is an ASCII letter.
    """
    return address.lower() if address.isascii() else address
