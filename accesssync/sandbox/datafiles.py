"""The bundled data: permissions, role templates, names of people and of machines."""

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
