"""What a check is, and what it says."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from shlex import quote
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct

from accesssync.findings.severity import Severity
from accesssync.model.coverage import Resource

if TYPE_CHECKING:
    from accesssync.findings.picture import Picture

Evidence = dict[str, Any]

SubjectKind = Literal[
    "identity", "role", "permission", "credential", "team", "mapping", "organization", "resource", "waiver", "change"
]


class Parameter(Struct, frozen=True, kw_only=True):
    """A number that a policy may change, between `least` and `most`. None: the check needs it from the policy."""

    name: str
    default: int | None
    unit: str
    meaning: str
    least: int = 0
    most: int = 3650


class Remedy(Struct, frozen=True):
    """What to do: the command of ours that prepares or shows it, and the place in Datadog where it is done.

    In `command` stand `{id}`, `{subject}` and the names of evidence, each put in as one shell word.
    """

    text: str
    command: str
    place: str


class Raised(Struct, frozen=True, kw_only=True):
    """Something that a check found. `part` tells apart several findings of one check about one subject."""

    check: str
    severity: Severity
    kind: SubjectKind
    subject_id: str
    subject: str
    evidence: Evidence
    part: str = ""


class UncoveredError(Exception):
    """What a check needs to know is not known in this run. The text says what, for people."""


Given = Mapping[str, int]
"""The values of a check's parameters."""

Find = Callable[["Picture", Given], Iterator["Hit"]]


class Hit(Struct, frozen=True):
    """What a check's function gives: who, how bad, and the fields it rests on."""

    kind: SubjectKind
    id: str
    subject: str
    severity: Severity
    evidence: Evidence
    part: str = ""


class Check(Struct, frozen=True, kw_only=True):
    """One check: everything about it that is not code, and the function that finds.

    `severity` is the usual one, `when` how it differs. `needs` are the resources that have to be covered; with
    `absence` the check concludes from what is not there, so that they have to be proven complete. `same` says what
    makes a finding the same one tomorrow; `version` grows when that changes.
    """

    id: str
    title: str
    severity: Severity
    when: str
    logic: str
    needs: tuple[Resource, ...]
    remedy: Remedy
    controls: tuple[str, ...]
    caveats: tuple[str, ...]
    find: Find
    parameters: tuple[Parameter, ...] = ()
    same: str = "the identity"
    absence: bool = False
    version: int = 1

    def defaults(self) -> dict[str, int]:
        """The parameters that have a value without a policy."""
        return {one.name: one.default for one in self.parameters if one.default is not None}

    def raised(self, hits: Iterable[Hit], severity: Severity | None) -> Iterator[Raised]:
        """What was found as findings of this check; `severity` of a policy goes before the check's own."""
        for hit in hits:
            yield Raised(
                check=self.id,
                severity=severity or hit.severity,
                kind=hit.kind,
                subject_id=hit.id,
                subject=hit.subject,
                evidence=hit.evidence,
                part=hit.part,
            )


def command_of(check: Check, subject_id: str, subject: str, evidence: Mapping[str, Any]) -> str:
    """The command of ours with this finding's words in it, each of them one word for a shell."""
    text = check.remedy.command
    for name, value in (("id", subject_id), ("subject", subject), ("change", evidence.get("change"))):
        text = text.replace("{" + name + "}", quote(str(value)))
    return text


def days(name: str, default: int, meaning: str, *, least: int = 1, most: int = 3650) -> Parameter:
    """A parameter in days."""
    return Parameter(name=name, default=default, unit="days", meaning=meaning, least=least, most=most)


def count(
    name: str, default: int | None, unit: str, meaning: str, *, least: int = 0, most: int = 1_000_000
) -> Parameter:
    """A parameter that counts something."""
    return Parameter(name=name, default=default, unit=unit, meaning=meaning, least=least, most=most)
