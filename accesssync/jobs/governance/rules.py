"""Find what the files of the governance directory say of one identity or credential."""

from collections.abc import Iterable
from typing import NamedTuple

from msgspec import Struct

from accesssync.jobs.governance.directory import DECISIONS, OWNERS, Governance
from accesssync.model.coverage import Resource
from accesssync.nhi.decisions import DecisionRule
from accesssync.nhi.owners import OwnerRule
from accesssync.parse.glob import Glob, Patterns


class Said(Struct, frozen=True):
    """What the files say of one subject: the first entry that matches counts, an exact one before a pattern."""

    owner: str | None = None
    purpose: str | None = None
    decision: DecisionRule | None = None


class _Entry(NamedTuple):
    file: str
    glob: Glob
    rule: DecisionRule | OwnerRule


_NOTHING = Said()


class Rules:
    """The files as far as they are about one organization."""

    def __init__(self, governance: Governance, org: str) -> None:
        decisions = [one for one in governance.decisions if _about(one.orgs, org)]
        owners = [one for one in governance.owners if _about(one.orgs, org)]
        entries = [_Entry(DECISIONS, glob, one) for one in decisions for glob in one.match]
        self._decisions = _patterns(entries)
        of_people = [_Entry(OWNERS, glob, one) for one in owners for glob in one.match]
        self._owners = _patterns(of_people)
        of_keys = [_Entry(OWNERS, glob, one) for one in owners for glob in one.credentials]
        self._credentials = _patterns(of_keys)
        self._entries = dict.fromkeys((*entries, *of_people, *of_keys))
        self._used: set[_Entry] = set()

    def __bool__(self) -> bool:
        return bool(self._entries)

    def said_of(self, resource: str, texts: Iterable[str | None]) -> Said:
        """What is said of an identity (its id, e-mail and handle) or a credential (its id and name)."""
        known = tuple(texts)
        if resource != Resource.USERS:
            owner = self._first(self._credentials, known)
            return Said(owner.owner, owner.purpose) if isinstance(owner, OwnerRule) else _NOTHING
        owner, decision = self._first(self._owners, known), self._first(self._decisions, known)
        if owner is None and decision is None:
            return _NOTHING
        # Who decided about just this one knows best; what the decision leaves open, the owners' file may say.
        ranked = [one for one in (decision, owner) if one is not None]
        return Said(
            next((one.owner for one in ranked if one.owner), None),
            next((one.purpose for one in ranked if one.purpose), None),
            decision if isinstance(decision, DecisionRule) else None,
        )

    def silent(self) -> list[str]:
        """The patterns that matched nothing of all that was asked about, as `file:line: pattern`."""
        return [f"{one.file}:{one.rule.line}: {one.glob.text}" for one in self._entries if one not in self._used]

    def _first(self, patterns: Patterns[_Entry], texts: tuple[str | None, ...]) -> DecisionRule | OwnerRule | None:
        found = None
        for entry in patterns.matching(texts):
            self._used.add(entry)
            found = found or entry.rule
        return found


def _about(orgs: tuple[Glob, ...], org: str) -> bool:
    return not orgs or any(one.matches(org) for one in orgs)


def _patterns(entries: Iterable[_Entry]) -> Patterns[_Entry]:
    return Patterns((entry.glob, entry) for entry in entries)
