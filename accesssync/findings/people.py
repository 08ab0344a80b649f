"""People as the personnel department knows them, matched with identities carefully.

The key is the e-mail address: in composed form, ASCII letters in lower case, the domain as the DNS writes it. A local
part that is not ASCII is never matched: too many letters look like others, and accounts were lost to that.
"""

import unicodedata
from collections.abc import Mapping
from datetime import UTC, date, datetime, time
from functools import cached_property
from typing import IO, Literal

from msgspec import Struct

from accesssync.model.identity import Identity
from accesssync.model.look_alike import skeleton
from accesssync.parse.problems import Problems
from accesssync.parse.rows import Columns, csv_rows

Status = Literal["active", "leave", "left"]
STATUSES: tuple[Status, ...] = ("active", "leave", "left")
TYPES = ("employee", "contractor", "external", "service")

COLUMNS = Columns(
    required=("email", "status"),
    optional=("type", "left_on", "manager"),
    spellings={
        "email": ("e-mail", "mail", "work_email", "email_address"),
        "status": ("employment_status",),
        "left_on": ("leave_date", "termination_date", "end_date"),
        "manager": ("manager_email",),
    },
    others_ignored=True,
)

MOST = 2_000_000
"""People of one file."""


class Person(Struct, frozen=True, kw_only=True, gc=False):
    """One person of the file. `left_on` is the last day; `line` where it stands."""

    email: str
    status: str
    type: str | None = None
    left_on: date | None = None
    manager: str | None = None
    line: int = 0

    def gone(self, today: date) -> bool:
        """Whether somebody has left: said so, or past the last day."""
        return self.status == "left" or (self.left_on is not None and self.left_on < today)

    @property
    def left_at(self) -> datetime | None:
        """The end of the last day, in UTC."""
        return None if self.left_on is None else datetime.combine(self.left_on, time.max, UTC).replace(microsecond=0)


class People:
    """The people of a file by their key. `as_of` is when the file was written."""

    def __init__(self, people: Mapping[str, Person], as_of: datetime | None = None, source: str = "people.csv") -> None:
        self._people = people
        self.as_of = as_of
        self.source = source

    def __len__(self) -> int:
        return len(self._people)

    def find(self, identity: Identity) -> Person | None:
        """The person behind an identity, by its e-mail; None where there is none, or none that is certain."""
        key = key_of(identity.email)
        return self._people.get(key) if key else None

    def by_email(self, text: str | None) -> Person | None:
        """The person with an address."""
        key = key_of(text)
        return self._people.get(key) if key else None

    def to_ask(self, person: Person, today: date) -> str | None:
        """Who knows what somebody needed: the manager, where one is named whom the file does not say to have left."""
        manager = self.by_email(person.manager)
        return None if manager is not None and manager.gone(today) else person.manager

    def age_days(self, at: datetime) -> int | None:
        """How old the file is, in whole days."""
        return None if self.as_of is None else max(0, (at - self.as_of).days)

    @cached_property
    def domains(self) -> frozenset[str]:
        """The e-mail domains that occur in the file."""
        return frozenset(key.rpartition("@")[2] for key in self._people)


def key_of(email: str | None) -> str | None:
    """What two addresses of one person have in common; None for one that may not be matched."""
    text = unicodedata.normalize("NFC", (email or "").strip())
    local, at, domain = text.rpartition("@")
    if not at or not local or not domain or not local.isascii():
        return None
    if not domain.isascii():
        try:
            domain = domain.encode("idna").decode("ascii")
        except UnicodeError:
            return None
    # Lower case of ASCII only: of other alphabets, capitals of different letters are the same.
    return f"{local.lower()}@{domain.lower().rstrip('.')}"


def read_people(content: IO[bytes], file: str, problems: Problems, as_of: datetime | None = None) -> People:
    """The people of a file. What is wrong is noted by line: addresses given twice, and such as look like another."""
    people: dict[str, Person] = {}
    looks: dict[str, tuple[str, int]] = {}
    for fields in csv_rows(content, file, COLUMNS, problems):
        if len(people) >= MOST:
            problems.add(file, fields.line, f"more than {MOST:,} people")
            break
        email = fields.email("email")
        person = Person(
            email=email,
            status=fields.choice("status", STATUSES),
            type=fields.optional_choice("type", TYPES),
            left_on=fields.optional_day("left_on"),
            manager=fields.optional_email("manager"),
            line=fields.line,
        )
        if not email:
            continue
        key = key_of(email)
        if key is None:
            fields.fault("email", "has letters that are not ASCII before the @: it cannot be matched with certainty")
        elif key in people:
            fields.fault("email", f"is there twice, first in line {people[key].line}")
        else:
            people[key] = person
        _compare(email, key, fields.line, looks, file, problems)
    return People(people, as_of, file)


def _compare(
    email: str, key: str | None, line: int, looks: dict[str, tuple[str, int]], file: str, problems: Problems
) -> None:
    """Note an address that a reader would take for another one of the file."""
    look = skeleton(email)
    other, first = looks.setdefault(look, (key or email, line))
    strange = not email.isascii() or not other.isascii()
    if first != line and strange and other != (key or email):
        problems.add(file, line, f"email: looks like the address in line {first}, in other letters")
