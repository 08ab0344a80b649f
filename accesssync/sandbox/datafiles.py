"""The bundled data: permissions, role templates, names of people, machines, credentials and teams."""

import json
from functools import cache
from importlib import resources
from typing import TypedDict

from accesssync.sandbox.records import Permission


class Culture(TypedDict, total=False):
    """Given and family names of one naming tradition; `native|ascii` where the script is not Latin."""

    weight: int
    order: str
    joiner: str
    given: list[str]
    family: list[str]


class People(TypedDict):
    """Everything that people are made from."""

    cultures: list[Culture]
    hard_cases: list[str]
    titles: list[str]
    companies: list[str]
    contractors: list[str]


class Disguise(TypedDict):
    """Machines of one kind among ordinary users: display name and local part."""

    kind: str
    weight: int
    pairs: list[tuple[str | None, str]]


class Machines(TypedDict):
    """Everything that machines are made from."""

    teams: list[str]
    environments: list[str]
    service_accounts: list[str]
    disguised: list[Disguise]


class CustomRole(TypedDict):
    """A role that the organization made; `share` of its users have it."""

    name: str
    share: float
    permissions: list[str]


class RoleTemplates(TypedDict):
    """What the managed roles leave out, and the organization's own roles."""

    sensitive_groups: list[str]
    admin_only: list[str]
    standard_extra: list[str]
    auditor_role: str
    custom: list[CustomRole]
    extra_names: list[str]
    extra_permissions: list[str]


class Client(TypedDict):
    """An OAuth client and what users allow it."""

    name: str
    scopes: list[str]


class Scopes(TypedDict):
    """Scopes by what they are good for; only administrators hold the privileged ones."""

    reading: list[str]
    writing: list[str]
    privileged: list[str]


class Credentials(TypedDict):
    """Names of keys, tokens and clients, and what they are allowed."""

    personal: list[str]
    automation: list[str]
    vendors: list[str]
    api_keys: list[str]
    scopes: Scopes
    clients: list[Client]


class Groups(TypedDict):
    """Names of teams, and attributes of SAML logins with the roles that they lead to."""

    names: list[str]
    summaries: list[str]
    attributes: list[str]
    roles: dict[str, str]


def _text(name: str) -> str:
    return (resources.files("accesssync.sandbox") / "data" / name).read_text("utf-8")


@cache
def permissions() -> tuple[Permission, ...]:
    """The permission catalogue."""
    rows: list[Row] = json.loads(_text("permissions.json"))
    return tuple(Permission(**row) for row in rows)


class Row(TypedDict):
    """A permission as it stands in the data file."""

    id: str
    name: str
    display_name: str
    display_type: str
    group_name: str
    created: str
    restricted: bool


@cache
def people() -> People:
    """Names, titles and domains."""
    read: People = json.loads(_text("people.json"))
    return read


@cache
def machines() -> Machines:
    """Names of machines."""
    read: Machines = json.loads(_text("machines.json"))
    return read


@cache
def role_templates() -> RoleTemplates:
    """Roles and what they carry."""
    read: RoleTemplates = json.loads(_text("roles.json"))
    return read


@cache
def credentials() -> Credentials:
    """Names and scopes of keys, tokens and clients."""
    read: Credentials = json.loads(_text("credentials.json"))
    return read


@cache
def groups() -> Groups:
    """Names of teams and SAML attributes."""
    read: Groups = json.loads(_text("groups.json"))
    return read
