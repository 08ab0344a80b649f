"""Read an access file, YAML or CSV, and find its roles in an organization. Every complaint by its line."""

import io
from collections.abc import Iterable, Mapping
from datetime import date
from hashlib import sha256

from msgspec import Struct

from accesssync.model.role import Role
from accesssync.parse.fields import Fields, yaml_fields
from accesssync.parse.problems import Problems, did_you_mean, shown
from accesssync.parse.rows import Columns, csv_rows
from accesssync.provision.desired import Desired, Mode, Unwanted, Wanted, fold

COLUMNS = Columns(required=("email", "roles"), optional=("name", "title", "expires"))
LARGEST = 16 * 2**20
"""Bytes of an access file."""

_LONGEST_NAME = 255


class Line(Struct, frozen=True, kw_only=True):
    """Somebody in the file, with roles as they were written. `number` is the line."""

    number: int
    fields: Fields
    email: str
    name: str | None = None
    title: str | None = None
    roles: tuple[str, ...] = ()
    expires: date | None = None
    owner: str | None = None


class Draft(Struct, frozen=True, kw_only=True):
    """A file whose form is read, and whose roles are still names. `org` is None where a CSV file cannot say it."""

    org: str | None
    org_line: int
    mode: Mode
    invite: bool
    users: tuple[Line, ...]
    service_accounts: tuple[Line, ...]
    absent: tuple[Line, ...]
    source: str
    digest: str

    @property
    def empty(self) -> bool:
        """Whether it names nobody."""
        return not (self.users or self.service_accounts or self.absent)


def read_draft(content: bytes, source: str, problems: Problems, *, mode: Mode | None = None) -> Draft:
    """The form of a file; what is wrong with it is noted in `problems`, and then the draft is not to be used.

    A name that ends in .csv is CSV, any other YAML. `mode` is asked for on the command line and wins.
    """
    if len(content) > LARGEST:
        problems.add(source, 1, f"larger than {LARGEST // 2**20} MiB")
        content = b""
    read = _csv if source.lower().endswith(".csv") else _yaml
    draft = read(content, source, problems, mode)
    _tell_twice(draft, problems)
    if draft.empty and not problems.found():
        problems.add(source, 1, "names nobody, and an empty file is not taken for a wish that nobody have access")
    return draft


def resolve(draft: Draft, org: str, roles: Iterable[Role]) -> Desired:
    """The draft with its roles found by name or id; those that are not there are problems of the draft."""
    named: dict[str, list[str]] = {}
    for role in roles:
        for name in {role.id, role.name or role.id}:
            named.setdefault(name, []).append(role.id)
    return Desired(
        org=org,
        mode=draft.mode,
        invite=draft.invite,
        users=tuple(_wanted(one, named, draft.source, service_account=False) for one in draft.users),
        service_accounts=tuple(
            _wanted(one, named, draft.source, service_account=True) for one in draft.service_accounts
        ),
        absent=tuple(Unwanted(email=one.email, where=f"{draft.source}:{one.number}") for one in draft.absent),
        source=draft.source,
        digest=draft.digest,
    )


def _yaml(content: bytes, source: str, problems: Problems, mode: Mode | None) -> Draft:
    top = yaml_fields(content, source, problems)
    top.integer("version", 1, 1)
    written = top.optional_choice("mode", tuple(Mode)) or Mode.ADDITIVE
    return Draft(
        org=top.text("org", 63).lower(),
        org_line=top.line_of("org"),
        mode=mode or Mode(written),
        invite=top.flag("invite", True),
        users=tuple(_person(one) for one in top.records("users")),
        service_accounts=tuple(_account(one) for one in top.records("service_accounts")),
        absent=tuple(Line(number=one.line, fields=one, email=_address(one, "email")) for one in top.records("absent")),
        source=source,
        digest=sha256(content).hexdigest(),
    )


def _csv(content: bytes, source: str, problems: Problems, mode: Mode | None) -> Draft:
    rows = csv_rows(io.BytesIO(content), source, COLUMNS, problems)
    return Draft(
        org=None,
        org_line=1,
        mode=mode or Mode.ADDITIVE,
        invite=True,
        users=tuple(_person(one) for one in rows),
        service_accounts=(),
        absent=(),
        source=source,
        digest=sha256(content).hexdigest(),
    )


def _person(fields: Fields) -> Line:
    return Line(
        number=fields.line,
        fields=fields,
        email=_address(fields, "email"),
        name=fields.optional_text("name", _LONGEST_NAME),
        title=fields.optional_text("title", _LONGEST_NAME),
        roles=fields.optional_texts("roles"),
        expires=fields.optional_day("expires"),
    )


def _account(fields: Fields) -> Line:
    return Line(
        number=fields.line,
        fields=fields,
        email=_address(fields, "email"),
        name=fields.text("name", _LONGEST_NAME),
        title=fields.optional_text("title", _LONGEST_NAME),
        roles=fields.optional_texts("roles"),
        expires=fields.optional_day("expires"),
        owner=fields.optional_text("owner", 320),
    )


def _address(fields: Fields, key: str) -> str:
    address = fields.email(key)
    if address and not address.isascii():
        odd = next(char for char in address if not char.isascii())
        fields.fault(
            key,
            f"{shown(address)} holds U+{ord(odd):04X}, and letters outside ASCII are mistaken for others; "
            "write a domain as xn--...",
        )
    return address


def _tell_twice(draft: Draft, problems: Problems) -> None:
    """Whoever is there twice, also where only the case of letters differs."""
    seen: dict[str, Line] = {}
    for one in (*draft.users, *draft.absent):
        before = seen.setdefault(fold(one.email), one) if one.email else one
        if before is not one:
            case = "" if before.email == one.email else f", there as {before.email}"
            problems.add(draft.source, one.number, f"{one.email} is there twice, first in line {before.number}{case}")
    accounts: dict[tuple[str, str | None], Line] = {}
    for one in draft.service_accounts:
        before = accounts.setdefault((fold(one.email), one.name), one)
        if before is not one:
            message = f"the service account {one.name} is there twice, first in line {before.number}"
            problems.add(draft.source, one.number, message)


def _wanted(line: Line, named: Mapping[str, list[str]], source: str, *, service_account: bool) -> Wanted:
    found = []
    for name in line.roles:
        ids = named.get(name, [])
        if not ids:
            line.fields.fault("roles", f"no role is called {shown(name)}{did_you_mean(name, named)}")
        elif len(ids) > 1:
            line.fields.fault(
                "roles", f"{len(ids)} roles are called {shown(name)}; write the id of one: {', '.join(ids)}"
            )
        found += ids[:1]
    return Wanted(
        email=line.email,
        name=line.name,
        title=line.title,
        role_ids=tuple(sorted(set(found))),
        expires=line.expires,
        service_account=service_account,
        owner=line.owner,
        where=f"{source}:{line.number}",
    )
