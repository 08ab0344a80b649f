"""Who could give itself a permission that it does not hold.

The rules are data (`data/indirect.json`): each names the permission it rests on, says why, and whether the gain is
`certain` or only `possible`. What looks like a path and is not counted stands there too, with the reason.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from importlib.resources import files
from itertools import islice
from typing import Literal

from msgspec import Struct, json

from accesssync.model.credential import Credential, CredentialType
from accesssync.model.identity import Identity
from accesssync.reach.access import Access
from accesssync.reach.credential import actors, ceiling, effective

ANY_ROLE = "user_access_manage"

Certainty = Literal["certain", "possible"]


class Rule(Struct, frozen=True):
    """One way of gaining a permission through another."""

    id: str
    permission: str
    reaches: Literal["any_role", "service_accounts", "owner", "application_keys"]
    certainty: Certainty
    path: str
    path_without_role: str
    why: str


class NotCounted(Struct, frozen=True):
    """A permission that is powerful and yet no path to another, and why."""

    permission: str
    why: str


class Path(Struct, frozen=True, kw_only=True):
    """How somebody could gain a permission: in words, with the rule it rests on."""

    rule: str
    text: str
    why: str
    certainty: Certainty


class _File(Struct, frozen=True):
    version: int
    rules: tuple[Rule, ...]
    not_counted: tuple[NotCounted, ...]


@cache
def _file() -> _File:
    return json.decode((files("accesssync.reach") / "data" / "indirect.json").read_bytes(), type=_File)


def rules() -> tuple[Rule, ...]:
    """Every way of gaining a permission that accesssync looks for."""
    return _file().rules


def not_counted() -> tuple[NotCounted, ...]:
    """Permissions that are powerful and yet no path, and why."""
    return _file().not_counted


class _Others:
    """Accounts or keys to be named by their first few and a number, one's own left out. Made once, asked 100,000
    times: so nothing here walks through them all.
    """

    def __init__(self, named: Iterable[tuple[str, str]]) -> None:
        self._named = tuple(named)
        self._own = Counter(whose for whose, _ in self._named)

    def than(self, own_id: str) -> str:
        """Those of others than `own_id`, in words; nothing where there are none."""
        first = islice((name for whose, name in self._named if whose != own_id), 3)
        return _some(first, len(self._named) - self._own[own_id])


class Gain:
    """The paths to one permission in one organization. Made once per question: what they share is found once."""

    def __init__(self, access: Access, permission: str) -> None:
        self.access = access
        self.wanted = access.pack((permission,))
        self._rules = [(access.pack((rule.permission,)), rule) for rule in rules()]

    @cached_property
    def _carriers(self) -> tuple[str, ...]:
        return self.access.carriers(self.wanted)

    @cached_property
    def _accounts(self) -> tuple[_Others, _Others]:
        """The service accounts that hold it, and those that can grant any role instead."""
        any_role = self.access.pack((ANY_ROLE,))
        holding, granting = [], []
        for one in self.access.service_accounts:
            held = self.access.held(one)
            if held & self.wanted:
                holding.append((one.id, one.subject))
            elif held & any_role:
                granting.append((one.id, one.subject))
        return _Others(holding), _Others(granting)

    @cached_property
    def _account_roles(self) -> tuple[str, ...]:
        """The roles through which service accounts hold it."""
        found = {name for one in self.access.service_accounts for name in self.access.via(one, self.wanted)}
        return tuple(sorted(found))

    @cached_property
    def _keys(self) -> _Others:
        keys = (one for one in self.access.credentials if one.type == CredentialType.APPLICATION_KEY)
        found = (one for one in keys if effective(self.access, one) & self.wanted)
        ordered = sorted(found, key=lambda one: (one.subject.casefold(), one.id))
        return _Others((one.owner_id or "", one.subject) for one in ordered)

    def by_identity(self, identity: Identity) -> tuple[Path, ...]:
        """How an identity that does not hold the permission could gain it."""
        held = self.access.held(identity)
        return tuple(path for rule in self._open(held) for path in self._paths(rule, identity.id, "itself"))

    def by_credential(self, credential: Credential) -> tuple[Path, ...]:
        """How a credential that cannot do this could gain it, for itself or for its owner."""
        found: list[Path] = []
        whom = actors(self.access, credential)
        owner_id = credential.owner_id or ""
        for rule in self._open(effective(self.access, credential)):
            if rule.reaches == "owner":
                found.extend(self._of_owner(rule, credential))
            else:
                found.extend(self._paths(rule, owner_id, _some([one.subject for one in whom])))
        return tuple(found)

    def _open(self, packed: int) -> Iterator[Rule]:
        return (rule for bit, rule in self._rules if packed & bit)

    def _paths(self, rule: Rule, own_id: str, whom: str) -> Iterator[Path]:
        if rule.reaches == "any_role":
            text = rule.path if self._carriers else rule.path_without_role
            yield _path(rule, text.format(whom=whom, roles=_some(self._carriers)))
        elif rule.reaches == "service_accounts":
            yield from self._as_account(rule, own_id)
        elif rule.reaches == "application_keys":
            keys = self._keys.than(own_id)
            if keys:
                yield _path(rule, rule.path.format(keys=keys))

    def _as_account(self, rule: Rule, own_id: str) -> Iterator[Path]:
        holding, granting = self._accounts
        held_by, granted_by = holding.than(own_id), granting.than(own_id)
        if held_by:
            yield _path(rule, rule.path.format(accounts=held_by, roles=_some(self._account_roles)))
        elif granted_by:
            yield _path(rule, rule.path_without_role.format(accounts=granted_by))

    def _of_owner(self, rule: Rule, credential: Credential) -> Iterator[Path]:
        if not ceiling(self.access, credential) & self.wanted:
            return
        owner = next(one for one in actors(self.access, credential) if self.access.held(one) & self.wanted)
        roles = self.access.via(owner, self.wanted)
        yield _path(rule, rule.path.format(owner=owner.subject, roles=_some(roles)))


def _path(rule: Rule, text: str) -> Path:
    return Path(rule=rule.id, text=text, why=rule.why, certainty=rule.certainty)


def _some(names: Iterable[str], number: int | None = None) -> str:
    """The first two of these names and how many more there are; `number` is how many, where not all are given."""
    listed = list(names)
    count = len(listed) if number is None else number
    if count <= 2:
        return " and ".join(listed)
    return f"{listed[0]}, {listed[1]} and {count - 2} more"
