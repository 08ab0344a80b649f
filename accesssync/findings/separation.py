"""Duties that one hand should not hold together: the rules, as data."""

from collections.abc import Mapping
from functools import cache
from importlib.resources import files

from msgspec import Struct, json

from accesssync.findings.severity import Severity


class Rule(Struct, frozen=True, kw_only=True):
    """A separation of duties: whoever holds something of each side breaks it.

    `accounts`: it counts only where another service account holds the control plane, which can then be acted as.
    """

    id: str
    title: str
    sides: tuple[tuple[str, ...], ...]
    why: str
    accounts: bool = False
    severity: Severity = "high"


class _Rules(Struct, frozen=True):
    version: int
    rules: tuple[Rule, ...]


class Group(Struct, frozen=True):
    """A group of controls: what each framework calls it."""

    title: str
    soc2: tuple[str, ...] = ()
    iso27001: tuple[str, ...] = ()
    nist: tuple[str, ...] = ()
    cis: tuple[str, ...] = ()
    pci: tuple[str, ...] = ()
    other: tuple[str, ...] = ()

    def references(self, frameworks: Mapping[str, str]) -> list[tuple[str, tuple[str, ...]]]:
        """The ids per framework, by the framework's name; those without any are left out."""
        return [(title, getattr(self, key)) for key, title in frameworks.items() if getattr(self, key)]


class Controls(Struct, frozen=True):
    """The mapping of groups to frameworks. Ids and our own titles; the texts belong to their publishers."""

    version: int
    frameworks: dict[str, str]
    groups: dict[str, Group]


class _Names(Struct, frozen=True):
    version: int
    what: str
    names: tuple[str, ...]


def _data(name: str) -> bytes:
    return (files("accesssync.findings") / "data" / name).read_bytes()


@cache
def rules() -> tuple[Rule, ...]:
    """The rules that come with accesssync."""
    return json.decode(_data("separation.json"), type=_Rules).rules


@cache
def controls() -> Controls:
    """Which controls of which framework a finding is evidence for."""
    return json.decode(_data("controls.json"), type=Controls)


@cache
def known_permissions() -> frozenset[str]:
    """The permissions that were looked at when the tiers were drawn up; any other is new to accesssync."""
    return frozenset(json.decode(_data("known_permissions.json"), type=_Names).names)
